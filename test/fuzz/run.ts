/** One reader, and inputs of which each is made of those before that led somewhere new. */
import { SeededRandom } from '../simulation/random.js';
import { hex } from './corpus.js';
import type { Coverage } from './coverage.js';
import { mutate } from './mutation.js';
import { outcomeOf } from './reader.js';
import type { Target } from './targets.js';

/** An input that takes longer, in milliseconds, breaks the rule that reading ends soon. */
const MOST_TIME = 1_000;
/** After so many inputs it is looked whether one of them has run what never ran before. */
const BATCH = 256;

/** What a run has found. */
export interface Run {
  /** The inputs that led somewhere new, those that it began with among them. */
  readonly corpus: readonly Uint8Array[];
  readonly kinds: ReadonlySet<string>;
  /** Milliseconds of the slowest input. */
  readonly slowest: number;
}

/** An input that breaks a rule. */
export class Broken extends Error {
  override readonly name = 'Broken';
  readonly input: Uint8Array;

  constructor(reader: string, input: Uint8Array, cause: unknown) {
    const why = cause instanceof Error ? cause.stack : String(cause);
    super(`${reader}: ${why}\ninput: ${hex(input)}`, { cause });
    this.input = input;
  }
}

/** Reads one input. @throws {Broken} @returns the kind of its outcome, and how many milliseconds it took */
export function readOne(
  { reader }: Pick<Target, 'reader'>,
  input: Uint8Array,
): { kind: string; took: number } {
  try {
    let kind = '';
    let took = Number.POSITIVE_INFINITY;
    // A machine that is busy elsewhere takes its time too, but not three times for the same input.
    for (let tries = 0; tries < 3 && took > MOST_TIME; tries++) {
      const from = performance.now();
      kind = outcomeOf(reader, input).kind;
      took = performance.now() - from;
    }
    if (took > MOST_TIME) throw new Error(`reading took ${took.toFixed()} ms`);
    return { kind, took };
  } catch (error) {
    throw new Broken(reader.name, input, error);
  }
}

/**
 * Reads `runs` inputs.
 *
 * @param coverage what guides it; without, only the kinds of outcomes do
 * @throws {Broken}
 */
export function fuzz(
  target: Target,
  kept: readonly Uint8Array[],
  runs: number,
  seed: number,
  coverage?: Coverage,
): Run {
  const random = SeededRandom.of(seed, target.reader.name);
  const corpus = [...target.seeds, ...kept];
  const kinds = new Set<string>();
  let slowest = 0;
  const read = (input: Uint8Array): boolean => {
    const { kind, took } = readOne(target, input);
    slowest = Math.max(slowest, took);
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  };
  for (const input of corpus) read(input);
  coverage?.fresh(true);
  for (let done = 0; done < runs; ) {
    const batch: Uint8Array[] = [];
    for (; batch.length < BATCH && done < runs; done++) {
      const [one, other] = [corpus[random.below(corpus.length)], corpus[random.below(corpus.length)]];
      const input = mutate(one ?? new Uint8Array(), other ?? new Uint8Array(), target.format, random);
      batch.push(input);
      if (read(input)) corpus.push(input);
    }
    // One of them ran what is new: which one is only known of each alone.
    if (coverage?.fresh(false)) corpus.push(...leading(target, batch, coverage));
  }
  return { corpus, kinds, slowest };
}

/** Those inputs that lead where none before has led. */
function leading(target: Target, inputs: readonly Uint8Array[], coverage: Coverage): Uint8Array[] {
  return inputs.filter((input) => {
    readOne(target, input);
    return coverage.fresh(true);
  });
}

/** Of these inputs the smallest that together run all that any of them runs, and have all kinds of outcomes. */
export function distil(target: Target, corpus: readonly Uint8Array[], coverage: Coverage): Uint8Array[] {
  const kinds = new Set<string>();
  coverage.forget();
  return [...corpus]
    .sort((one, other) => one.length - other.length)
    .filter((input) => {
      const { kind } = readOne(target, input);
      const isNew = !kinds.has(kind);
      kinds.add(kind);
      return coverage.fresh(true) || isNew;
    });
}
