import type { ClockGate } from '../selector/world.js';
import {
  ClockError,
  ClockSync,
  clockIsPlausible,
  kernelBelievesClock,
  type SyncResult,
  stepClock,
  summarise,
  system,
  vouchForClock,
  type World,
} from '../sntp/index.js';
import { formatDuration } from '../wording.js';
import type { Log } from './log.js';

/** Milliseconds that a clock may hold up a connection when it may be right, but nobody vouches for it. */
const UNVOUCHED_WAIT = 2_000;

/**
 * Milliseconds that a connection is held up when a link or route has changed and no question could leave before: the time it takes
 * to look up a name and ask. No more often than each RESUME_PAUSE.
 */
const RESUME_WAIT = 1_000;
const RESUME_PAUSE = 10_000;

/** How often it is looked, while a connection is held up, whether somebody else has set the clock, in milliseconds. */
const LOOK = 250;

/** What the time keeper goes by. */
export interface TimeSettings {
  /** Names and addresses of NTP servers. */
  readonly servers: readonly string[];
  /** Whether any interface wants the clock to be set. */
  readonly wanted: boolean;
  /** Milliseconds that an attempt may take, and that a certainly wrong clock may hold up a connection. */
  readonly timeout: number;
}

/** What there is to say of the clock, for the status. */
export interface TimeStatus {
  /** `off`: nobody wants it to be set, or no servers are configured. */
  readonly state: 'off' | 'unsynchronised' | 'querying' | 'synchronised';
  /** Whether the clock is later than the program's own build. */
  readonly plausible: boolean;
  /** What the latest attempt has shown, in words. */
  readonly message: string | undefined;
  /** Seconds that were added to the clock when it was set. */
  readonly stepped: number | undefined;
}

/** The machine's clock, the kernel's opinion of it, and the network; tests give others. */
export interface TimeWorld {
  readonly network: World;
  plausible(): boolean;
  believed(): boolean | undefined;
  step: typeof stepClock;
  vouch(error: number): boolean;
}

const machine: TimeWorld = {
  network: system,
  plausible: () => clockIsPlausible(),
  believed: kernelBelievesClock,
  step: stepClock,
  vouch: vouchForClock,
};

/**
 * Sets the machine's clock once, by NTP, and says how long a connection should wait for that:
 *
 * - A clock earlier than the program's build is certainly wrong: `timeout`.
 * - A clock that nobody vouches for (restored from a file at boot, say) may be hours behind: 2 s.
 * - A clock that the kernel believes, or of which it cannot be asked: not at all.
 *
 * The time counts from the start, and once more from the first question that leaves the machine: without a way out nothing could
 * be connected either. An answer, a failure after a question, or somebody else who sets the clock end it sooner. What is not
 * achieved by then goes on beside the connection.
 */
export class TimeKeeper implements ClockGate {
  readonly #log: Pick<Log, 'write'>;
  readonly #world: TimeWorld;
  #settings: TimeSettings;
  #sync: ClockSync | undefined;
  /** Addresses that sent a kiss-o'-death, whatever is configured meanwhile. */
  readonly #leftAlone = new Set<string>();
  /** Milliseconds since boot until which connections are held up; `undefined` while they are not. */
  #heldUntil: number | undefined;
  #heldAt = Number.NEGATIVE_INFINITY;
  #cancelLook: (() => void) | undefined;
  #asked = false;
  /** Nothing will be held up any more. */
  #settled = false;
  #told = false;
  #message: string | undefined;
  #stepped: number | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(settings: TimeSettings, log: Pick<Log, 'write'>, world: TimeWorld = machine) {
    this.#settings = settings;
    this.#log = log;
    this.#world = world;
  }

  /** Begins to ask. Returns at once. */
  start(): void {
    const { servers, wanted, timeout } = this.#settings;
    if (!wanted || servers.length === 0) {
      if (wanted) this.#tellOnce();
      this.#release();
      return;
    }
    this.#hold(this.#wait);
    this.#sync = new ClockSync({
      servers: [...servers],
      timeout,
      leftAlone: this.#leftAlone,
      onAsked: () => this.#noteAsked(),
      onResult: (result, nextTry) => this.#take(result, nextTry),
      world: this.#world.network,
    });
    void this.#sync.start();
  }

  /** Goes on with other settings. A clock that was set already stays as it is. */
  reload(settings: TimeSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    const same = before.wanted === settings.wanted && sorted(before.servers) === sorted(settings.servers);
    if (same || this.#sync?.success !== undefined) return;
    this.#sync?.stop();
    this.#sync = undefined;
    this.start();
  }

  /** A link or a route has changed: servers that could not be reached perhaps can be now. */
  wake(): void {
    if (this.#sync === undefined) return;
    if (!this.#asked && this.#now - this.#heldAt >= RESUME_PAUSE)
      this.#hold(Math.min(RESUME_WAIT, this.#wait));
    this.#sync.wake();
  }

  stop(): void {
    this.#sync?.stop();
    this.#cancelLook?.();
  }

  get ready(): boolean {
    return this.#heldUntil === undefined;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): TimeStatus {
    return {
      state: this.#sync?.state.state ?? 'off',
      plausible: this.#world.plausible(),
      message: this.#message,
      stepped: this.#stepped,
    };
  }

  /** Milliseconds that the clock, as it is now, may hold up a connection. */
  get #wait(): number {
    if (!this.#world.plausible()) return this.#settings.timeout;
    return this.#world.believed() === false ? UNVOUCHED_WAIT : 0;
  }

  get #now(): number {
    return Number(this.#world.network.monotonic()) / 1e6;
  }

  /** Holds connections up for so long from now on, or goes on doing so; in one piece no longer than `timeout`. */
  #hold(milliseconds: number): void {
    if (this.#settled || milliseconds === 0) return;
    if (this.#heldUntil === undefined) this.#heldAt = this.#now;
    const limit = this.#heldAt + this.#settings.timeout;
    this.#heldUntil = Math.min(limit, Math.max(this.#heldUntil ?? 0, this.#now + milliseconds));
    this.#look();
  }

  #look(): void {
    this.#cancelLook?.();
    const left = (this.#heldUntil ?? 0) - this.#now;
    if (left <= 0 || this.#wait === 0) this.#release();
    else this.#cancelLook = this.#world.network.setTimer(Math.min(LOOK, left), () => this.#look());
  }

  #release(): void {
    if (this.#heldUntil === undefined) return;
    this.#cancelLook?.();
    this.#heldUntil = undefined;
    for (const listener of this.#listeners) listener();
  }

  #noteAsked(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#hold(this.#wait);
  }

  #take(result: SyncResult, nextTry: number | undefined): void {
    this.#message = summarise(result);
    if (result.ok) this.#set(result);
    else {
      const next = nextTry === undefined ? '' : `, next try in ${formatDuration(nextTry)}`;
      this.#log.write(this.#told ? 'debug' : 'warning', '', this.#message + next);
      this.#told = true;
    }
    if (result.ok || this.#asked) this.#settled = true;
    this.#release();
  }

  #set(result: SyncResult & { ok: true }): void {
    this.#log.write('info', '', summarise(result));
    try {
      const { decision, offset, message } = this.#world.step(result.instant);
      if (decision !== 'leave') this.#stepped = offset;
      this.#log.write(decision === 'step back' ? 'warning' : 'info', '', message);
      // Where an NTP client vouches for it already, it knows better.
      const error = result.error + (decision === 'leave' ? Math.abs(offset) : 0);
      if (this.#world.believed() === false) this.#world.vouch(error);
    } catch (error) {
      if (!(error instanceof ClockError)) throw error;
      this.#message = error.message;
      this.#log.write('warning', '', error.message);
    }
  }

  #tellOnce(): void {
    if (this.#told) return;
    this.#told = true;
    const what = "no NTP servers are configured (list server of section 'ntp' in /etc/config/system)";
    this.#log.write('info', '', `${what}: the clock is left as it is`);
  }
}

function sorted(servers: readonly string[]): string {
  return [...new Set(servers)].sort().join();
}
