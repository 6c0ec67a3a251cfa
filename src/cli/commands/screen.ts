import { catchSignals, environment, exit, standardOutput } from '#platform/process.js';
import { setTimeout } from '#platform/timers.js';
import { EXIT } from '../exit.js';

/** Escape sequences that every terminal knows, busybox's included: ECMA-48, and DEC's private modes for the cursor and for long lines. */
const ESC = '\x1b[';
const ENTER = `${ESC}?25l${ESC}?7l${ESC}H${ESC}J`;
const LEAVE = `${ESC}?7h${ESC}?25h`;

/** Between two looks, in milliseconds. */
const INTERVAL = 1_000;

/** Ways to set a word off from others. They leave its text alone where colours are not wanted. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** Colours, if standard output is a terminal and nobody has said no (https://no-color.org). */
export function paintFor(): Paint {
  const wanted =
    standardOutput.terminalRows !== undefined && !environment('NO_COLOR') && environment('TERM') !== 'dumb';
  const by = (code: number) => (wanted ? (text: string) => `${ESC}${code}m${text}${ESC}0m` : String);
  return { strong: by(1), good: by(32), warning: by(33), bad: by(31) };
}

/**
 * Shows a text, and every second what has become of it, until a signal ends the process, with 0. On a terminal in its place, elsewhere one
 * below the other.
 */
export async function watch(look: () => Promise<string>): Promise<never> {
  const rows = standardOutput.terminalRows;
  catchSignals(() => {
    if (rows !== undefined) standardOutput.write(`${LEAVE}\n`);
    exit(EXIT.OK);
  });
  endWithReader();
  if (rows !== undefined) standardOutput.write(ENTER);
  for (;;) {
    const text = await look();
    // One that does not read, a stopped pipe say, is not given more and more.
    if (standardOutput.unsent === 0) standardOutput.write(rows === undefined ? text : redrawn(text));
    await new Promise<void>((resolve) => setTimeout(resolve, INTERVAL));
  }
}

/** Ends the process, with 0, when nobody reads any more what it writes for ever. */
export function endWithReader(): void {
  standardOutput.onError(({ code }) => {
    if (code === 'EPIPE') exit(EXIT.OK);
  });
}

/** Drawn over what was there, line by line and in one write, so that nothing flickers; cut to what the terminal has room for. */
function redrawn(text: string): string {
  const rows = standardOutput.terminalRows || Number.POSITIVE_INFINITY;
  const lines = text.trimEnd().split('\n');
  const shown = lines.length < rows ? lines : [...lines.slice(0, rows - 2), '…'];
  return `${ESC}H${shown.map((line) => `${line}${ESC}K\n`).join('')}${ESC}J`;
}
