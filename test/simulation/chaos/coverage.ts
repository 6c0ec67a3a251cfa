/** What some seed of a run has to reach: a test of rare things that never come is none. */

import type { LossCode, SelectorEvent } from '../../../src/selector/events.js';
import { DEEDS, type DeedName } from './deeds.js';
import { ALL_PLACES, faultsAt } from './places.js';

/** So many seeds are enough for every event, loss and deed, and for every place; and so many for every fault at every place. */
export const ENOUGH = { events: 300, faults: 5_000 };

// Typed so that none can be forgotten.
const EVENTS: Readonly<Record<SelectorEvent['type'], true>> = {
  ...{
    'interface-missing': true,
    'interface-up': true,
    trying: true,
    connected: true,
    kept: true,
    failed: true,
  },
  ...{ lost: true, suspected: true, proven: true, 'not-probed': true, 'tried-beside': true, mended: true },
  ...{ 'routes-restored': true, 'leftover-removed': true, 'round-over': true, pausing: true, trouble: true },
  stopped: true,
};

const LOSSES: Readonly<Record<LossCode, true>> = {
  ...{ 'handshake-too-old': true, 'no-answer': true, 'no-data': true, 'interface-gone': true, trouble: true },
  ...{ 'removed-by-others': true, 'told-to': true, 'better-peer': true, 'max-age': true },
};

export class Coverage {
  /** By how many seeds each was reached. */
  readonly #reached = new Map<string, number>();
  #seeds = 0;

  add(reached: Iterable<string>): void {
    this.#seeds++;
    for (const what of reached) this.#reached.set(what, (this.#reached.get(what) ?? 0) + 1);
  }

  /** What was never reached, though there were enough seeds for it. */
  get missing(): string[] {
    if (this.#seeds < ENOUGH.events) return [];
    const places = ALL_PLACES.filter((place) => !faultsOf(place).some((what) => this.#reached.has(what)));
    const wanted = [...allEvents(), ...(this.#seeds < ENOUGH.faults ? [] : ALL_PLACES.flatMap(faultsOf))];
    return [
      ...wanted.filter((what) => !this.#reached.has(what)),
      ...places.map((place) => `any fault at ${place}`),
    ];
  }

  /** The rarest, with the number of seeds that have reached them. */
  rarest(count: number): string[] {
    const all = [...allEvents(), ...ALL_PLACES.flatMap(faultsOf)];
    const times = all.map((what) => [what, this.#reached.get(what) ?? 0] as const);
    return times
      .sort((one, other) => one[1] - other[1])
      .slice(0, count)
      .map(([what, times]) => `${what} (${times})`);
  }

  /** How many things there are to be reached. */
  get wanted(): number {
    return [...allEvents(), ...ALL_PLACES.flatMap(faultsOf)].length;
  }
}

function allEvents(): string[] {
  const deeds = (Object.keys(DEEDS) as DeedName[]).map((deed) => `deed: ${deed}`);
  return [...Object.keys(EVENTS), ...Object.keys(LOSSES).map((code) => `lost: ${code}`), ...deeds];
}

function faultsOf(place: (typeof ALL_PLACES)[number]): string[] {
  return faultsAt(place).map((fault) => `${place}: ${fault}`);
}
