import type { Peer, Random } from './world.js';

/** What a round takes in its turn. */
export type Turn = Pick<Peer, 'name' | 'priority' | 'weight'>;

/** What decides where an item comes: `weight` is a whole number above 0. */
type Ranked = Pick<Turn, 'priority' | 'weight'>;

/** An item at its place: by priority, and within one by a key that was drawn for it. */
interface Place<T extends Ranked> {
  readonly item: T;
  key: number;
}

/** So many different numbers are drawn: equal ones are rare among any number of peers. */
const DRAWS = 2 ** 32;

/**
 * A key, distributed exponentially. By keys of their weights items come in an order as if each were drawn by its weight out of those that
 * are left, over and over (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006): thousands are put in order as fast as they
 * are sorted.
 */
function draw(weight: number, random: Random): number {
  return -Math.log((random.below(DRAWS) + 1) / DRAWS) / weight;
}

function place<T extends Ranked>(item: T, random: Random): Place<T> {
  return { item, key: draw(item.weight, random) };
}

/**
 * Keys for items that are in order already, as they could have been drawn: the least key of several is distributed by the sum of their weights,
 * and how far the next is behind it by the sum of the others'. So who comes later has the same chances as if it had been there.
 */
function placesOf<T extends Ranked>(order: readonly T[], random: Random): Place<T>[] {
  const groups = new Map<number, { weight: number; key: number }>();
  for (const { priority, weight } of order)
    groups.set(priority, { weight: (groups.get(priority)?.weight ?? 0) + weight, key: 0 });
  return order.map((item) => {
    const group = groups.get(item.priority) ?? { weight: item.weight, key: 0 };
    group.key += draw(group.weight, random);
    group.weight -= item.weight;
    return { item, key: group.key };
  });
}

/** Puts items in order. @param notFirst whether it is one that is not the first of its priority if there is another */
function ordered<T extends Ranked>(
  places: Place<T>[],
  random: Random,
  notFirst: (item: T) => boolean = () => false,
): T[] {
  places.sort(byPlace);
  const at = places.findIndex(({ item }) => notFirst(item));
  const [before, found, next] = [places[at - 1], places[at], places[at + 1]];
  const alone = found?.item.priority !== next?.item.priority;
  if (found !== undefined && next !== undefined && !alone && before?.item.priority !== found.item.priority) {
    // It is drawn behind the other one: an exponential distribution has no memory.
    found.key = next.key + draw(found.item.weight, random);
    places.sort(byPlace);
  }
  return places.map(({ item }) => item);
}

function byPlace(one: Place<Ranked>, other: Place<Ranked>): number {
  return one.item.priority - other.item.priority || one.key - other.key;
}

/** The items in random order, each equally likely; where `notFirst` is among several, the first is drawn among the others. */
export function shuffled<T>(items: readonly T[], random: Random, notFirst?: T): T[] {
  const alike = items.map((item) => place({ item, priority: 0, weight: 1 }, random));
  return ordered(alike, random, ({ item }) => item === notFirst).map(({ item }) => item);
}

/**
 * The items by priority, the best first, and in random order within each, drawn by weight.
 * @param notFirst the name of one that is not the first of its priority if there is another
 */
export function byPriority<T extends Turn>(items: readonly T[], random: Random, notFirst?: string): T[] {
  const places = items.map((item) => place(item, random));
  return ordered(places, random, ({ name }) => name === notFirst);
}

/**
 * Takes every item once before any twice: those of the smallest priority first, and within a priority in a random order that is drawn
 * by weight anew for each round. The item that failed last is not the first of the next round if there is another of its priority.
 */
export class Round {
  readonly #random: Random;
  #items: readonly Turn[] = [];
  /** What is still to be taken, the next one last. */
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
    return [...this.ahead()];
  }

  /** The same, one after the other, for who needs but the first of them. It must not change meanwhile. */
  *ahead(): Generator<string, void> {
    for (let at = this.#untried.length; at > 0; at--) yield this.#untried[at - 1]?.name ?? '';
  }

  /** What this round has taken already. */
  get tried(): readonly string[] {
    const untried = new Set(this.ahead());
    return this.#items.flatMap(({ name }) => (untried.has(name) ? [] : name));
  }

  /**
   * Changes what there is to take. What stays keeps its place in the round; what is new, or has another priority or weight, comes at a
   * random one of its priority.
   * @param again these are taken once more in this round, as if they were new
   */
  setItems(items: readonly Turn[], again: ReadonlySet<string> = new Set()): void {
    const before = new Set(this.#items.map(({ name }) => name));
    const waiting = new Set(this.untried);
    this.#items = [...items];
    if (this.#number === 0) return;
    const now = new Map(items.map((item) => [item.name, item]));
    const left = this.#untried.flatMap((item) => {
      const same = now.get(item.name);
      return same !== undefined && isSameTurn(item, same) ? same : []; // and not the peer of the old configuration
    });
    const places = new Set(left.map(({ name }) => name));
    const due = items.filter(
      ({ name }) => !places.has(name) && (!before.has(name) || waiting.has(name) || again.has(name)),
    );
    this.#untried = left;
    if (due.length === 0) return;
    const known = placesOf(left.reverse(), this.#random);
    const added = due.map((item) => place(item, this.#random));
    this.#untried = ordered([...known, ...added], this.#random).reverse();
  }

  /** Begins the next round. */
  begin(): void {
    this.#number++;
    this.#untried = byPriority(this.#items, this.#random, this.#failed).reverse();
  }

  /** The item was tried: not again before the next round. */
  take(item: string): void {
    const at = this.#untried.findLastIndex(({ name }) => name === item);
    if (at >= 0) this.#untried.splice(at, 1);
  }

  /** The item failed: it is not the first of the next round. */
  failed(item: string): void {
    this.#failed = item;
  }
}

function isSameTurn(one: Turn, other: Turn): boolean {
  return one.priority === other.priority && one.weight === other.weight;
}
