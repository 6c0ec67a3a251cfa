/** What lies between two hosts: it delays, loses and reorders packets, and it fails. */

import type { SeededRandom } from './random.js';
import type { SimulatedTime } from './time.js';

/** How good a way is. All of it holds for each direction by itself. Milliseconds. */
export interface Quality {
  /** Packets lost, 0 to 1. */
  readonly loss: number;
  readonly delay: number;
  /** Added to the delay, uniformly distributed from 0 to this. */
  readonly jitter: number;
  /** Whether a packet may overtake another, as jitter makes it in netem. */
  readonly reorders: boolean;
  readonly bursts?: Bursts | undefined;
}

/** Interruptions, in which nothing gets through, either way. Milliseconds. */
export interface Bursts {
  readonly duration: number;
  /** From the end of one to the next, exponentially distributed beyond `apart`. */
  readonly meanInterval: number;
  /** So far they are apart at least: closer, two would be one that lasts longer than `duration`. */
  readonly apart: number;
}

/** A way without faults, as in one machine. */
export const PERFECT: Quality = { loss: 0, delay: 0.5, jitter: 0, reorders: false };

/** Both directions between our node and a gateway. */
export class Link {
  /** What gets through at all: both directions are independent. */
  readonly passes = { out: true, in: true };
  quality: Quality;
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #burst = { from: Number.NEGATIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  readonly #latest = { out: 0, in: 0 };

  constructor(time: SimulatedTime, random: SeededRandom, quality: Quality) {
    this.#time = time;
    this.#random = random;
    this.quality = quality;
  }

  carry(direction: 'out' | 'in', arrive: () => void): void {
    const now = this.#time.now();
    const { loss, delay, jitter, reorders } = this.quality;
    if (!this.passes[direction] || this.#inBurst(now)) return;
    if (loss > 0 && this.#random.unit() < loss) return;
    let at = now + delay;
    if (jitter > 0) at += this.#random.unit() * jitter;
    if (!reorders) at = Math.max(at, this.#latest[direction]);
    this.#latest[direction] = at;
    this.#time.plan(at - now, arrive);
  }

  #inBurst(now: number): boolean {
    const { bursts } = this.quality;
    if (bursts === undefined) return false;
    const burst = this.#burst;
    while (now >= burst.to) {
      const after = Number.isFinite(burst.to) ? burst.to : now;
      burst.from = after + bursts.apart + this.#random.exponential(bursts.meanInterval - bursts.apart);
      burst.to = burst.from + bursts.duration;
    }
    return now >= burst.from;
  }
}
