import { createSocket } from 'node:dgram';
import { constants } from 'node:os';
import type { OpenDatagram } from '../datagram.js';
import { systemError } from '../system-error.js';
import { namedBySystem } from './named-by-system.js';
import { withKnownZone } from './zone.js';

export type * from '../datagram.js';

export const openDatagram: OpenDatagram = (family, handlers) => {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // All addresses are literal. This keeps Node from handing them to getaddrinfo, and makes send() immediate.
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  let closed = false;
  const fail = (error: Error): void => {
    if (!closed) handlers.error(error);
  };
  socket.on('error', (error: NodeJS.ErrnoException) => fail(namedBySystem(error, error.syscall ?? 'bind')));
  socket.on('message', (bytes, from) => {
    if (!closed) handlers.message(bytes, { address: from.address, port: from.port });
  });
  socket.bind({ address: family === 4 ? '0.0.0.0' : '::', port: 0, exclusive: true }, () => {
    // With the lookup above, bind() may call back before it returns.
    process.nextTick(() => {
      if (!closed) handlers.ready();
    });
  });
  return {
    send: (packet, to) => {
      const tried = `send ${to.address}:${to.port}`;
      const known = withKnownZone(to.address);
      if ('refused' in known) {
        const error = systemError(constants.errno[known.refused], tried);
        process.nextTick(fail, error);
        return;
      }
      socket.send(packet, to.port, known.address, (error) => {
        if (error) fail(namedBySystem(error, tried));
        else if (!closed) handlers.sent();
      });
    },
    close: () => {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
};
