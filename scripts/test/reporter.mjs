// Reporter for Node's test runner: a line for each file as it ends, all about each failure, and at the end the counts of
// each file, as JSON, into the file that the variable WGPS_REPORT names. The verdict is made from those counts.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

/**
 * @typedef {object} Listed a test that cannot run in this world
 * @property {string} file
 * @property {string} name
 * @property {string} reason
 */

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {Listed[]} listed
 */

/**
 * Node without threads of V8's. When a process has nothing more to do, Node waits for them, and now and then they for it
 * (nodejs/node#54918).
 */
export const node = [process.execPath, '--single-threaded'];

/** Its options by which its test runner uses this reporter. */
export const reporting = [
  '--enable-source-maps',
  `--test-reporter=${fileURLToPath(import.meta.url)}`,
  '--test-reporter-destination=stdout',
];

/** So often pool.mjs says what runs, where nothing has ended since, in seconds: whoever watches, and suites.mjs, see that the machine lives. */
export const SIGN_OF_LIFE = 60;

/** So often a process of tests shows that it runs, in milliseconds. */
const BEAT = 5_000;

/**
 * Where a process of tests shows that it runs: a line that differs from those before, then the tests that have begun and not ended.
 *
 * @param {string} report the file that the variable WGPS_REPORT names
 */
export const signOf = (report) => `${report}.sign`;

/** How the reason begins of a test that is rightly not run: test/support/needs.ts gives it. */
const expected = /^(?:world|program) \w+ has not: /;

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} source */
export default async function* report(source) {
  /** Tests that have begun and not ended. @type {Set<string>} */
  const running = new Set();
  const sign = process.env.WGPS_REPORT && signOf(process.env.WGPS_REPORT);
  const beat = () => writeFileSync(sign ?? '/dev/null', [performance.now(), ...running].join('\n'));
  setInterval(beat, BEAT).unref();
  /** @type {Map<string, Counts & { milliseconds: number }>} */
  const files = new Map();
  let current = '';
  const closing = () => {
    const counts = files.get(current);
    const line = counts === undefined ? '' : fileLine(current, counts);
    current = '';
    return line;
  };
  for await (const event of source) {
    if (event.type === 'test:dequeue') running.add(event.data.name);
    if (event.type === 'test:complete') running.delete(event.data.name);
    if (event.type === 'test:dequeue' || event.type === 'test:complete') beat();
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    if (event.type === 'test:diagnostic' && event.data.level === 'error') yield `${event.data.message}\n`;
    // That a file is complete is told at once, but its tests only when those of the files before it were.
    if (event.type === 'test:complete' && sourceOf(event.data.name) === current) yield closing();
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const file = sourceOf(data.file ?? data.name);
    if (file !== current) {
      yield closing();
      current = file;
    }
    const counts = files.get(file) ?? { passed: 0, failed: 0, listed: [], milliseconds: 0 };
    files.set(file, counts);
    if (data.nesting === 0) counts.milliseconds += data.details.duration_ms;
    // The runner counts a file without any test as a test that passed: it is none.
    const isFile = sourceOf(data.name) === file;
    const skipped = data.skip ?? data.todo;
    if (event.type === 'test:fail') {
      // A suite, or a test with subtests, fails when one inside does: that one is counted and shown.
      if (data.details.error.failureType === 'subtestsFailed') continue;
      counts.failed += 1;
      yield failure(file, data.name, inspect(data.details.error.cause ?? data.details.error, { depth: 6 }));
    } else if (typeof skipped === 'string' && expected.test(skipped)) {
      counts.listed.push({ file, name: data.name, reason: skipped });
    } else if (skipped !== undefined) {
      counts.failed += 1;
      yield failure(file, data.name, `skipped or still to be done (${skipped}): only needs() may say so`);
    } else if (data.details.type !== 'suite' && !isFile) {
      counts.passed += 1;
    }
  }
  yield closing();
  writeFileSync(process.env.WGPS_REPORT ?? '/dev/null', JSON.stringify(Object.fromEntries(files)));
}

/**
 * The source of a test file. The runner names the compiled file, or the source if there is a source map.
 *
 * @param {string} file
 * @returns {string} relative to the working folder
 */
export function sourceOf(file) {
  return relative(process.cwd(), file)
    .replace(/^dist\//, '')
    .replace(/\.js$/, '.ts');
}

/**
 * A file that is to be run, maybe with one of the programs that test/netns runs as the daemon: `dist/test/unit/uci.test.js`,
 * `router:dist/test/netns/life.test.js`.
 *
 * @param {string} item
 * @returns {{ file: string, program: string | undefined, name: string }} the name is for people
 */
export function asked(item) {
  const [, program, file = item] = /^(node|router):(.*)$/.exec(item) ?? [];
  return { file, program, name: sourceOf(file) + called(program) };
}

/** @param {string | undefined} program */
function called(program) {
  return program === undefined ? '' : program === 'node' ? ', Node' : ', router';
}

/** What runs here as the daemon, if that was said, for people. */
const here = called(process.env.WGPS_PROGRAM);

/**
 * @param {string} file
 * @param {Counts & { milliseconds: number }} counts
 */
function fileLine(file, { passed, failed, listed, milliseconds }) {
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} FAILED`);
  if (listed.length > 0) parts.push(`${listed.length} not here`);
  return `  ${file}${here}: ${parts.join(', ')} (${(milliseconds / 1000).toFixed(1)} s)\n`;
}

/**
 * @param {string} file
 * @param {string} name
 * @param {string} text
 */
function failure(file, name, text) {
  const indented = text
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
  return `\n  FAILED  ${name}\n          ${file}${here}\n${indented}\n\n`;
}
