// The two kinds of tests, and what their runs count.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { root } from '../setup/paths.mjs';
import { attempt } from '../setup/process.mjs';
import { runInWorld } from '../world/run.mjs';
import { sourceOf } from './reporter.mjs';

/** @typedef {import('./reporter.mjs').Counts} Counts */

const runner = [
  process.execPath,
  '--enable-source-maps',
  '--test',
  `--test-reporter=${fileURLToPath(new URL('reporter.mjs', import.meta.url))}`,
  '--test-reporter-destination=stdout',
];

/** A whole run of test/netns ends before that, or something hangs (seconds). */
const netnsTimeout = 480;

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

/**
 * Runs test files of test/netns one after another, each in a process of its own.
 *
 * @param {string[]} files
 * @returns {Promise<Counts>}
 */
export async function runNetnsTests(files) {
  const { status, report } = await runInWorld([...runner, '--test-concurrency=1', ...files], {
    timeout: netnsTimeout,
  });
  return verdict(files, report, status, `exit status ${status}`);
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
  const total = { passed: 0, failed: 0, skipped: 0 };
  /** @param {string} text */
  const fault = (text) => {
    process.stdout.write(`  FAILED  ${text}\n`);
    total.failed += 1;
  };
  if (files.length === 0) fault('there are no tests');
  /** @type {Record<string, Counts>} */
  const counted = report === '' ? {} : JSON.parse(report);
  for (const counts of Object.values(counted)) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  for (const file of files) {
    const counts = counted[sourceOf(file)];
    if (counts === undefined || counts.passed + counts.failed + counts.skipped === 0) {
      fault(`${sourceOf(file)} ran no test`);
    }
  }
  if (status !== 0 && total.failed === 0) fault(`the test runner ended with ${ending}`);
  return total;
}
