#!/usr/bin/env node
// Runs test files, each in a process of its own, some at once, and makes one report of theirs: WGPS_REPORT, scripts/test/reporter.mjs.
//   node scripts/test/pool.mjs NUMBER [FILE… --] FILE…      the longest first; those before the -- one after another, before the others
// A file may have a program before it: reporter.mjs, asked(). One takes the longest, the others the quickest: so whoever watches sees soon
// that it goes on, and at the end all have something to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { asked, node, reporting, SIGN_OF_LIFE, sourceOf } from './reporter.mjs';
import { Watch } from './watch.mjs';

const [number, ...given] = process.argv.slice(2);
const alone = given.splice(0, given.indexOf('--') + 1).slice(0, -1);
const folder = mkdtempSync(`${tmpdir()}/wgps-reports-`);

/** @typedef {import('./reporter.mjs').Counts} Counts */

/** What the files have counted, by their names. @type {Record<string, Counts>} */
const counts = {};

/** What runs now, by its name. @type {Set<string>} */
const running = new Set();
let ended = 0;
let told = 0;
const telling = setInterval(() => {
  if (ended === told) process.stdout.write(`# still running: ${[...running].join('; ')}\n`);
  told = ended;
}, SIGN_OF_LIFE * 1000);

/** @param {string} item */
async function runOne(item) {
  const { name } = asked(item);
  running.add(name);
  if (await stoodStill(item)) {
    process.stdout.write(`# ${name}: once more\n`);
    if (await stoodStill(item)) process.stdout.write(`\n  FAILED  ${name} stood still twice\n\n`);
  }
  running.delete(name);
  ended++;
}

/** @param {string} item @returns {Promise<boolean>} whether Node has, so that the file has told nothing */
async function stoodStill(item) {
  const { file, program, name } = asked(item);
  const report = `${folder}/${item.replaceAll('/', '-')}`;
  const env = { ...process.env, ...(program && { WGPS_PROGRAM: program }), WGPS_REPORT: report };
  const [command = '', ...options] = [...node, ...reporting, file];
  const child = spawn(command, options, { stdio: 'inherit', env });
  const watch = new Watch(child, report, name);
  const [code, signal] = await once(child, 'exit');
  watch.end();
  const counted = read(report)[sourceOf(file)] ?? { passed: 0, failed: 0, listed: [] };
  counts[name] = counted;
  if (watch.stoodStill) {
    counted.failed = 1;
    return true;
  }
  // What goes wrong outside of a test is told by the process alone.
  if (code !== 0 && counted.failed === 0 && !watch.wasOver) {
    counted.failed = 1;
    process.stdout.write(`\n  FAILED  ${name} ended with ${signal ?? `exit status ${code}`}\n\n`);
  }
  return false;
}

/** @param {string} path @returns {Record<string, Counts>} nothing where the process has ended before it could tell */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

for (const item of alone) await runOne(item);

const takers = Array.from({ length: Number(number) }, async (_, at) => {
  for (let item = take(at); item !== undefined; item = take(at)) await runOne(item);
});

/** @param {number} at which of those that take */
function take(at) {
  return at === 0 ? given.shift() : given.pop();
}

await Promise.all(takers);
clearInterval(telling);
rmSync(folder, { recursive: true, force: true });
writeFileSync(process.env.WGPS_REPORT ?? '/dev/null', JSON.stringify(counts));
process.exitCode = Object.values(counts).some(({ failed }) => failed > 0) ? 1 : 0;
