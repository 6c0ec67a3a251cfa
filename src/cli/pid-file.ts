import { lstat, readStart, unlink, writeFile } from '#platform/files.js';
import { effectiveUser, pid } from '#platform/process.js';
import { decodeLatin1, encodeUtf8 } from '#platform/text.js';
import { messageOf } from '../wording.js';
import { EXIT, ExitError } from './exit.js';

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
    const found = lstat(file);
    if (found?.kind === 'link')
      throw new Taken('it is a symbolic link, which is not followed: expected a file');
    if (found !== undefined && !/^\d*\n?$/.test(read(file))) {
      throw new Taken('the file holds something else than a process id, and is left alone: name another');
    }
    // root may do with any file what it wants to, whoever has it.
    const foreign = found !== undefined && found.uid !== 0 && found.uid !== effectiveUser();
    if (foreign) replace(file, found.uid);
    writeFile(file, encodeUtf8(`${pid}\n`), found === undefined || foreign ? 'create' : 'replace');
  } catch (error) {
    throw new ExitError(EXIT.CANNOT_CREATE, `--pid-file ${file}: ${messageOf(error)}`);
  }
}

function replace(file: string, owner: number): void {
  try {
    unlink(file);
  } catch (error) {
    throw new Taken(`it is a file of user ${owner}, and cannot be replaced: ${messageOf(error)}`);
  }
}

/** Removes the pid file, unless it is another's by now. @throws when that cannot be */
export function removePidFile(file: string): void {
  if (read(file) === `${pid}\n`) unlink(file);
}

/** The beginning of a file, enough to tell what it holds. */
function read(file: string): string {
  const bytes = readStart(file, 32);
  if (bytes === undefined) throw new Taken('it is no file');
  return decodeLatin1(bytes);
}
