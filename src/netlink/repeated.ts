import { REPEATED } from '#platform/netlink.js';
import type { NetlinkConnection } from './connection.js';
import type { NetlinkMessage } from './message.js';
import type { NetlinkRequest } from './request.js';

/** How an answer is read. */
export interface Reading<T> {
  /** Reads a whole answer. What it throws fails the question. */
  read(messages: readonly NetlinkMessage[]): T;
  /**
   * Where in it the numbers stand that may be others each time without anything else having changed.
   * @returns undefined when that cannot be said: then each answer is read as a whole
   */
  varying?(messages: readonly NetlinkMessage[], value: T): readonly DataView[] | undefined;
  /** The value with these numbers read again, from the views that {@link varying} gave. */
  update?(value: T, numbers: readonly DataView[]): T;
}

/** A question and its answer as they went over a socket, to be compared with the next. */
export interface Exchange {
  readonly message: Uint8Array;
  /** All datagrams of the answer, one behind the other. */
  readonly answer: Uint8Array;
  /** 1 for each byte of the answer that may vary. */
  readonly varying: Uint8Array;
}

/**
 * A question that is asked again and again, such as whether everything is as it was. Nearly always the answer is the one before, byte
 * for byte but for some counters; then it is compared in C (netlink_repeat) and not read. That makes it several times cheaper, and
 * is done here and nowhere else. Every other answer, and every error, comes from the question asked in the ordinary way.
 */
export class Repeated<T> {
  readonly #connection: NetlinkConnection;
  readonly #request: NetlinkRequest;
  readonly #dump: boolean;
  readonly #reading: Reading<T>;
  #before: { readonly exchange: Exchange; readonly numbers: readonly DataView[]; value: T } | undefined;

  /** @param dump whether all things of a kind are asked for */
  constructor(connection: NetlinkConnection, request: NetlinkRequest, dump: boolean, reading: Reading<T>) {
    this.#connection = connection;
    this.#request = request;
    this.#dump = dump;
    this.#reading = reading;
  }

  /**
   * Asks. The answer is the very same object as before when it is the same, and so are those parts of it that are.
   *
   * @throws as {@link NetlinkConnection.request} and dump do
   */
  async ask(): Promise<T> {
    return this.again() ?? (await this.#read());
  }

  /** Asks, and gives the answer at once; undefined where only {@link ask} can, since it is another, or the first, or none. */
  again(): T | undefined {
    const before = this.#before;
    if (before === undefined) return undefined;
    const found = this.#connection.repeat(before.exchange);
    if (found === REPEATED.same) return before.value;
    if (found === REPEATED.varied) {
      before.value = this.#reading.update?.(before.value, before.numbers) ?? before.value;
      return before.value;
    }
    this.#before = undefined;
    return undefined;
  }

  async #read(): Promise<T> {
    const { messages, exchange } = await this.#connection.record(this.#request, this.#dump);
    const value = this.#reading.read(messages);
    if (exchange === undefined) return value;
    const numbers = this.#reading.varying === undefined ? [] : this.#reading.varying(messages, value);
    if (numbers === undefined) return value;
    for (const { byteOffset, byteLength } of numbers)
      exchange.varying.fill(1, byteOffset, byteOffset + byteLength);
    this.#before = { exchange, numbers, value };
    return value;
  }
}
