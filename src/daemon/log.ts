import { type Output, standardError } from '#platform/process.js';

/** Severities of a log line, gravest first. */
export type Level = 'error' | 'warning' | 'info' | 'debug';

/** Where lines go. */
export interface Log {
  /** @param subject the interface, or interface and peer; empty for the daemon as a whole */
  write(level: Level, subject: string, text: string): void;
}

/** Bytes that may wait until somebody reads them. Lines beyond are dropped: a reader that has gone to sleep costs no more. */
const BACKLOG = 64 * 1024;
/** Characters of a text: names come from strangers, too. */
const MOST_TEXT = 1000;

/**
 * One line an event, `level subject: text`. Files, terminals and a pipe that is not full are written to at once, so no line is lost at
 * the end.
 */
export class StandardErrorLog implements Log {
  readonly #verbose: boolean;
  readonly #stream: Pick<Output, 'write' | 'unsent'>;
  #dropped = 0;

  /**
   * @param verbose whether `debug` lines are written
   * @param stream where to; its errors are for its owner to handle
   */
  constructor(verbose: boolean, stream: Pick<Output, 'write' | 'unsent'> = standardError) {
    this.#verbose = verbose;
    this.#stream = stream;
  }

  write(level: Level, subject: string, text: string): void {
    if (level === 'debug' && !this.#verbose) return;
    if (this.#stream.unsent > BACKLOG) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0)
      this.#stream.write(`warning: nobody read the log, ${this.#dropped} lines are lost\n`);
    this.#dropped = 0;
    // A text may carry what a server or a file said: it stays on its line, and cannot steer a terminal.
    const shown = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
    const line = shown.replace(/\p{Cc}+/gu, ' ');
    this.#stream.write(subject === '' ? `${level}: ${line}\n` : `${level} ${subject}: ${line}\n`);
  }
}
