import type { OpenDatagram } from '../datagram.js';
import { systemError } from '../system-error.js';
import { native, READABLE } from './native.js';

export type * from '../datagram.js';

export const openDatagram: OpenDatagram = (family, handlers) => {
  const fd = native.openUdp(family);
  let open = true;
  const later = (tell: () => void): void => {
    native.queueMicrotask(() => {
      if (open) tell();
    });
  };
  const fail = (error: number, tried: string): void => later(() => handlers.error(systemError(error, tried)));
  const watch =
    fd < 0
      ? undefined
      : native.watch(fd, () => {
          const received = native.receiveUdp(fd);
          if (typeof received === 'number') {
            if (native.errnoName(-received) !== 'EAGAIN') fail(received, 'recvmsg');
            return false;
          }
          const [bytes, address, port] = received;
          handlers.message(bytes, { address, port });
          return true;
        });
  watch?.want(READABLE);
  if (fd < 0) fail(fd, 'bind');
  else later(() => handlers.ready());
  return {
    send(packet, { address, port }) {
      const error = native.sendUdp(fd, packet, address, port);
      if (error < 0) fail(error, `send ${address}:${port}`);
      else later(() => handlers.sent());
    },
    close() {
      if (!open) return;
      open = false;
      watch?.stop();
      if (fd >= 0) native.close(fd);
    },
  };
};
