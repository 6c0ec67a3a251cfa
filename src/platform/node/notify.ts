import type { Notifying } from '../notify.js';
import { systemError } from '../system-error.js';
import { addon } from './addon.js';
import { ERRNO } from './errno.js';
import { encodeUtf8 } from './text.js';

export type * from '../notify.js';

export const notify: Notifying['notify'] = (path, text) => {
  const error = addon()?.notify(encodeUtf8(path), encodeUtf8(text)) ?? ERRNO.ENOSYS;
  if (error !== 0) throw systemError(error, 'sendto');
};

export const monotonicMicroseconds: Notifying['monotonicMicroseconds'] = () =>
  Number(process.hrtime.bigint() / 1000n);
