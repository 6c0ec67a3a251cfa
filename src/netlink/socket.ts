import { RawNetlinkSocket } from 'netlink/dist/raw.js';

/** Netlink families used here (linux/netlink.h). */
export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** What a socket tells its owner. None of it is called before the opener returned, nor after `close()`. */
export interface SocketHandlers {
  /** A datagram came. `sender` is the port it came from; the kernel's is 0. */
  message(datagram: Uint8Array, sender: number): void;
  /**
   * Receiving failed with this (positive) error number.
   *
   * @param closed the socket is dead; otherwise it goes on, having dropped messages
   */
  error(errno: number, closed: boolean): void;
}

/** A bound netlink socket, small enough to be faked in a test or replaced by an addon of another make. */
export interface NetlinkSocket {
  /** The port the kernel knows it by. */
  readonly port: number;
  /** Sends one message to the kernel; `failed` is called later with an error number if that could not be. */
  send(message: Uint8Array, failed: (errno: number) => void): void;
  /** Keep the process alive (as from the start), or do not. */
  ref(): void;
  unref(): void;
  close(): void;
}

/** How a socket is to be opened. */
export interface SocketOptions {
  /** Multicast groups to be a member of, e.g. RTNLGRP_LINK. */
  groups?: readonly number[];
  /** SO_RCVBUF in bytes. The kernel doubles it, and cuts it to net.core.rmem_max first. */
  receiveBufferBytes?: number;
}

/** Opens a socket of a netlink family. @throws an error with `errno` when the kernel refuses it */
export type OpenSocket = (family: number, handlers: SocketHandlers, options?: SocketOptions) => NetlinkSocket;

/** The package's way to say that an error killed the socket: the error of poll, not of recvmsg. */
const POLL_ERROR = /polling/;

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
 */
export const openSocket: OpenSocket = (family, handlers, options = {}) => {
  // Port 0: the kernel chooses a free one. The package's own choice could collide with other libraries' sockets.
  const raw = new RawNetlinkSocket(family, {
    localPort: 0,
    recvBufferSize: options.receiveBufferBytes ?? 0,
    sendBufferSize: 0,
  });
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
    for (const group of options.groups ?? []) raw.addMembership(group);
  } catch (error) {
    raw.close();
    throw error;
  }
  return {
    port: raw.address().port,
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
