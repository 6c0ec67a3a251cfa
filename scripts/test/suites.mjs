// The two kinds of tests, and what their runs count.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../setup/paths.mjs';
import { attempt } from '../setup/process.mjs';
import { SilentMachine } from '../vm/command.mjs';
import { runInWorld, whereWireguardIs } from '../world/run.mjs';
import { asked, node, SIGN_OF_LIFE } from './reporter.mjs';

/** @typedef {import('./reporter.mjs').Counts} Counts */

const pool = fileURLToPath(new URL('pool.mjs', import.meta.url));

/**
 * A run of test/netns that takes longer hangs (seconds): half of it takes twenty minutes in a calm virtual machine, and three times that in
 * a busy one. What runs directly, all of it in one, may do so in such a machine itself. What hangs in one file is noticed sooner, by pool.mjs.
 */
const netnsTimeout = { half: 4500, all: 9000 };

/** So many files run at once in one world: more would make each slower, and none sooner. */
const FILES_AT_ONCE = 2;

/** @returns {Counts} */
export function noCounts() {
  return { passed: 0, failed: 0, listed: [] };
}

/**
 * @param {Counts} total is added to
 * @param {Counts} counts
 */
export function add(total, { passed, failed, listed }) {
  total.passed += passed;
  total.failed += failed;
  total.listed.push(...listed);
}

/**
 * The compiled test files of a folder below dist/test.
 *
 * @param {'unit' | 'netns'} folder
 * @returns {Promise<string[]>} relative to the checkout
 */
export async function testFiles(folder) {
  const names = await readdir(`${root}/dist/test/${folder}`, { recursive: true }).catch(() => []);
  return names
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => `dist/test/${folder}/${name}`);
}

/**
 * @param {string[]} files
 * @returns {Promise<Counts>}
 */
export async function runUnitTests(files) {
  const folder = await mkdtemp(`${tmpdir()}/wgps-`);
  try {
    const { ending, status } = await attempt([...node, pool, String(FILES_AT_ONCE), ...files], {
      cwd: root,
      show: true,
      env: { ...process.env, WGPS_REPORT: `${folder}/report` },
    });
    const report = await readFile(`${folder}/report`, 'utf8').catch(() => '');
    return verdict(files, report, status, ending);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Those of test/netns that do not start the daemon: of the libraries, the lab itself, what README says of Node, the simulation. */
const withoutDaemon = ['documents', 'lab', 'netlink', 'simulation'];

/**
 * Those about what both programs do by the same code, above src/platform, or about OpenWrt, where Node is not: with the router's program
 * alone, unless somebody names them. The minute of chaos has some of each, with both.
 */
const sameForBoth = [
  'create',
  'dead',
  'full-tunnel',
  'guard',
  'heal',
  'hotplug',
  'hostile',
  'living',
  'openwrt',
  'preference',
  'run-time',
  'shared',
  'trouble',
];

/** @param {string} file */
const nameOf = (file) => basename(file, '.test.js');

/**
 * @typedef {object} Run of a file of test/netns
 * @property {string} file
 * @property {'node' | 'router'} program what the lab runs as the daemon: test/support/needs.ts
 */

/**
 * @param {string[]} files of test/netns
 * @param {boolean} all also those that are the same for both
 * @returns {Run[]} each with the programs that it is tried with
 */
export function runsOf(files, all) {
  const node = files.filter((file) => all || !sameForBoth.includes(nameOf(file)));
  const router = files.filter((file) => !withoutDaemon.includes(nameOf(file)));
  return [
    ...node.map((file) => ({ file, program: /** @type {const} */ ('node') })),
    ...router.map((file) => ({ file, program: /** @type {const} */ ('router') })),
  ];
}

/**
 * Runs test files of test/netns, each in a process of its own, some at once, for they wait more than they compute, Node's and the router's
 * program side by side: directly; otherwise in two virtual machines.
 *
 * @param {Run[]} runs
 * @returns {Promise<Counts>}
 */
export async function runNetnsTests(runs) {
  const weighed = await Promise.all(runs.map(weigh));
  const inVm = (await whereWireguardIs()) === 'vm' && runs.length > 1;
  const verdicts = (inVm ? machines(weighed) : [weighed]).map(async (some) => {
    const names = (/** @type {Weighed[]} */ these) =>
      these.sort((one, two) => two.weight - one.weight).map(({ name }) => name);
    const alone = names(inVm ? some.filter(({ changes }) => changes) : []);
    const others = names(inVm ? some.filter(({ changes }) => !changes) : some);
    const argv = [...node, pool, String(FILES_AT_ONCE), ...alone, '--', ...others];
    const options = { timeout: inVm ? netnsTimeout.half : netnsTimeout.all, silence: 5 * SIGN_OF_LIFE };
    const { status, report } = await runInWorld(argv, options).catch((error) => {
      if (!(error instanceof SilentMachine)) throw error;
      process.stdout.write(
        `# ${error.message}\n# the emulated machine has stopped: all of it once more in another\n`,
      );
      return runInWorld(argv, options);
    });
    return verdict([...alone, ...others], report, status, `exit status ${status}`);
  });
  const total = noCounts();
  // Each to its end, even when a machine has failed: what is said of the others would come after the last line.
  for (const outcome of await Promise.allSettled(verdicts)) {
    if (outcome.status === 'fulfilled') add(total, outcome.value);
    else {
      const { reason } = outcome;
      process.stdout.write(`  FAILED  ${reason instanceof Error ? reason.message : reason}\n`);
      total.failed += 1;
    }
  }
  return total;
}

/**
 * @typedef {object} Weighed
 * @property {string} name for pool.mjs
 * @property {number} weight about how many seconds it takes in the virtual machine
 * @property {boolean} changes the clock or the modules of the whole machine: nobody else's tests may be there meanwhile
 */

/** Of files whose tests wait for what cannot be hurried: so many seconds, whichever the program. */
const long = /** @type {Record<string, number>} */ ({
  chaos: 75,
  dead: 150,
  guard: 75,
  living: 320,
  preference: 170,
  simulation: 165,
});

/** Seconds that any other test takes: most of them start the daemon, Node two and a half times as slowly as the router's program. */
const ordinary = { node: 20, router: 8 };

/** Of a test that changes the clock or the modules of the whole machine. */
const changesMachine = /needs\('a (clock|kernel) of its own'\)/;

/**
 * @param {Run} run
 * @returns {Promise<Weighed>}
 */
async function weigh({ file, program }) {
  const text = await readFile(`${root}/${file}`, 'utf8');
  const tests = text.match(/^\s*test\(/gm)?.length ?? 0;
  const weight = long[nameOf(file)] ?? ordinary[program] * tests;
  return { name: `${program}:${file}`, weight, changes: changesMachine.test(text) };
}

/**
 * Shares files out between two machines, so that both take about as long; those that change theirs are in the second, where they run
 * first, one after another.
 *
 * @param {Weighed[]} files
 * @returns {Weighed[][]}
 */
function machines(files) {
  /** @type {Weighed[]} */
  const first = [];
  const second = files.filter(({ changes }) => changes);
  const load = { first: 0, second: second.reduce((all, { weight }) => all + weight, 0) };
  const others = files.filter(({ changes }) => !changes).sort((one, two) => two.weight - one.weight);
  for (const file of others) {
    const lighter = load.second < load.first ? 'second' : 'first';
    (lighter === 'second' ? second : first).push(file);
    load[lighter] += file.weight / FILES_AT_ONCE;
  }
  return [first, second].filter((some) => some.length > 0);
}

/**
 * What a run has shown. Everything that is not an explicit success is a failure: a file that told of no test, a
 * runner that ended badly without naming a failed test, a run without a report.
 *
 * @param {string[]} files as pool.mjs has been given them
 * @param {string} report
 * @param {number | null} status
 * @param {string} ending
 * @returns {Counts}
 */
function verdict(files, report, status, ending) {
  const total = noCounts();
  /** @param {string} text */
  const fault = (text) => {
    process.stdout.write(`  FAILED  ${text}\n`);
    total.failed += 1;
  };
  if (files.length === 0) fault('there are no tests');
  /** @type {Record<string, Counts>} */
  const counted = report === '' ? {} : JSON.parse(report);
  for (const counts of Object.values(counted)) add(total, counts);
  for (const file of files) {
    const { name } = asked(file);
    const counts = counted[name];
    if (counts === undefined || counts.passed + counts.failed + counts.listed.length === 0) {
      fault(`${name} ran no test`);
    }
  }
  if (status !== 0 && total.failed === 0) fault(`the test runner ended with ${ending}`);
  return total;
}
