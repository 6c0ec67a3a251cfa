#!/usr/bin/env node
// Runs several runs of the test runner at once, and makes one report of theirs: WGPS_REPORT, scripts/test/reporter.mjs.
//   node scripts/test/together.mjs RUN…      each RUN a command line as JSON
// The exit status is that of the first that failed, else 0.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';

const report = process.env.WGPS_REPORT ?? '/dev/null';
const runs = process.argv.slice(2).map(async (json, at) => {
  const [program = '', ...args] = /** @type {string[]} */ (JSON.parse(json));
  const own = `${report}.${at}`;
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, WGPS_REPORT: own } });
  const [status] = await once(child, 'exit');
  return { status: /** @type {number | null} */ (status) ?? 1, counts: read(own) };
});

/** @param {string} path @returns {object} the counts of each file; none where a runner has ended before it could tell */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

const ended = await Promise.all(runs);
writeFileSync(report, JSON.stringify(Object.assign({}, ...ended.map(({ counts }) => counts))));
process.exitCode = ended.find(({ status }) => status !== 0)?.status ?? 0;
