import type { Random } from './world.js';

/** Pauses that double, with jitter: many routers that lost the same gateway must not come back in step. */
export class Backoff {
  readonly #random: Random;
  readonly #first: number;
  readonly #longest: number;
  #pause: number;

  /**
   * @param first the first pause in milliseconds
   * @param longest the longest, in milliseconds
   */
  constructor(random: Random, first: number, longest: number) {
    this.#random = random;
    this.#first = this.#pause = first;
    this.#longest = longest;
  }

  /** The next pause in milliseconds, of it a random quarter less. */
  next(): number {
    const pause = (this.#pause * (750 + this.#random.below(251))) / 1000;
    this.#pause = Math.min(this.#pause * 2, this.#longest);
    return pause;
  }

  /** Begins anew with the shortest. */
  reset(): void {
    this.#pause = this.#first;
  }
}
