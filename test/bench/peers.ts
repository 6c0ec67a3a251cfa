/** What thousands of configured peers cost. It takes no kernel with WireGuard: what the kernel is asked does not depend on them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const COUNTS = [10, 1_000, 10_000] as const;
const TURNS = 5;

/** The router's program reads no more of a file than this, in bytes. */
const MOST_OF_ROUTER = 256 * 1024;

const COLUMNS = ['read, ms', 'begin a round, ms', 'a step, ms', 'reload, ms', 'private, MB'];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const programs: Readonly<Record<string, readonly string[]>> = {
  "router's": [here('../../bench/peers/wgpeerselector')],
  Node: [process.execPath, here('peers-loop.js')],
};

/** Prints milliseconds of CPU and megabytes, as a table and for programs. */
export async function benchPeers(): Promise<void> {
  console.log(`\nconfigured peers: milliseconds of CPU, megabytes (10^6 bytes); median of ${TURNS} turns`);
  line('', COLUMNS);
  const rows: { peers: number; program: string; figures: Record<string, number> }[] = [];
  const folder = await mkdtemp(`${tmpdir()}/wgps-bench-`);
  try {
    for (const peers of COUNTS) {
      await writeFile(`${folder}/wgpeerselector`, configOf(peers));
      const { size } = await stat(`${folder}/wgpeerselector`);
      for (const [program, argv] of Object.entries(programs)) {
        if (!existsSync(argv.at(-1) ?? '')) continue;
        const what = `${peers} peers, ${program}`;
        if (program !== 'Node' && size > MOST_OF_ROUTER) {
          console.log(`${what}: a file of ${Math.ceil(size / 1024)} KiB, which it refuses (256 KiB at most)`);
          continue;
        }
        const values = measure(argv, folder);
        rows.push({
          ...{ peers, program },
          figures: Object.fromEntries(COLUMNS.map((column, at) => [column, values[at] ?? Number.NaN])),
        });
        line(
          what,
          values.map((value) => value.toFixed(value < 1 ? 3 : 1)),
        );
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  console.log(JSON.stringify({ bench: 'peers', rows }));
}

/** The median of each figure. */
function measure([file = '', ...args]: readonly string[], configDir: string): number[] {
  const turns = Array.from({ length: TURNS }, () => {
    const printed = execFileSync(file, [...args, configDir], { encoding: 'utf8' });
    assert.match(printed, /^(\d+\.\d ){4}\d+\.\d\n$/);
    return printed.split(' ').map(Number);
  });
  return COLUMNS.map((_, at) => {
    const sorted = turns.map((figures) => figures[at] ?? Number.NaN).sort((one, other) => one - other);
    return (sorted[TURNS >> 1] ?? Number.NaN) / (at === COLUMNS.length - 1 ? 1e6 : 1000);
  });
}

function configOf(peers: number): string {
  return Array.from({ length: peers }, (_, at) => {
    const key = Buffer.alloc(32, 7);
    key.writeUInt32BE(at);
    return [
      `config peer 'sn${at}'`,
      ...["option enabled '1'", "option ifname 'vpn'", `option public_key '${key.toString('base64')}'`],
      `option endpoint '192.0.2.${1 + (at % 254)}:${10_000 + (at >> 3)}'`,
      "list allowed_ips '10.0.0.0/8'",
    ].join('\n\t');
  }).join('\n\n');
}

function line(what: string, cells: readonly string[]): void {
  console.log(`${what.padEnd(26)}${cells.map((cell) => cell.padStart(20)).join('')}`.trimEnd());
}
