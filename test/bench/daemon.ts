/**
 * What the daemon costs and how soon it is there, on a real kernel: Node's program and the router's side by side in one run, beside a
 * bare Node process in the same world and the documented figures of the Lua daemon, which is not measured here.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Daemon, Lab } from '../netns/lab/index.js';
import { type ProgramName as Program, programs } from '../netns/lab/program.js';
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

const connected = /info vpn (\S+): connected to .*handshake after/;

/** The router's is left out where QuickJS cannot be had. */
const there: readonly Program[] = (['node', 'router'] as const).filter((name) => existsSync(fileOf(name)));

function fileOf(name: Program): string {
  return programs[name].at(-1) ?? '';
}

/** A line of the table: what was measured of each program, and what stands beside it. */
interface Row {
  readonly own: Map<Program, string>;
  bare: string;
  lua: string;
}

/** The table, filled program by program. */
class Table {
  readonly #rows = new Map<string, Row>();

  set(what: string, column: Program | 'bare' | 'lua', text: string): void {
    const row = this.#rows.get(what) ?? { own: new Map<Program, string>(), bare: '', lua: '' };
    this.#rows.set(what, row);
    if (column === 'bare' || column === 'lua') row[column] = text;
    else row.own.set(column, text);
  }

  print(): void {
    line('', ['Node', "router's", 'bare node', 'Lua daemon*']);
    for (const [what, { own, bare, lua }] of this.#rows)
      line(what, [own.get('node') ?? '', own.get('router') ?? '-', bare, lua]);
  }
}

function line(what: string, cells: readonly string[]): void {
  console.log(`${what.padEnd(39)}${cells.map((cell) => cell.padStart(14)).join('')}`.trimEnd());
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
const megabytes = (value: number): string => `${value.toFixed(1)} MB`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Measures and prints everything; takes about four minutes in the emulated machine. */
export async function benchDaemon(): Promise<void> {
  console.log(`\nthe daemon: Node ${process.versions.node}, Linux ${release()}`);
  const table = new Table();
  for (const name of there) {
    await withLab(2, (lab) => starts(table, lab, name));
    await withLab(4, (lab) => deadFirst(table, lab, name));
  }
  await idle(table);
  for (const name of there) table.set('its file', name, megabytes((await stat(fileOf(name))).size / 1e6));
  table.set('its file', 'bare', megabytes((await stat(process.execPath)).size / 1e6));
  table.print();
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
async function starts(table: Table, lab: Lab, name: Program): Promise<void> {
  const empty = `${lab.folder}/empty.js`;
  await writeFile(empty, '');
  const program = programs[name];
  const bare: number[] = [];
  const toConnection: number[] = [];
  const toHandshake: number[] = [];
  const toExit: number[] = [];
  for (let run = 0; run < STARTS; run++) {
    bare.push((await (await lab.startDaemon({ program: [process.execPath, empty] })).exit()).duration);
    const daemon = await lab.startDaemon({ program });
    const { at, text } = await daemon.line(connected);
    toConnection.push(at);
    toHandshake.push(Number(/handshake after (\d+) ms/.exec(text)?.[1]));
    toExit.push(await terminate(daemon));
  }
  const start = 'start to connection, gateways alive';
  table.set(start, name, seconds(median(toConnection)));
  table.set(start, 'bare', seconds(median(bare))); // with an empty file, to its end
  table.set(start, 'lua', '6.1 s');
  table.set('    of it the handshake', name, `${median(toHandshake)} ms`);
  table.set('SIGTERM to exit', name, `${median(toExit).toFixed(0)} ms`);
  table.set('SIGTERM to exit', 'lua', '5000 ms');
}

async function terminate(daemon: Daemon): Promise<number> {
  daemon.signal('SIGTERM');
  const { code, duration } = await daemon.exit();
  assert.equal(code, 0);
  return duration;
}

/** Three dead peers are tried before the living one, whichever order chance has drawn; connect_timeout is 5 s. */
async function deadFirst(table: Table, lab: Lab, name: Program): Promise<void> {
  for (const gateway of lab.gateways) await gateway.kill();
  const daemon = await lab.startDaemon({ program: programs[name], args: ['-i', 'vpn', '-v'] });
  const tried = new Set<string>();
  while (tried.size < 3) {
    const { text } = await daemon.line(/debug vpn \S+: trying/);
    tried.add(/vpn (\S+):/.exec(text)?.[1] ?? '');
  }
  const living = lab.gateways.find((gateway) => !tried.has(gateway.name));
  assert.ok(living);
  await living.revive();
  const { at } = await daemon.line(new RegExp(`info vpn ${living.name}: connected`));
  table.set('… with three dead peers first, 15 s', name, seconds(at));
  table.set('… with three dead peers first, 15 s', 'lua', '21 s (source)');
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

/** A minute of established connections that nobody uses, all side by side: each program with the usual interval and a long one. */
async function idle(table: Table): Promise<void> {
  const labs: Lab[] = [];
  const open = async (): Promise<Lab> => {
    const lab = await Lab.create({ gateways: 2 });
    labs.push(lab);
    return lab;
  };
  try {
    const pids = new Map<string, number>();
    const daemons: Daemon[] = [];
    for (const name of there) {
      for (const interval of [5, 60]) {
        const lab = await open();
        const config = lab.config({ interface: { check_interval: interval } });
        const daemon = await lab.startDaemon({
          program: programs[name],
          config,
          args: await startUbusd(lab),
        });
        await daemon.line(connected);
        daemons.push(daemon);
        pids.set(`${name} ${interval}`, daemon.pid);
      }
    }
    const [lab] = labs;
    assert.ok(lab);
    pids.set('bare', lab.router.run([process.execPath, '-e', 'setTimeout(() => {}, 1e9)']).pid ?? 0);
    const looks = here('../../bench/look-c');
    if (existsSync(looks))
      pids.set('C', lab.router.run([looks, 'vpn', '/5', '10.78.0.0', 'fd78::']).pid ?? 0);
    pids.set('script', lab.router.run(['bash', '-c', SCRIPT]).pid ?? 0);
    await delay(SETTLING * 1000);
    const before = usesOf(pids);
    await delay(IDLE * 1000);
    const after = usesOf(pids);
    const used = (who: string): string => {
      const [from, to] = [before.get(who), after.get(who)];
      assert.ok(from && to);
      return `${to.ticks - from.ticks} = ${(to.milliseconds - from.milliseconds).toFixed(0)} ms`;
    };
    const often = `ticks in ${IDLE} s, a look every 5 s`;
    table.set(often, 'lua', '128');
    table.set(often, 'bare', used('bare'));
    for (const name of there) {
      const { private: own, resident } = memory(pids.get(`${name} 5`) ?? 0);
      table.set(often, name, used(`${name} 5`));
      table.set(`    every 60 s`, name, used(`${name} 60`));
      table.set('private memory', name, megabytes(own));
      table.set('resident', name, megabytes(resident));
    }
    const bare = memory(pids.get('bare') ?? 0);
    table.set('private memory', 'bare', megabytes(bare.private));
    table.set('private memory', 'lua', '0.55 MB');
    table.set('resident', 'bare', megabytes(bare.resident));
    table.set('resident', 'lua', '3.3 MB');
    if (pids.has('C'))
      console.log(`a C program that asks the same every 5 s, and nothing else: ${used('C')}`);
    console.log(`a script with wg and ip every 5 s: ${used('script')}`);
    for (const daemon of daemons) await terminate(daemon);
  } finally {
    for (const lab of labs) await lab.close();
  }
}

function usesOf(pids: ReadonlyMap<string, number>): Map<string, CpuUse> {
  return new Map([...pids].map(([name, pid]) => [name, cpuUse(pid)]));
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
  line('CPU of one WireGuard GET_DEVICE', [`${own.toFixed(0)} µs`]);
  console.log(
    `    starting \`wg show vpn dump\` instead: ${each.toFixed(0)} µs, ${(each / own).toFixed(0)} times as much`,
  );
}
