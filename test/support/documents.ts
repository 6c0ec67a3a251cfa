/** The project's documents as tests read them: their blocks of code, and what a block says that it prints. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The documents, relative to the checkout. */
export const documents: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

/** A block of code, fenced or indented. */
export interface Block {
  /** Document, heading above it, and its number below that heading: `README.md, Run it, 2`. */
  readonly name: string;
  /** What stands behind the fence: `sh`, `js`; empty for an indented block. */
  readonly language: string;
  /** Without fence and indentation. Ends with a newline. */
  readonly text: string;
}

/** The blocks of a document, in its order. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let number = 0;
  const add = (language: string, lines: readonly string[]): void => {
    number += 1;
    const text = `${lines.join('\n').trimEnd()}\n`;
    blocks.push({ name: `${document}, ${heading}, ${number}`, language, text });
  };
  const lines = readFileSync(root + document, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null) {
      const end = lines.indexOf('```', at + 1);
      if (end === -1) throw new Error(`${document}:${at + 1}: this fence has no end`);
      add(fence[1] ?? '', lines.slice(at + 1, end));
      at = end;
    } else if (/^ {4}/.test(line)) {
      const begin = at;
      while (at + 1 < lines.length && /^( {4}|$)/.test(lines[at + 1] ?? '')) at++;
      add(
        '',
        lines.slice(begin, at + 1).map((each) => each.slice(4)),
      );
    } else if (/^#+ /.test(line)) {
      heading = line.replace(/^#+ /, '').replaceAll('`', '');
      number = 0;
    }
  }
  return blocks;
}

/** The block of this name. */
export function block(name: string): Block {
  const found = blocksOf(name.slice(0, name.indexOf(','))).find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no block ${name}`);
  return found;
}

/** What a snippet of JavaScript says that it prints: the comment behind each `console.log(…);`, or in the line below it. */
export function saidToPrint({ text }: Block): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const call = /console\.log\(.*\);(?: \/\/ (.*))?$/.exec(line);
    if (call === null) return [];
    const said = call[1] ?? /^\s*\/\/ (.*)$/.exec(lines[at + 1] ?? '')?.[1];
    return said === undefined ? [] : [said];
  });
}
