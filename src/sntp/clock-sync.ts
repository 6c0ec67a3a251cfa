import type { SyncFailure, SyncResult, SyncSuccess } from './outcome.js';
import { type SyncOptions, syncOnce } from './sync.js';
import { system, type World } from './world.js';

/**
 * Milliseconds from one beginning to the next when an attempt is begun anew because none of its questions could leave. That
 * costs no NTP server anything, but perhaps a DNS server: after the first few, as while a router boots, it is the longer one.
 */
const RESTART = { soon: 2_000, few: 5, later: 10_000 };

/**
 * Options of a ClockSync: those of each attempt, and when to try again. Give the same `leftAlone` to every ClockSync of a process,
 * and a server's kiss-o'-death holds for all of them.
 */
export interface ClockSyncOptions extends Omit<SyncOptions, 'signal'> {
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
  readonly #leftAlone: Set<string>;
  /** Ends what is under way of the present attempt. */
  #current = new AbortController();
  #stopped = false;
  #beganNs = 0n;
  /** Whether a question of the latest attempt has left. */
  #asked = false;
  /** How often `wake` has begun an attempt anew of which no question had left. */
  #restarts = 0;
  /** Pauses that `wake` has shortened although questions had left. */
  #wakes = 0;
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
    this.#leftAlone = options.leftAlone ?? new Set();
  }

  /**
   * Begins. Call it again for the same promise.
   *
   * @returns the result of the first attempt, at its timeout at the latest. If it is a failure, go on without: further
   *   attempts follow by themselves, and `onResult` tells. Never rejects, but for a RangeError of syncOnce.
   */
  start(): Promise<SyncResult> {
    this.#first ??= this.#attempt();
    return this.#first;
  }

  /** Ends everything at once, for good. An attempt under way ends with the reason `stopped`. */
  stop(): void {
    this.#stopped = true;
    this.#current.abort();
    this.#clearTimer();
  }

  /**
   * Something has changed, say a link came up: what could not be sent perhaps can be now.
   *
   * An attempt of which no question could leave is begun anew: 2 s after its last beginning at the earliest, after five times
   * 10 s. When servers were asked, a wake ends the pause `backoff.first` after the last attempt, the next one after twice that, and so on up to
   * `backoff.most`. So however often it is called, servers are not asked more often than without it in the long run.
   */
  wake(): void {
    if (this.#success !== undefined || this.#stopped) return;
    if (!this.#asked) {
      const pause = this.#restarts < RESTART.few ? RESTART.soon : RESTART.later;
      const wait = Math.max(0, pause - this.#since(this.#beganNs));
      if (this.#querying && wait === 0) this.#current.abort();
      if (this.#querying ? wait === 0 : this.#advance(wait)) this.#restarts += 1;
      return;
    }
    if (this.#cancelTimer === undefined) return;
    const { first, most } = this.#backoff;
    const least = Math.min(most, first * 2 ** this.#wakes);
    if (this.#advance(Math.max(0, least - this.#since(this.#lastEndNs)))) this.#wakes += 1;
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
    this.#asked = false;
    const startedNs = this.#world.monotonic();
    const { timeout = 5000 } = this.#options;
    let result: SyncResult;
    try {
      do {
        this.#beganNs = this.#world.monotonic();
        if (!this.#stopped) this.#current = new AbortController();
        result = await syncOnce({
          ...this.#options,
          timeout: timeout > 0 ? Math.max(1, timeout - this.#since(startedNs)) : timeout,
          signal: this.#current.signal,
          leftAlone: this.#leftAlone,
          onAsked: () => this.#noteAsked(),
        });
      } while (!result.ok && result.reason === 'stopped' && !this.#stopped);
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

  #noteAsked(): void {
    this.#asked = true;
    this.#options.onAsked?.();
  }

  /** Milliseconds. */
  #since(momentNs: bigint): number {
    return Number(this.#world.monotonic() - momentNs) / 1e6;
  }

  #failed(result: SyncFailure): void {
    if (this.#stopped) return;
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

  /** Makes the next attempt begin after so many milliseconds. @returns whether that is sooner than it was to be */
  #advance(pause: number): boolean {
    if (this.#nextNs === undefined || pause >= -this.#since(this.#nextNs)) return false;
    this.#schedule(pause);
    return true;
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
