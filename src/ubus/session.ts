/**
 * Keeps a connection to ubusd: connects, connects again with growing pauses when it is lost, registers
 * everything anew.
 */
import { warn } from '#platform/process.js';
import { clearTimeout, monotonic, setTimeout, type Timer } from '#platform/timers.js';
import type { BlobWriter } from './blob.js';
import { Connection, MAX_TIMER } from './connection.js';
import { Dispatcher, type Target } from './dispatcher.js';
import { UbusError } from './errors.js';
import { MessageAttribute, MessageType, writeNumberAttribute } from './message.js';

/** Where ubusd listens: OpenWrt since 2021, and before. */
const DEFAULT_PATHS = ['/var/run/ubus/ubus.sock', '/var/run/ubus.sock'] as const;
/**
 * Pauses between attempts to connect, in milliseconds: the first, and the longest it grows to. Each attempt wakes the
 * process, and on a machine without ubus for nothing. As the pause doubles, an ubusd that comes late is found after at most
 * about the time that it was away.
 */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 300_000;
/**
 * How long a connection has to last for the next pause to be the first again, and the longest pause after one on which all
 * was registered, in milliseconds.
 */
const STABLE = 1_000;
/** The same for an object or listener that ubusd refuses. */
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;
/** How long ubusd may take to say hello, in milliseconds. */
const CONNECT_TIMEOUT = 5_000;
const CLOSED = 'this program has closed its connection to the bus';

/** See {@link Ubus.connect}. */
export interface UbusOptions {
  /** Path of ubusd's socket. Default: /var/run/ubus/ubus.sock, or if there is none /var/run/ubus.sock. */
  readonly path?: string;
  /**
   * Milliseconds after which a call without an answer is given up. Default 30000, as in the `ubus` command.
   * `Infinity` for never.
   */
  readonly timeout?: number;
  /** The bus is there, and all objects and listeners are registered. Called again after each reconnection. */
  readonly onConnect?: () => void;
  /**
   * The bus is gone, or was not there to begin with. Called once until it is there again, however many
   * attempts that takes.
   */
  readonly onDisconnect?: (error: UbusError) => void;
  /**
   * Something went wrong where no caller could be told: a handler threw, ubusd refused to register an object
   * again.
   */
  readonly onWarning?: (error: Error) => void;
}

/** Something that ubusd must be told about on each new connection. */
export interface Registration {
  /** Registers over a connection. */
  enroll(connection: Connection): Promise<void>;
  /** The connection is gone, and with it what was registered. */
  lost(): void;
}

/** See the head of this file. */
export class Session {
  readonly timeout: number;
  readonly #options: UbusOptions;
  readonly #registrations = new Set<Registration>();
  readonly #dispatcher = new Dispatcher((error) => this.warn(error));
  readonly #retries = new Set<Timer>();
  readonly #lostHooks: (() => void)[] = [];
  readonly #closeHooks = new Set<(error: UbusError) => void>();
  #connection: Connection | undefined;
  #opening: Connection | undefined;
  #reconnect: Timer | undefined;
  #pause = FIRST_PAUSE;
  #connectedAt = 0;
  /** Whether all is registered on the connection. */
  #complete = false;
  #told = false;
  #closed = false;

  constructor(options: UbusOptions) {
    this.#options = options;
    this.timeout = options.timeout ?? 30_000;
  }

  /** Whether ubusd is connected. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** The connection. @throws UbusError CONNECTION_FAILED if there is none. */
  connection(what: string): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const why = this.#closed ? CLOSED : 'ubusd is not connected';
    throw new UbusError('CONNECTION_FAILED', `${what}: ${why}`);
  }

  /** Calls `hook` whenever a connection is lost. */
  onLost(hook: () => void): void {
    this.#lostHooks.push(hook);
  }

  /** Calls `hook` when the program closes the bus, unless the function it returns was called before. */
  onClose(hook: (error: UbusError) => void): () => void {
    this.#closeHooks.add(hook);
    return () => this.#closeHooks.delete(hook);
  }

  /** Connects for the first time; rejects if that fails. */
  async start(): Promise<void> {
    await this.#open();
  }

  /** Connects in the background, as often as it takes. */
  startInBackground(): void {
    this.#open().catch((error: UbusError) => this.#tryAgain(error));
  }

  /**
   * Registers something now, and on every later connection. Rejects if ubusd refuses it now; resolves at once
   * if ubusd is not connected, or goes away meanwhile, and after the timeout if it does not answer.
   */
  async add(registration: Registration): Promise<void> {
    this.refuseIfClosed();
    this.#registrations.add(registration);
    const connection = this.#connection;
    if (connection === undefined) return;
    const enrolled = registration.enroll(connection);
    try {
      if (await this.#inTime(enrolled)) return;
    } catch (error) {
      if (connection.closed && !this.#closed) return;
      this.#registrations.delete(registration);
      throw error;
    }
    this.warn(
      new UbusError('TIMEOUT', `ubusd has not answered within ${this.timeout} ms; still waiting for it`),
    );
    enrolled.catch((error: Error) => this.#enrollLater(connection, registration, FIRST_RETRY, error));
  }

  /** Whether a promise is fulfilled within the timeout. Rejects as it does. */
  async #inTime(promise: Promise<void>): Promise<boolean> {
    if (this.timeout > MAX_TIMER) return promise.then(() => true);
    let timer: Timer | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.timeout);
    });
    try {
      return await Promise.race([promise.then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Registers something as often as it takes; failures become warnings. */
  keep(registration: Registration): void {
    this.refuseIfClosed();
    this.#registrations.add(registration);
    if (this.#connection !== undefined) void this.#enroll(this.#connection, registration, FIRST_RETRY);
  }

  /** Forgets a registration. */
  remove(registration: Registration): void {
    this.#registrations.delete(registration);
  }

  /**
   * Adds an object to the bus and returns its id. Invocations reach `target` from the moment ubusd has given
   * the id.
   */
  async addObject(
    connection: Connection,
    target: Target,
    write: (writer: BlobWriter) => void,
  ): Promise<number> {
    let id = 0;
    await connection.request({
      type: MessageType.addObject,
      peer: 0,
      timeout: this.timeout,
      patient: true,
      what: target.path === '' ? 'adding a nameless object' : `publishing ${target.path}`,
      write,
      onData: (attributes) => {
        id = attributes.objectId ?? 0;
        this.#dispatcher.targets.set(id, target);
      },
    });
    return id;
  }

  /** Removes an object from the bus. Does nothing if the connection is gone, and the object with it. */
  async removeObject(connection: Connection, id: number): Promise<void> {
    this.#dispatcher.targets.delete(id);
    if (connection.closed) return;
    try {
      await connection.request({
        type: MessageType.removeObject,
        peer: 0,
        timeout: this.timeout,
        what: 'removing an object',
        write: (writer) => writeNumberAttribute(writer, MessageAttribute.objectId, id),
      });
    } catch (error) {
      if (!connection.closed) throw error;
    }
  }

  /** Tells the program what no caller can be told. */
  warn(error: Error): void {
    const { onWarning } = this.#options;
    if (onWarning === undefined) {
      warn(error.message, 'UbusWarning');
      return;
    }
    try {
      onWarning(error);
    } catch (worse) {
      warn(`onWarning itself threw: ${worse}; it was to hear: ${error.message}`, 'UbusWarning');
    }
  }

  /**
   * Calls a function of the program; what it throws becomes a warning, and does not reach the code that reads
   * messages.
   */
  tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.warn(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Ends everything. Requests under way reject. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#reconnect);
    const error = new UbusError('CONNECTION_FAILED', CLOSED);
    for (const hook of this.#closeHooks) hook(error);
    this.#connection?.close(error);
    this.#opening?.close(error);
    this.#registrations.clear();
  }

  /** @throws UbusError CONNECTION_FAILED after {@link close}. */
  refuseIfClosed(): void {
    if (this.#closed) throw new UbusError('CONNECTION_FAILED', CLOSED);
  }

  async #open(): Promise<void> {
    const paths = this.#options.path === undefined ? DEFAULT_PATHS : [this.#options.path];
    const failures: UbusError[] = [];
    for (const path of paths) {
      try {
        this.#connected(await this.#openAt(path));
        return;
      } catch (error) {
        if (this.#closed || !(error instanceof UbusError)) throw error;
        failures.push(error);
      }
    }
    const status = failures.at(-1)?.status ?? 'CONNECTION_FAILED';
    throw new UbusError(status, failures.map(({ message }) => message).join('; '), { cause: failures[0] });
  }

  async #openAt(path: string): Promise<Connection> {
    const connection = new Connection(path, Math.min(this.timeout, CONNECT_TIMEOUT), {
      onMessage: (from, message) => this.#dispatcher.dispatch(from, message),
      onClosed: (from, error) => this.#disconnected(from, error),
    });
    this.#opening = connection;
    try {
      await connection.greeted;
      return connection;
    } finally {
      this.#opening = undefined;
    }
  }

  #connected(connection: Connection): void {
    if (this.#closed) {
      connection.close(new UbusError('CONNECTION_FAILED', CLOSED));
      return;
    }
    if (connection.closed) throw new UbusError('CONNECTION_FAILED', 'ubusd hung up right after its greeting');
    this.#connection = connection;
    this.#connectedAt = monotonic();
    this.#complete = false;
    const enrolled = [...this.#registrations].map((registration) =>
      this.#enroll(connection, registration, FIRST_RETRY),
    );
    Promise.all(enrolled).then(() => {
      if (connection.closed) return;
      this.#complete = true;
      this.#told = false;
      this.tell(() => this.#options.onConnect?.());
    });
  }

  async #enroll(connection: Connection, registration: Registration, retry: number): Promise<void> {
    if (connection.closed || !this.#registrations.has(registration)) return;
    try {
      await registration.enroll(connection);
    } catch (error) {
      this.#enrollLater(connection, registration, retry, error);
    }
  }

  #enrollLater(connection: Connection, registration: Registration, retry: number, error: unknown): void {
    if (connection.closed || !this.#registrations.has(registration)) return;
    if (retry === FIRST_RETRY) this.warn(error instanceof Error ? error : new Error(String(error)));
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      void this.#enroll(connection, registration, Math.min(retry * 2, LONGEST_RETRY));
    }, retry);
    this.#retries.add(timer);
  }

  #disconnected(connection: Connection, error: UbusError): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    // One that ends as soon as it has begun is no better than none; an ubusd that was restarted twice is one.
    if (monotonic() - this.#connectedAt >= STABLE) this.#pause = FIRST_PAUSE;
    else if (this.#complete) this.#pause = Math.min(this.#pause, STABLE);
    this.#dispatcher.targets.clear();
    for (const timer of this.#retries) clearTimeout(timer);
    this.#retries.clear();
    for (const registration of this.#registrations) registration.lost();
    for (const hook of this.#lostHooks) hook();
    if (!this.#closed) this.#tryAgain(error);
  }

  #tryAgain(error: UbusError): void {
    if (this.#closed) return;
    const jitter = 0.75 + Math.random() / 2;
    this.#reconnect = setTimeout(() => this.startInBackground(), this.#pause * jitter);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    if (this.#told) return;
    this.#told = true;
    this.tell(() => this.#options.onDisconnect?.(error));
  }
}
