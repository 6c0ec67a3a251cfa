/** How the demo speaks: a timeline for 80 columns, in colour on a terminal, as plain text elsewhere. */
import type { Daemon } from './lab/index.js';

/** Columns that a line has at most. */
const WIDTH = 80;
/** What the clock takes at the beginning of a line: `  12.3 s  `. */
const CLOCK = 10;
/** How often the daemon's log is looked at, in milliseconds. */
const LOOK = 20;

/** SGR codes (ECMA-48, 8.3.117). */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Style = keyof typeof STYLES;

/** Writes the timeline to standard output. Every line has its time: seconds since the narrator was made. */
export class Narrator {
  readonly #start = performance.now();
  readonly #colours: boolean;
  #heard: { readonly daemon: Daemon; readonly from: number; told: number } | undefined;
  #listening: NodeJS.Timeout | undefined;

  constructor() {
    // https://no-color.org: the variable counts when it is not empty.
    const { NO_COLOR = '' } = process.env;
    this.#colours = process.stdout.isTTY === true && NO_COLOR === '';
  }

  /** Seconds since the beginning. */
  get elapsed(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Begins a new part of the story. */
  part(title: string): void {
    this.#catchUp();
    process.stdout.write('\n');
    this.#lines(title, { style: 'bold' });
  }

  /** Explains. */
  say(text: string): void {
    this.#catchUp();
    this.#lines(text, { clock: false });
  }

  /** Something that was to happen has happened. */
  done(text: string): void {
    this.#catchUp();
    this.#lines(text, { label: 'ok', style: 'green' });
  }

  /** A command and what it wrote, as it is. */
  shown(command: string, output: string): void {
    this.#catchUp();
    this.#lines(`$ ${command}`, { clock: false, style: 'cyan' });
    for (const line of (output.trimEnd() || '(no output)').split('\n')) {
      process.stdout.write(`${' '.repeat(CLOCK)}${this.#paint(line, 'dim')}\n`);
    }
  }

  /** What failed. */
  failed(text: string): void {
    this.#catchUp();
    this.#lines(text, { label: 'FAILED', style: 'red' });
  }

  /** From now on every line of this daemon's log is told as it comes. */
  listen(daemon: Daemon): void {
    this.#catchUp();
    const from = performance.now() - this.#start;
    this.#heard = { daemon, from, told: 0 };
    this.resume();
  }

  /** Leaves the terminal to somebody else; what the daemon says meanwhile is told after {@link resume}. */
  pause(): void {
    this.#catchUp();
    clearInterval(this.#listening);
    this.#listening = undefined;
  }

  resume(): void {
    this.#listening ??= setInterval(() => this.#catchUp(), LOOK);
  }

  /** Tells what the daemon has still said, and ends. */
  close(): void {
    this.pause();
  }

  #catchUp(): void {
    const heard = this.#heard;
    if (heard === undefined) return;
    for (; heard.told < heard.daemon.log.length; heard.told++) {
      const line = heard.daemon.log[heard.told];
      if (line === undefined) continue;
      // The daemon was started a moment before we began to listen.
      const at = Math.min(heard.from + line.at, performance.now() - this.#start);
      this.#lines(line.text, { label: '|', style: styleOf(line.text), at });
    }
  }

  #lines(
    text: string,
    options: {
      readonly label?: string;
      readonly style?: Style | undefined;
      readonly clock?: boolean;
      readonly at?: number;
    },
  ): void {
    const seconds = (options.at ?? performance.now() - this.#start) / 1000;
    const clock = options.clock === false ? '' : `${seconds.toFixed(1).padStart(6)} s`;
    const label = options.label === undefined ? '' : `${options.label} `;
    wrapped(text, WIDTH - CLOCK - label.length).forEach((part, at) => {
      const margin = this.#paint((at === 0 ? clock : '').padEnd(CLOCK), 'dim');
      const head = at === 0 || options.label === '|' ? label : ' '.repeat(label.length);
      process.stdout.write(`${margin}${this.#paint(head + part, options.style)}\n`);
    });
  }

  #paint(text: string, style: Style | undefined): string {
    return this.#colours && style !== undefined ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }
}

/** The colour of a line of the daemon's log. */
function styleOf(line: string): Style | undefined {
  if (/^(error|warning)/.test(line)) return 'yellow';
  return line.startsWith('debug') ? 'dim' : undefined;
}

/** Breaks a text at spaces; a word that is too long stands in a line of its own. Further lines are indented as the first. */
function wrapped(text: string, width: number): string[] {
  const margin = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.trimStart().split(' ')) {
    const longer = line === '' ? margin + word : `${line} ${word}`;
    if (line !== '' && longer.length > width) {
      lines.push(line);
      line = margin + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
