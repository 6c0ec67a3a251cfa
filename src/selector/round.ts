import type { Random } from './world.js';

/**
 * The items in random order, each order equally likely; where `notFirst` is among several, the first place goes to one of the
 * others.
 */
export function shuffled<T>(items: readonly T[], random: Random, notFirst?: T): T[] {
  const result: T[] = [];
  for (const item of items) result.splice(random.below(result.length + 1), 0, item);
  if (result.length > 1 && result[0] === notFirst) {
    const first = result.splice(0, 1);
    result.splice(1 + random.below(result.length), 0, ...first);
  }
  return result;
}

/**
 * Takes every item once before any twice, in a random order that is drawn anew for each round. The item that failed last
 * is not the first of the next round if there is another.
 */
export class Round {
  readonly #random: Random;
  #items: readonly string[] = [];
  #untried: string[] = [];
  #failed: string | undefined;
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many rounds were begun. */
  get number(): number {
    return this.#number;
  }

  /** What this round has still to take, in the order in which it would. */
  get untried(): readonly string[] {
    return this.#untried;
  }

  /** What this round has taken already. */
  get tried(): readonly string[] {
    return this.#items.filter((item) => !this.#untried.includes(item));
  }

  /**
   * Changes what there is to take. What stays keeps its place in the round; what is new comes at a random one.
   * @param again these are taken once more in this round, as if they were new
   */
  setItems(items: readonly string[], again: readonly string[] = []): void {
    const known = new Set(this.#items);
    this.#untried = this.#untried.filter((item) => items.includes(item));
    if (this.#number > 0) {
      for (const item of items) {
        if (known.has(item) && (!again.includes(item) || this.#untried.includes(item))) continue;
        this.#untried.splice(this.#random.below(this.#untried.length + 1), 0, item);
      }
    }
    this.#items = [...items];
  }

  /** Begins the next round. */
  begin(): void {
    this.#number++;
    this.#untried = shuffled(this.#items, this.#random, this.#failed);
  }

  /** The item was tried: not again before the next round. */
  take(item: string): void {
    this.#untried = this.#untried.filter((other) => other !== item);
  }

  /** The item failed: it is not the first of the next round. */
  failed(item: string): void {
    this.#failed = item;
  }
}
