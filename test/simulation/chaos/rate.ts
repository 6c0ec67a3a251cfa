/** How often something happens within a minute: the last six times ten seconds. */

const PART = 10_000;
const PARTS = 6;

export class Rate {
  readonly limit: number;
  /** The most that was seen. */
  most = 0;
  readonly #counts: number[] = [];
  #part = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** It happens now. @param now milliseconds @returns whether that is within the limit */
  add(now: number): boolean {
    const part = Math.floor(now / PART);
    for (; this.#part < part; this.#part++) {
      if (part - this.#part > PARTS) this.#part = part - PARTS;
      this.#counts[(this.#part + 1) % PARTS] = 0;
    }
    this.#counts[part % PARTS] = (this.#counts[part % PARTS] ?? 0) + 1;
    const sum = this.#counts.reduce((total, count) => total + (count ?? 0), 0);
    this.most = Math.max(this.most, sum);
    return sum <= this.limit;
  }
}
