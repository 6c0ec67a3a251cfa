/** The bus as a program sees it. */
import { clearTimeout, monotonic, setTimeout, type Timer } from '#platform/timers.js';
import { readTable, type Table, type TableInput } from './blobmsg.js';
import { MAX_TIMER } from './connection.js';
import { StatusError, UbusError } from './errors.js';
import { type EventHandler, invokeEventObject, Listener } from './listener.js';
import { checkPath, lookup, lookupOne, type ObjectInfo, ObjectWatch } from './lookup.js';
import {
  MessageAttribute,
  MessageType,
  writeDataAttribute,
  writeNumberAttribute,
  writeStringAttribute,
} from './message.js';
import { type Method, type Methods, PublishedObject, type PublishOptions } from './object.js';
import { Session, type UbusOptions } from './session.js';
import { type SubscribeOptions, Subscription } from './subscription.js';

/** Options of a single call. */
export interface CallOptions {
  /** Milliseconds until it is given up, instead of the connection's. `Infinity` for never. */
  readonly timeout?: number;
}

/** Most bytes of data that the answers to one call may add up to. */
const MAX_ANSWER = 1_048_576 + 4096;
/** Most object ids kept for the next call. */
const MAX_KNOWN = 256;

/**
 * A connection to ubusd, OpenWrt's message bus.
 *
 * ```js
 * const bus = await Ubus.connect();
 * const board = await bus.call('system', 'board');
 * ```
 *
 * When ubusd goes away, calls under way reject with CONNECTION_FAILED, further ones at once. The connection
 * is made again in the background (after 0.1 s, growing to 5 min), and with it everything that was published,
 * listened for and subscribed to.
 *
 * At most 1 MiB is kept for an ubusd that does not read, and 4 MiB of answers to calls (16 MiB if they are
 * those to one call); what would go beyond rejects with NO_MEMORY, which is also the status its caller gets,
 * with one warning here. An ubusd that sends what is no ubus message is disconnected
 * from.
 */
export class Ubus {
  readonly #session: Session;
  readonly #known = new Map<string, number>();

  /**
   * Connects to ubusd. @throws UbusError CONNECTION_FAILED or TIMEOUT if that fails; it says which socket and
   * why.
   */
  static async connect(options: UbusOptions = {}): Promise<Ubus> {
    const bus = new Ubus(new Session(options));
    await bus.#session.start();
    return bus;
  }

  /**
   * For programs that do their work without ubusd too: returns at once and connects in the background,
   * however long it takes. What is published, listened for or subscribed to meanwhile is registered when
   * ubusd comes.
   */
  static open(options: UbusOptions = {}): Ubus {
    const bus = new Ubus(new Session(options));
    bus.#session.startInBackground();
    return bus;
  }

  private constructor(session: Session) {
    this.#session = session;
    session.onLost(() => this.#known.clear());
  }

  /** Whether ubusd is connected at this moment. */
  get connected(): boolean {
    return this.#session.connected;
  }

  /**
   * Calls a method of an object and returns the data it answers with; of several answers the first, of none
   * `{}`.
   *
   * @throws UbusError with the status of the answer, e.g. NOT_FOUND (no such object, or what the object means
   * by it), METHOD_NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED; TIMEOUT, CONNECTION_FAILED, NO_MEMORY.
   */
  async call(path: string, method: string, args: TableInput = {}, options: CallOptions = {}): Promise<Table> {
    const [first = {}] = await this.callAll(path, method, args, options);
    return first;
  }

  /**
   * Calls a method and returns all its answers in their order; some methods give several, some none. Throws
   * as {@link call}.
   */
  async callAll(
    path: string,
    method: string,
    args: TableInput = {},
    options: CallOptions = {},
  ): Promise<Table[]> {
    const timeout = options.timeout ?? this.#session.timeout;
    const deadline = monotonic() + timeout;
    const known = this.#known.get(path);
    try {
      if (known !== undefined) {
        try {
          return await this.#invoke(known, path, method, args, timeout);
        } catch (error) {
          if (!(error instanceof StatusError && error.byUbusd && error.status === 'NOT_FOUND')) throw error;
          // The id we knew is gone; the object may have come back with another one.
          this.#known.delete(path);
        }
      }
      const connection = this.#session.connection(`calling ${method} of ${path}`);
      const { id } = await lookupOne(connection, { timeout: Math.ceil(deadline - monotonic()) }, path);
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      if (!connection.closed) this.#known.set(path, id);
      return await this.#invoke(id, path, method, args, Math.ceil(deadline - monotonic()));
    } catch (error) {
      if (!(error instanceof UbusError)) throw error;
      const { code, message, cause, answers } = error;
      throw new UbusError(code, message, { object: path, method, cause, answers });
    }
  }

  /**
   * Publishes an object. Resolves when it is on the bus; at once if ubusd is not connected, and after the
   * timeout (with a warning) if ubusd does not answer: it gets there when ubusd comes, or goes on. The same
   * holds for {@link listen} and {@link subscribe}.
   *
   * ```js
   * await bus.publish('greeter', {
   *   hello: { args: { name: 'string' }, call: ({ name }) => ({ text: `Hello ${name ?? 'world'}` }) },
   * });
   * ```
   * @throws UbusError INVALID_ARGUMENT if ubusd refuses: the path is taken, or an ACL is missing.
   */
  async publish<const M>(
    path: string,
    methods: Methods<M>,
    options: PublishOptions = {},
  ): Promise<PublishedObject> {
    if (path === '') throw new UbusError('INVALID_ARGUMENT', 'an object needs a path');
    const table = new Map<string, Method>(Object.entries(methods));
    const object = new PublishedObject(this.#session, path, table, options);
    await this.#session.add(object);
    return object;
  }

  /**
   * Calls `handler(name, data)` for each event of that name; a `*` at the end stands for anything. Our own
   * events are not heard.
   *
   * @throws UbusError PERMISSION_DENIED
   */
  async listen(pattern: string, handler: EventHandler): Promise<Listener> {
    const listener = new Listener(this.#session, pattern, handler);
    await this.#session.add(listener);
    return listener;
  }

  /**
   * Sends an event to all who listen for it. Names that start with `ubus.` are ubusd's own. @throws UbusError
   * PERMISSION_DENIED …
   */
  async send(event: string, data: TableInput = {}): Promise<void> {
    const connection = this.#session.connection(`sending event ${event}`);
    await invokeEventObject(connection, this.#session.timeout, 'send', `sending event ${event}`, {
      id: event,
      data,
    });
  }

  /**
   * Calls `handler(type, data)` for each notification of an object. Kept up when the object is restarted; the
   * handler's answer is always OK.
   *
   * @throws UbusError NOT_FOUND if there is no such object now (see {@link waitFor}), or the ACL does not let
   * us; INVALID_ARGUMENT for an object of our own.
   */
  async subscribe(
    path: string,
    handler: EventHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const subscription = new Subscription(this.#session, path, handler, options);
    await this.#session.add(subscription);
    return subscription;
  }

  /**
   * The objects on the bus that this user may see: all, one by its path, or those whose path starts as
   * `pattern` before its `*`.
   */
  async lookup(pattern?: string): Promise<ObjectInfo[]> {
    const connection = this.#session.connection(`looking up ${pattern ?? 'all objects'}`);
    return await lookup(connection, { timeout: this.#session.timeout }, pattern);
  }

  /**
   * Resolves when an object is on the bus, also over a restart of ubusd. @throws UbusError TIMEOUT after the
   * milliseconds of `timeout`.
   */
  async waitFor(path: string, options: CallOptions = {}): Promise<ObjectInfo> {
    checkPath(path);
    this.#session.refuseIfClosed();
    const timeout = options.timeout ?? this.#session.timeout;
    return await new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const end = (error: unknown) => {
        clearTimeout(timer);
        offClose();
        watch.stop();
        reject(error);
      };
      const offClose = this.#session.onClose(end);
      const watch = new ObjectWatch(this.#session, path, (object) => {
        clearTimeout(timer);
        offClose();
        resolve(object);
      });
      if (timeout <= MAX_TIMER) {
        const late = new UbusError('TIMEOUT', `waiting for ${path}: not on the bus within ${timeout} ms`, {
          object: path,
        });
        timer = setTimeout(() => end(late), timeout);
      }
      this.#session.keep(watch);
    });
  }

  /**
   * Disconnects for good. Calls under way reject, objects and listeners are gone. What was sent before still
   * goes out.
   */
  close(): void {
    this.#session.close();
  }

  async #invoke(
    id: number,
    path: string,
    method: string,
    args: TableInput,
    timeout: number,
  ): Promise<Table[]> {
    const what = `calling ${method} of ${path}`;
    const answers: Table[] = [];
    let length = 0;
    const request = this.#session.connection(what).request({
      type: MessageType.invoke,
      peer: id,
      timeout,
      what,
      write: (writer) => {
        writeNumberAttribute(writer, MessageAttribute.objectId, id);
        writeStringAttribute(writer, MessageAttribute.method, method);
        writeDataAttribute(writer, args);
      },
      onData: ({ data }, { bytes }) => {
        if (data === undefined) return;
        length += data.end - data.start;
        if (length > MAX_ANSWER) throw new UbusError('NO_MEMORY', `${what}: more than 1 MiB of answers`);
        answers.push(readTable(bytes, data.start, data.end));
      },
    });
    await request.catch((error: unknown) => {
      if (!(error instanceof StatusError)) throw error;
      throw new StatusError(error.code, what, error.byUbusd, answers);
    });
    return answers;
  }
}
