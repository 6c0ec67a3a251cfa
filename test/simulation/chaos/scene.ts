/** A scene: what happens to a node within two minutes, drawn from a seed, or written down. */

import { SeededRandom } from '../random.js';
import { BASES, type Base } from './configuration.js';
import { DEEDS, type DeedName, undoOf } from './deeds.js';
import { ALL_PLACES, type Fault, faultsAt, type Place, type SocketPlace } from './places.js';

/** One thing that happens. Times are milliseconds since the scene began. */
export type Incident =
  /** From then on the next request of this kind meets the fault. */
  | {
      readonly at: number;
      readonly place: Place | SocketPlace;
      readonly fault: Fault;
      readonly ms: number;
    }
  | { readonly at: number; readonly deed: DeedName; readonly n: number };

export interface Scene {
  readonly seed: number;
  readonly base: Base;
  readonly incidents: readonly Incident[];
}

/** Everything happens within this time; then all is well again. Milliseconds. */
export const TROUBLED = 120_000;

/** From some to so many things happen. */
const FEWEST = 4;
const SPREAD = 44;

/** Things come together: so often, and within so many milliseconds. */
const TOGETHER = { share: 0.5, within: 400 };

const BASE_NAMES = Object.keys(BASES) as Base[];
const DEED_NAMES = Object.keys(DEEDS) as DeedName[];

export function drawScene(seed: number): Scene {
  const random = SeededRandom.of(seed, 'scene');
  const one = <T>(of: readonly T[]): T => of[random.below(of.length)] as T;
  const base = one(BASE_NAMES);
  // The best is not there at first, so that there is somebody to go back to.
  const incidents: Incident[] = base.startsWith('failback')
    ? [
        { at: 0, deed: 'gateway dies', n: 0 },
        { at: random.below(TROUBLED), deed: 'gateway lives', n: 0 },
      ]
    : [];
  const count = FEWEST + random.below(SPREAD);
  let at = 0;
  for (let nth = 0; nth < count; nth++) {
    at = random.unit() < TOGETHER.share ? at + random.below(TOGETHER.within) : random.below(TROUBLED);
    at = Math.min(at, TROUBLED - 1);
    if (random.below(2) === 0) {
      const place = one(ALL_PLACES);
      incidents.push({ at, place, fault: one(faultsAt(place)), ms: 1 + random.below(4_900) });
      continue;
    }
    const deed = one(DEED_NAMES);
    const n = random.below(1_000);
    incidents.push({ at, deed, n });
    const undo = undoOf(deed);
    if (undo !== undefined)
      incidents.push({ at: Math.min(TROUBLED, at + random.below(undo.within)), deed: undo.deed, n });
  }
  return { seed, base, incidents: incidents.sort((a, b) => a.at - b.at) };
}
