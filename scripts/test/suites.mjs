// The two kinds of tests, and what their runs count.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../setup/paths.mjs';
import { attempt } from '../setup/process.mjs';
import { runInWorld, whereWireguardIs } from '../world/run.mjs';
import { sourceOf } from './reporter.mjs';

/** @typedef {import('./reporter.mjs').Counts} Counts */

const pool = fileURLToPath(new URL('pool.mjs', import.meta.url));

/**
 * A run of test/netns that takes longer hangs (seconds): half of it takes five minutes in a calm virtual machine, and five times that in
 * a busy one. What runs directly, all of it in one, may do so in such a machine itself.
 */
const netnsTimeout = { half: 2400, all: 4800 };

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
    const { ending, status } = await attempt([process.execPath, pool, String(FILES_AT_ONCE), ...files], {
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

/** Those that wait for minutes for what is the same with both programs: with the router's alone. */
const waiting = ['living'];

/** @param {string} file */
const nameOf = (file) => basename(file, '.test.js');

/**
 * @param {string[]} files of test/netns
 * @param {'node' | 'router'} program
 * @returns {string[]} those that it is tried with
 */
export function filesOf(files, program) {
  const left = program === 'node' ? waiting : withoutDaemon;
  return files.filter((file) => !left.includes(nameOf(file)));
}

/**
 * Runs test files of test/netns, each in a process of its own, some at once, for they wait more than they compute: directly; otherwise
 * in two virtual machines, one of which has its clock and modules changed by its tests, one after another.
 *
 * @param {string[]} files
 * @param {'node' | 'router'} program what the lab runs as the daemon: test/support/needs.ts
 * @returns {Promise<Counts>}
 */
export async function runNetnsTests(files, program) {
  const weighed = await Promise.all(files.map(weigh));
  const inVm = (await whereWireguardIs()) === 'vm' && files.length > 1;
  const verdicts = (inVm ? machines(weighed) : [{ files: weighed, atOnce: FILES_AT_ONCE }]).map(
    async ({ files: some, atOnce }) => {
      const lane = some.sort((one, two) => two.weight - one.weight).map(({ file }) => file);
      const { status, report } = await runInWorld([process.execPath, pool, String(atOnce), ...lane], {
        timeout: inVm ? netnsTimeout.half : netnsTimeout.all,
        env: { WGPS_PROGRAM: program },
      });
      return verdict(lane, report, status, `exit status ${status}`);
    },
  );
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
 * @property {string} file
 * @property {number} weight about how many seconds it takes in the virtual machine
 * @property {boolean} changes the clock or the modules of the whole machine
 */

/** Of files whose tests wait for what cannot be hurried; any other test takes about ten seconds. */
const long = /** @type {Record<string, number>} */ ({
  chaos: 90,
  dead: 120,
  guard: 90,
  living: 320,
  preference: 190,
  simulation: 150,
});

/** Of a test that changes the clock or the modules of the whole machine. */
const changesMachine = /needs\('a (clock|kernel) of its own'\)/;

/**
 * @param {string} file
 * @returns {Promise<Weighed>}
 */
async function weigh(file) {
  const text = await readFile(`${root}/${file}`, 'utf8');
  const tests = text.match(/^\s*test\(/gm)?.length ?? 0;
  return { file, weight: long[nameOf(file)] ?? 10 * tests, changes: changesMachine.test(text) };
}

/**
 * Shares files out between two machines, so that both take about as long, and nobody is in one that is changed by another.
 *
 * @param {Weighed[]} files
 * @returns {{ files: Weighed[], atOnce: number }[]}
 */
function machines(files) {
  const shared = { files: /** @type {Weighed[]} */ ([]), atOnce: FILES_AT_ONCE, load: 0 };
  const changed = { files: /** @type {Weighed[]} */ ([]), atOnce: 1, load: 0 };
  const first = [...files].sort(
    (one, two) => Number(two.changes) - Number(one.changes) || two.weight - one.weight,
  );
  for (const file of first) {
    const lane = file.changes || changed.load + file.weight < shared.load ? changed : shared;
    lane.files.push(file);
    // The two machines share the processors, so those that are at once in one take longer.
    lane.load += file.weight / (lane === shared ? 1.5 : 1);
  }
  return [shared, changed].filter((lane) => lane.files.length > 0);
}

/**
 * What a run has shown. Everything that is not an explicit success is a failure: a file that told of no test, a
 * runner that ended badly without naming a failed test, a run without a report.
 *
 * @param {string[]} files
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
    const counts = counted[sourceOf(file)];
    if (counts === undefined || counts.passed + counts.failed + counts.listed.length === 0) {
      fault(`${sourceOf(file)} ran no test`);
    }
  }
  if (status !== 0 && total.failed === 0) fault(`the test runner ended with ${ending}`);
  return total;
}
