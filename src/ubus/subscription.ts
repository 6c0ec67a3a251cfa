/** Subscribing to what an object tells: kept up when the object, or ubusd, goes and comes back. */
import { clearTimeout, setTimeout, type Timer } from '#platform/timers.js';
import type { Connection } from './connection.js';
import type { Target } from './dispatcher.js';
import { UbusError } from './errors.js';
import type { Answer, Invocation } from './invocation.js';
import type { EventHandler } from './listener.js';
import { lookupOne, type ObjectInfo, ObjectWatch } from './lookup.js';
import {
  type Attributes,
  type Message,
  MessageAttribute,
  MessageType,
  writeNumberAttribute,
} from './message.js';
import { readArguments } from './policy.js';
import type { Registration, Session } from './session.js';

/**
 * Pauses, in milliseconds, before an object is looked for again that was found and could not be subscribed to:
 * it went in between, or it is one that this user may call but not subscribe to. The first, and the longest.
 */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** See {@link Ubus.subscribe}. */
export interface SubscribeOptions {
  /**
   * The object is there and we are subscribed (true), or it is gone (false). What it told in between is lost.
   */
  readonly onActive?: (active: boolean) => void;
}

/** A subscription to an object of somebody else. */
export class Subscription implements Registration, Target {
  readonly path = '';
  /** Path of the object we are subscribed to. */
  readonly object: string;
  readonly #session: Session;
  readonly #handler: EventHandler;
  readonly #onActive: ((active: boolean) => void) | undefined;
  #enrolled: { connection: Connection; id: number } | undefined;
  #watch: ObjectWatch | undefined;
  #later: Timer | undefined;
  #pause = FIRST_PAUSE;
  #active = false;
  #closed = false;
  /** Whether ubusd has told us, since we asked to subscribe, that the object is gone. */
  #removed = false;
  /** Whether to wait for an object that is not there, instead of rejecting. */
  #patient: boolean;

  /** @internal */
  constructor(session: Session, object: string, handler: EventHandler, options: SubscribeOptions) {
    this.#session = session;
    this.object = object;
    this.#handler = handler;
    this.#onActive = options.onActive;
    this.#patient = !session.connected;
  }

  /** Whether the object is there and tells us. */
  get active(): boolean {
    return this.#active;
  }

  /** Ends the subscription. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#session.remove(this);
    const enrolled = this.#enrolled;
    this.lost();
    if (enrolled !== undefined) await this.#session.removeObject(enrolled.connection, enrolled.id);
  }

  /** @internal */
  async enroll(connection: Connection): Promise<void> {
    const id = await this.#session.addObject(connection, this, () => undefined);
    try {
      await this.#join(
        connection,
        id,
        await lookupOne(connection, { timeout: this.#session.timeout, patient: true }, this.object),
      );
    } catch (error) {
      const gone = error instanceof UbusError && error.status === 'NOT_FOUND';
      if (!gone || !this.#patient) {
        await this.#session.removeObject(connection, id);
        throw error;
      }
    }
    if (connection.closed) return;
    if (this.#closed) return this.#session.removeObject(connection, id);
    this.#patient = true;
    this.#enrolled = { connection, id };
    if (!this.#active) this.#waitForObject();
  }

  /** @internal */
  lost(): void {
    this.#enrolled = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
    clearTimeout(this.#later);
    this.#setActive(false);
  }

  /** @internal */
  targetRemoved(): void {
    this.#removed = true;
    this.#setActive(false);
    if (this.#enrolled !== undefined) this.#waitForObject();
  }

  /** @internal */
  invoke(invocation: Invocation, message: Message, { data }: Attributes): Answer | Promise<Answer> {
    if (this.#closed || data === undefined) return undefined;
    return this.#handler(invocation.method, readArguments(message.bytes, data.start, data.end, {}));
  }

  async #join(connection: Connection, id: number, object: ObjectInfo): Promise<void> {
    this.#removed = false;
    try {
      await connection.request({
        type: MessageType.subscribe,
        peer: 0,
        timeout: this.#session.timeout,
        patient: true,
        what: `subscribing to ${this.object}`,
        write: (writer) => {
          writeNumberAttribute(writer, MessageAttribute.objectId, id);
          writeNumberAttribute(writer, MessageAttribute.target, object.id);
        },
      });
    } catch (error) {
      if (!(error instanceof UbusError) || error.status !== 'INVALID_ARGUMENT') throw error;
      const why = `subscribing to ${this.object}: it is an object of this same connection, which ubusd does not allow`;
      throw new UbusError(error.code, why, { object: this.object, cause: error });
    }
    // The end of the object may have come in together with the answer, and been dealt with before this.
    if (this.#removed)
      throw new UbusError('NOT_FOUND', `subscribing to ${this.object}: it is gone`, { object: this.object });
    if (!this.#closed && !connection.closed) this.#setActive(true);
  }

  #waitForObject(): void {
    if (this.#closed || this.#watch !== undefined) return;
    const watch = new ObjectWatch(this.#session, this.object, (object) => {
      this.#watch = undefined;
      this.#rejoin(object).catch((error: Error) => this.#session.warn(error));
    });
    this.#watch = watch;
    this.#session.keep(watch);
  }

  async #rejoin(object: ObjectInfo): Promise<void> {
    const enrolled = this.#enrolled;
    if (enrolled === undefined) return;
    try {
      await this.#join(enrolled.connection, enrolled.id, object);
    } catch (error) {
      if (enrolled.connection.closed) return;
      if (!(error instanceof UbusError) || error.status !== 'NOT_FOUND') throw error;
      if (this.#closed) return;
      this.#later = setTimeout(() => this.#waitForObject(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    }
  }

  #setActive(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    if (active) this.#pause = FIRST_PAUSE;
    this.#session.tell(() => this.#onActive?.(active));
  }
}
