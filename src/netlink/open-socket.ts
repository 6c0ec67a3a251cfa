import { openNativeSocket } from './native-socket.js';
import { openPackageSocket } from './package-socket.js';
import type { OpenSocket } from './socket.js';

/**
 * Opens a socket of our own make where it was built, else one of the npm package `netlink`.
 *
 * @throws {NetlinkUnavailableError} where neither is
 */
export const openSocket: OpenSocket = (family, handlers, options) =>
  openNativeSocket(family, handlers, options) ?? openPackageSocket(family, handlers, options);
