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
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Sets what has happened, and makes everybody who waits look again. */
  post(news: Partial<News>): void {
    Object.assign(this.news, news);
    for (const look of [...this.#waiting]) look();
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
      const finish = (): void => {
        cancel?.();
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (condition()) finish();
      };
      const over = (): void => {
        try {
          wait(again?.());
        } catch (error) {
          reject(error);
          finish();
        }
      };
      const wait = (time: number | undefined): void => {
        if (time === undefined) finish();
        else cancel = this.#timers.after(Math.max(0, time), over);
      };
      let cancel: (() => void) | undefined;
      this.#waiting.add(look);
      if (milliseconds !== undefined) wait(milliseconds);
    });
  }
}
