// Writes dist/src/build-time.json, by which the program knows when it was built (src/sntp/build-time.ts). A clock earlier
// than that is certainly wrong. SOURCE_DATE_EPOCH (seconds), where set, is used instead of now, for builds that repeat.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildTime } from './setup/epoch.mjs';

const folder = new URL('../dist/src/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(
  fileURLToPath(new URL('build-time.json', folder)),
  `${JSON.stringify({ built: buildTime() })}\n`,
);
