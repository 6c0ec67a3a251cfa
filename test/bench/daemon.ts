/**
 * What the daemon costs and how soon it is there, on a real kernel. Each figure stands beside a bare Node process in the same
 * world, measured in the same run, and beside the documented figure of the Lua daemon, which is not measured here.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Daemon, Lab } from '../netns/lab/index.js';
import { type CpuUse, cpuUse, memory } from './process-figures.js';

/** How often a start is measured: single ones differ by what else the machine does. */
const STARTS = 5;
/** How long the daemon is left alone, in seconds. */
const IDLE = 60;
/** V8 collects a few times after a start, to give memory back. That is not idling, so we wait it out first (seconds). */
const SETTLING = 30;
/** How many times `wg` is started for its figure. */
const WG_RUNS = 50;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** What a router runs (`npm run bundle`), and the same as modules. */
const bundle = here('../../bundle/wgpeerselector.js');
const modules = here('../../src/cli/main.js');

const connected = /info vpn (\S+): connected to .*handshake after/;

/** One line of the table; `than` is a bare Node process or another reference of the same run. */
function row(what: string, own: string, than: string, lua = ''): void {
  console.log(`${what.padEnd(39)}${own.padStart(12)}${than.padStart(14)}${lua.padStart(14)}`.trimEnd());
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
const megabytes = (value: number): string => `${value.toFixed(1)} MB`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Measures and prints everything; takes about three minutes in the emulated machine. */
export async function benchDaemon(): Promise<void> {
  const main = existsSync(bundle) ? bundle : modules;
  const file = main === bundle ? 'dist/bundle/wgpeerselector.js' : 'dist/src/cli/main.js (no bundle)';
  console.log(`\nthe daemon: ${file}, Node ${process.versions.node}, Linux ${release()}`);
  row('', 'measured', 'bare node', 'Lua daemon*');
  await withLab(2, (lab) => starts(lab, main));
  await withLab(4, (lab) => deadFirst(lab, main));
  await withLab(2, (lab) => withLab(2, (other) => idle(lab, other, main)));
  await withLab(2, getDevice);
  console.log("* the Lua daemon's documented figures, from a like machine; not measured again here");
}

async function withLab(gateways: number, work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.create({ gateways });
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}

/** From the start of the process to the connection, and from SIGTERM to its end. */
async function starts(lab: Lab, main: string): Promise<void> {
  const empty = `${lab.folder}/empty.js`;
  await writeFile(empty, '');
  const bare: number[] = [];
  const toConnection: number[] = [];
  const asModules: number[] = [];
  const toHandshake: number[] = [];
  const toExit: number[] = [];
  for (let run = 0; run < STARTS; run++) {
    bare.push((await (await lab.startDaemon({ main: empty })).exit()).duration);
    const daemon = await lab.startDaemon({ main });
    const { at, text } = await daemon.line(connected);
    toConnection.push(at);
    toHandshake.push(Number(/handshake after (\d+) ms/.exec(text)?.[1]));
    toExit.push(await terminate(daemon));
    if (main === modules) continue;
    const other = await lab.startDaemon({ main: modules });
    asModules.push((await other.line(connected)).at);
    await terminate(other);
  }
  const range = `${seconds(Math.min(...toConnection))} to ${seconds(Math.max(...toConnection))}`;
  row('start to connection, gateways alive', seconds(median(toConnection)), seconds(median(bare)), '6.1 s');
  console.log(`    median of ${STARTS}, ${range}; bare: node with an empty file, to its end`);
  console.log(`    of it the handshake: ${median(toHandshake)} ms`);
  if (asModules.length > 0) console.log(`    not bundled: ${seconds(median(asModules))}`);
  row('SIGTERM to exit', `${median(toExit).toFixed(0)} ms`, '', '5000 ms');
}

async function terminate(daemon: Daemon): Promise<number> {
  daemon.signal('SIGTERM');
  const { code, duration } = await daemon.exit();
  assert.equal(code, 0);
  return duration;
}

/** Three dead peers are tried before the living one, whichever order chance has drawn. */
async function deadFirst(lab: Lab, main: string): Promise<void> {
  for (const gateway of lab.gateways) await gateway.kill();
  const daemon = await lab.startDaemon({ main, args: ['-i', 'vpn', '-v'] });
  const tried = new Set<string>();
  while (tried.size < 3) {
    const { text } = await daemon.line(/debug vpn \S+: trying/);
    tried.add(/vpn (\S+):/.exec(text)?.[1] ?? '');
  }
  const living = lab.gateways.find(({ name }) => !tried.has(name));
  assert.ok(living);
  await living.revive();
  const { at } = await daemon.line(new RegExp(`info vpn ${living.name}: connected`));
  row('… with three dead peers first', seconds(at), '', '21 s (source)');
  console.log('    connect_timeout is 5 s, so 15 s of it are the three dead ones');
  await terminate(daemon);
}

/**
 * What a script does that has no netlink: two programs each time, as the Lua daemon starts about two every 5 s. It waits
 * without starting a third.
 */
const SCRIPT = `exec 3<> <(:)
while :; do
  wg show vpn latest-handshakes >/dev/null
  ip link show vpn >/dev/null
  read -t 5 -u 3
done`;

/**
 * Starts the ubusd of the tests: a router has one, and without it the daemon would look for it every few seconds.
 *
 * @returns the arguments of a daemon that uses it
 */
async function startUbusd(lab: Lab): Promise<string[]> {
  const path = `${lab.folder}/ubus.sock`;
  const ubusd = lab.router.run([process.execPath, here('ubus-peer.js'), 'ubusd', path]);
  await once(ubusd.stdout, 'data');
  return ['-i', 'vpn', '--ubus-socket', path];
}

/** A minute of an established connection that nobody uses: four processes side by side, two of them ours on a bus. */
async function idle(lab: Lab, other: Lab, main: string): Promise<void> {
  const node = lab.router.run([process.execPath, '-e', 'setTimeout(() => {}, 1e9)']);
  const script = lab.router.run(['bash', '-c', SCRIPT]);
  const daemon = await lab.startDaemon({ main, args: await startUbusd(lab) });
  await daemon.line(connected);
  const config = other.config({ interface: { check_interval: 60 } });
  const seldom = await other.startDaemon({ main, config, args: await startUbusd(other) });
  await seldom.line(connected);
  await delay(SETTLING * 1000);
  const pids = { own: daemon.pid, seldom: seldom.pid, bare: node.pid ?? 0, script: script.pid ?? 0 };
  const early = memory(pids.own);
  const before = usesOf(pids);
  await delay(IDLE * 1000);
  const after = usesOf(pids);
  const ticks = (name: keyof typeof pids): string => `${after[name].ticks - before[name].ticks} ticks`;
  const milliseconds = (name: keyof typeof pids): string =>
    `${(after[name].milliseconds - before[name].milliseconds).toFixed(0)} ms`;
  row(`CPU in ${IDLE} s, connected and idle`, ticks('own'), ticks('bare'), '128 ticks');
  console.log(`    by the scheduler ${milliseconds('own')}; a look every 5 s`);
  row('    with check_interval 60', ticks('seldom'), '', '');
  console.log(`    by the scheduler ${milliseconds('seldom')}`);
  row('    a script with wg and ip every 5 s', ticks('script'), '', '');
  const [own, bare] = [memory(pids.own), memory(pids.bare)];
  row('private memory', megabytes(own.private), megabytes(bare.private), '0.55 MB');
  console.log(`    ${SETTLING} s after the connection: ${megabytes(early.private)}`);
  row('resident', megabytes(own.resident), megabytes(bare.resident), '3.3 MB');
  await terminate(daemon);
  await terminate(seldom);
}

function usesOf<Name extends string>(pids: Readonly<Record<Name, number>>): Record<Name, CpuUse> {
  const entries = Object.entries<number>(pids).map(([name, pid]) => [name, cpuUse(pid)]);
  return Object.fromEntries(entries);
}

/** What one look at the connection costs, against the program that a script would start for it. */
async function getDevice(lab: Lab): Promise<void> {
  const [gateway] = lab.gateways;
  assert.ok(gateway);
  await lab.router.connectByHand(gateway);
  const own = Number(await lab.router.exec([process.execPath, here('get-device.js')]));
  const loop = `i=0; while [ $i -lt ${WG_RUNS} ]; do wg show vpn dump >/dev/null; i=$((i+1)); done; times`;
  const times = await lab.router.exec(['sh', '-c', loop]);
  // The second line is of the children: `0m0.050s 0m0.130s`.
  const ofChildren = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  assert.equal(ofChildren.length, 2, times);
  const wg = ofChildren.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  const each = (wg * 1e6) / WG_RUNS;
  row('CPU of one WireGuard GET_DEVICE', `${own.toFixed(0)} µs`, '', '');
  console.log(
    `    starting \`wg show vpn dump\` instead: ${each.toFixed(0)} µs, ${(each / own).toFixed(0)} times as much`,
  );
}
