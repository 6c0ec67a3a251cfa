/** How events of the kernel reach a process: soon, late, twice, or not at all, which it is told of afterwards. */

import type { MonitorHandlers } from '../../../src/netlink/index.js';
import type { SimulatedTime } from '../time.js';
import type { KernelEvent } from './machine.js';

export class News {
  #delay = 0;
  #copies = 1;
  readonly #time: SimulatedTime;
  #handlers: MonitorHandlers | undefined;
  #overflown = false;
  #latest = 0;

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  /** @returns what ends it */
  listen(handlers: MonitorHandlers): () => void {
    this.#handlers = handlers;
    this.#overflown = false;
    return () => {
      if (this.#handlers === handlers) this.#handlers = undefined;
    };
  }

  /** From now on it takes so many milliseconds until an event is read; they stay in order. */
  beLate(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** From now on each event comes so often. */
  repeat(copies: number): void {
    this.#copies = copies;
  }

  /** Milliseconds by which the process may be behind. */
  get behind(): number {
    if (this.#overflown) return Number.POSITIVE_INFINITY;
    return Math.max(this.#delay, this.#latest - this.#time.now());
  }

  tell(event: KernelEvent): void {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#overflown) return;
    const at = Math.max(this.#latest, this.#time.now() + this.#delay);
    this.#latest = at;
    for (let copy = 0; copy < this.#copies; copy++) this.#deliver(at, handlers, () => hand(event, handlers));
  }

  /** The receive buffer is full: what comes within so many milliseconds is lost, and then the process hears that something was. */
  overflow(milliseconds: number): void {
    if (this.#overflown) return;
    this.#overflown = true;
    this.#time.plan(milliseconds, () => this.#drained());
  }

  heal(): void {
    this.#delay = 0;
    this.#copies = 1;
    if (this.#overflown) this.#drained();
  }

  #drained(): void {
    const handlers = this.#handlers;
    if (!this.#overflown) return;
    this.#overflown = false;
    if (handlers !== undefined) this.#deliver(this.#time.now(), handlers, () => handlers.lost());
  }

  /** To a process that sleeps it comes when it wakes. */
  #deliver(at: number, handlers: MonitorHandlers, act: () => void): void {
    this.#time.plan(at - this.#time.now(), () => {
      if (this.#handlers !== handlers) return;
      if (this.#time.asleep) return this.#deliver(this.#time.asleepUntil, handlers, act);
      this.#time.wake();
      act();
    });
  }
}

function hand(event: KernelEvent, handlers: MonitorHandlers): void {
  if (event.kind === 'link') handlers.link?.(event.change, event.link);
  else if (event.kind === 'address') handlers.address?.(event.change, event.address);
  else if (event.kind === 'rule') handlers.rule?.(event.change, event.rule);
  else handlers.route?.(event.change, event.route, event.replaced);
}
