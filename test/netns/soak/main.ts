/**
 * A soak: both programs for a long time on a real kernel, each holding a connection and each changing it as fast as it can, all side
 * by side. `npm run soak [-- MINUTES]` runs it where WireGuard is. It fails if at the end a process has more memory, descriptors or
 * threads than at the beginning, if one ended, missed a connection, told of an error, or left something behind.
 */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type ProgramName, programs } from '../lab/program.js';
import { FEWEST_SAMPLES, growth, type Noise, type Quantity, type Sample } from './growth.js';
import { type Manner, Subject } from './subject.js';

/** What comes first and is not judged, in milliseconds: until then both engines have got what they need for the work. */
const SETTLING = 300_000;
/** Samples, at equal intervals: one each minute in an hour. */
const SAMPLES = 60;
/** A sample takes a moment itself, so they are not taken more often than this; milliseconds. */
const SHORTEST = 3_000;

/**
 * How much differs from one part of a soak to another without a leak, in bytes. V8's young generation grows to three times 16 MiB when
 * V8 likes, and is not given back; and its heap takes code and what V8 notes of it, until each part has run some thousand times. The same
 * code of ours runs inside QuickJS, where nothing of this hides a leak.
 */
const NOISE: Readonly<Record<ProgramName, Noise>> = {
  node: { memory: 24_000_000, live: 2_000_000 },
  router: { memory: 100_000 },
};

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
  process.exitCode = verdict() ? 0 : 1;
  for (const subject of subjects) await subject.stop();
} catch (error) {
  // It holds the log of a daemon, which is long by now.
  const lines = (error instanceof Error ? error.message : `${error}`).split('\n');
  say([...lines.slice(0, 5), ...lines.slice(5).slice(-60)].join('\n'));
  process.exitCode = 1;
} finally {
  for (const subject of subjects) await subject.close();
}

async function watch(): Promise<void> {
  say(
    `Node ${process.versions.node}, Linux ${release()}; ${SETTLING / 60_000} minutes to settle, then ${minutes}`,
  );
  say('private kB (of them on the heap of V8), descriptors, threads; connections');
  row(
    'min',
    subjects.map(({ name }) => name),
  );
  await delay(SETTLING);
  const start = performance.now();
  for (let taken = 1; taken <= count; taken++) {
    await delay(Math.max(0, start + taken * interval - performance.now()));
    const cells: string[] = [];
    for (const subject of subjects) cells.push(`${figures(await subject.sample())}; ${subject.connections}`);
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
    const words = grown
      .filter(({ before, after }) => before + after > 0)
      .map(
        ({ quantity, before, after }) => `${quantity} ${shown(quantity, before)} → ${shown(quantity, after)}`,
      );
    const outcome = bad.length === 0 ? 'ok   ' : 'GROWN';
    say(`${outcome}  ${name}: ${words.join(', ')}; ${connections} connections`);
  }
  return well;
}

function figures({ memory, live, descriptors, threads }: Sample): string {
  const ofV8 = live === undefined ? '' : ` (${shown('live', live)})`;
  return `${shown('memory', memory)}${ofV8} ${descriptors} ${threads}`;
}

function shown(quantity: Quantity, value: number): string {
  return quantity === 'memory' || quantity === 'live' ? (value / 1000).toFixed(0) : String(value);
}

function row(first: string, cells: readonly string[]): void {
  say(`${first.padStart(5)}${cells.map((cell) => cell.padStart(28)).join('')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
