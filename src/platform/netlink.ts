/** What a socket tells its owner. None of it is called before the opener returned, nor after `close()`. */
export interface SocketHandlers {
  /** A datagram came; its bytes are the owner's. `sender` is the port it came from; the kernel's is 0. */
  message(datagram: Uint8Array, sender: number): void;
  /**
   * Receiving failed with this (positive) error number.
   *
   * @param closed the socket is dead; otherwise it goes on, having dropped messages (ENOBUFS)
   */
  error(errno: number, closed: boolean): void;
}

/** What the kernel was asked to do for a socket, and does. All are false on a socket that cannot be asked. */
export interface SocketFeatures {
  /** NETLINK_EXT_ACK (Linux 4.12): errors come with the kernel's own words. */
  readonly extendedAck: boolean;
  /** NETLINK_CAP_ACK (Linux 4.3): an error repeats the header of its request only, not all of it. */
  readonly cappedAck: boolean;
  /** NETLINK_GET_STRICT_CHK (Linux 4.20): what a dump asks for is checked, and used as a filter by the kernel. */
  readonly strictDump: boolean;
}

/** What {@link NetlinkSocket.repeat} finds. The numbers are those of native.h. */
export const REPEATED = {
  /** Another answer, or none; what came is gone. */
  other: 0,
  /** The same, byte for byte. */
  same: 1,
  /** The same but for bytes that may vary. */
  varied: 2,
} as const;

/** A bound netlink socket, small enough to be faked in a test or replaced by an addon of another make. */
export interface NetlinkSocket {
  /** The port the kernel knows it by. */
  readonly port: number;
  readonly features: SocketFeatures;
  /**
   * Sends one message to the kernel. `failed` is called later, not before this returned, with an error number if that
   * could not be, and not at all after `close()`.
   */
  send(message: Uint8Array, failed: (errno: number) => void): void;
  /**
   * Hands on what has come already, where the socket can: the kernel has mostly answered when `send()` returns. The handlers are
   * called before this returns; what one of them throws goes where nobody catches it, not to the caller.
   */
  receive?(): void;
  /**
   * Asks again what was asked before, where the socket can, and compares what comes with the answer of then. Only while nothing else
   * is under way.
   *
   * @param message the request, unchanged
   * @param answer its answer: all datagrams, one behind the other. Bytes that may vary are brought up to date.
   * @param varying as long as the answer: 1 for each byte of it that may vary, 0 for the others
   * @returns 0 for another answer, or none; 1 for the same; 2 for the same but for bytes that may vary
   */
  repeat?(message: Uint8Array, answer: Uint8Array, varying: Uint8Array): number;
  /** Keep the process alive, as from the start. */
  ref(): void;
  /** Do not keep the process alive. */
  unref(): void;
  /** May be called at any time, inside a handler too, and more than once. */
  close(): void;
}

/** How a socket is to be opened. */
export interface SocketOptions {
  /** Multicast groups to be a member of, e.g. RTNLGRP_LINK. */
  groups?: readonly number[];
  /**
   * SO_RCVBUF in bytes; the kernel doubles it. With CAP_NET_ADMIN as many as are wished (SO_RCVBUFFORCE), without it,
   * and with the npm package's socket, the kernel cuts it to net.core.rmem_max first.
   */
  receiveBufferBytes?: number;
}

/**
 * Opens a socket of a netlink family.
 *
 * @throws {SystemError} when the kernel refuses it
 * @throws {NetlinkUnavailableError} where there is no native part to ask with
 */
export type OpenSocket = (family: number, handlers: SocketHandlers, options?: SocketOptions) => NetlinkSocket;

/**
 * No socket can be opened, for want of a native part: this installation is incomplete, or was made for another
 * machine. `message` says what to do.
 */
export class NetlinkUnavailableError extends Error {
  override readonly name = 'NetlinkUnavailableError';
}
