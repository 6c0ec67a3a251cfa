import type { Answer, Family, Lookups } from '#platform/lookup.js';
import { monotonic } from '#platform/timers.js';

/** Look-ups under way at once. Each has a thread, or a socket, until the system has an answer or gives up. */
export const MOST_AT_ONCE = 8;

interface Waiting {
  readonly name: string;
  readonly family: Family;
  /** Monotonic milliseconds, after which nobody wants the answer. */
  readonly end: number;
  readonly done: (answer: Answer) => void;
}

/** Bounds the look-ups that are under way at once. The others wait for their turn. */
export class LookupQueue {
  readonly #lookups: Lookups;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(lookups: Lookups) {
    this.#lookups = lookups;
  }

  /**
   * Asks as soon as it can.
   *
   * @returns gives it up: `done` is not called any more. What is under way still takes its place until it ends. Tells whether it
   *   had been begun.
   */
  add(name: string, family: Family, milliseconds: number, done: (answer: Answer) => void): () => boolean {
    let wanted = true;
    const waiting: Waiting = {
      name,
      family,
      end: monotonic() + milliseconds,
      done: (answer) => {
        if (wanted) done(answer);
      },
    };
    this.#waiting.push(waiting);
    this.#start();
    return () => {
      wanted = false;
      const at = this.#waiting.indexOf(waiting);
      if (at !== -1) this.#waiting.splice(at, 1);
      return at === -1;
    };
  }

  /** Gives everything up; nothing is called any more. */
  close(): void {
    this.#waiting.length = 0;
    this.#lookups.close();
  }

  #start(): void {
    while (this.#running < MOST_AT_ONCE && this.#waiting.length > 0) {
      // Any of them, not the oldest: when servers are silent and all ask again together, each gets its turn some time.
      const [next] = this.#waiting.splice(Math.floor(Math.random() * this.#waiting.length), 1);
      if (next === undefined) return;
      this.#running++;
      const left = Math.max(1, Math.ceil(next.end - monotonic()));
      this.#lookups.start(next.name, next.family, left, (answer) => {
        this.#running--;
        next.done(answer);
        this.#start();
      });
    }
  }
}
