#!/usr/bin/env node
// Runs test files, each in a process of its own, some at once, and makes one report of theirs: WGPS_REPORT, scripts/test/reporter.mjs.
//   node scripts/test/pool.mjs NUMBER FILE…      the longest first
// One takes the longest, the others the quickest: so whoever watches sees soon that it goes on, and at the end all have something to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { reporting, sourceOf, TELL_WHAT_HANGS } from './reporter.mjs';

/** A file that takes longer hangs. The longest takes five minutes in a calm virtual machine, and five times that in a busy one. Milliseconds. */
const DEADLINE = Number(process.env.WGPS_FILE_DEADLINE ?? 1500) * 1000;

/**
 * So long a process has for its end once its tests are over and it has nothing more to do. Node hangs there now and then, when V8 waits for
 * one of its threads, and that for V8 (nodejs/node#54918). Milliseconds.
 */
const ENDING = Number(process.env.WGPS_FILE_ENDING ?? 30) * 1000;

const [number, ...files] = process.argv.slice(2);
const folder = mkdtempSync(`${tmpdir()}/wgps-reports-`);

/** @typedef {import('./reporter.mjs').Counts} Counts */

/** What the files have counted, by their sources. @type {Record<string, Counts>} */
const counts = {};

/** @param {string} file */
async function runOne(file) {
  const source = sourceOf(file);
  const report = `${folder}/${file.replaceAll('/', '-')}`;
  const env = { ...process.env, WGPS_REPORT: report };
  const child = spawn(process.execPath, [...reporting, file], { stdio: 'inherit', env });
  const watch = new Watch(child, report, source);
  const [code, signal] = await once(child, 'exit');
  watch.end();
  const counted = read(report)[source] ?? { passed: 0, failed: 0, listed: [] };
  counts[source] = counted;
  // What goes wrong outside of a test is told by the process alone.
  if (code !== 0 && counted.failed === 0 && !watch.wasOver) {
    counted.failed = 1;
    process.stdout.write(`\n  FAILED  ${source} ended with ${signal ?? `exit status ${code}`}\n\n`);
  }
}

/** Keeps a process from running for ever. */
class Watch {
  /** Whether its tests were over when it was killed. */
  wasOver = false;

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} report the file that it writes when its tests are over
   * @param {string} source for messages
   */
  constructor(child, report, source) {
    this.child = child;
    this.report = report;
    this.source = source;
    this.began = performance.now();
    this.timer = setInterval(() => this.look(), 1000);
  }

  look() {
    const now = performance.now();
    if (this.overSince === undefined && existsSync(this.report)) this.overSince = now;
    if (this.overSince !== undefined) {
      if (now - this.overSince < ENDING) return;
      this.wasOver = true;
      process.stdout.write(`# ${this.source}: its tests are over, and Node does not end: killed\n`);
      this.kill();
    } else if (now - this.began > DEADLINE) {
      process.stdout.write(`# ${this.source} takes longer than ${DEADLINE / 1000} s: killed\n`);
      this.child.kill(TELL_WHAT_HANGS);
      this.end();
      setTimeout(() => this.kill(), 5000).unref();
    }
  }

  kill() {
    this.child.kill('SIGKILL');
    this.end();
  }

  end() {
    clearInterval(this.timer);
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
rmSync(folder, { recursive: true, force: true });
writeFileSync(process.env.WGPS_REPORT ?? '/dev/null', JSON.stringify(counts));
process.exitCode = Object.values(counts).some(({ failed }) => failed > 0) ? 1 : 0;
