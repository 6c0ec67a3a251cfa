/**
 * npm run fuzz [-- READER…] [OPTION…]: reads what no kernel, server or person would send.
 *
 *     --runs N    inputs for each reader (default 1000000)
 *     --seed S    the same seed, the same inputs (default: another each time)
 *     --keep      puts the smallest inputs that lead everywhere into the corpus, test/fixtures/fuzz
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { corpusOf, hex } from './corpus.js';
import { Coverage } from './coverage.js';
import { Broken, distil, fuzz } from './run.js';
import { fixtures, type Target, withTargets } from './targets.js';

/** EX_USAGE */
const WRONG_USAGE = 64;

function natural(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} ${text}: expected a whole number, 0 or more`);
  return Number(text);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    keep: { type: 'boolean', default: false },
  },
});

function report(target: Target, runs: number, seed: number): void {
  const { name } = target.reader;
  const coverage = new Coverage();
  const from = performance.now();
  const { corpus, kinds, slowest } = fuzz(target, corpusOf(name, fixtures), runs, seed, coverage);
  const seconds = (performance.now() - from) / 1000;
  const kept = distil(target, corpus, coverage);
  if (values.keep)
    writeFileSync(`${fixtures}/fuzz/${name}.txt`, kept.map((input) => `${hex(input)}\n`).join(''));
  const figures = [
    `${runs} inputs in ${seconds.toFixed(1)} s (seed ${seed})`,
    `${coverage.size} characters of src`,
    `${kinds.size} kinds of outcomes`,
    `${kept.length} lead everywhere`,
    `slowest ${slowest.toFixed(1)} ms`,
  ];
  console.log(`${name.padEnd(12)} ${figures.join(', ')}`);
  coverage.close();
}

try {
  const runs = natural('runs', values.runs);
  const seed = natural('seed', values.seed);
  await withTargets((targets) => {
    const names = targets.map(({ reader }) => reader.name);
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`there is no reader ${unknown}: expected ${names.join(', ')}`);
    for (const target of targets)
      if (positionals.length === 0 || positionals.includes(target.reader.name)) report(target, runs, seed);
  });
} catch (error) {
  if (error instanceof Broken) console.error(`seed ${values.seed}: ${error.message}`);
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Broken ? 1 : WRONG_USAGE;
}
