// Writes dist/src/build-time.json, by which the program knows when it was built (src/sntp/build-time.ts). A clock earlier
// than that is certainly wrong. SOURCE_DATE_EPOCH (seconds), where set, is used instead of now, for builds that repeat.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const epoch = Number(process.env.SOURCE_DATE_EPOCH);
const built = process.env.SOURCE_DATE_EPOCH && Number.isFinite(epoch) ? epoch * 1000 : Date.now();
const folder = new URL('../dist/src/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(fileURLToPath(new URL('build-time.json', folder)), `${JSON.stringify({ built })}\n`);
