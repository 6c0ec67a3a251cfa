import { monotonicMicroseconds, notify } from '#platform/notify.js';
import { environment, pid } from '#platform/process.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { hasCode, messageOf, printable } from '../wording.js';
import type { Log } from './log.js';

/** When a datagram that the manager had no room for is sent again, in milliseconds. */
const AGAIN = 250;
/** Datagrams that wait for room: beyond them the oldest is dropped. */
const MOST_WAITING = 8;
/** Characters of the status of all interfaces together. */
const MOST_STATUS = 1000;
/** Of a timer, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** An interface, as far as a service manager is told of it. */
export interface Watched {
  /** The interface and its state in words, on one line. */
  stateText(): string;
  /** Whether its loop goes on; to be asked every so many milliseconds. */
  goesOn(milliseconds: number): boolean;
  /** Calls back when {@link stateText} may be another. */
  onState(listener: () => void): void;
}

/** This process and its surroundings; tests give others. */
export interface ManagedProcess {
  readonly pid: number;
  environment(name: string): string | undefined;
  notify(path: string, text: string): void;
  monotonicMicroseconds(): number;
  /** @returns what cancels it */
  after(milliseconds: number, callback: () => void): () => void;
}

const machine: ManagedProcess = {
  pid,
  environment,
  notify,
  monotonicMicroseconds,
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/**
 * Systemd, or whoever else listens at $NOTIFY_SOCKET, as sd_notify(3) and sd_watchdog_enabled(3) have it: is told when the daemon serves,
 * how it goes in a line, when it reads its configuration again and when it stops.
 *
 * What WATCHDOG=1 proves: the event loop has called a timer back, and each interface's selector has come to a wait since the time before, or
 * waits there as it should. A selector that hangs in something that never ends, or whose wait is overdue, keeps it back.
 */
export class ServiceManager {
  readonly #process: ManagedProcess;
  readonly #log: Log;
  readonly #path: string;
  /** Milliseconds between two signs of life; undefined where nobody waits for them. */
  readonly #interval: number | undefined;
  readonly #watched = new Set<Watched>();
  #serves = false;
  #status = '';
  readonly #waiting: Map<string, string>[] = [];
  #cancelAgain: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;
  #toldOfFailure = false;
  #toldOfHang = false;

  private constructor(path: string, interval: number | undefined, log: Log, process: ManagedProcess) {
    this.#path = path;
    this.#interval = interval;
    this.#log = log;
    this.#process = process;
  }

  /** Whoever has started this process and wants to be told; undefined where nobody does, which costs nothing. */
  static find(log: Log, process: ManagedProcess = machine): ServiceManager | undefined {
    const socket = process.environment('NOTIFY_SOCKET') ?? '';
    if (socket === '') return undefined;
    if (!/^[/@]./.test(socket)) {
      const expected = 'expected a path, or @ and an abstract name';
      log.write('warning', '', `NOTIFY_SOCKET is '${printable(socket)}', ${expected}: nobody is told`);
      return undefined;
    }
    return new ServiceManager(socket.replace(/^@/, '\0'), watchdogInterval(process), log, process);
  }

  /** Tells that these are served from now on. */
  serve(watched: readonly Watched[]): void {
    for (const one of watched) this.watch(one);
    this.#serves = true;
    this.ready();
    if (this.#interval !== undefined) this.#beatAfter(this.#interval);
  }

  /** One more is served. */
  watch(one: Watched): void {
    this.#watched.add(one);
    one.onState(() => this.#tellStatus());
    if (this.#serves) this.#tellStatus();
  }

  /** It is not served any more. */
  unwatch(one: Watched): void {
    this.#watched.delete(one);
    this.#tellStatus();
  }

  /** The configuration begins to be read again. */
  reloading(): void {
    if (!this.#serves) return;
    this.#send({ RELOADING: '1', MONOTONIC_USEC: String(this.#process.monotonicMicroseconds()) });
  }

  /** All is as it should be again. */
  ready(): void {
    if (!this.#serves) return;
    this.#status = this.#statusNow;
    this.#send({ READY: '1', STATUS: this.#status });
  }

  /** The daemon ends. */
  stopping(): void {
    this.#serves = false;
    this.#cancelBeat?.();
    this.#send({ STOPPING: '1' });
  }

  get #statusNow(): string {
    const text = [...this.#watched].map((one) => one.stateText()).join('; ') || 'no interface to serve';
    return text.length > MOST_STATUS ? `${text.slice(0, MOST_STATUS)}...` : text;
  }

  #tellStatus(): void {
    const now = this.#statusNow;
    if (now === this.#status) return;
    this.#status = now;
    this.#send({ STATUS: now });
  }

  #beatAfter(interval: number): void {
    this.#cancelBeat = this.#process.after(interval, () => {
      this.#beatAfter(interval);
      // All are asked: each counts from when it was asked last.
      const hanging = [...this.#watched].filter((one) => !one.goesOn(interval));
      if (hanging.length === 0) this.#send({ WATCHDOG: '1' });
      else this.#tellOfHang(hanging);
    });
  }

  #tellOfHang(hanging: readonly Watched[]): void {
    if (this.#toldOfHang) return;
    this.#toldOfHang = true;
    const who = hanging.map((one) => one.stateText()).join('; ');
    this.#log.write(
      'error',
      '',
      `this hangs, and the service manager's watchdog will end the daemon: ${who}`,
    );
  }

  /** Sends it behind all that waits; with the last of that, where nothing hangs on their order. */
  #send(fields: Readonly<Record<string, string>>): void {
    const last = this.#waiting.at(-1);
    const entries = Object.entries(fields);
    if (last === undefined || last.has('RELOADING') || 'RELOADING' in fields)
      this.#waiting.push(new Map(entries));
    else for (const [name, value] of entries) last.set(name, value);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (this.#cancelAgain === undefined) this.#flush();
  }

  #flush(): void {
    this.#cancelAgain = undefined;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        this.#process.notify(this.#path, [...first].map(([name, value]) => `${name}=${value}`).join('\n'));
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) {
          this.#cancelAgain = this.#process.after(AGAIN, () => this.#flush());
          return;
        }
        this.#fail(error);
      }
      this.#waiting.shift();
    }
  }

  #fail(error: unknown): void {
    if (this.#toldOfFailure) return;
    this.#toldOfFailure = true;
    const why = hasCode(error, 'ENOSYS') ? 'the native part is missing' : messageOf(error);
    this.#log.write('warning', '', `the service manager cannot be told how it goes: ${why}`);
  }
}

/** Half of what the manager waits, as sd_watchdog_enabled(3) recommends; undefined where it does not, or means another process. */
function watchdogInterval({ environment: read, pid: own }: ManagedProcess): number | undefined {
  const microseconds = read('WATCHDOG_USEC') ?? '';
  const meant = read('WATCHDOG_PID') ?? '';
  if (!/^[1-9]\d{0,15}$/.test(microseconds) || (meant !== '' && meant !== String(own))) return undefined;
  return Math.min(Number(microseconds) / 2000, LONGEST_TIMER);
}
