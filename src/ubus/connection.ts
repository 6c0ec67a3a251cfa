/**
 * One connection to ubusd: requests and the replies that belong to them, timeouts, and bounds on what is held
 * in memory.
 */

import { connectStream, type Stream } from '#platform/stream.js';
import { clearTimeout, setTimeout, type Timer } from '#platform/timers.js';
import type { BlobWriter } from './blob.js';
import { BlobError, STATUSES, StatusError, UbusError } from './errors.js';
import {
  type Attributes,
  encodeMessage,
  type Message,
  MessageReader,
  MessageType,
  readAttributes,
} from './message.js';

/**
 * Most bytes kept for an ubusd that does not read. What would go beyond is refused with NO_MEMORY. One
 * message of the greatest length always fits.
 */
const MAX_UNSENT = 1_048_576 + 12;
/**
 * The same for answers to calls. Nothing can wait within one turn of the event loop, as libubus does until
 * the socket takes more, and an ubusd that hands calls over does read: so calls may be answered that far
 * ahead, one that is being answered further, and there is always room left for its status.
 */
export const AnswerLimit = { first: 4 * 1_048_576, more: 16 * 1_048_576, status: 17 * 1_048_576 } as const;
/**
 * Most sequence numbers of timed-out requests that are kept back, so that a late reply is not taken for that
 * of another request.
 */
const MAX_LATE = 1024;
/** Milliseconds that a connection being closed gets to send what is written. */
const FLUSH_TIME = 250;
/** Longest delay that setTimeout takes, in milliseconds; beyond, it fires at once. */
export const MAX_TIMER = 0x7fff_ffff;

/** What a connection tells its owner. */
export interface ConnectionOwner {
  /**
   * A message that answers no request of ours: an invocation, a notification. Thrown errors end the
   * connection.
   */
  onMessage(connection: Connection, message: Message): void;
  /** The connection is over, after it had been greeted; called once. */
  onClosed(connection: Connection, error: UbusError): void;
}

/** A message that ubusd, or the object it reaches, answers. */
export interface Request {
  /** One of {@link MessageType}. */
  readonly type: number;
  /** Object id for invocations, else 0: replies carry the same. */
  readonly peer: number;
  /** Milliseconds until the request is given up; `Infinity` for never. */
  readonly timeout: number;
  /**
   * The answer is waited for beyond the timeout: an ubusd that was stopped carries the request out when it
   * goes on, and what it has registered then must not be forgotten here. Only if ubusd had time for other
   * messages meanwhile has the answer got lost (it drops what we do not read); that ends the connection.
   */
  readonly patient?: boolean;
  /** What is asked, for error messages: `calling board of system`. */
  readonly what: string;
  write(writer: BlobWriter): void;
  /** Called for each message of data, before the promise settles. A thrown error rejects the promise. */
  onData?(attributes: Attributes, message: Message): void;
}

interface Pending {
  readonly request: Request;
  timer: Timer | undefined;
  /** Of a patient request: how many messages had come in when its timeout was over. */
  heard: number | undefined;
  resolve(attributes: Attributes): void;
  reject(error: UbusError): void;
}

interface PromiseWithTimer {
  readonly timer: Timer;
  resolve(): void;
  reject(error: UbusError): void;
}

/** See the head of this file. */
export class Connection {
  readonly #stream: Stream;
  readonly #owner: ConnectionOwner;
  readonly #reader = new MessageReader();
  readonly #pending = new Map<number, Pending>();
  readonly #late = new Set<number>();
  #sequence = 0;
  /** How many messages have come in. */
  #heard = 0;
  #greeting: PromiseWithTimer | undefined;
  #over: UbusError | undefined;
  /** Settles when ubusd has sent its greeting, or the connection has come to nothing. */
  readonly greeted: Promise<void>;

  /**
   * Connects to the socket at `path`, and waits for ubusd's greeting for at most `timeout` milliseconds. The
   * socket is connected before this returns; it is from that moment that ubusd takes the user and group of
   * this process.
   */
  constructor(path: string, timeout: number, owner: ConnectionOwner) {
    this.#owner = owner;
    this.greeted = new Promise((resolve, reject) => {
      const late = new UbusError('TIMEOUT', `ubusd at ${path} sent no greeting within ${timeout} ms`);
      this.#greeting = { resolve, reject, timer: setTimeout(() => this.close(late), timeout) };
    });
    this.#stream = connectStream(path, {
      data: (bytes) => this.#receive(bytes),
      closed: (error) => this.close(error === undefined ? this.#hangUp(path) : connectionError(path, error)),
    });
  }

  /** Whether the connection is over. */
  get closed(): boolean {
    return this.#over !== undefined;
  }

  /**
   * Sends a request. The promise settles when its status arrives: with the attributes of that message if it
   * is OK, else with a {@link UbusError} of that status; also with TIMEOUT, CONNECTION_FAILED, NO_MEMORY (too
   * much unsent), INVALID_ARGUMENT (cannot be encoded) or PARSE_ERROR (the reply cannot be decoded).
   */
  request(request: Request): Promise<Attributes> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) throw this.#over;
      const sequence = this.#nextSequence(request);
      this.#write(encode(request, sequence), request.what, MAX_UNSENT);
      const pending: Pending = { request, timer: undefined, heard: undefined, resolve, reject };
      this.#pending.set(sequence, pending);
      this.#startTimer(sequence, pending);
    });
  }

  /**
   * Sends a message that is not answered, unless more than `limit` bytes would be unsent then. Throws {@link
   * UbusError} as {@link request} rejects.
   */
  send(
    type: number,
    sequence: number,
    peer: number,
    what: string,
    write: (writer: BlobWriter) => void,
    limit: number = MAX_UNSENT,
  ): void {
    if (this.#over !== undefined) throw this.#over;
    this.#write(encode({ type, peer, what, write }, sequence), what, limit);
  }

  /** A number for a message that wants no answer. */
  freeSequence(what: string): number {
    return this.#nextSequence({ what });
  }

  /**
   * Ends the connection: what is written still goes out if ubusd takes it within a quarter of a second.
   * Requests under way reject.
   */
  close(error: UbusError): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#stream.end();
    setTimeout(() => this.#stream.destroy(), FLUSH_TIME).unref();
    for (const { request, timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new UbusError('CONNECTION_FAILED', `${request.what}: ${error.message}`, { cause: error }));
    }
    this.#pending.clear();
    this.#late.clear();
    const greeting = this.#greeting;
    if (greeting === undefined) {
      this.#owner.onClosed(this, error);
      return;
    }
    clearTimeout(greeting.timer);
    greeting.reject(error);
  }

  #hangUp(path: string): UbusError {
    const why =
      this.#greeting === undefined
        ? `ubusd at ${path} closed the connection`
        : `ubusd at ${path} hung up without a greeting: it does so when the user or group of this process has no name`;
    return new UbusError('CONNECTION_FAILED', why);
  }

  #nextSequence({ what }: Pick<Request, 'what'>): number {
    if (this.#pending.size + this.#late.size >= 0xffff) {
      throw new UbusError('NO_MEMORY', `${what}: 65535 requests are under way already`);
    }
    do this.#sequence = (this.#sequence + 1) & 0xffff;
    while (this.#pending.has(this.#sequence) || this.#late.has(this.#sequence));
    return this.#sequence;
  }

  #write(bytes: Uint8Array, what: string, limit: number): void {
    const unsent = this.#stream.unsent;
    if (unsent + bytes.length > limit) {
      throw new UbusError(
        'NO_MEMORY',
        `${what}: ubusd does not read; ${unsent} bytes are waiting for it already`,
      );
    }
    this.#stream.write(bytes);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over !== undefined) return;
    try {
      this.#reader.push(chunk, (message) => {
        this.#take(message);
        return this.#over === undefined;
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.close(new UbusError('CONNECTION_FAILED', `ubusd sent garbage: ${why}`, { cause: error }));
    }
  }

  #take(message: Message): void {
    this.#heard += 1;
    const greeting = this.#greeting;
    if (greeting !== undefined) {
      if (message.type !== MessageType.hello)
        throw new UbusError('PARSE_ERROR', `type ${message.type} instead of a greeting`);
      this.#greeting = undefined;
      clearTimeout(greeting.timer);
      greeting.resolve();
    } else if (message.type === MessageType.status || message.type === MessageType.data) {
      this.#answer(message);
    } else {
      this.#owner.onMessage(this, message);
    }
  }

  #answer(message: Message): void {
    const { sequence } = message;
    const pending = this.#pending.get(sequence);
    if (pending === undefined) {
      if (message.type === MessageType.status) this.#late.delete(sequence);
      return;
    }
    // ubusd vouches for the peer: without this check any object could answer for any other.
    if (message.peer !== pending.request.peer) return;
    try {
      const attributes = readAttributes(message);
      if (message.type === MessageType.data) {
        pending.request.onData?.(attributes, message);
        return;
      }
      this.#settle(sequence, pending);
      const code = attributes.status ?? STATUSES.indexOf('INVALID_ARGUMENT');
      if (code === 0) pending.resolve(attributes);
      else pending.reject(new StatusError(code, pending.request.what, attributes.objectId === undefined));
    } catch (error) {
      // The bytes are those of the object that answered, not of ubusd, so the connection is sound.
      this.#settle(sequence, pending);
      if (message.type === MessageType.data) this.#keepBack(sequence);
      pending.reject(replyError(pending.request.what, error));
    }
  }

  #settle(sequence: number, pending: Pending): void {
    this.#pending.delete(sequence);
    clearTimeout(pending.timer);
  }

  #startTimer(sequence: number, pending: Pending): void {
    const { timeout } = pending.request;
    if (timeout <= MAX_TIMER) pending.timer = setTimeout(() => this.#expire(sequence, pending), timeout);
  }

  #expire(sequence: number, pending: Pending): void {
    const { what, timeout, patient } = pending.request;
    if (patient !== true) {
      this.#pending.delete(sequence);
      this.#keepBack(sequence);
      pending.reject(new UbusError('TIMEOUT', `${what}: no answer within ${timeout} ms`));
    } else if (pending.heard === undefined || pending.heard === this.#heard) {
      pending.heard = this.#heard;
      this.#startTimer(sequence, pending);
    } else {
      this.close(new UbusError('TIMEOUT', `${what}: ubusd answers, but not this`));
    }
  }

  #keepBack(sequence: number): void {
    this.#late.add(sequence);
    if (this.#late.size <= MAX_LATE) return;
    for (const oldest of this.#late) {
      this.#late.delete(oldest);
      return;
    }
  }
}

function encode(request: Pick<Request, 'type' | 'peer' | 'what' | 'write'>, sequence: number): Uint8Array {
  try {
    return encodeMessage(request.type, sequence, request.peer, (writer) => request.write(writer));
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    throw new UbusError('INVALID_ARGUMENT', `${request.what}: ${error.message}`, { cause: error });
  }
}

function replyError(what: string, error: unknown): UbusError {
  if (error instanceof UbusError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new UbusError('PARSE_ERROR', `${what}: the answer cannot be read: ${why}`, { cause: error });
}

function connectionError(path: string, error: Error & { readonly code?: string }): UbusError {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such socket; ubusd does not run, or listens elsewhere',
    ECONNREFUSED: 'nobody listens; ubusd does not run',
    EACCES: 'this user may not open the socket',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new UbusError('CONNECTION_FAILED', `ubusd at ${path}: ${reason} (${error.code ?? 'unknown'})`, {
    cause: error,
  });
}
