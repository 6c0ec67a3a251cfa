// Runs a command where WireGuard is: directly, if this kernel has it, or in the virtual machine.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { attempt } from '../setup/process.mjs';
import { runInVm } from '../vm/command.mjs';

/** New namespaces, and death for everything in them as soon as the command ends or we do. */
const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** What an ordinary user needs besides: to be root in a user namespace. */
const asRoot = ['--user', '--map-root-user'];
/** Real root could set the clock of a machine that is not ours. */
const withoutClock = ['setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time'];

const enter = ['sh', fileURLToPath(new URL('enter.sh', import.meta.url))];

/** @throws {Error} where an ordinary user may not make what everything here runs in */
export async function refuseWithoutNamespaces() {
  if (process.getuid?.() === 0) return;
  const { status, ending, stderr } = await attempt(['unshare', ...asRoot, '--net', '--mount', 'true']);
  if (status === 0) return;
  throw new Error(
    `An ordinary user needs user namespaces here, and this machine refuses them (${stderr.trim() || ending}).\n` +
      'Run this as root, or let root allow them: on Debian by `sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu by\n' +
      '`sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in a container by its options (--privileged).',
  );
}

/** @typedef {'root' | 'user' | 'vm'} Where directly as root, directly as an ordinary user, or not directly */

/**
 * Where a command finds WireGuard, found out by making an interface in a namespace of its own.
 * The variable WGPS_WORLD, set to one of the three answers, overrides it.
 *
 * @returns {Promise<Where>}
 * @throws {Error} if WGPS_WORLD names no world, or one that cannot be entered here or has no WireGuard
 */
export async function whereWireguardIs() {
  const wished = process.env.WGPS_WORLD ?? '';
  if (wished === 'vm') return wished;
  if (wished !== '' && wished !== 'root' && wished !== 'user') {
    throw new Error(`WGPS_WORLD is '${wished}': expected root, user or vm`);
  }
  const direct = wished || (process.getuid?.() === 0 ? 'root' : 'user');
  const add = ['ip', 'link', 'add', 'wgps-try', 'type', 'wireguard'];
  const { status, ending, stderr } = await attempt([...entrance(direct), ...add]);
  if (status === 0) return direct;
  if (wished === '') return 'vm';
  throw new Error(
    `WGPS_WORLD=${wished}: no WireGuard there (${stderr.trim() || ending}). Without WGPS_WORLD a virtual machine has it.`,
  );
}

/** @param {Where} where */
function entrance(where) {
  const last = { root: withoutClock, user: [], vm: [] };
  return [...unshare, ...(where === 'user' ? asRoot : []), ...enter, ...last[where]];
}

/**
 * Runs a command as root of a world of its own, with WireGuard. What it writes appears on our standard output
 * and error.
 *
 * @param {string[]} argv
 * @param {object} [options]
 * @param {Record<string, string>} [options.env]
 * @param {number} [options.timeout] seconds
 * @param {number} [options.silence] of a virtual machine, which has stopped then; SilentMachine
 * @param {boolean} [options.terminal] the command talks with a person
 * @param {(text: string) => void} [options.say] told before anything slow
 * @returns {Promise<{ status: number, report: string }>} the exit status (128 + n after signal n), and what the
 *   command left in the file that the variable WGPS_REPORT names
 */
export async function runInWorld(argv, options = {}) {
  const where = await whereWireguardIs();
  const env = { ...options.env, WGPS_WORLD: where }; // tests look for it: test/support/needs.ts
  if (where === 'vm') return await runInVm([...entrance('vm'), ...argv], { ...options, env });

  const folder = await mkdtemp(`${tmpdir()}/wgps-`);
  const report = `${folder}/report`;
  await writeFile(report, '');
  try {
    const [program = '', ...rest] = [...entrance(where), ...argv];
    const child = spawn(program, rest, {
      stdio: [options.terminal === true ? 'inherit' : 'ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env, WGPS_REPORT: report },
    });
    const kill = () => child.kill('SIGKILL');
    const timer = options.timeout === undefined ? undefined : setTimeout(kill, options.timeout * 1000);
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, kill);
    /** @type {number} */
    const status = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? 137));
    });
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, kill);
    return { status, report: await readFile(report, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
