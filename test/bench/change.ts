/**
 * What it costs to install a peer with two routes and to remove both again, beside a C program that asks the kernel for that and does nothing
 * else, and beside `wg set` and `ip route` started as programs: turn by turn, since what else the machine does changes the figures and not
 * their ratio. Ours includes what the daemon makes sure of: that nothing else of ours is there, and that the way to the endpoint does
 * not lead into the tunnel.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inside, wireguardPort } from '../netns/lab/addresses.js';
import { connected, Lab } from '../netns/lab/index.js';
import { costOfPrograms } from './cost-of-programs.js';
import { line, median } from './table.js';

const TURNS = 5;
/** How often a turn does it; WireGuard takes its time to let a peer go. */
const COUNT = 50;
/** How often it does so by programs. */
const PROGRAMS_COUNT = 10;

/** The column of `wg` and `ip`. */
const PROGRAMS = 'wg and ip';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What scripts/bench.mjs has built, by what it is called in the table. */
const programs: Readonly<Record<string, readonly string[]>> = {
  C: [here('../../bench/change-c')],
  "router's": [here('../../bench/change/wgpeerselector')],
  Node: [process.execPath, here('change-loop.js')],
};

/** Prints a table, and the same for programs. */
export async function benchChange(): Promise<void> {
  console.log(
    `\na peer with two routes, installed and removed: microseconds of CPU, median of ${TURNS} turns`,
  );
  const names = Object.keys(programs).filter((name) => existsSync(programs[name]?.at(-1) ?? ''));
  const ours = names.filter((name) => name !== 'C');
  const ratios = [
    ...(names.includes('C') ? ours.map((name) => [name, 'C'] as const) : []),
    ...ours.map((name) => [PROGRAMS, name] as const),
  ];
  line('', [...names, PROGRAMS, ...ratios.map((pair) => pair.join(' / '))]);
  const measured = new Map([...names, PROGRAMS].map((name): [string, number[]] => [name, []]));
  const lab = await Lab.create({ gateways: 1 });
  try {
    const { configDir } = await runOnce(lab);
    const { publicKey, address } = lab.gateway('gw1');
    const port = String(wireguardPort);
    for (let turn = 0; turn < TURNS; turn++) {
      for (const name of names) {
        const args =
          name === 'C'
            ? ['vpn', String(COUNT), hex(publicKey), address.v4, port, inside.v4, inside.v6]
            : [configDir, address.v4, port, String(COUNT)];
        const text = await lab.router.exec([...(programs[name] ?? []), ...args]);
        assert.match(text, /^\d+\.\d+\n$/);
        measured.get(name)?.push(Number(text));
      }
      const commands = byPrograms(publicKey, `${address.v4}:${port}`);
      measured.get(PROGRAMS)?.push(await costOfPrograms(lab, commands, PROGRAMS_COUNT));
    }
    assert.deepEqual((await lab.router.wg()).peers, []);
  } finally {
    await lab.close();
  }
  const figures = Object.fromEntries([...measured].map(([name, values]) => [name, median(values)]));
  const of = (name: string): number => figures[name] ?? Number.NaN;
  line('two routes', [
    ...Object.keys(figures).map((name) => `${of(name).toFixed(0)} µs`),
    ...ratios.map(([one, other]) => (of(one) / of(other)).toFixed(1)),
  ]);
  console.log(JSON.stringify({ bench: 'change', unit: 'microseconds of CPU', figures }));
}

/** Has the daemon write its configuration, connect, and leave nothing. */
async function runOnce(lab: Lab) {
  const daemon = await lab.startDaemon();
  await daemon.line(connected);
  daemon.signal('SIGTERM');
  assert.equal((await daemon.exit()).code, 0);
  return daemon;
}

/** What a script would do. */
function byPrograms(publicKey: string, endpoint: string): string {
  const { v4, v6 } = inside;
  return [
    `wg set vpn peer ${publicKey} endpoint ${endpoint} persistent-keepalive 25 allowed-ips ${v4},${v6}`,
    ...[v4, v6].map((prefix) => `ip route add ${prefix} dev vpn`),
    `wg set vpn peer ${publicKey} remove`,
    ...[v4, v6].map((prefix) => `ip route delete ${prefix} dev vpn`),
  ].join('; ');
}

function hex(key: string): string {
  return Buffer.from(key, 'base64').toString('hex');
}
