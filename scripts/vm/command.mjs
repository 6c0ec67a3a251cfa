// A command in a fresh virtual machine, as if it ran here: its output, its exit status.
import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { unpacked } from '../setup/debian.mjs';
import { boot } from './boot.mjs';
import { ensureVm } from './build.mjs';
import { attachKeyboard } from './keyboard.mjs';
import { EndMarked } from './streams.mjs';

/** The variables of our environment that the command in the guest gets too. */
const passedOn = /^(PATH|HOME|USER|LANG|LC_.*|TZ|TERM|COLORTERM|CI|NO_COLOR|FORCE_COLOR|NODE_.*|WGPS_.*)$/;

/** Why a run ended when a signal, or the keyboard's way out, ended it. */
class Interruption {
  /** @param {string} by */
  constructor(by) {
    this.by = by;
  }
}

/** The machine has said nothing for too long: it has stopped, whatever the command does in it. */
export class SilentMachine extends Error {}

/**
 * @typedef {object} VmOptions
 * @property {string} [cwd] the command's folder; default: ours
 * @property {Record<string, string>} [env] added to the variables that are passed on
 * @property {string} [root] a folder that becomes the guest's root folder, instead of this machine's
 * @property {number} [timeout] seconds from boot, after which the machine is killed
 * @property {number} [silence] seconds without a word of the command's, after which the machine counts as dead
 * @property {boolean} [terminal] the command gets our terminal instead of three streams
 * @property {(text: string) => void} [say] told before anything slow
 */

/**
 * Runs a command in a virtual machine of its own. The guest sees this machine's files as they were at boot;
 * what it writes stays in the guest. Standard input is empty unless the command gets the terminal.
 *
 * @param {string[]} argv
 * @param {VmOptions} [options]
 * @returns {Promise<{ status: number, report: string }>} the command's exit status (128 + n after signal n),
 *   and what it left in the file that the variable WGPS_REPORT names
 * @throws {SilentMachine} see `silence`
 * @throws {Error} if the machine ended without telling a status; the message has the console's last lines
 */
export async function runInVm(argv, options = {}) {
  const parts = await ensureVm(options.say ?? ((text) => process.stderr.write(`${text}\n`)));
  // The kernel's command line, which names this folder, is split at spaces; and the guest has a /run of its own.
  const root = options.root ?? '';
  const temporary = root !== '' || /\s|^(\/var)?\/run\//.test(tmpdir()) ? '/tmp' : tmpdir();
  const folder = await mkdtemp(`${root}${temporary}/wgps-vm-`);
  const interruption = catchSignals();
  const silence = new Silence(options.silence);
  /** @type {import('./boot.mjs').Machine | undefined} */
  let machine;
  let giveKeyboardBack = () => {};
  try {
    const mark = await writeInstructions(folder, parts, argv, options);
    /** @type {Buffer[]} */
    const reported = [];
    const report = new EndMarked(mark, (data) => reported.push(data));
    /** @param {NodeJS.WriteStream} stream */
    const passOn = (stream) => (/** @type {Buffer} */ data) => {
      silence.broken();
      stream.write(data);
    };
    const stdout = new EndMarked(mark, passOn(process.stdout));
    const stderr = new EndMarked(mark, passOn(process.stderr));
    const status = new StatusPort();
    /** @type {import('./boot.mjs').Port[]} */
    const ports = [status, { name: 'report', connected: (socket) => report.readFrom(socket) }];
    /** @type {import('./boot.mjs').Port} */
    const output = { name: 'stdout', connected: (socket) => stdout.readFrom(socket) };
    /** @type {import('./boot.mjs').Port} */
    const terminal = {
      name: 'terminal',
      connected: (socket) => {
        giveKeyboardBack = attachKeyboard(socket, () => interruption.raise('Control-]'));
        stdout.readFrom(socket);
      },
    };
    if (options.terminal !== true) {
      ports.push(output, { name: 'stderr', connected: (socket) => stderr.readFrom(socket) });
    }
    machine = await boot(parts, folder, ports, { root, ...(options.terminal === true ? { terminal } : {}) });

    const outcome = await Promise.race([
      status.value,
      machine.ended,
      interruption.raised,
      silence.tooLong,
      after(options.timeout, `killed after ${options.timeout} s`),
    ]);
    if (outcome instanceof Interruption) throw new Error(`interrupted by ${outcome.by}`);
    if (typeof outcome === 'string') {
      const tail = machine.console().trimEnd().split('\n').slice(-30).join('\n');
      const message = `virtual machine: ${outcome}. Its console said last:\n${tail}`;
      throw silence.over ? new SilentMachine(message) : new Error(message);
    }
    // A program that the command left behind may hold its streams open; that must not hold us.
    const streams = options.terminal === true ? [report, stdout] : [report, stdout, stderr];
    await Promise.race([Promise.all(streams.map(({ ended }) => ended)), after(5, '')]);
    return { status: outcome, report: Buffer.concat(reported).toString('utf8') };
  } finally {
    silence.end();
    await machine?.stop();
    giveKeyboardBack();
    interruption.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Leaves in the run's folder what guest/init and guest/start.sh read there.
 *
 * @param {string} folder
 * @param {import('./build.mjs').VmParts} parts
 * @param {string[]} argv
 * @param {VmOptions} options
 * @returns {Promise<string>} the text that will end each stream
 */
async function writeInstructions(folder, parts, argv, options) {
  const mark = `end of stream ${randomBytes(12).toString('hex')}`;
  await writeFile(`${folder}/end`, `${mark}\n`);
  await copyFile(new URL('guest/start.sh', import.meta.url), `${folder}/start.sh`);
  const { root = '' } = options;
  if (root === '') await symlink(parts.modules, `${folder}/modules`);
  else await cp(parts.modules, `${folder}/modules`, { recursive: true });
  // As overlay's options want it, where : and , part one from the next. Those of another root folder are its own.
  const tools = (root === '' ? unpacked() : []).map((usr) => `${usr.replaceAll(/[\\:,]/g, '\\$&')}\n`);
  await writeFile(`${folder}/tools`, tools.join(''));
  if (options.terminal === true) await writeFile(`${folder}/terminal`, '');
  const variables = Object.entries({ ...process.env, ...options.env }).filter(
    ([name]) => passedOn.test(name) || name in (options.env ?? {}),
  );
  const lines = [
    ...variables.map(([name, value]) => `export ${name}=${quoted(value ?? '')}`),
    `export WGPS_REPORT=${quoted(`${folder.slice(root.length)}/report`)}`,
    'export WGPS_VM=1', // tests that are started by hand look for it
    ...(options.terminal === true && process.stdout.isTTY
      ? [`stty rows ${process.stdout.rows} cols ${process.stdout.columns}`]
      : []),
    `cd ${quoted(options.cwd ?? process.cwd())} || exit 1`,
    `exec ${argv.map(quoted).join(' ')}`,
  ];
  await writeFile(`${folder}/command.sh`, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return mark;
}

/** The port through which the guest tells the command's exit status, as a line with a number. */
class StatusPort {
  name = 'status';
  /** @type {(status: number) => void} */
  #resolve = () => {};
  /** @type {Promise<number>} */
  value = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  /** @param {import('node:net').Socket} socket */
  connected = (socket) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (more) => {
      text += more;
      const line = /^(\d+)\r?\n/.exec(text);
      if (line !== null) this.#resolve(Number(line[1]));
    });
  };
}

/** Watches whether something is said. */
class Silence {
  /** Whether it has lasted too long. */
  over = false;
  /** @type {(how: string) => void} */
  #resolve = () => {};
  /** @type {Promise<string>} how long it has lasted, in words */
  tooLong = new Promise((resolve) => {
    this.#resolve = resolve;
  });
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {number | undefined} seconds undefined: as long as it may be */
  constructor(seconds) {
    if (seconds === undefined) return;
    this.#timer = setTimeout(() => {
      this.over = true;
      this.#resolve(`silent for ${seconds} s`);
    }, seconds * 1000);
  }

  /** Something was said. */
  broken() {
    this.#timer?.refresh();
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/** Turns the signals that would end us into a reason to end the machine first. */
function catchSignals() {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  /** @type {(by: string) => void} */
  let raise = () => {};
  /** @type {Promise<Interruption>} */
  const raised = new Promise((resolve) => {
    raise = (by) => resolve(new Interruption(by));
  });
  for (const signal of signals) process.on(signal, raise);
  return {
    raised,
    raise,
    release: () => {
      for (const signal of signals) process.off(signal, raise);
    },
  };
}

/**
 * @param {number | undefined} seconds undefined: never
 * @param {string} value
 * @returns {Promise<string>}
 */
function after(seconds, value) {
  return new Promise((resolve) => {
    if (seconds !== undefined) setTimeout(() => resolve(value), seconds * 1000).unref();
  });
}

/** @param {string} text @returns {string} one word for the shell, whatever is in it */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
