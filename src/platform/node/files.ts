import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { ERRNO } from '#platform/errno.js';
import type { Files } from '../files.js';
import { systemError } from '../system-error.js';

export type * from '../files.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
/** Neither through a link, nor waiting for the other end of a pipe. */
const CAREFULLY = O_NOFOLLOW | O_NONBLOCK;

export const readFile: Files['readFile'] = (path, most) => {
  if (most === undefined) return readFileSync(path);
  return withFile(path, O_RDONLY, (descriptor) => {
    const text = `read '${path}'`;
    if (fstatSync(descriptor).size > most) throw systemError(ERRNO.EFBIG, text);
    return readFileSync(descriptor);
  });
};

export const mostText: Files['mostText'] = 16 * 1024 * 1024;

export const listDirectory: Files['listDirectory'] = (path) => readdirSync(path);

export const lstat: Files['lstat'] = (path) => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const kind = found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : 'other';
  return { kind, uid: found.uid, mode: found.mode & 0o7777 };
};

export const readStart: Files['readStart'] = (path, count) =>
  withFile(path, O_RDONLY | CAREFULLY, (descriptor) => {
    if (!fstatSync(descriptor).isFile()) return undefined;
    const bytes = new Uint8Array(count);
    return bytes.subarray(0, readSync(descriptor, bytes));
  });

export const writeFile: Files['writeFile'] = (path, bytes, how) => {
  const flags = O_WRONLY | CAREFULLY | (how === 'replace' ? O_TRUNC : O_CREAT | O_EXCL);
  const write = (descriptor: number): void => writeFileSync(descriptor, bytes);
  withFile(path, flags, write, how === 'create-private' ? 0o600 : 0o644);
};

export const unlink: Files['unlink'] = (path) => unlinkSync(path);

/**
 * The kernel's generator, read directly: Node's crypto is seeded from it too, but costs 0.4 MB of memory at its first use,
 * and is needed for nothing else. Where there is no /dev it has to do.
 */
export const randomBytes: Files['randomBytes'] = (count) => {
  const bytes = new Uint8Array(count);
  try {
    // Up to 256 bytes come whole or not at all (man 4 urandom).
    const taken = withFile('/dev/urandom', O_RDONLY, (descriptor) => readSync(descriptor, bytes));
    if (taken === count) return bytes;
  } catch {
    // Asked of Node.
  }
  return crypto.getRandomValues(bytes);
};

function withFile<T>(path: string, flags: number, work: (descriptor: number) => T, mode?: number): T {
  const descriptor = openSync(path, flags, mode);
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
