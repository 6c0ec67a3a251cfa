import { readFile } from '#platform/files.js';

/** All of a file; undefined for one that cannot be read, whatever the reason. */
export function readIfAny(path: string): Uint8Array | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}
