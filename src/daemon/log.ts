/** Severities of a log line, gravest first. */
export type Level = 'error' | 'warning' | 'info' | 'debug';

/** Where lines go. */
export interface Log {
  /** @param subject the interface, or interface and peer; empty for the daemon as a whole */
  write(level: Level, subject: string, text: string): void;
}

/**
 * One line an event on standard error, `level subject: text`. Node writes to files, terminals and pipes synchronously on
 * Linux, so no line is lost at the end.
 */
export class StandardErrorLog implements Log {
  readonly #verbose: boolean;

  /** @param verbose whether `debug` lines are written */
  constructor(verbose: boolean) {
    this.#verbose = verbose;
  }

  write(level: Level, subject: string, text: string): void {
    if (level === 'debug' && !this.#verbose) return;
    // A text may carry what a server or a file said: it stays on its line, and cannot steer a terminal.
    const line = text.replace(/\p{Cc}+/gu, ' ');
    process.stderr.write(subject === '' ? `${level}: ${line}\n` : `${level} ${subject}: ${line}\n`);
  }
}
