import type { ClockGate } from '../selector/world.js';
import {
  ClockError,
  ClockSync,
  clockIsPlausible,
  type SyncResult,
  stepClock,
  summarise,
} from '../sntp/index.js';
import { formatDuration } from '../wording.js';
import type { Log } from './log.js';

/** What the time keeper goes by. */
export interface TimeSettings {
  /** Names and addresses of NTP servers. */
  readonly servers: readonly string[];
  /** Whether any interface wants the clock to be set. */
  readonly wanted: boolean;
  /** Milliseconds that the first attempt may take. */
  readonly deadline: number;
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

/**
 * Sets the machine's clock once, by NTP. A clock that is certainly wrong holds up the first connection, but no longer than the
 * first attempt lasts; what is not achieved by then goes on beside it.
 */
export class TimeKeeper implements ClockGate {
  readonly #log: Log;
  #settings: TimeSettings;
  #sync: ClockSync | undefined;
  #ready = false;
  #told = false;
  #message: string | undefined;
  #stepped: number | undefined;
  readonly #listeners: (() => void)[] = [];

  constructor(settings: TimeSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Begins to ask. Returns at once. */
  start(): void {
    const { servers, wanted, deadline } = this.#settings;
    if (wanted && servers.length === 0) this.#tellOnce();
    const nothingToDo = !wanted || servers.length === 0;
    if (nothingToDo || clockIsPlausible()) this.#becomeReady();
    if (nothingToDo) return;
    const sync = new ClockSync({
      servers: [...servers],
      deadline,
      onResult: (result, nextTry) => this.#take(result, nextTry),
    });
    this.#sync = sync;
    void sync.start();
  }

  /** Goes on with other settings. A clock that was set already stays as it is. */
  reload(settings: TimeSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    const same = before.wanted === settings.wanted && before.servers.join() === settings.servers.join();
    if (same || this.#sync?.success !== undefined) return;
    this.#sync?.stop();
    this.#sync = undefined;
    this.start();
  }

  /** A link or a route has changed: servers that could not be reached perhaps can be now. */
  wake(): void {
    this.#sync?.wake();
  }

  stop(): void {
    this.#sync?.stop();
  }

  get ready(): boolean {
    return this.#ready;
  }

  onReady(listener: () => void): void {
    this.#listeners.push(listener);
  }

  status(): TimeStatus {
    return {
      state: this.#sync?.state.state ?? 'off',
      plausible: clockIsPlausible(),
      message: this.#message,
      stepped: this.#stepped,
    };
  }

  #take(result: SyncResult, nextTry: number | undefined): void {
    this.#message = summarise(result);
    if (result.ok) this.#set(result);
    else {
      const next = nextTry === undefined ? '' : `, next try in ${formatDuration(nextTry)}`;
      this.#log.write(this.#told ? 'debug' : 'warning', '', this.#message + next);
      this.#told = true;
    }
    this.#becomeReady();
  }

  #set(result: SyncResult & { ok: true }): void {
    this.#log.write('info', '', summarise(result));
    try {
      const { decision, offset, message } = stepClock(result.instant);
      if (decision !== 'leave') this.#stepped = offset;
      this.#log.write(decision === 'step back' ? 'warning' : 'info', '', message);
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

  #becomeReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    for (const listener of this.#listeners) listener();
  }
}
