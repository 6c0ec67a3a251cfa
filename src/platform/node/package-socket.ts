import { createRequire } from 'node:module';
import { NetlinkUnavailableError, type OpenSocket, type SocketFeatures } from '../netlink.js';
import { namedBySystem } from './named-by-system.js';

type Package = typeof import('netlink/dist/raw.js');

/** The package's way to say that an error killed the socket: the error of poll, not of recvmsg. */
const POLL_ERROR = /polling/;
/** It offers no setsockopt. */
const NO_FEATURES: SocketFeatures = { extendedAck: false, cappedAck: false, strictDump: false };

/** Loads the package for the first who needs it: mostly nobody does, and it costs 0.25 MB. Where it is not, as on a router, it says what is missing. */
function loadPackage(): Package {
  try {
    return createRequire(import.meta.url)('netlink/dist/raw.js');
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n', 1);
    throw new NetlinkUnavailableError(
      `no netlink socket: native.node, which belongs to ${import.meta.url}, is missing or was built for another machine, and the npm package netlink cannot take its place (${reason}): install the program again, build it where a C compiler is, or npm install netlink`,
      { cause },
    );
  }
}

/** Does it, and says as we do what the system refuses: the package's errors have a number and no name. */
function attempt<T>(tried: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Error ? namedBySystem(error, tried) : error;
  }
}

/**
 * Opens a socket with the npm package `netlink`.
 *
 * Three things about that package's native part (0.3.0) decide how it is used here:
 * - A JavaScript error that leaves a callback of it ends the process with SIGABRT. Errors are thrown afterwards instead.
 * - close() inside such a callback, promise continuations included, may crash when more than one message is being
 *   sent. The native close is therefore put off until the callback is over.
 * - When the receive buffer overflows, it ends the process with SIGABRT before any JavaScript could know (libuv says
 *   EBADF, and the error object for it is built with a null pointer). Nothing here can catch that, so the layers above
 *   take care that buffers do not overflow. The handling of the error is there for a socket that reports it.
 *
 * @throws {NetlinkUnavailableError} where the package is not, or has no binary for this machine
 */
export const openPackageSocket: OpenSocket = (family, handlers, options = {}) => {
  const { RawNetlinkSocket } = loadPackage();
  // Port 0: the kernel chooses a free one. The package's own choice could collide with other libraries' sockets.
  const raw = attempt(
    'open a netlink socket',
    () =>
      new RawNetlinkSocket(family, {
        localPort: 0,
        recvBufferSize: options.receiveBufferBytes ?? 0,
        sendBufferSize: 0,
      }),
  );
  let open = true;
  const guarded = <A extends unknown[]>(handler: (...args: A) => void) => {
    return (...args: A): void => {
      if (!open) return;
      try {
        handler(...args);
      } catch (error) {
        setImmediate(() => {
          throw error;
        });
      }
    };
  };
  const message = guarded((bytes: Uint8Array, { port }: { port: number }) => handlers.message(bytes, port));
  raw.on('message', message);
  raw.on('truncatedMessage', message);
  raw.on(
    'error',
    guarded((error: Error & { errno: number }) =>
      handlers.error(error.errno, POLL_ERROR.test(error.message)),
    ),
  );
  try {
    attempt('join a netlink multicast group', () => {
      for (const group of options.groups ?? []) raw.addMembership(group);
    });
  } catch (error) {
    raw.close();
    throw error;
  }
  return {
    port: raw.address().port,
    features: NO_FEATURES,
    send(bytes, failed) {
      raw.send(
        bytes,
        undefined,
        guarded((error?: { errno: number }) => {
          if (error) failed(error.errno);
        }),
      );
    },
    ref: () => raw.ref(),
    unref: () => raw.unref(),
    close() {
      if (!open) return;
      open = false;
      // At once, so that nothing more fills the buffer until the close.
      try {
        for (const group of options.groups ?? []) raw.dropMembership(group);
      } catch {
        // It is closed already, by an error: a member of nothing.
      }
      setImmediate(() => raw.close());
    },
  };
};
