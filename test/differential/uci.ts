// Compares parseUci with a real `uci` on generated files. Not a part of `npm test`: it needs the program.
//   UCI=/path/to/uci node dist/test/differential/uci.js [files] [seed]
// Prints each difference as a JSON string of the input, and exits 1 if there was one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseUci, UciError, type UciPackage } from '../../src/uci/uci.js';

const { UCI: uci } = process.env;
if (uci === undefined) throw new Error('UCI is not set: expected the path of a uci program');
const count = Number(process.argv[2] ?? 5000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);

/** What a generated file is made of: what means something to uci, and what nearly does. */
const TOKENS = [
  'config',
  'option',
  'list',
  'package',
  'c',
  'o',
  'l',
  'p',
  'peer',
  'x',
  'y',
  'a-b',
  "''",
  '""',
  "'a'",
  '"b"',
  "'a b'",
  ' ',
  ' ',
  ' ',
  '\n',
  '\n',
  '\t',
  '\r\n',
  '\r',
  '\v',
  '\\',
  '\\\n',
  '\\\r\n',
  ';',
  ' ; ',
  '#',
  "'",
  '"',
  'ü',
  '\x01',
  '\f',
  'long'.repeat(20),
  '1',
];
/** Whole lines, so that many files get past their first few tokens. */
const LINES = [
  "config peer 'x'\n",
  "config peer 'y'\n",
  'config peer\n',
  "config other 'z'\n",
  'option x 1\n',
  "option x ''\n",
  "list x '2'\n",
  "\toption y 'q' ",
  'config peer cfg023511\n',
];

/** What a line is made of that is nearly or quite a good one. */
const KEYWORDS = ['option', 'option', 'option', 'list', 'list', 'config', 'o', 'l', 'c'];
const SPACES = [' ', ' ', ' ', '\t', '  ', ' \v', ' \\\n'];
const WORDS = [
  'x',
  'y',
  'z',
  '1',
  'abc',
  'other',
  "'q'",
  '"d"',
  "'a b'",
  '"c\nd"',
  '\\;',
  '\\x',
  "''",
  'e\\\nf',
  '"g\\\nh"',
];
const ENDS = [
  '\n',
  '\n',
  '\n',
  '\r\n',
  ';',
  ' ;',
  ' ; ',
  '#c\n',
  ' # c\n',
  " ''",
  " '' ",
  '',
  '\\\n',
  '\\\r\n',
];

/** mulberry32: any small generator does; what counts is that a seed gives the same files again. */
function random(state: number): () => number {
  let s = state;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function generate(next: () => number): string {
  const pick = (from: readonly string[]): string => from[Math.floor(next() * from.length)] ?? '';
  let text = next() < 0.8 ? "config peer 'x'\n" : '';
  if (next() < 0.6) {
    for (let n = 1 + Math.floor(next() * 7); n > 0; n--) {
      text += pick(KEYWORDS) + pick(SPACES) + pick(['x', 'y', "'x'", 'peer']) + pick(SPACES) + pick(WORDS);
      if (next() < 0.2) text += pick(WORDS);
      text += pick(ENDS);
    }
    return text;
  }
  const tidy = next();
  for (let n = Math.floor(next() * 14); n > 0; n--) text += pick(next() < tidy ? LINES : TOKENS);
  return text;
}

/** The same as `uci export` prints, with (-n) or without (-N) the names of anonymous sections. */
function exported(parsed: UciPackage, names: boolean): string {
  const quote = (value: string): string => value.replaceAll("'", "'\\''");
  let out = 'package f\n';
  for (const section of parsed.sections) {
    out += `\nconfig ${quote(section.type)}${names || !section.anonymous ? ` '${section.name}'` : ''}\n`;
    for (const { name, value } of section.options.values()) {
      if (typeof value === 'string') out += `\toption ${name} '${quote(value)}'\n`;
      else for (const item of value) out += `\tlist ${name} '${quote(item)}'\n`;
    }
  }
  return `${out}\n`;
}

function ours(text: string): string {
  try {
    const parsed = parseUci(text);
    return exported(parsed, true) + exported(parsed, false);
  } catch (error) {
    if (!(error instanceof UciError)) throw error;
    // uci counts newlines read: in a last line that has none it names the line before.
    const lines = text.split('\n');
    const unended = error.line === lines.length && lines.at(-1) !== '';
    return `error in line ${error.line - (unended ? 1 : 0)}`;
  }
}

function theirs(program: string, dir: string): string {
  const run = (flag: string): string => {
    const { status, signal, stdout, stderr } = spawnSync(
      program,
      ['-c', dir, '-C', `${dir}/none`, '-P', `${dir}/delta`, flag, 'export', 'f'],
      { encoding: 'utf8' },
    );
    if (status === 0) return stdout;
    return `error in line ${/at line (\d+)/.exec(stderr)?.[1] ?? `? (${signal ?? stderr})`}`;
  };
  const named = run('-n');
  return named.startsWith('error') ? named : named + run('-N');
}

const dir = mkdtempSync(join(tmpdir(), 'uci-'));
mkdirSync(join(dir, 'delta'));
const next = random(seed);
let differences = 0;
let refused = 0;
for (let i = 0; i < count; i++) {
  const text = generate(next);
  writeFileSync(join(dir, 'f'), text);
  const [mine, real] = [ours(text), theirs(uci, dir)];
  if (real.startsWith('error')) refused++;
  if (mine === real) continue;
  differences++;
  console.log(JSON.stringify({ text, mine, real }));
}
rmSync(dir, { recursive: true });
console.log(`${count} files (seed ${seed}): ${differences} differences, ${refused} refused by both or one`);
process.exitCode = differences === 0 ? 0 : 1;
