import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { messageOf } from '../wording.js';
import { EXIT, ExitError } from './exit.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
/** Neither through a link, nor waiting for the other end of a pipe. */
const CAREFULLY = O_NOFOLLOW | O_NONBLOCK;

/** What stands in the way of the pid file. */
class Taken extends Error {}

/**
 * Writes this process's number into the file, which may be there already if it holds nothing but such a number. What is
 * another user's is replaced by a file of ours, since its owner could write another number into it.
 *
 * @throws {ExitError} 73 with what stands in the way: a link, a directory, a pipe, a file with something else in it
 */
export function writePidFile(file: string): void {
  try {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found?.isSymbolicLink())
      throw new Taken('it is a symbolic link, which is not followed: expected a file');
    if (found !== undefined && !/^\d*\n?$/.test(read(file))) {
      throw new Taken('the file holds something else than a process id, and is left alone: name another');
    }
    // root may do with any file what it wants to, whoever has it.
    const foreign = found !== undefined && found.uid !== 0 && found.uid !== process.geteuid?.();
    if (foreign) replace(file, found.uid);
    const flags = found === undefined || foreign ? O_CREAT | O_EXCL : O_TRUNC;
    const descriptor = openSync(file, O_WRONLY | CAREFULLY | flags, 0o644);
    try {
      writeSync(descriptor, `${process.pid}\n`);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new ExitError(EXIT.CANNOT_CREATE, `--pid-file ${file}: ${messageOf(error)}`);
  }
}

function replace(file: string, owner: number): void {
  try {
    unlinkSync(file);
  } catch (error) {
    throw new Taken(`it is a file of user ${owner}, and cannot be replaced: ${messageOf(error)}`);
  }
}

/** Removes the pid file, unless it is another's by now. @throws when that cannot be */
export function removePidFile(file: string): void {
  if (read(file) === `${process.pid}\n`) unlinkSync(file);
}

/** The beginning of a file, enough to tell what it holds. */
function read(file: string): string {
  const descriptor = openSync(file, O_RDONLY | CAREFULLY);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Taken('it is no file');
    const buffer = Buffer.alloc(32);
    return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
