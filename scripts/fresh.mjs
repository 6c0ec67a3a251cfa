#!/usr/bin/env node
// What the front page promises, tried to the letter on a minimal Debian: a bare clone, `npm run demo`, `npm test`. As root only.
//   npm run test:fresh [-- bookworm|trixie|testing…] [root|user…]   default: bookworm, root and user
//   --only demo     one command instead of both; any script of package.json: test, test:unit, lint, …
//   --node 22       that version, from npm's package `node`; default: Debian's own, or 20
//   --kernel        on a kernel of Debian's, which has WireGuard, in a virtual machine: slow
//   --verbose       what is written there appears here
// A clone has what is committed, and no more. What changes there outside of the clone is a failure too.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { changesBetween, telling } from './fresh/changes.mjs';
import { makeTree } from './fresh/tree.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { cache } from './setup/paths.mjs';
import { run } from './setup/process.mjs';

const { values, positionals } = parseArguments({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: ['demo', 'test'] },
    node: { type: 'string' },
    kernel: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const users = ['root', 'user'];
const named = {
  releases: positionals.filter((word) => !users.includes(word)),
  users: positionals.filter((word) => users.includes(word)),
};

/** @param {string} text */
const say = (text) => void process.stderr.write(`${text}\n`);

/** @type {string[][]} */
const table = [
  ['Debian', 'as', 'Node', 'kernel', 'command', 'outcome', 'time', 'changed outside of the clone'],
];
let bad = false;

/** @param {import('./fresh/tree.mjs').Case} wanted */
async function tryOut(wanted) {
  const tree = await makeTree(wanted, say);
  try {
    const version = (await run(tree.inside(tree.command('node --version')))).trim();
    // There is no network on that kernel.
    if (wanted.kernel) await run(tree.inside(tree.command('WGPS_WORLD=user npm run setup')));
    for (const script of values.only) {
      const name = `${wanted.release} ${wanted.who} ${version} ${script}`;
      say(`${name}: npm run ${script}`);
      const before = await surroundings(tree);
      const start = performance.now();
      const { status, text } = await watched(argvOf(tree, wanted, script), name);
      const seconds = Math.round((performance.now() - start) / 1000);
      const closing = /^\d+ passed, \d+ failed.*$/m.exec(text)?.[0];
      const outcome = `${status === 0 ? 'passed' : `FAILED (exit status ${status})`}${closing === undefined ? '' : `: ${closing}`}`;
      const kernel = wanted.kernel ? "Debian's" : 'as here';
      // What a virtual machine's guest writes there stays in the guest.
      const changes = wanted.kernel ? [] : changesBetween(before, await surroundings(tree));
      const changed = wanted.kernel ? 'not looked for' : inWords(changes);
      if (status !== 0 || changes.length > 0) bad = true;
      table.push([wanted.release, wanted.who, version, kernel, script, outcome, `${seconds} s`, changed]);
      for (const change of changes) say(`  outside of the clone: ${change}`);
      if (status !== 0) say(text.trimEnd().split('\n').slice(-40).join('\n'));
    }
  } finally {
    await tree.remove();
  }
}

/**
 * @param {import('./fresh/tree.mjs').Tree} tree
 * @param {import('./fresh/tree.mjs').Case} wanted
 * @param {string} script
 */
function argvOf(tree, wanted, script) {
  const argv = tree.command(`npm run ${script}`);
  if (!wanted.kernel) return tree.inside(argv);
  const vm = fileURLToPath(new URL('vm/run.mjs', import.meta.url));
  return [process.execPath, vm, '--root', tree.folder, '--timeout', '3600', '--', ...argv];
}

/**
 * What is in other places than the clone and those for passing things: packages, services, users.
 *
 * @param {import('./fresh/tree.mjs').Tree} tree
 */
function surroundings(tree) {
  const leave = [
    '/tmp',
    '/var/tmp',
    '/proc',
    '/sys',
    '/dev',
    `${tree.home}/wgpeerselector`,
    `${tree.home}/.npm`,
  ];
  return run(tree.inside(telling('/', leave)));
}

/** @param {string[]} changes */
function inWords(changes) {
  if (changes.length === 0) return 'nothing';
  return changes.length > 3 ? `${changes.length}: ${changes.slice(0, 3).join(', ')} …` : changes.join(', ');
}

/**
 * Runs a command to its end, with what it writes in a file.
 *
 * @param {string[]} argv
 * @param {string} name
 * @returns {Promise<{ status: number, text: string }>}
 */
async function watched(argv, name) {
  await mkdir(`${cache}/fresh`, { recursive: true });
  const file = `${cache}/fresh/${name.replaceAll(/[^\w.]+/g, '-')}.log`;
  say(`  ${file}`);
  const log = createWriteStream(file);
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      log.write(data);
      if (values.verbose) process.stderr.write(data);
    });
  }
  running = child;
  const status = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 137)));
  running = undefined;
  if (ending !== '') throw new Error(`ended by ${ending}`);
  await new Promise((resolve) => log.end(() => resolve(undefined)));
  return { status, text: await readFile(file, 'utf8') };
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let running;
/** What ended us: what runs dies, with its mounts, and the rest is removed as after a failure. */
let ending = '';
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    ending = signal;
    running?.kill('SIGKILL');
  });
}

try {
  if (process.getuid?.() !== 0) throw new Error('test:fresh makes root folders of its own: run it as root');
  if ((await run(['git', 'status', '--porcelain'])) !== '')
    say('What is not committed is not in the clones.');
  for (const release of named.releases.length > 0 ? named.releases : ['bookworm']) {
    for (const who of named.users.length > 0 ? named.users : users) {
      await tryOut({ release, who, node: values.node, kernel: values.kernel });
    }
  }
} catch (error) {
  bad = true;
  say(error instanceof Error ? error.message : `${error}`);
}
const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of table) {
  process.stdout.write(
    `${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`,
  );
}
process.exitCode = bad || table.length === 1 ? 1 : 0;
