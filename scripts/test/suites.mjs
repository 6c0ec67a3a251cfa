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

const runner = [
  process.execPath,
  '--enable-source-maps',
  '--test',
  `--test-reporter=${fileURLToPath(new URL('reporter.mjs', import.meta.url))}`,
  '--test-reporter-destination=stdout',
];

const together = fileURLToPath(new URL('together.mjs', import.meta.url));

/**
 * A run of test/netns that takes longer hangs (seconds): half of it takes five minutes in a calm virtual machine, and five times that in
 * a busy one. What runs directly, all of it in one, may do so in such a machine itself.
 */
const netnsTimeout = { half: 2400, all: 4800 };

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
    const env = { ...process.env, WGPS_REPORT: `${folder}/report` };
    const { ending, status } = await attempt([...runner, '--test-concurrency=2', ...files], {
      cwd: root,
      show: true,
      env,
    });
    const report = await readFile(`${folder}/report`, 'utf8').catch(() => '');
    return verdict(files, report, status, ending);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Those of test/netns that do not start the daemon: of the libraries, the lab itself, what README says of Node, the simulation. */
const withoutDaemon = ['documents', 'lab', 'netlink', 'simulation'];

/** Those that wait for minutes and do hardly anything: the router's program alone waits, beside the tests that follow. */
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
 * Runs test files of test/netns, each in a process of its own: directly one after another; otherwise in two virtual machines at
 * once, each of which has a clock and modules of its own that its tests may change. Beside them those that only wait.
 *
 * @param {string[]} files
 * @param {'node' | 'router'} program what the lab runs as the daemon: test/support/needs.ts
 * @returns {Promise<Counts>}
 */
export async function runNetnsTests(files, program) {
  const lanes = (await whereWireguardIs()) === 'vm' && files.length > 1 ? await halves(files) : [files];
  const verdicts = lanes.map(async (lane) => {
    const isWaiting = (/** @type {string} */ file) => waiting.includes(nameOf(file));
    const runs = [lane.filter((file) => !isWaiting(file)), lane.filter(isWaiting)]
      .filter((some) => some.length > 0)
      .map((some) => [...runner, '--test-concurrency=1', ...some]);
    const [only] = runs.length > 1 ? [] : runs;
    const all = [process.execPath, together, ...runs.map((run) => JSON.stringify(run))];
    const { status, report } = await runInWorld(only ?? all, {
      timeout: lanes.length > 1 ? netnsTimeout.half : netnsTimeout.all,
      env: { WGPS_PROGRAM: program },
    });
    return verdict(lane, report, status, `exit status ${status}`);
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

/** Seconds in the virtual machine of files whose tests wait for what cannot be hurried; any other test takes about ten. */
const long = /** @type {Record<string, number>} */ ({
  dead: 120,
  guard: 90,
  preference: 190,
  simulation: 150,
});

/** Changes the clock or the modules of the whole machine. */
const changesMachine = /needs\('a (clock|kernel) of its own'\)/;

/**
 * Shares files out between two, so that both take about as long, and nobody waits in a machine that is changed.
 *
 * @param {string[]} files
 * @returns {Promise<string[][]>}
 */
async function halves(files) {
  const quiet = { files: files.filter((file) => waiting.includes(nameOf(file))), weight: 0 };
  const other = { files: /** @type {string[]} */ ([]), weight: 0 };
  const weighed = await Promise.all(
    files
      .filter((file) => !quiet.files.includes(file))
      .map(async (file) => {
        const text = await readFile(`${root}/${file}`, 'utf8');
        const tests = text.match(/^\s*test\(/gm)?.length ?? 0;
        const bound = quiet.files.length > 0 && changesMachine.test(text);
        return { file, weight: long[nameOf(file)] ?? 10 * tests, bound };
      }),
  );
  weighed.sort((one, two) => Number(two.bound) - Number(one.bound) || two.weight - one.weight);
  const lanes = [quiet, other];
  for (const { file, weight, bound } of weighed) {
    const lane = bound || other.weight <= quiet.weight ? other : quiet;
    lane.files.push(file);
    lane.weight += weight;
  }
  // The quickest first: one who watches sees soon that it goes on.
  return lanes.map((lane) => lane.files.reverse());
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
