#!/usr/bin/env node
// Runs test files, each in a process of its own, some at once, and makes one report of theirs: WGPS_REPORT, scripts/test/reporter.mjs.
//   node scripts/test/pool.mjs NUMBER FILE…      the longest first
// One takes the longest, the others the quickest: so whoever watches sees soon that it goes on, and at the end all have something to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { reporting, sourceOf } from './reporter.mjs';

const report = process.env.WGPS_REPORT ?? '/dev/null';
const [number, ...files] = process.argv.slice(2);

/** @typedef {import('./reporter.mjs').Counts} Counts */

/** What the files have counted, by their sources. @type {Record<string, Counts>} */
const counts = {};

/** @param {string} file */
async function runOne(file) {
  const own = `${report}.${file.replaceAll('/', '-')}`;
  const child = spawn(process.execPath, [...reporting, file], {
    stdio: 'inherit',
    env: { ...process.env, WGPS_REPORT: own },
  });
  const [code, signal] = await once(child, 'exit');
  const source = sourceOf(file);
  const counted = read(own)[source] ?? { passed: 0, failed: 0, listed: [] };
  counts[source] = counted;
  // What goes wrong outside of a test is told by the process alone.
  if (code !== 0 && counted.failed === 0) {
    counted.failed = 1;
    process.stdout.write(`\n  FAILED  ${source} ended with ${signal ?? `exit status ${code}`}\n\n`);
  }
}

/** @param {string} path @returns {Record<string, Counts>} nothing where the process has ended before it could tell */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

const takers = Array.from({ length: Number(number) }, async (_, at) => {
  for (let file = take(at); file !== undefined; file = take(at)) await runOne(file);
});

/** @param {number} at which of those that take */
function take(at) {
  return at === 0 ? files.shift() : files.pop();
}

await Promise.all(takers);
writeFileSync(report, JSON.stringify(counts));
process.exitCode = Object.values(counts).some(({ failed }) => failed > 0) ? 1 : 0;
