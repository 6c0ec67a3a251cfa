import { ERRNO } from '#platform/errno.js';
import { type NetlinkSocket, type OpenSocket, openSocket, REPEATED } from '#platform/netlink.js';
import { setImmediate } from '#platform/timers.js';
import { NetlinkDecodeError, NetlinkError, NetlinkTimeoutError, NetlinkUnavailableError } from './errors.js';
import {
  decodeMessages,
  decodeOutcome,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  type Outcome,
} from './message.js';
import { Pending, type Taking } from './pending.js';
import { type Recorded, type Recording, recorded } from './recording.js';
import type { Exchange } from './repeated.js';
import type { NetlinkRequest } from './request.js';

const { EBADF, ECANCELED, EINTR, ENOBUFS } = ERRNO;

/** Milliseconds a request may take, when nobody says otherwise. */
export const DEFAULT_TIMEOUT = 5000;
/**
 * Requests given to the kernel at a time. It answers each while it is being sent, so the answers of a few hundred would
 * overflow the receive buffer before one of them is read; those of 16 fit into the smallest default on routers.
 */
const WINDOW = 16;
/** How often a dump is asked for again that was overtaken by changes. */
const DUMP_ATTEMPTS = 10;

/** How a connection behaves. */
export interface ConnectionOptions {
  /** Milliseconds after which a request fails with NetlinkTimeoutError, waiting for its turn included. Default 5000. */
  timeout?: number;
  /** Another way to open the socket: for tests, or an addon of one's own. */
  openSocket?: OpenSocket;
}

/**
 * Requests and dumps over one netlink socket, any number of them under way at once.
 *
 * The socket is opened by the first request, and again after it failed. It does not keep the process alive; a
 * request does, until it is answered or its timeout has passed.
 */
export class NetlinkConnection {
  readonly #family: number;
  readonly #timeout: number;
  readonly #open: OpenSocket;
  readonly #underWay = new Map<number, Pending>();
  readonly #waiting: Pending[] = [];
  /** The kernel runs one dump at a time on a socket and answers EBUSY to a second one. */
  readonly #waitingDumps: Pending[] = [];
  #dumping: Pending | undefined;
  #socket: NetlinkSocket | undefined;
  #sequence = Math.floor(Math.random() * 0x7fffffff);
  #closed = false;

  /**
   * @param family NETLINK_ROUTE, NETLINK_GENERIC, …
   * @param options see {@link ConnectionOptions}
   */
  constructor(family: number, options: ConnectionOptions = {}) {
    this.#family = family;
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
    this.#open = options.openSocket ?? openSocket;
  }

  /**
   * Asks for something to be done, or for one thing.
   *
   * @returns the messages before the acknowledgement; none for a request that only changes something
   * @throws {NetlinkError} the kernel's refusal; ENOBUFS when the answer was lost with the socket
   * @throws {NetlinkTimeoutError} the timeout passed
   * @throws {NetlinkUnavailableError} this machine has no netlink socket; no other method of this folder says so again
   */
  async request(request: NetlinkRequest): Promise<NetlinkMessage[]> {
    const messages: NetlinkMessage[] = [];
    await this.#run(request, false, {
      accept: (message) => messages.push(message),
      found: messages,
      recording: undefined,
    });
    return messages;
  }

  /**
   * Asks for all things of a kind, and once more when they changed meanwhile (NLM_F_DUMP_INTR).
   *
   * @param decode makes of a message what is wanted of it; undefined: nothing. Its NetlinkDecodeError fails the dump.
   * @throws {NetlinkError} the kernel's refusal, in the middle of the dump too; EINTR when each attempt was overtaken
   * @throws {NetlinkTimeoutError} the timeout passed
   */
  async dump<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T | undefined): Promise<T[]> {
    const found: T[] = [];
    const accept = (message: NetlinkMessage): void => {
      const item = decode(message);
      if (item !== undefined) found.push(item);
    };
    await this.#run(request, true, { accept, found, recording: undefined });
    return found;
  }

  /**
   * As {@link request} or {@link dump}, to be repeated: see {@link Repeated}.
   *
   * @param dump whether all things of a kind are asked for
   */
  async record(request: NetlinkRequest, dump: boolean): Promise<Recorded> {
    const accepted: NetlinkMessage[] = [];
    const recording: Recording = { message: undefined, datagrams: [] };
    await this.#run(request, dump, {
      accept: (message) => accepted.push(message),
      found: accepted,
      recording,
    });
    return recorded(recording, accepted);
  }

  /**
   * Asks again what was recorded, at once, and compares.
   *
   * @returns one of REPEATED; `other` also where nothing was asked, because something else is under way, or the socket cannot
   */
  repeat({ message, answer, varying }: Exchange): number {
    // What is thrown away must not be the answer to somebody else.
    if (this.#underWay.size > 0) return REPEATED.other;
    return this.#socket?.repeat?.(message, answer, varying) ?? REPEATED.other;
  }

  /** Closes the socket. Requests under way fail with ECANCELED, and so does every later one. */
  close(): void {
    this.#closed = true;
    this.#fail((pending) => new NetlinkError(ECANCELED, pending.request.what, 'the connection was closed'));
  }

  #run(request: NetlinkRequest, dump: boolean, taking: Taking): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new NetlinkError(ECANCELED, request.what, 'the connection was closed'));
    }
    return new Promise((resolve, reject) => {
      const pending = new Pending(request, dump, taking, resolve, reject);
      (dump ? this.#waitingDumps : this.#waiting).push(pending);
      this.#pump();
      this.#socket?.receive?.();
      if (pending.settled) return; // answered at once, as nearly every request is
      // One turn later, after the sockets were read: when the whole process was held up, the answer may be there already.
      const expire = (): void => setImmediate(() => this.#expire(pending));
      // Nearly every answer comes when the sockets are next read. Only then a timer is set: one that is cleared wakes the
      // process all the same, which for a daemon that is idle otherwise is half of its work.
      setImmediate(() => setImmediate(() => pending.expireIn(this.#timeout, expire)));
    });
  }

  #expire(pending: Pending): void {
    if (pending.settled) return;
    pending.settle(new NetlinkTimeoutError(pending.request.what, this.#timeout));
    if (this.#dumping === pending) {
      // It goes on in the kernel, which would answer EBUSY to another: the slot is free when its end comes.
      return;
    }
    // Another dump waited in vain for such an end: only a new socket helps.
    if (pending.dump && this.#dumping?.settled) this.#fail(lost);
    this.#forget(pending);
    this.#pump();
  }

  /** Gives the kernel what it can take. */
  #pump(): void {
    while (this.#underWay.size < WINDOW) {
      const pending = this.#waiting.shift();
      if (pending === undefined) break;
      if (!pending.settled) this.#send(pending);
    }
    while (this.#dumping === undefined) {
      const pending = this.#waitingDumps.shift();
      if (pending === undefined) break;
      if (pending.settled) continue;
      this.#dumping = pending;
      this.#send(pending);
    }
  }

  #send(pending: Pending): void {
    const { request, dump } = pending;
    try {
      this.#socket ??= this.#connect();
    } catch (error) {
      const detail = 'the netlink socket could not be opened';
      const missing = error instanceof NetlinkUnavailableError;
      this.#finish(pending, missing ? error : new NetlinkError(errnoOf(error), request.what, detail));
      return;
    }
    this.#sequence = (this.#sequence + 1) >>> 0 || 1;
    const sequence = this.#sequence;
    const flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK) | (request.flags ?? 0);
    pending.attempts++;
    pending.interrupted = false;
    this.#underWay.set(sequence, pending);
    const message = encodeMessage(request.type, flags, sequence, this.#socket.port, request.body);
    if (pending.recording !== undefined) pending.recording.message = message;
    this.#socket.send(message, (errno) => {
      if (this.#underWay.get(sequence) !== pending) return;
      this.#finish(pending, new NetlinkError(errno, request.what, 'the request could not be sent'));
      this.#pump();
    });
  }

  #connect(): NetlinkSocket {
    const socket = this.#open(this.#family, {
      message: (datagram, sender) => {
        if (sender === 0) this.#receive(datagram);
      },
      error: () => this.#fail(lost),
    });
    socket.unref();
    return socket;
  }

  #receive(datagram: Uint8Array): void {
    let messages: NetlinkMessage[];
    try {
      messages = decodeMessages(datagram);
    } catch (error) {
      this.#fail((pending) => within(pending, error));
      return;
    }
    // A datagram answers one request.
    this.#underWay.get(messages[0]?.sequence ?? 0)?.recording?.datagrams.push(datagram);
    const port = this.#socket?.port;
    for (const message of messages) {
      if (message.type === NLMSG_OVERRUN) {
        this.#fail(lost);
        return;
      }
      const pending = this.#underWay.get(message.sequence);
      if (pending !== undefined && message.port === port) this.#answer(pending, message);
    }
    this.#pump();
  }

  #answer(pending: Pending, message: NetlinkMessage): void {
    const last = message.type === NLMSG_ERROR || message.type === NLMSG_DONE;
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) pending.interrupted = true;
    try {
      if (last) {
        this.#conclude(pending, decodeOutcome(message));
      } else if (message.type !== NLMSG_NOOP && !pending.settled) {
        pending.accept(message);
      }
    } catch (error) {
      // The rest of a dump is on its way: its slot stays taken until its end comes.
      if (pending.dump && !last) pending.settle(within(pending, error));
      else this.#finish(pending, within(pending, error));
    }
  }

  #conclude(pending: Pending, { errno, detail }: Outcome): void {
    const { what, explain } = pending.request;
    if (errno === EINTR && pending.dump) pending.interrupted = true;
    else if (errno !== 0) {
      this.#finish(pending, new NetlinkError(errno, what, detail ?? explain?.[errno]));
      return;
    }
    if (!pending.interrupted || pending.settled) {
      this.#finish(pending);
    } else if (pending.attempts >= DUMP_ATTEMPTS) {
      const why = `it changed during each of ${pending.attempts} attempts to read it`;
      this.#finish(pending, new NetlinkError(EINTR, what, why));
    } else {
      this.#forget(pending);
      pending.restart();
      this.#dumping = pending;
      this.#send(pending);
    }
  }

  #finish(pending: Pending, error?: Error): void {
    this.#forget(pending);
    pending.settle(error);
  }

  #forget(pending: Pending): void {
    if (this.#dumping === pending) this.#dumping = undefined;
    for (const [sequence, other] of this.#underWay) {
      if (other === pending) this.#underWay.delete(sequence);
    }
  }

  /** Fails what is under way and drops the socket. What has not been sent yet goes over the next one. */
  #fail(reason: (pending: Pending) => Error): void {
    this.#socket?.close();
    this.#socket = undefined;
    const lot = [...this.#underWay.values()];
    if (this.#closed) lot.push(...this.#waiting.splice(0), ...this.#waitingDumps.splice(0));
    this.#underWay.clear();
    this.#dumping = undefined;
    for (const pending of lot) pending.settle(reason(pending));
    this.#pump();
  }
}

function lost(pending: Pending): NetlinkError {
  return new NetlinkError(
    ENOBUFS,
    pending.request.what,
    'the receive buffer overflowed and the answer was lost',
  );
}

function within(pending: Pending, error: unknown): Error {
  if (!(error instanceof NetlinkDecodeError))
    return error instanceof Error ? error : new Error(String(error));
  return new NetlinkDecodeError(`${pending.request.what}: the answer cannot be read: ${error.message}`);
}

/** The error number of what opening a socket threw. */
function errnoOf(error: unknown): number {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number')
    return Math.abs(error.errno);
  return EBADF;
}
