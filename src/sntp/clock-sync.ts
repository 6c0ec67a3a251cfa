import type { SyncFailure, SyncResult, SyncSuccess } from './outcome.js';
import { type SyncOptions, syncOnce } from './sync.js';
import { system, type World } from './world.js';

/** Options of a ClockSync: those of each attempt, and when to try again. */
export interface ClockSyncOptions extends Omit<SyncOptions, 'signal' | 'leftAlone'> {
  /**
   * Milliseconds between the end of a failed attempt and the next. It starts with `first` and doubles up to `most`, each
   * time less or more by up to a quarter, so that the routers of a town do not ask in step after a power cut.
   * Default 15 s (RFC 4330, section 10: never poll more often) growing to 300 s.
   */
  backoff?: { first: number; most: number };
  /** Called after each attempt but a stopped one; `nextTry` is in milliseconds, and missing if there is none. */
  onResult?: (result: SyncResult, nextTry?: number) => void;
}

/** What a ClockSync is doing, for a status answer. Everything in seconds. */
export interface ClockState {
  /** `querying`: an attempt is under way. `unsynchronised`: waiting for the next attempt, not started, or stopped. */
  state: 'unsynchronised' | 'querying' | 'synchronised';
  /** Attempts begun. */
  attempts: number;
  /** The last attempt that ended. */
  last?: SyncResult;
  /** Seconds since it ended, on the monotonic clock. */
  lastAge?: number;
  /** Seconds to the next attempt. */
  nextTry?: number;
  /** Addresses that sent a kiss-o'-death and are not asked any more. */
  leftAlone: string[];
}

/**
 * Finds out the time once: a first attempt, and if that fails more of them in the background until one succeeds.
 *
 * Only the monotonic clock is used for its waiting, so it does not matter if somebody sets the wall clock meanwhile.
 */
export class ClockSync {
  readonly #options: ClockSyncOptions;
  readonly #world: World;
  readonly #backoff: { first: number; most: number };
  readonly #leftAlone = new Set<string>();
  readonly #stop = new AbortController();
  #first: Promise<SyncResult> | undefined;
  #querying = false;
  #attempts = 0;
  #failures = 0;
  #last: SyncResult | undefined;
  #lastEndNs = 0n;
  #success: SyncSuccess | undefined;
  #cancelTimer: (() => void) | undefined;
  #nextNs: bigint | undefined;

  /** Nothing happens before `start`. */
  constructor(options: ClockSyncOptions) {
    this.#options = options;
    this.#world = { ...system, ...options.world };
    this.#backoff = options.backoff ?? { first: 15_000, most: 300_000 };
  }

  /**
   * Begins. Call it again for the same promise.
   *
   * @returns the result of the first attempt, at its deadline at the latest. If it is a failure, go on without: further
   *   attempts follow by themselves, and `onResult` tells. Never rejects, but for a RangeError of syncOnce.
   */
  start(): Promise<SyncResult> {
    this.#first ??= this.#attempt();
    return this.#first;
  }

  /** Ends everything at once, for good. An attempt under way ends with the reason `stopped`. */
  stop(): void {
    this.#stop.abort();
    this.#clearTimer();
  }

  /**
   * Something has changed, say a link came up: if it is waiting for the next attempt it starts over with the shortest
   * pause. Several calls in a row do not make it ask more often than that.
   */
  wake(): void {
    if (this.#cancelTimer === undefined) return;
    this.#failures = 0;
    const since = Number(this.#world.monotonic() - this.#lastEndNs) / 1e6;
    this.#schedule(Math.max(0, this.#backoff.first - since));
  }

  /** The time, once it is known. */
  get success(): SyncSuccess | undefined {
    return this.#success;
  }

  /** A snapshot for people and monitoring. */
  get state(): ClockState {
    const now = this.#world.monotonic();
    const state: ClockState = {
      state: this.#success ? 'synchronised' : this.#querying ? 'querying' : 'unsynchronised',
      attempts: this.#attempts,
      leftAlone: [...this.#leftAlone],
    };
    if (this.#last) {
      state.last = this.#last;
      state.lastAge = Number(now - this.#lastEndNs) / 1e9;
    }
    if (this.#nextNs !== undefined) state.nextTry = Math.max(0, Number(this.#nextNs - now) / 1e9);
    return state;
  }

  async #attempt(): Promise<SyncResult> {
    this.#clearTimer();
    this.#attempts += 1;
    this.#querying = true;
    let result: SyncResult;
    try {
      result = await syncOnce({ ...this.#options, signal: this.#stop.signal, leftAlone: this.#leftAlone });
    } finally {
      this.#querying = false;
    }
    this.#last = result;
    this.#lastEndNs = this.#world.monotonic();
    if (result.ok) {
      this.#success = result;
      this.#options.onResult?.(result);
    } else {
      this.#failed(result);
    }
    return result;
  }

  #failed(result: SyncFailure): void {
    if (this.#stop.signal.aborted) return;
    if (result.reason === 'no servers') {
      this.#options.onResult?.(result);
      return;
    }
    const pause = this.#pause();
    this.#failures += 1;
    this.#schedule(pause);
    this.#options.onResult?.(result, pause);
  }

  #pause(): number {
    const { first, most } = this.#backoff;
    const [byte = 128] = this.#world.random(1);
    const jitter = 0.75 + byte / 510;
    return Math.min(most, first * 2 ** this.#failures) * jitter;
  }

  #schedule(pause: number): void {
    this.#clearTimer();
    this.#nextNs = this.#world.monotonic() + BigInt(Math.round(pause * 1e6));
    this.#cancelTimer = this.#world.setTimer(pause, () => void this.#attempt());
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#nextNs = undefined;
  }
}
