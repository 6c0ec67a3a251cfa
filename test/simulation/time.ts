/** The time of a simulated world: it goes from one event to the next, as fast as the machine can. */

import type { Timers } from '../../src/selector/world.js';

/** Something that will happen. */
interface Event {
  at: number;
  /** Of two at one moment, the one that was planned first happens first. */
  readonly number: number;
  run: (() => void) | undefined;
  /** Whether it is one of the selector's timers. */
  readonly own?: boolean;
}

/** Discrete events in milliseconds, and the selector's timers among them. */
export class SimulatedTime implements Timers {
  #now = 0;
  #number = 0;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];
  #awake = true;
  #stalledUntil = 0;
  #asleepUntil = 0;

  now(): number {
    return this.#now;
  }

  /** Plans something for the world itself, which does not touch the selector. @param milliseconds from now, 0 or more */
  plan(milliseconds: number, run: () => void): void {
    this.#push({ at: this.#now + milliseconds, number: this.#number++, run });
  }

  /**
   * The selector's: when it is called back, everything that it sets off comes to rest before time goes on. As Node's setTimeout it
   * takes whole milliseconds, one at least, and so comes up to one too early.
   */
  after(milliseconds: number, callback: () => void): () => void {
    if (!(milliseconds >= 0)) throw new RangeError(`a timer of ${milliseconds} ms: expected 0 or more`);
    const delay = Math.max(1, Math.trunc(milliseconds)) + Math.max(0, this.#asleepUntil - this.#now);
    const event: Event = { at: this.#now + delay, number: this.#number++, run: undefined, own: true };
    let late: (() => void) | undefined;
    event.run = () => {
      if (this.#now < this.#stalledUntil) {
        late = this.after(this.#stalledUntil - this.#now, callback);
        return;
      }
      this.wake();
      callback();
    };
    this.#push(event);
    return () => {
      event.run = undefined;
      late?.();
    };
  }

  /** The selector gets no processor for so many milliseconds, while the world goes on. */
  stall(milliseconds: number): void {
    this.#stalledUntil = this.#now + milliseconds;
  }

  /** Until when the selector gets no processor: the machine sleeps, or stands still. */
  get idleUntil(): number {
    return Math.max(this.#asleepUntil, this.#stalledUntil);
  }

  get idle(): boolean {
    return this.#now < this.idleUntil;
  }

  get asleepUntil(): number {
    return this.#asleepUntil;
  }

  get asleep(): boolean {
    return this.#now < this.#asleepUntil;
  }

  /** The machine sleeps for so many milliseconds: the selector's timers stand still, while the world, and {@link now}, go on. */
  sleep(milliseconds: number): void {
    this.#asleepUntil = Math.max(this.#asleepUntil, this.#now) + milliseconds;
    const events = this.#heap.splice(0);
    for (const event of events) {
      if (event.own === true) event.at += milliseconds;
      this.#push(event);
    }
  }

  /** The event that happens now reaches the selector: what it sets off comes to rest before time goes on. */
  wake(): void {
    this.#awake = true;
  }

  /**
   * Lets so much time pass.
   * @param until ends it sooner, after the event that makes it true
   */
  async pass(milliseconds: number, until?: () => boolean): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      if (this.#awake) {
        this.#awake = false;
        await settle();
      }
      if (until?.() === true) return;
      const next = this.#heap[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      if (next.run === undefined) continue;
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Event;
      if (!earlier(event, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  /** Takes the first event away. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (!earlier(below, last)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
  }
}

function earlier(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.number < other.number);
}

/** Every promise that is settled has called back when Node comes to its immediates: nothing here waits for the real world. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
