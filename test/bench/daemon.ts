/**
 * What the daemon costs and how soon it is there, on a real kernel. Each figure stands beside a bare Node process in the same
 * world, measured in the same run, and beside the documented figure of the Lua daemon, which is not measured here.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Daemon, Lab } from '../netns/lab/index.js';
import { cpuUse, memory } from './process-figures.js';

/** How often a start is measured: single ones differ by what else the machine does. */
const STARTS = 5;
/** How long the daemon is left alone, in seconds. */
const IDLE = 60;
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
  await withLab(2, (lab) => idle(lab, main));
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

/** A minute of an established connection that nobody uses. */
async function idle(lab: Lab, main: string): Promise<void> {
  const node = lab.router.run([process.execPath, '-e', 'setTimeout(() => {}, 1e9)']);
  const daemon = await lab.startDaemon({ main });
  await daemon.line(connected);
  await delay(5_000); // what start-up leaves behind (compiling, collecting) is not idling
  const pids = [daemon.pid, node.pid ?? 0] as const;
  const before = pids.map(cpuUse);
  await delay(IDLE * 1000);
  const after = pids.map(cpuUse);
  const used = (kind: 'ticks' | 'milliseconds') =>
    after.map((use, at) => use[kind] - (before[at]?.[kind] ?? Number.NaN));
  const [ticks = Number.NaN, bareTicks] = used('ticks');
  const [milliseconds = 0, bareMilliseconds = 0] = used('milliseconds');
  row(`CPU in ${IDLE} s, connected and idle`, `${ticks} ticks`, `${bareTicks} ticks`, '128 ticks');
  row(
    '    by the scheduler',
    `${milliseconds.toFixed(1)} ms`,
    `${bareMilliseconds.toFixed(1)} ms`,
    '1280 ms',
  );
  console.log(`    ${(1280 / milliseconds).toFixed(0)} times less than the Lua daemon`);
  const [own, bare] = pids.map(memory);
  assert.ok(own && bare);
  row('private memory', megabytes(own.private), megabytes(bare.private), '0.55 MB');
  row('resident', megabytes(own.resident), megabytes(bare.resident), '3.3 MB');
  await terminate(daemon);
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
