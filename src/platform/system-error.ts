import { errnoName, errnoText } from '#platform/errno.js';
import type { SystemError } from './errno.js';

/**
 * @param error an error number of errno.h, of either sign
 * @param tried what was tried, at what: `open '/x'`
 */
export function systemError(error: number, tried: string): SystemError {
  const errno = Math.abs(error);
  const code = errnoName(errno) ?? `E${errno}`;
  const text = errnoText(code) ?? 'unknown error';
  return Object.assign(new Error(`${code}: ${text}, ${tried}`), { code, errno });
}
