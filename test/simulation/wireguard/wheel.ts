/**
 * The kernel's timers: their wheel is coarse, and the coarser the longer they take. A keepalive of 25 s comes up to 2 s late. (Linux,
 * kernel/time/timer.c: eight levels of 64 buckets, each level eight times as coarse as the one before; never early.)
 */

import type { SimulatedTime } from '../time.js';

/** Debian's kernels. */
const HZ = 250;
const MS_PER_TICK = 1_000 / HZ;
const LEVEL_BITS = 3;
const BUCKETS = 64;

/** The clock of one kernel: ticks since some moment before the world began. */
export class Ticks {
  readonly #time: SimulatedTime;
  readonly #offset: number;

  /** @param offset milliseconds since the kernel's boot when the world begins */
  constructor(time: SimulatedTime, offset: number) {
    this.#time = time;
    this.#offset = offset;
  }

  get time(): SimulatedTime {
    return this.#time;
  }

  /** How long a timer for so many milliseconds takes. */
  delay(milliseconds: number): number {
    const now = this.#time.now() + this.#offset;
    const tick = Math.floor(now / MS_PER_TICK);
    const ticks = Math.floor(milliseconds / MS_PER_TICK);
    let grain = 1;
    for (let start = BUCKETS - 1; ticks >= start; start <<= LEVEL_BITS) grain <<= LEVEL_BITS;
    const bucket = Math.floor((tick + ticks) / grain) + 1;
    return bucket * grain * MS_PER_TICK - now;
  }
}

/** One timer of a kernel. Setting it anew is cheap: the event that was planned for it looks when it comes whether it is time. */
export class KernelTimer {
  readonly #ticks: Ticks;
  readonly #expired: () => void;
  #due: number | undefined;
  /** When the event that is planned comes. */
  #planned = Number.POSITIVE_INFINITY;
  #plan = 0;

  constructor(ticks: Ticks, expired: () => void) {
    this.#ticks = ticks;
    this.#expired = expired;
  }

  get pending(): boolean {
    return this.#due !== undefined;
  }

  /** mod_timer */
  set(milliseconds: number): void {
    const { time } = this.#ticks;
    this.#due = time.now() + this.#ticks.delay(milliseconds);
    if (this.#due < this.#planned) this.#look(this.#due);
  }

  /** del_timer */
  clear(): void {
    this.#due = undefined;
  }

  #look(at: number): void {
    const { time } = this.#ticks;
    const plan = ++this.#plan;
    this.#planned = at;
    time.plan(at - time.now(), () => {
      if (plan !== this.#plan) return;
      this.#planned = Number.POSITIVE_INFINITY;
      if (this.#due === undefined) return;
      if (this.#due > time.now()) return this.#look(this.#due);
      this.#due = undefined;
      this.#expired();
    });
  }
}
