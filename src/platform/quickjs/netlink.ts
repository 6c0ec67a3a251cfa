import { type OpenSocket, REPEATED } from '../netlink.js';
import { systemError } from '../system-error.js';
import { native, READABLE } from './native.js';

export * from '../netlink.js';

/** Datagrams handed on by one `receive()`: the rest of the program has its turn too. */
const BATCH = 32;

export const openSocket: OpenSocket = (family, handlers, options = {}) => {
  const opened = native.openNetlink(family, options.groups ?? [], options.receiveBufferBytes ?? 0);
  if (opened.length === 2) throw systemError(opened[1], opened[0]);
  const [fd, port, extendedAck, cappedAck, strictDump] = opened;
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    watch.stop();
    native.close(fd);
  };
  /** Hands on one datagram. @returns whether there may be more */
  const receive = (): boolean => {
    const received = native.netlinkReceive(fd);
    if (typeof received !== 'number') {
      handlers.message(received[0], received[1]);
      return true;
    }
    const errno = -received;
    if (native.errnoName(errno) === 'EAGAIN') return false;
    if (native.netlinkIsFatal(errno)) close();
    handlers.error(errno, !open);
    return true;
  };
  const watch = native.watch(fd, receive);
  watch.want(READABLE);
  return {
    port,
    features: { extendedAck, cappedAck, strictDump },
    send(message, failed) {
      const error = open ? native.netlinkSend(fd, message) : 0;
      if (error === 0) return;
      native.queueMicrotask(() => {
        if (open) failed(-error);
      });
    },
    receive() {
      try {
        for (let i = 0; i < BATCH && open && receive(); i++);
      } catch (error) {
        // Of a handler's, and not for whoever called this: as if the loop had called back.
        native.queueMicrotask(() => {
          throw error;
        });
      }
    },
    repeat: (message, answer, varying) =>
      open ? native.netlinkRepeat(fd, message, answer, varying) : REPEATED.other,
    ref: () => watch.setRef(true),
    unref: () => watch.setRef(false),
    close,
  };
};
