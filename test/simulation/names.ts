/** The DNS of a simulated world. */

import type { Resolver } from '../../src/selector/world.js';
import type { SimulatedTime } from './time.js';

export class SimulatedNames implements Resolver {
  /** Addresses by name; `silent` for a name whose server does not answer. */
  readonly entries = new Map<string, readonly string[] | 'silent'>();
  /** Milliseconds until an answer. */
  delay = 20;
  readonly #time: SimulatedTime;
  /** Whether a server can be reached. */
  readonly #reachable: () => boolean;

  constructor(time: SimulatedTime, reachable: () => boolean) {
    this.#time = time;
    this.#reachable = reachable;
  }

  resolve(name: string, timeout: number, found: (addresses: readonly string[]) => void): Promise<void> {
    const entry = this.entries.get(name);
    const answers = entry !== 'silent' && this.#reachable() && this.delay < timeout;
    return new Promise((resolve, reject) => {
      this.#time.after(answers ? this.delay : timeout, () => {
        if (!answers) return reject(new Error(`${name}: no answer`));
        if (entry === undefined) return reject(new Error(`${name} does not exist`));
        found(entry);
        resolve();
      });
    });
  }
}
