import type { Timers } from './world.js';

/** What others set, and the loop finds. */
export interface News {
  stopping: boolean;
  /** The kernel may hold what we do not know of, or no longer what we put there: read it before the next step. */
  unread: boolean;
  /** Something happened to routes or addresses: ours may be gone, or may have become possible. */
  routesInDoubt: boolean;
  /** It may be another peer's turn: a name has resolved, or has failed to; the peers are others; one was asked for. */
  turns: boolean;
  /** Something changed that may make a peer usable. */
  changed: boolean;
  /** Why somebody asked to leave the peer that is being tried or held. */
  leave: string | undefined;
}

/** Somebody who waits for a condition. */
interface Waiter {
  readonly condition: () => boolean;
  /** See {@link Inbox.until}. */
  readonly again: (() => number | undefined) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Ends the timer that calls back. It leads back here, and is let go of at the end: a circle would stay until garbage is looked for. */
  cancel: (() => void) | undefined;
  /** How long at most until they are called back, in milliseconds; undefined: as long as it takes. */
  limit: number | undefined;
  /** Milliseconds that they have waited at least, as far as {@link Inbox.goesOn} was asked. */
  waited: number;
}

/**
 * Where everything from outside arrives (links, routes, names, configuration, commands). It never acts by itself: it sets what
 * the loop will find, and whoever waits looks at their condition again. A piece of news that comes while nobody waits is not
 * lost, because the condition is looked at first.
 */
export class Inbox {
  readonly news: News = {
    stopping: false,
    unread: true,
    routesInDoubt: false,
    turns: false,
    changed: false,
    leave: undefined,
  };
  readonly #timers: Timers;
  readonly #waiting = new Set<Waiter>();
  /** Somebody has begun to wait, or was called back when their time was over, since {@link goesOn} was last asked. */
  #moved = true;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Sets what has happened, and makes everybody who waits look again. */
  post(news: Partial<News>): void {
    Object.assign(this.news, news);
    for (const waiter of [...this.#waiting]) if (waiter.condition()) this.#finish(waiter);
  }

  /**
   * Whether the loop goes on: it has come to a wait since this was last asked, or is in one that is not overdue. Between two waits it does
   * what has an end of its own within seconds.
   * @param milliseconds since it was last asked; no clock is read for it
   */
  goesOn(milliseconds: number): boolean {
    if (this.#moved) {
      this.#moved = false;
      return true;
    }
    let inTime = false;
    for (const waiter of this.#waiting) {
      waiter.waited += milliseconds;
      inTime ||= waiter.limit === undefined || waiter.waited <= waiter.limit;
    }
    return inTime;
  }

  /**
   * Waits until the condition holds.
   * @param milliseconds wait no longer than this; without it, as long as it takes
   * @param again is called when that time is over, and gives milliseconds to wait for another time; nothing ends the wait
   * @throws what `again` throws
   */
  async until(
    condition: () => boolean,
    milliseconds?: number,
    again?: () => number | undefined,
  ): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const waiter = { condition, again, resolve, reject, cancel: undefined, limit: milliseconds, waited: 0 };
      this.#waiting.add(waiter);
      this.#moved = true;
      if (milliseconds !== undefined) this.#wait(waiter, milliseconds);
    });
  }

  /** @param time milliseconds until it is called back; undefined: it has waited long enough */
  #wait(waiter: Waiter, time: number | undefined): void {
    this.#moved = true;
    waiter.limit = time;
    waiter.waited = 0;
    if (time === undefined) this.#finish(waiter);
    else waiter.cancel = this.#timers.after(Math.max(0, time), () => this.#over(waiter));
  }

  #over(waiter: Waiter): void {
    try {
      this.#wait(waiter, waiter.again?.());
    } catch (error) {
      waiter.reject(error);
      this.#finish(waiter);
    }
  }

  #finish(waiter: Waiter): void {
    waiter.cancel?.();
    waiter.cancel = undefined;
    this.#waiting.delete(waiter);
    waiter.resolve();
  }
}
