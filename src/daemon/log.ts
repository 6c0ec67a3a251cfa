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

/** `43 ms`, `4.2 s`, `37 s`, `12 min`, `3 h 20 min`, `5 d 3 h`: as exact as a reader wants it. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** What an error says, for a log line: its message, without a stack trace. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
