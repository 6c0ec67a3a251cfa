// Keeps a process of tests from running for ever: one that hangs in a test, one that Node does not end, one in which Node stands still.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { signOf } from './reporter.mjs';

/** A file that takes longer hangs. The longest takes five minutes in a calm virtual machine, and five times that in a busy one. Milliseconds. */
const DEADLINE = Number(process.env.WGPS_FILE_DEADLINE ?? 1500) * 1000;

/** So long a process has for its end once its tests are over and it has nothing more to do: Node may hang there, too. Milliseconds. */
const ENDING = Number(process.env.WGPS_FILE_ENDING ?? 30) * 1000;

/**
 * A process that gives no sign of life for so long does not run JavaScript any more, while others in its machine do. Rare, in emulated
 * machines, and in files without native parts of ours: so the file is run once more, and what its threads waited for is told. Milliseconds.
 */
const STILL = Number(process.env.WGPS_FILE_STILL ?? 300) * 1000;

/** Watches one process. */
export class Watch {
  /** Whether its tests were over when it was killed. */
  wasOver = false;
  /** Whether it was killed since it gave no sign of life. */
  stoodStill = false;

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
    this.sign = '';
    this.signAt = this.began;
    this.timer = setInterval(() => this.look(), 1000);
  }

  look() {
    const now = performance.now();
    if (this.overSince === undefined && existsSync(this.report)) this.overSince = now;
    if (this.overSince !== undefined) {
      if (now - this.overSince < ENDING) return;
      this.wasOver = true;
      process.stdout.write(`# ${this.name}: its tests are over, and Node does not end: killed\n`);
      return this.kill();
    }
    const sign = textOf(signOf(this.report));
    if (sign !== this.sign) {
      this.sign = sign;
      this.signAt = now;
    }
    if (now - this.signAt > STILL) {
      this.stoodStill = true;
      process.stdout.write(`# ${this.name}: Node has stood still for ${STILL / 1000} s: killed\n`);
      this.tellTests('in');
      for (const thread of threadsOf(this.child.pid)) process.stdout.write(`#   ${thread}\n`);
      return this.kill();
    }
    if (now - this.began > DEADLINE) {
      process.stdout.write(`# ${this.name} takes longer than ${DEADLINE / 1000} s: killed\n`);
      this.tellTests('it hangs in');
      this.kill();
    }
  }

  /** Says which tests have begun and not ended. @param {string} how */
  tellTests(how) {
    for (const test of this.sign.split('\n').slice(1)) process.stdout.write(`#   ${how}: ${test}\n`);
  }

  kill() {
    this.child.kill('SIGKILL');
    this.end();
  }

  end() {
    clearInterval(this.timer);
  }
}

/** What each thread of a process does, as the kernel tells it. @param {number | undefined} pid */
function threadsOf(pid) {
  const folder = `/proc/${pid}/task`;
  /** @type {string[]} */
  let threads = [];
  try {
    threads = readdirSync(folder);
  } catch {
    return [];
  }
  return threads.map((thread) => {
    const of = (/** @type {string} */ name) => textOf(`${folder}/${thread}/${name}`).trim();
    const state = /^State:\s*(.*)$/m.exec(of('status'))?.[1];
    const stack = of('stack')
      .replaceAll(/\[<0>\] /g, '')
      .split('\n')
      .slice(0, 4)
      .join(' < ');
    return `thread ${of('comm')}: ${state}, system call ${of('syscall')}, ${stack || of('wchan')}`;
  });
}

/** @param {string} path @returns {string} empty where there is no such file, or it cannot be read */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
