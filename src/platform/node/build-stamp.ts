import { readFileSync } from 'node:fs';
import type { BuildStamp } from '../build-stamp.js';

/** What scripts/build-stamp.mjs writes next to the compiled program. */
export const buildStamp: BuildStamp['buildStamp'] = () => {
  try {
    const path = new URL('../../build-time.json', import.meta.url);
    const stamp: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof stamp === 'object' && stamp !== null && 'built' in stamp ? stamp.built : undefined;
  } catch {
    return undefined;
  }
};
