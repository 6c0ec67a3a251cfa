/** What a script has shown on the real kernel, and whether the simulation shows the same. */

/** What can be seen of a tunnel at one moment. */
export interface Sight {
  /** When the latest handshake was, in seconds since the script began; 0 for none. */
  readonly handshake: number;
  readonly rx: number;
  readonly tx: number;
  /** Echo replies so far. */
  readonly answers: number;
}

/** One look at the real tunnel. */
export interface Sample extends Sight {
  /** It was taken at some moment between these, in seconds since the script began. */
  readonly from: number;
  readonly to: number;
  /** Echo requests so far. */
  readonly pings: number;
}

/** One thing that was done at some moment between two, in seconds since the script began. */
export interface Deed<Action> {
  readonly action: Action;
  readonly from: number;
  readonly to: number;
}

export interface Recording<Action> {
  readonly samples: readonly Sample[];
  readonly deeds: readonly Deed<Action>[];
}

/** What one run of the simulation has shown: a sight each {@link STEP}. */
export type Course = readonly Sight[];

/** Seconds between two sights of a course. */
export const STEP = 0.2;

/** `wg` tells whole seconds. */
const HANDSHAKE_GRAIN = 1;

const WHAT = ['handshake', 'rx', 'tx', 'answers'] as const;

/** How a recording compares. */
export interface Verdict {
  /** For each sight that the simulation never had within the tolerance, what was seen and what should have been. */
  readonly differences: readonly string[];
  /** Of all values that were compared, how many could have had one value only: the rest were about to change. */
  readonly exact: number;
  readonly compared: number;
}

/**
 * Compares what was seen with what was ever seen in the simulation within the tolerance of that moment.
 *
 * @param courses runs of the simulation with the same deeds at the same moments, from many seeds
 * @param tolerance seconds by which either may be late
 */
export function compare(samples: readonly Sample[], courses: readonly Course[], tolerance: number): Verdict {
  const differences: string[] = [];
  let exact = 0;
  let compared = 0;
  for (const sample of samples) {
    const first = Math.max(0, Math.floor((sample.from - tolerance) / STEP));
    const last = Math.ceil((sample.to + tolerance) / STEP);
    const possible = courses.flatMap((course) => course.slice(first, last + 1));
    for (const what of WHAT) {
      const values = possible.map((sight) => sight[what]);
      const least = Math.min(...values);
      const most = Math.max(...values);
      const slack = what === 'handshake' ? HANDSHAKE_GRAIN : 0;
      compared++;
      if (most - least <= slack / 2) exact++;
      if (sample[what] >= least - slack && sample[what] <= most + slack) continue;
      const range = least === most ? String(least) : `${least} to ${most}`;
      differences.push(`at ${sample.from.toFixed(1)} s ${what} is ${sample[what]}: simulated ${range}`);
    }
  }
  return { differences, exact, compared };
}
