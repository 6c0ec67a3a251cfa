/** Somebody who listens as a service manager does: Node has no datagram sockets of unix(7), so it is a program in C. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { compile } from './compile.js';

/** What was told: by which process, and the text with spaces for the ends of its lines. */
export interface Told {
  readonly pid: number;
  readonly text: string;
}

/** See the file's head. */
export class NotifyReader {
  /** All that was told so far. */
  readonly told: Told[] = [];
  readonly #child: ChildProcessWithoutNullStreams;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
  }

  /**
   * Begins to listen.
   * @param folder where its program is made
   * @param addresses paths, or `@` and abstract names
   * @param start starts a program: in another namespace, say
   */
  static async listen(
    folder: string,
    addresses: readonly string[],
    start: (argv: readonly string[]) => ChildProcessWithoutNullStreams = ([program = '', ...args]) =>
      spawn(program, args),
  ): Promise<NotifyReader> {
    const program = compile(`${folder}/notify-reader`, 'notify-reader.c');
    const reader = new NotifyReader(start([program, ...addresses]));
    await new Promise<void>((resolve, reject) => {
      const child = reader.#child;
      child.on('error', reject);
      child.on('close', (code) => reject(new Error(`notify-reader ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'listening') return resolve();
        const [, pid, text = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
        assert.ok(pid !== undefined, line);
        reader.told.push({ pid: Number(pid), text });
      });
    });
    return reader;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
