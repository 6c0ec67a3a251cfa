import { type NetlinkSocket, type OpenSocket, openSocket } from '#platform/netlink.js';
import { clearTimeout, monotonic, setTimeout, type Timer } from '#platform/timers.js';
import { decodeMessages, type NetlinkMessage, NLMSG_OVERRUN } from './message.js';

/**
 * SO_RCVBUF asked for. The kernel cuts it to net.core.rmem_max (some 200 KiB by default) and then doubles it: room for
 * about 500 route events or 100 link events that came while nobody read.
 */
const RECEIVE_BUFFER = 1024 * 1024;
/** So many datagrams within so many milliseconds are a flood: few enough to leave before the buffer is full. */
const FLOOD_DATAGRAMS = 64;
const FLOOD_WINDOW = 100;
/** Milliseconds to stay away from a flood, or from a socket that cannot be opened; doubling while it goes on. */
const PAUSE = 250;
const PAUSE_MAX = 4000;

/** What a subscription tells. Neither is called after `close()`. */
export interface SubscriptionHandlers {
  /** The kernel has sent a message to the groups. */
  message(message: NetlinkMessage): void;
  /** Messages were missed, and from now on they come again: read everything afresh. */
  lost(): void;
}

/** How a subscription behaves. */
export interface SubscriptionOptions {
  /** SO_RCVBUF in bytes; the kernel cuts it to net.core.rmem_max and doubles it. Default 1 MiB. */
  receiveBufferBytes?: number;
  /** Another way to open the socket: for tests, or an addon of one's own. */
  openSocket?: OpenSocket;
}

/**
 * Membership in multicast groups that survives what happens to its socket.
 *
 * When the receive buffer overflows (ENOBUFS), the kernel drops messages; when they come faster than one can sensibly
 * react to each, the subscription itself leaves for a moment. Both end with `lost()`: the state has to be read afresh, which
 * after a flood costs less than following it.
 *
 * A subscription keeps the process alive unless `unref()` is called.
 */
export class NetlinkSubscription {
  readonly #family: number;
  readonly #groups: readonly number[];
  readonly #handlers: SubscriptionHandlers;
  readonly #receiveBufferBytes: number;
  readonly #open: OpenSocket;
  #socket: NetlinkSocket | undefined;
  #timer: Timer | undefined;
  #pause = PAUSE;
  #referenced = true;
  #closed = false;
  #windowStart = 0;
  #windowCount = 0;

  /**
   * @param family NETLINK_ROUTE, …
   * @param groups multicast groups, e.g. RTNLGRP_LINK
   * @throws what opening the socket throws: an error with `errno`
   */
  constructor(
    family: number,
    groups: readonly number[],
    handlers: SubscriptionHandlers,
    options: SubscriptionOptions = {},
  ) {
    this.#family = family;
    this.#groups = groups;
    this.#handlers = handlers;
    this.#receiveBufferBytes = options.receiveBufferBytes ?? RECEIVE_BUFFER;
    this.#open = options.openSocket ?? openSocket;
    this.#socket = this.#join();
  }

  /** Keep the process alive, as from the start. */
  ref(): void {
    this.#referenced = true;
    this.#socket?.ref();
    this.#timer?.ref();
  }

  /** Do not keep the process alive. */
  unref(): void {
    this.#referenced = false;
    this.#socket?.unref();
    this.#timer?.unref();
  }

  /** Leaves the groups. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drop();
  }

  #join(): NetlinkSocket {
    const socket = this.#open(
      this.#family,
      {
        message: (datagram, sender) => {
          // Anybody with rights may send to a group; only the kernel knows.
          if (sender !== 0) return;
          this.#receive(datagram);
          this.#watchFlood();
        },
        error: (_errno, closed) => {
          if (closed) this.#rejoin();
          else this.#handlers.lost();
        },
      },
      { groups: this.#groups, receiveBufferBytes: this.#receiveBufferBytes },
    );
    if (!this.#referenced) socket.unref();
    return socket;
  }

  #receive(datagram: Uint8Array): void {
    let messages: NetlinkMessage[];
    try {
      messages = decodeMessages(datagram);
    } catch {
      this.#handlers.lost();
      return;
    }
    for (const message of messages) {
      if (this.#closed) return;
      if (message.type === NLMSG_OVERRUN) this.#handlers.lost();
      else this.#handlers.message(message);
    }
  }

  #watchFlood(): void {
    const now = monotonic();
    if (now - this.#windowStart > FLOOD_WINDOW) {
      if (this.#windowCount > 0) this.#pause = PAUSE;
      this.#windowStart = now;
      this.#windowCount = 0;
    }
    if (++this.#windowCount < FLOOD_DATAGRAMS || this.#closed) return;
    this.#drop();
    this.#later();
  }

  #rejoin(): void {
    this.#drop();
    try {
      this.#socket = this.#join();
    } catch {
      this.#later();
      return;
    }
    this.#windowStart = monotonic();
    this.#windowCount = 0;
    this.#handlers.lost();
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#rejoin();
    }, this.#pause);
    if (!this.#referenced) this.#timer.unref();
    this.#pause = Math.min(PAUSE_MAX, this.#pause * 2);
  }

  #drop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
