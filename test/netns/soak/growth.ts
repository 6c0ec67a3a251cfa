/** Whether a process has grown: the end of a soak held against its beginning. */

/** One look at a process. */
export interface Sample {
  /** Private memory, in bytes. */
  readonly memory: number;
  /** What of it lives on V8's heap, in bytes; undefined where V8 is not. */
  readonly live: number | undefined;
  /** Open file descriptors. */
  readonly descriptors: number;
  readonly threads: number;
}

/** A quantity of {@link Sample}. */
export type Quantity = keyof Sample;

/** What a soak has shown of one quantity. */
export interface Growth {
  readonly quantity: Quantity;
  /** The least of the first third, and the least of the last. */
  readonly before: number;
  readonly after: number;
  /** Whether that is more than was allowed. */
  readonly tooMuch: boolean;
}

/** What growth of a quantity is noise; of those that are not there none is. */
export type Noise = Readonly<Partial<Record<Quantity, number>>>;

/** The least number of samples that can be judged. */
export const FEWEST_SAMPLES = 9;

/**
 * Compares the least of each quantity in the first third and in the last. Garbage that waits for its collector, a name that is being
 * resolved, a connection that is being made come and go, and are missing in some samples of each; what leaks is in all of them.
 *
 * @param samples taken at equal intervals, at least {@link FEWEST_SAMPLES}, none of them while the process was still starting
 * @throws RangeError if there are too few samples
 */
export function growth(samples: readonly Sample[], noise: Noise): Growth[] {
  if (samples.length < FEWEST_SAMPLES) throw new RangeError(`${samples.length} samples are too few`);
  const third = Math.floor(samples.length / 3);
  const least = (some: readonly Sample[], quantity: Quantity) =>
    Math.min(...some.map((sample) => sample[quantity] ?? 0));
  return (['memory', 'live', 'descriptors', 'threads'] as const).map((quantity) => {
    const before = least(samples.slice(0, third), quantity);
    const after = least(samples.slice(-third), quantity);
    return { quantity, before, after, tooMuch: after - before > (noise[quantity] ?? 0) };
  });
}
