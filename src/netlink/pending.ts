import { clearTimeout, setTimeout, type Timer } from '#platform/timers.js';
import type { NetlinkMessage } from './message.js';
import type { Recording } from './recording.js';
import type { NetlinkRequest } from './request.js';

/** What becomes of an answer. */
export interface Taking {
  /** Takes one message of it. May throw. */
  accept(message: NetlinkMessage): void;
  /** What was taken so far: it is emptied where a dump begins again. */
  readonly found: unknown[];
  /** Where the answer is to be recorded, if it is. */
  readonly recording: Recording | undefined;
}

/**
 * A request that has not ended yet. Nothing in it leads back to it once it has: such a circle would stay in memory until somebody looks for
 * garbage, and this is made for every question to the kernel.
 */
export class Pending {
  readonly request: NetlinkRequest;
  readonly dump: boolean;
  readonly #taking: Taking;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #timer: Timer | undefined;
  #settled = false;
  attempts = 0;
  interrupted = false;

  constructor(
    request: NetlinkRequest,
    dump: boolean,
    taking: Taking,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    this.request = request;
    this.dump = dump;
    this.#taking = taking;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get recording(): Recording | undefined {
    return this.#taking.recording;
  }

  accept(message: NetlinkMessage): void {
    this.#taking.accept(message);
  }

  /** Forgets what was taken: the dump begins again. */
  restart(): void {
    const { found, recording } = this.#taking;
    found.length = 0;
    if (recording !== undefined) recording.datagrams.length = 0;
  }

  /** Calls back after so many milliseconds, unless it has ended by then. */
  expireIn(milliseconds: number, expire: () => void): void {
    if (!this.#settled) this.#timer = setTimeout(expire, milliseconds);
  }

  /** Ends it; with an error or well. */
  settle(error?: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }
}
