#!/usr/bin/env node
// Runs test files, each in a process of its own, some at once, and makes one report of theirs: WGPS_REPORT, scripts/test/reporter.mjs.
//   node scripts/test/pool.mjs NUMBER [FILE… --] FILE…      the longest first; those before the -- one after another, before the others
// A file may have a program before it: reporter.mjs, asked(). One takes the longest, the others the quickest: so whoever watches sees soon
// that it goes on, and at the end all have something to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { asked, reporting, SIGN_OF_LIFE, sourceOf, TELL_WHAT_HANGS } from './reporter.mjs';

/** A file that takes longer hangs. The longest takes five minutes in a calm virtual machine, and five times that in a busy one. Milliseconds. */
const DEADLINE = Number(process.env.WGPS_FILE_DEADLINE ?? 1500) * 1000;

/**
 * So long a process has for its end once its tests are over and it has nothing more to do. Node hangs there now and then, when V8 waits for
 * one of its threads, and that for V8 (nodejs/node#54918). Milliseconds.
 */
const ENDING = Number(process.env.WGPS_FILE_ENDING ?? 30) * 1000;

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
  const { file, program, name } = asked(item);
  running.add(name);
  const report = `${folder}/${item.replaceAll('/', '-')}`;
  const env = { ...process.env, ...(program && { WGPS_PROGRAM: program }), WGPS_REPORT: report };
  const child = spawn(process.execPath, [...reporting, file], { stdio: 'inherit', env });
  const watch = new Watch(child, report, name);
  const [code, signal] = await once(child, 'exit');
  watch.end();
  running.delete(name);
  ended++;
  const counted = read(report)[sourceOf(file)] ?? { passed: 0, failed: 0, listed: [] };
  counts[name] = counted;
  // What goes wrong outside of a test is told by the process alone.
  if (code !== 0 && counted.failed === 0 && !watch.wasOver) {
    counted.failed = 1;
    process.stdout.write(`\n  FAILED  ${name} ended with ${signal ?? `exit status ${code}`}\n\n`);
  }
}

/** Keeps a process from running for ever. */
class Watch {
  /** Whether its tests were over when it was killed. */
  wasOver = false;

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} report the file that it writes when its tests are over
   * @param {string} name for messages
   */
  constructor(child, report, name) {
    this.child = child;
    this.report = report;
    this.name = name;
    this.began = performance.now();
    this.timer = setInterval(() => this.look(), 1000);
  }

  look() {
    const now = performance.now();
    if (this.overSince === undefined && existsSync(this.report)) this.overSince = now;
    if (this.overSince !== undefined) {
      if (now - this.overSince < ENDING) return;
      this.wasOver = true;
      process.stdout.write(`# ${this.name}: its tests are over, and Node does not end: killed\n`);
      this.kill();
    } else if (now - this.began > DEADLINE) {
      process.stdout.write(`# ${this.name} takes longer than ${DEADLINE / 1000} s: killed\n`);
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
