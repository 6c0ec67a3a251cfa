import { constants } from 'node:os';
import type { Errnos } from '../errno.js';

export type * from '../errno.js';
export { errnoText } from '../errno-text.js';

export const ERRNO: Errnos['ERRNO'] = constants.errno;

/** Names that share a number in errno.h, and the one the kernel's own sources use. */
const PREFERRED = ['EAGAIN', 'EOPNOTSUPP', 'EDEADLK'];

let names: Map<number, string> | undefined;

export const errnoName: Errnos['errnoName'] = (errno) => {
  if (names === undefined) {
    names = new Map();
    for (const [name, number] of Object.entries(constants.errno)) {
      if (!names.has(number) || PREFERRED.includes(name)) names.set(number, name);
    }
  }
  return names.get(errno);
};
