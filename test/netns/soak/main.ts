/**
 * A soak: both programs for a long time on a real kernel, each holding a connection and each changing it as fast as it can, all side
 * by side. `npm run soak [-- MINUTES]` runs it where WireGuard is. It fails if at the end a process has more memory, descriptors or
 * threads than after its beginning, if one ended, missed a connection, told of an error, or left something behind.
 */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type ProgramName, programs } from '../lab/program.js';
import { FEWEST_SAMPLES, growth, type Sample } from './growth.js';
import { type Manner, Subject } from './subject.js';

/** Samples, at equal intervals: one each minute in an hour. */
const SAMPLES = 60;
/** A sample takes a moment itself, so they are not taken more often than this; milliseconds. */
const SHORTEST = 1_000;

/** How much the least private memory of a soak differs without a leak, in bytes. */
const NOISE: Readonly<Record<ProgramName, number>> = { node: 3_000_000, router: 100_000 };

const minutes = Number(process.argv[2]);
const interval = Math.max(SHORTEST, (minutes * 60_000) / SAMPLES);
const count = Math.floor((minutes * 60_000) / interval);
if (!(count >= FEWEST_SAMPLES)) throw new RangeError(`${process.argv[2]} minutes are too short`);

/** The router's program is left out where QuickJS cannot be had. */
const there = (['node', 'router'] as const).filter((name) => existsSync(programs[name].at(-1) ?? ''));
const subjects: Subject[] = [];
try {
  for (const program of there) {
    for (const manner of ['holding', 'changing'] as const satisfies readonly Manner[])
      subjects.push(await Subject.start(program, manner));
  }
  await watch();
  for (const subject of subjects) await subject.stop();
  process.exitCode = verdict() ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  for (const subject of subjects) await subject.close();
}

async function watch(): Promise<void> {
  say(
    `${minutes} minutes, Node ${process.versions.node}, Linux ${release()}; private kB, descriptors, threads, connections:`,
  );
  row(
    'min',
    subjects.map(({ name }) => name),
  );
  const start = performance.now();
  for (let taken = 1; taken <= count; taken++) {
    await delay(Math.max(0, start + taken * interval - performance.now()));
    const cells = subjects.map((subject) => `${figures(subject.sample())} ${subject.connections}`);
    row(((performance.now() - start) / 60_000).toFixed(1), cells);
  }
}

/** @returns whether nobody has grown */
function verdict(): boolean {
  let well = true;
  for (const { name, program, samples, connections } of subjects) {
    const grown = growth(samples, NOISE[program]);
    const bad = grown.filter(({ tooMuch }) => tooMuch);
    if (bad.length > 0) well = false;
    const words = grown.map(
      ({ quantity, before, after }) => `${quantity} ${shown(quantity, before)} → ${shown(quantity, after)}`,
    );
    say(`${bad.length > 0 ? 'GROWN ' : 'ok    '} ${name}: ${words.join(', ')}; ${connections} connections`);
  }
  return well;
}

function figures(sample: Sample): string {
  return `${shown('memory', sample.memory)} ${sample.descriptors} ${sample.threads}`;
}

function shown(quantity: keyof Sample, value: number): string {
  return quantity === 'memory' ? (value / 1000).toFixed(0) : String(value);
}

function row(first: string, cells: readonly string[]): void {
  say(`${first.padStart(5)}${cells.map((cell) => cell.padStart(24)).join('')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
