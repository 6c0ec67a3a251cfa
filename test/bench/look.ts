/**
 * What one look at the connection costs, and one glance (a look while nothing has changed), beside a C program that asks the kernel the same and does nothing else, and beside `wg` started as
 * a program: turn by turn, since what else the machine does changes the figures and not their ratio. And how that grows with what others
 * have: peers on the interface, routes in the main table.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connected, Lab } from '../netns/lab/index.js';
import { costOfPrograms } from './cost-of-programs.js';
import { foreignPeers, foreignRoutes } from './foreign.js';
import { line, median } from './table.js';

const TURNS = 5;

/** How many peers others have on the interface, and how many looks a turn has then. */
const PEERS: readonly (readonly [count: number, looks: number])[] = [
  [0, 500],
  [1, 500],
  [100, 300],
  [5_000, 20],
];

/** How many routes others have in the main table. */
const ROUTES = 100_000;

/** The column of `wg`. */
const WG = 'wg show dump';

/** How often it is started. */
const WG_RUNS = 20;

/** What was measured, for programs. */
const rows: { readonly beside: string; readonly figures: Readonly<Record<string, number>> }[] = [];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What scripts/bench.mjs has built, by what it is called in the table. */
const programs: Readonly<Record<string, readonly string[]>> = {
  C: [here('../../bench/look-c')],
  "router's": [here('../../bench/router/wgpeerselector')],
  Node: [process.execPath, here('look-loop.js')],
};

/** What each of these programs prints, and `wg`. */
function columnsOf(names: readonly string[]): string[] {
  return [...names.flatMap((name) => (name === 'C' ? name : [name, `${name}, glance`])), WG];
}

/** Which figures are divided by which: what a look costs beyond what the kernel takes for it, and beside a script's. */
function ratiosOf(names: readonly string[]): (readonly [string, string])[] {
  const ofOurs = columnsOf(names).filter((column) => column !== 'C' && column !== WG);
  return [
    ...(names.includes('C') ? ofOurs.map((column) => [column, 'C'] as const) : []),
    ...ofOurs.slice(0, 2).map((column) => [WG, column] as const),
  ];
}

/** Prints a table, and the same for programs. */
export async function benchLook(): Promise<void> {
  console.log(`\none look: microseconds of CPU, median of ${TURNS} turns`);
  const names = Object.keys(programs).filter((name) => existsSync(programs[name]?.at(-1) ?? ''));
  line('', [...columnsOf(names), ...ratiosOf(names).map((pair) => pair.map(short).join(' / '))]);
  const lab = await Lab.create({ gateways: 1 });
  try {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    daemon.signal('SIGKILL'); // peer and routes stay
    await daemon.exit();
    let before = 0;
    for (const [count, looks] of PEERS) {
      if (count > before) await foreignPeers(lab.router, before, count);
      before = count;
      await compare(lab, names, `${count} peers of others`, daemon.configDir, looks);
    }
  } finally {
    await lab.close();
  }
  await besideRoutes(names);
  console.log(JSON.stringify({ bench: 'look', unit: 'microseconds of CPU', rows }));
}

/** Beside a crowded table: a look, and the daemon's start and end. */
async function besideRoutes(names: readonly string[]): Promise<void> {
  const lab = await Lab.create({ gateways: 1 });
  try {
    for (const count of [0, ROUTES]) {
      if (count > 0) await foreignRoutes(lab.router, count);
      const daemon = await lab.startDaemon();
      const { at } = await daemon.line(connected);
      daemon.signal('SIGTERM');
      const { duration } = await daemon.exit();
      const looked = await lab.startDaemon();
      await looked.line(connected);
      looked.signal('SIGKILL');
      await looked.exit();
      await compare(lab, names, `${count} routes of others`, looked.configDir, 300);
      console.log(`    start to connection ${at.toFixed(0)} ms, SIGTERM to exit ${duration.toFixed(0)} ms`);
      await lab.router.deleteInterface(); // and with it the peer that was left
      await lab.router.createInterface();
    }
  } finally {
    await lab.close();
  }
}

/** Looks at the connection that is there with each program. */
async function compare(
  lab: Lab,
  names: readonly string[],
  what: string,
  configDir: string,
  looks: number,
): Promise<void> {
  const printed = new Map(columnsOf(names).map((column): [string, number[]] => [column, []]));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const name of names) {
      const args = name === 'C' ? ['vpn', looks, '10.78.0.0', 'fd78::'] : [configDir, looks];
      const text = await lab.router.exec([...(programs[name] ?? []), ...args.map(String)]);
      assert.match(text, name === 'C' ? /^\d+\.\d+\n$/ : /^\d+\.\d+ \d+\.\d+\n$/);
      for (const [at, figure] of text.split(' ').entries())
        printed.get(at === 0 ? name : `${name}, glance`)?.push(Number(figure));
    }
  }
  printed.get(WG)?.push(await costOfPrograms(lab, 'wg show vpn dump >/dev/null', WG_RUNS));
  const figures = Object.fromEntries([...printed].map(([column, values]) => [column, median(values)]));
  rows.push({ beside: what, figures });
  const of = (column: string): number => figures[column] ?? Number.NaN;
  line(what, [
    ...Object.keys(figures).map((column) => `${of(column).toFixed(0)} µs`),
    ...ratiosOf(names).map(([one, other]) => (of(one) / of(other)).toFixed(1)),
  ]);
}

/** A column's name where two stand beside each other. */
function short(column: string): string {
  return column.replace(' show dump', '').replace(', glance', ' glance');
}
