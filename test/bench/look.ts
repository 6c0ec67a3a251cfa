/**
 * What one look at the connection costs, beside a C program that asks the kernel the same and does nothing else: turn by turn, since
 * what else the machine does changes the figures and not their ratio.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connected, Lab } from '../netns/lab/index.js';

/** Looks of one turn, and turns. */
const LOOKS = 500;
const TURNS = 7;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What scripts/bench.mjs has built, by what it is called in the table. */
const programs: Readonly<Record<string, readonly string[]>> = {
  C: [here('../../bench/look-c')],
  "router's": [here('../../bench/router/wgpeerselector')],
  Node: [process.execPath, here('look-loop.js')],
};

/** Prints microseconds of CPU. */
export async function benchLook(): Promise<void> {
  console.log(`\none look: microseconds of CPU, median of ${TURNS} times ${LOOKS}`);
  const lab = await Lab.create({ gateways: 1 });
  try {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    daemon.signal('SIGKILL'); // peer and routes stay
    await daemon.exit();
    const figures = new Map<string, number[]>();
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [name, program] of Object.entries(programs)) {
        if (!existsSync(program.at(-1) ?? '')) continue;
        const args = name === 'C' ? ['vpn', LOOKS, '10.78.0.0', 'fd78::'] : [daemon.configDir, LOOKS];
        const printed = await lab.router.exec([...program, ...args.map(String)]);
        assert.match(printed, /^\d+\.\d+\n$/);
        figures.set(name, [...(figures.get(name) ?? []), Number(printed)]);
      }
    }
    const ofC = median(figures.get('C') ?? []);
    for (const [name, values] of figures) {
      const each = median(values);
      const ratio = name === 'C' ? '' : `${(each / ofC).toFixed(1)} times C`.padStart(16);
      console.log(`${name.padEnd(12)}${each.toFixed(0).padStart(8)} µs${ratio}`);
    }
  } finally {
    await lab.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
