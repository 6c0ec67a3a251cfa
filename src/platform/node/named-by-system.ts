import type { SystemError } from '../errno.js';
import { systemError } from '../system-error.js';

/**
 * An error of Node's that has a number, as {@link SystemError} wants it: Node words those of sockets in another way than those of files.
 *
 * @param tried what was tried, at what
 */
export function namedBySystem(error: NodeJS.ErrnoException, tried: string): SystemError | Error {
  return typeof error.errno === 'number' ? systemError(error.errno, tried) : error;
}
