import type { Random } from './world.js';

/** The first pause, and the longest, in milliseconds. */
const FIRST = 1_000;
const LONGEST = 30_000;

/** Pauses that double, with jitter: many routers that lost the same gateway must not come back in step. */
export class Backoff {
  readonly #random: Random;
  #pause = FIRST;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next pause in milliseconds: three quarters to the whole of 1 s, 2 s, 4 s and so on up to 30 s. */
  next(): number {
    const pause = (this.#pause * (750 + this.#random.below(251))) / 1000;
    this.#pause = Math.min(this.#pause * 2, LONGEST);
    return pause;
  }

  /** Begins anew with the shortest. */
  reset(): void {
    this.#pause = FIRST;
  }
}
