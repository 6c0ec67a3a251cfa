import type { NetlinkSocket, OpenSocket } from '../netlink.js';
import { addon } from './addon.js';

/**
 * Opens a socket of our own make (native/netlink.c). Against the npm package's, it survives an overflow of its receive buffer and
 * reports it, asks the kernel for extended acknowledgements and strict dumps, and costs less.
 *
 * @returns undefined when it was not built
 * @throws {SystemError} when the kernel refuses it
 */
export function openNativeSocket(
  ...[family, handlers, options = {}]: Parameters<OpenSocket>
): NetlinkSocket | undefined {
  const native = addon();
  if (native === undefined) return undefined;
  const { NetlinkSocket: NativeSocket } = native;
  const socket = new NativeSocket(family, handlers, options.groups ?? [], options.receiveBufferBytes ?? 0);
  const { port, extendedAck, cappedAck, strictDump } = socket;
  let open = true;
  return {
    port,
    features: { extendedAck, cappedAck, strictDump },
    send(message, failed) {
      const errno = socket.send(message);
      if (errno === 0) return;
      process.nextTick(() => {
        if (open) failed(errno);
      });
    },
    receive: () => socket.receive(),
    repeat: (message, answer, varying) => socket.repeat(message, answer, varying),
    ref: () => socket.setRef(true),
    unref: () => socket.setRef(false),
    close() {
      open = false;
      socket.close();
    },
  };
}
