import type { OpenSocket } from '../netlink.js';
import { openNativeSocket } from './native-socket.js';
import { openPackageSocket } from './package-socket.js';

export * from '../netlink.js';

/** Opens a socket of our own make where it was built, else one of the npm package `netlink`. */
export const openSocket: OpenSocket = (family, handlers, options) =>
  openNativeSocket(family, handlers, options) ?? openPackageSocket(family, handlers, options);
