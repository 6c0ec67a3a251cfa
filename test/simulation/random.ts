/** Chance from a seed: the same seed, the same world. */

import type { Random } from '../../src/selector/world.js';

/** mulberry32. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /**
   * A source of its own for one part of a world, so that what one part draws does not change what another one gets.
   * @param part the part's name
   */
  static of(seed: number, part: string): SeededRandom {
    let hash = 0x811c9dc5 ^ seed;
    for (const char of part) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193); // FNV-1a
    const random = new SeededRandom(Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ seed);
    random.unit();
    return random;
  }

  /** A uniformly distributed integer, 0 <= x < bound. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** Uniformly distributed, 0 <= x < 1. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Time until something that happens at random moments, in the unit of its mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }
}
