/** Whether a process has grown: the end of a soak held against what it was after its beginning. */

/** One look at a process. */
export interface Sample {
  /** Private memory, in bytes. */
  readonly memory: number;
  /** Open file descriptors. */
  readonly descriptors: number;
  readonly threads: number;
}

/** A quantity of {@link Sample}. */
export type Quantity = keyof Sample;

/** What a soak has shown of one quantity. */
export interface Growth {
  readonly quantity: Quantity;
  /** The least after the beginning, and the least at the end. */
  readonly before: number;
  readonly after: number;
  /** Whether that is more than was allowed. */
  readonly tooMuch: boolean;
}

/** The parts of a soak that are compared, as fractions of it. What is before the first is the start-up, which nobody judges. */
const COMPARED = { before: [0.1, 0.4], after: [0.7, 1] } as const;

/** The least number of samples that can be judged: both parts then have some. */
export const FEWEST_SAMPLES = 10;

/**
 * Compares the least of each quantity in the two parts. Garbage that waits for its collector, a name that is being resolved, a
 * connection that is being made come and go, and are missing in some samples of each part; what leaks is in all of them.
 *
 * @param samples taken at equal intervals, at least {@link FEWEST_SAMPLES}
 * @param allowed the growth of the memory that is noise, in bytes; of the others none is
 * @throws RangeError if there are too few samples
 */
export function growth(samples: readonly Sample[], allowed: number): Growth[] {
  if (samples.length < FEWEST_SAMPLES) throw new RangeError(`${samples.length} samples are too few`);
  const part = ([from, to]: readonly [number, number]) =>
    samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
  const least = (some: readonly Sample[], quantity: Quantity) =>
    Math.min(...some.map((sample) => sample[quantity]));
  const first = part(COMPARED.before);
  const last = part(COMPARED.after);
  return (['memory', 'descriptors', 'threads'] as const).map((quantity) => {
    const before = least(first, quantity);
    const after = least(last, quantity);
    return { quantity, before, after, tooMuch: after - before > (quantity === 'memory' ? allowed : 0) };
  });
}
