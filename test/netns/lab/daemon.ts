/** The daemon under test, as a process: its log, its signals, its end. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Ending } from './exec.js';
import { patience, until } from './until.js';

/** A line that the daemon wrote to standard error. */
export interface LogLine {
  readonly text: string;
  /** Milliseconds since the daemon was started. */
  readonly at: number;
}

/** How the daemon ended. */
export interface DaemonEnding extends Ending {
  /** Milliseconds from the last signal of the test's, or else from the start, to the end. */
  readonly duration: number;
}

/** A running daemon, or one that has ended. */
export class Daemon {
  /** All it has written so far. */
  readonly log: LogLine[] = [];
  /** What it has written to standard output. */
  stdout = '';
  /** Holds the files `wgpeerselector` and `system`. */
  readonly configDir: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #start = performance.now();
  readonly #ended: Promise<Ending & { readonly at: number }>;
  #clockFrom = this.#start;
  #over = false;
  #read = 0;

  /** For the lab; tests use `lab.startDaemon`. */
  constructor(child: ChildProcessWithoutNullStreams, configDir: string) {
    this.#child = child;
    this.configDir = configDir;
    createInterface({ input: child.stderr }).on('line', (text) => {
      this.log.push({ text, at: performance.now() - this.#start });
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    let exitAt = 0;
    child.on('exit', () => {
      exitAt = performance.now();
    });
    this.#ended = once(child, 'close').then(([code, signal]) => {
      this.#over = true;
      return { code, signal, at: exitAt };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether the process is still there. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Waits for a line of the log that matches, and reads on behind it: the next call does not see this line or
   * an earlier one again. `from: 'start'` looks at the whole log.
   *
   * @throws Error with the log after the deadline (milliseconds), or when the daemon has ended without the line
   */
  async line(
    pattern: RegExp,
    options: { readonly deadline?: number; readonly from?: 'start' } = {},
  ): Promise<LogLine> {
    let next = options.from === 'start' ? 0 : this.#read;
    const look = () => {
      // Taken first: lines that come between the two would otherwise be missed.
      const over = this.#over;
      for (; next < this.log.length; next++) {
        const line = this.log[next];
        if (line !== undefined && pattern.test(line.text)) return line;
      }
      if (over) throw new Error(`the daemon ended without the line ${pattern}; ${this.describe()}`);
      return undefined;
    };
    const { deadline = patience } = options;
    const found = await until(look, { deadline, what: `the line ${pattern}` }).catch((error: Error) => {
      throw error.message.startsWith('waited') ? new Error(`${error.message}; ${this.describe()}`) : error;
    });
    this.#read = Math.max(this.#read, next + 1);
    return found;
  }

  /** All lines so far that match. */
  lines(pattern: RegExp): LogLine[] {
    return this.log.filter((line) => pattern.test(line.text));
  }

  /** Sends a signal. */
  signal(name: NodeJS.Signals): void {
    this.#clockFrom = performance.now();
    this.#child.kill(name);
  }

  /** Closes the reading end of its standard error: whatever it writes from now on nobody reads. */
  hangUp(): void {
    this.#child.stderr.destroy();
  }

  /** Writes new configuration and tells the daemon to read it. */
  async reload(config: string): Promise<void> {
    await writeFile(`${this.configDir}/wgpeerselector`, config);
    this.signal('SIGHUP');
  }

  /** Waits for the end (deadline in milliseconds). */
  async exit(options: { readonly deadline?: number } = {}): Promise<DaemonEnding> {
    const { deadline = patience } = options;
    await until(() => this.#over, { deadline, what: 'the daemon to end' }).catch((error: Error) => {
      throw new Error(`${error.message}; ${this.describe()}`);
    });
    const { code, signal, at } = await this.#ended;
    return { code, signal, duration: at - this.#clockFrom };
  }

  /** The log, for a person. */
  describe(): string {
    const lines = this.log.map(({ at, text }) => `  ${at.toFixed(0).padStart(6)} ms  ${text}\n`);
    return `the daemon's log (${this.running ? 'running' : 'ended'}):\n${lines.join('')}`;
  }
}
