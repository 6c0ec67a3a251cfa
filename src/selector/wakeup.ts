import type { Timers } from './world.js';

/**
 * How the loop waits: for a condition, with a limit, and never deaf. Whoever changes something that a condition may depend
 * on calls {@link wake}; a wake-up that comes while nobody waits is not lost, because the condition is looked at first.
 */
export class Wakeup {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Makes everybody who waits look at their condition again. */
  wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Waits until the condition holds.
   * @param milliseconds wait no longer than this; without it, as long as it takes
   * @returns whether the condition holds
   */
  until(condition: () => boolean, milliseconds?: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (met: boolean): void => {
        cancel?.();
        this.#waiting.delete(look);
        resolve(met);
      };
      const look = (): void => {
        if (condition()) finish(true);
      };
      this.#waiting.add(look);
      const cancel =
        milliseconds === undefined
          ? undefined
          : this.#timers.after(Math.max(0, milliseconds), () => finish(condition()));
    });
  }
}
