import type { OpenProbe } from '../probe.js';
import { probesOver } from '../probe-socket.js';
import { systemError } from '../system-error.js';
import { addon } from './addon.js';
import { ERRNO } from './errno.js';

export type * from '../probe.js';

export const openProbe: OpenProbe = (kind, way) => {
  const native = addon();
  if (native === undefined) throw systemError(ERRNO.ENOSYS, 'probe without the native part');
  return probesOver(native)(kind, way);
};
