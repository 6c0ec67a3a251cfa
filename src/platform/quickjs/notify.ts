import type { Notifying } from '../notify.js';
import { systemError } from '../system-error.js';
import { native } from './native.js';

export type * from '../notify.js';

export const notify: Notifying['notify'] = (path, text) => {
  const error = native.notify(native.encodeUtf8(path), native.encodeUtf8(text));
  if (error !== 0) throw systemError(error, 'sendto');
};

export const monotonicMicroseconds: Notifying['monotonicMicroseconds'] = () =>
  Math.floor(native.monotonic() * 1000);
