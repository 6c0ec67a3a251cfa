/** So many are remembered; then older ones count for half. */
const REMEMBERED = 400;

/** What became of questions that should each have been answered: how often the way to and fro loses one. */
export class Trials {
  #answered = 0;
  #missed = 0;

  /** How many questions were answered, of those that are remembered. */
  get answered(): number {
    return this.#answered;
  }

  /** @param missed how many went unanswered before one was answered, or before life showed otherwise */
  add({ answered = 0, missed = 0 }: { answered?: number; missed?: number }): void {
    this.#answered += answered;
    this.#missed += missed;
    if (this.#answered + this.#missed <= REMEMBERED) return;
    this.#answered /= 2;
    this.#missed /= 2;
  }

  /**
   * How likely the next question goes unanswered, 0 < p < 1: the share that was seen, and, while little was seen, what is assumed beside
   * it (Laplace's rule of succession).
   *
   * @param prior how many misses, in how many questions, are thought to have been seen already
   */
  missRate(prior: { readonly missed: number; readonly of: number }): number {
    return (this.#missed + prior.missed) / (this.#answered + this.#missed + prior.of);
  }

  /**
   * How many questions in a row have to go unanswered until that is rarer than `rare` on a way that works.
   * @param prior see {@link missRate}
   */
  inARow(rare: number, prior: { readonly missed: number; readonly of: number }): number {
    return Math.ceil(Math.log(rare) / Math.log(this.missRate(prior)));
  }
}
