import type { Errnos } from '../errno.js';
import { KNOWN_ERRORS } from '../errno.js';
import { native } from './native.js';

export type * from '../errno.js';
export { errnoText } from '../errno-text.js';

export const ERRNO = Object.fromEntries(
  KNOWN_ERRORS.map((name) => [name, native.errnoNumber(name)]),
) as Errnos['ERRNO'];

export const errnoName: Errnos['errnoName'] = native.errnoName;
