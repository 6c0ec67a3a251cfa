#!/usr/bin/env node
// Reads what no kernel, server or person would send, from a bare checkout:
//   npm run fuzz [-- READER…] [--runs N] [--seed N] [--keep]     all readers, or those that are named; `native` is the C
// See test/fuzz/main.ts for the readers in TypeScript, and test/fuzz/native.c for those in C, which libFuzzer of Debian's clang runs under the
// sanitizers.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArguments } from './setup/arguments.mjs';
import { toolsWork } from './setup/debian.mjs';
import { npmWork } from './setup/npm.mjs';
import { cache, root } from './setup/paths.mjs';
import { attempt, run } from './setup/process.mjs';
import { carryOut, takeYes } from './setup/work.mjs';

/** Debian 12 and those after it have this release. @type {import('./setup/debian.mjs').Need[]} */
const packages = [
  { names: ['clang-19'], files: ['clang-19'] },
  {
    names: ['libclang-rt-19-dev'],
    files: ['x86_64', 'aarch64'].map(
      (arch) => `/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-${arch}.a`,
    ),
  },
];
const corpus = `${root}/test/fixtures/fuzz/native.txt`;

/** @param {string} text */
const say = (text) => void process.stdout.write(`${text}\n`);

const { values, positionals } = parseArguments({
  args: takeYes(process.argv.slice(2)),
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    keep: { type: 'boolean', default: false },
  },
});
const native = positionals.length === 0 || positionals.includes('native');
const readers = positionals.filter((name) => name !== 'native');

/** libFuzzer on the C, with the corpus of the repository and what former runs have found. */
async function fuzzNative() {
  const found = `${cache}/fuzz/native`;
  const program = `${cache}/fuzz/native-fuzzer`;
  await mkdir(found, { recursive: true });
  const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];
  const flags = ['-std=c11', '-g', '-O1', ...sanitizers, '-pthread', '-o', program];
  await run(['clang-19', ...flags, `${root}/test/fuzz/native.c`]);
  const lines = (await readFile(corpus, 'utf8')).trim().split('\n');
  for (const [at, line] of lines.entries()) await writeFile(`${found}/kept-${at}`, Buffer.from(line, 'hex'));
  // The time is of the clock, and the machine may be busy.
  const limits = ['-max_len=600', '-timeout=60', '-rss_limit_mb=1024', `-artifact_prefix=${cache}/fuzz/`];
  const { status, stderr } = await attempt([
    program,
    `-runs=${values.runs}`,
    `-seed=${Math.max(1, Number(values.seed))}`,
    ...limits,
    found,
  ]);
  const last = stderr
    .trim()
    .split('\n')
    .slice(status === 0 ? -1 : -30);
  say(`native       ${values.runs} inputs (seed ${values.seed}): ${last.join('\n')}`);
  if (status !== 0) process.exitCode = 1;
  else if (values.keep) await keep(program, found);
}

/** The smallest inputs that together lead everywhere become the corpus. @param {string} program @param {string} found */
async function keep(program, found) {
  const least = await mkdtemp(`${tmpdir()}/wgps-fuzz-`);
  try {
    await attempt([program, '-merge=1', least, found]);
    const inputs = await Promise.all(
      (await readdir(least)).sort().map((name) => readFile(`${least}/${name}`)),
    );
    await writeFile(corpus, inputs.map((input) => `${input.toString('hex')}\n`).join(''));
  } finally {
    await rm(least, { recursive: true });
  }
}

try {
  await carryOut([...(await npmWork()), ...(native ? await toolsWork(packages, say) : [])], say);
  if (readers.length > 0 || positionals.length === 0) {
    await run([`${root}/node_modules/.bin/tsc`, '-p', root]);
    const options = ['--runs', values.runs, '--seed', values.seed, ...(values.keep ? ['--keep'] : [])];
    const main = `${root}/dist/test/fuzz/main.js`;
    const { status } = await attempt(
      [process.execPath, '--enable-source-maps', main, ...readers, ...options],
      {
        show: true,
      },
    );
    if (status !== 0) process.exitCode = status ?? 1;
  }
  if (native) await fuzzNative();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
