import type { Peer, Random } from './world.js';

/** What a round takes in its turn. */
export type Turn = Pick<Peer, 'name' | 'priority' | 'weight'>;

/**
 * Puts an item into a random order: as if each were drawn by its weight out of those that are left, over and over. The place of one
 * does not depend on the order of the others, so that one that comes later has the same chances as if it had been there.
 *
 * @param from it comes at this index or behind it
 */
function insert<T>(order: T[], item: T, random: Random, weightOf: (item: T) => number, from = 0): void {
  const weight = weightOf(item);
  let rest = order.slice(from).reduce((sum, other) => sum + weightOf(other), 0);
  let at = from;
  for (const other of order.slice(from)) {
    if (random.below(rest + weight) < weight) break;
    rest -= weightOf(other);
    at++;
  }
  order.splice(at, 0, item);
}

/**
 * The items in random order, drawn by weight one after the other out of those that are left; where `notFirst` is among several, the
 * first is drawn among the others.
 *
 * @param weightOf whole numbers above 0; without it each order is equally likely
 */
export function shuffled<T>(
  items: readonly T[],
  random: Random,
  notFirst?: T,
  weightOf: (item: T) => number = () => 1,
): T[] {
  const result: T[] = [];
  for (const item of items) insert(result, item, random, weightOf);
  const [first] = result;
  if (first !== undefined && first === notFirst && result.length > 1) {
    result.shift();
    insert(result, first, random, weightOf, 1);
  }
  return result;
}

/**
 * The items by priority, the best first, and in random order within each, drawn by weight.
 * @param notFirst the name of one that is not the first of its priority if there is another
 */
export function byPriority<T extends Turn>(items: readonly T[], random: Random, notFirst?: string): T[] {
  const groups = new Map<number, T[]>();
  for (const item of items) groups.set(item.priority, [...(groups.get(item.priority) ?? []), item]);
  return [...groups]
    .sort(([one], [other]) => one - other)
    .flatMap(([, group]) => {
      const last = group.find(({ name }) => name === notFirst);
      return shuffled(group, random, last, weightOf);
    });
}

/**
 * Takes every item once before any twice: those of the smallest priority first, and within a priority in a random order that is drawn
 * by weight anew for each round. The item that failed last is not the first of the next round if there is another of its priority.
 */
export class Round {
  readonly #random: Random;
  #items: readonly Turn[] = [];
  #untried: Turn[] = [];
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
    return this.#untried.map(({ name }) => name);
  }

  /** What this round has taken already. */
  get tried(): readonly string[] {
    const untried = this.untried;
    return this.#items.flatMap(({ name }) => (untried.includes(name) ? [] : name));
  }

  /**
   * Changes what there is to take. What stays keeps its place in the round; what is new, or has another priority or weight, comes at a
   * random one of its priority.
   * @param again these are taken once more in this round, as if they were new
   */
  setItems(items: readonly Turn[], again: readonly string[] = []): void {
    const before = new Map(this.#items.map((item) => [item.name, item]));
    const waiting = new Set(this.untried);
    this.#items = [...items];
    if (this.#number === 0) return;
    const now = new Map(items.map((item) => [item.name, item]));
    this.#untried = this.#untried.filter((item) => sameTurn(item, now.get(item.name)));
    const places = new Set(this.untried);
    for (const item of items) {
      const due = !before.has(item.name) || waiting.has(item.name) || again.includes(item.name);
      if (due && !places.has(item.name)) this.#insert(item);
    }
  }

  /** Begins the next round. */
  begin(): void {
    this.#number++;
    this.#untried = byPriority(this.#items, this.#random, this.#failed);
  }

  /** The item was tried: not again before the next round. */
  take(item: string): void {
    this.#untried = this.#untried.filter(({ name }) => name !== item);
  }

  /** The item failed: it is not the first of the next round. */
  failed(item: string): void {
    this.#failed = item;
  }

  #insert(item: Turn): void {
    const { priority } = item;
    const better = this.#untried.filter((other) => other.priority < priority);
    const group = this.#untried.filter((other) => other.priority === priority);
    const lesser = this.#untried.filter((other) => other.priority > priority);
    insert(group, item, this.#random, weightOf);
    this.#untried = [...better, ...group, ...lesser];
  }
}

function weightOf({ weight }: Turn): number {
  return weight;
}

function sameTurn(one: Turn, other: Turn | undefined): boolean {
  return one.priority === other?.priority && one.weight === other.weight;
}
