import type { DescribedCommand, DescribedOption } from './command.js';
import { exitTexts } from './exit-texts.js';

/** The widest line, and how wide the column of options is. */
const WIDTH = 79;
const COLUMN = 25;

/** The help of a command, for standard output. */
export function helpOf(command: DescribedCommand): string {
  const { name, operands, about, options, examples } = command;
  const usage = ['usage:', name, '[options]', operands].filter((part) => part !== undefined).join(' ');
  return [usage, wrapped(about), optionLines(options), exampleLines(examples), exitLines(command)]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}

/** `-i, --interface NAME` */
function optionHead(name: string, { short, value }: DescribedOption): string {
  const letter = short === undefined ? '    ' : `-${short}, `;
  return `${letter}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** An option a line, with what it means beside it. */
export function optionLines(options: DescribedCommand['options']): string {
  return Object.entries(options)
    .map(([name, option]) => {
      const head = `  ${optionHead(name, option)}`.padEnd(COLUMN - 1);
      return hung(head, option.text);
    })
    .join('\n');
}

/** Command lines with what they are for below; nothing where there are none. */
export function exampleLines(examples: DescribedCommand['examples']): string {
  if (examples.length === 0) return '';
  return ['Examples:', ...examples.map(([line, what]) => `  ${line}\n      ${what}`)].join('\n');
}

/** What the exit codes mean, as a sentence. */
export function exitLines(command: DescribedCommand): string {
  const texts = exitTexts(command).map(([code, text]) => `${code} ${text}`);
  return wrapped(`Exit codes: ${texts.join(', ')}.`);
}

/** Paragraphs, broken into lines. */
export function wrapped(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => broken(paragraph, WIDTH).join('\n'))
    .join('\n\n');
}

/** A text beside its head, in a column of its own. */
export function hung(head: string, text: string): string {
  const lines = broken(text, WIDTH - COLUMN);
  const [first = '', ...rest] = lines;
  return [`${head} ${first}`, ...rest.map((line) => ' '.repeat(COLUMN) + line)].join('\n');
}

function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
