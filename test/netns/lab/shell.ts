/** A shell that stays open: a command costs no more than itself, and tells when exactly it ran. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** What a command did. */
export interface Ran {
  readonly output: string;
  /** Seconds since 1970, before and after. */
  readonly from: number;
  readonly to: number;
}

/** Bash, in the namespace that it was started in. */
export class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  /** The command before: each begins when that has ended. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param child a bash without arguments */
  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
  }

  /**
   * Runs a command, after those that were given before.
   * @throws Error with its output, standard error included, unless its exit status is 0
   */
  async run(command: string): Promise<Ran> {
    const ran = this.#last.then(() => this.#run(command));
    this.#last = ran.catch(() => {});
    return await ran;
  }

  async #run(command: string): Promise<Ran> {
    const output: string[] = [];
    const ended = new Promise<string[]>((resolve, reject) => {
      const line = (text: string): void => {
        if (!text.startsWith(MARK)) {
          output.push(text);
          return;
        }
        this.#lines.off('line', line);
        this.#lines.off('close', closed);
        resolve(text.slice(MARK.length).split(' '));
      };
      const closed = (): void => reject(new Error(`the shell has ended before: ${command}`));
      this.#lines.on('line', line);
      this.#lines.once('close', closed);
    });
    const said = `{ ${command}\n} 2>&1`;
    const tell = `printf '\\n${MARK}%s %s %s\\n' "$status" "$from" "$EPOCHREALTIME"`;
    this.#child.stdin.write(`from=$EPOCHREALTIME\n${said}\nstatus=$?\n${tell}\n`);
    const [status, from, to] = await ended;
    if (status !== '0') throw new Error(`${command}: exit status ${status}\n${output.join('\n')}`);
    output.pop(); // the line break before the mark
    return { output: output.join('\n'), from: Number(from), to: Number(to) };
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin.end();
    await ended;
  }
}

const MARK = '\u0001ran ';
