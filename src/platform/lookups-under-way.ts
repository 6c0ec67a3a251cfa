import { errnoName } from '#platform/errno.js';
import { monotonic, queueMicrotask } from '#platform/timers.js';
import type { Answer, Failure } from './lookup.js';

/** The C library waits at least 1 s for an answer, in milliseconds. Sooner "try again" is not silence. */
const PATIENCE = 900;

/** Look-ups by getaddrinfo (native/lookup.c) that have not been answered yet, each with its number. */
export class LookupsUnderWay {
  readonly #done = new Map<number, (answer: Answer) => void>();
  #latest = 0;

  /**
   * @param begin begins the one of this number; 0, or an error number of either sign
   * @param done called once, not before this returns
   */
  start(begin: (id: number) => number, done: (answer: Answer) => void): void {
    const id = ++this.#latest;
    const began = monotonic();
    const error = Math.abs(begin(id));
    if (error === 0) {
      this.#done.set(id, ({ failure, addresses }) => {
        const silence = failure === 'AGAIN' && monotonic() - began > PATIENCE;
        done({ failure: silence ? 'TIMEOUT' : failure, addresses });
      });
    } else queueMicrotask(() => done({ failure: errnoName(error) ?? `E${error}`, addresses: [] }));
  }

  /** One is answered. */
  finish(id: number, failure: Failure | undefined, addresses: readonly string[]): void {
    const done = this.#done.get(id);
    this.#done.delete(id);
    done?.({ failure, addresses });
  }

  /** Nobody wants the answers any more. */
  forget(): void {
    this.#done.clear();
  }
}
