/** Which blocks of src have run, by V8's own counters. */
import { type Profiler, Session } from 'node:inspector';
import { concat } from './structure.js';

/** Of this build: dist/src. */
const OURS = new URL('../../src/', import.meta.url).href;

/** Collects what runs. One at a time. */
export class Coverage {
  readonly #session = new Session();
  /** For each script 1 for every character that has run. */
  #known = new Map<string, Uint8Array>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of the program that have run. */
  get size(): number {
    return [...this.#known.values()].flatMap((bytes) => [...bytes]).filter((ran) => ran === 1).length;
  }

  /**
   * Whether anything has run since this was last asked that never ran before. Takes half a millisecond.
   *
   * @param keep whether it counts as known from now on
   */
  fresh(keep: boolean): boolean {
    let found = false;
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    for (const { url, functions } of result) {
      if (!url.startsWith(OURS)) continue;
      // One range stands within another where that one counts differently.
      const end = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
      const ran = new Uint8Array(end);
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      found = this.#merge(url, ran, keep) || found;
    }
    return found;
  }

  /** Everything counts as new again. */
  forget(): void {
    this.fresh(false);
    this.#known = new Map();
  }

  close(): void {
    this.#session.disconnect();
  }

  #merge(url: string, ran: Uint8Array, keep: boolean): boolean {
    let known = this.#known.get(url) ?? new Uint8Array(0);
    let found = false;
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || known[at] === 1) continue;
      found = true;
      if (!keep) return true;
      if (known.length < ran.length) known = concat([known, new Uint8Array(ran.length - known.length)]);
      known[at] = 1;
    }
    if (keep) this.#known.set(url, known);
    return found;
  }

  #post(method: string, params?: object): unknown {
    let answer: unknown;
    // Within one process it is answered at once.
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}
