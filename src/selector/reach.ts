/** How often an address that does not answer is asked, in milliseconds. */
const UNANSWERED = 1_000;

/** Fewer questions say nothing. */
const LEAST = 5;

/** Whether what is behind the peer answers: an address inside the tunnel, asked by an ICMP echo. */
export class Reach {
  #answeredAt: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #unanswered = 0;
  /** The question before could not be asked either. */
  #refused = false;

  /** @param now milliseconds */
  constructor(now: number) {
    this.#answeredAt = now;
  }

  /**
   * Takes what has come since the question before.
   * @param timeout milliseconds without an answer after which it counts as out of reach
   * @returns whether it does
   */
  observe(answered: boolean, timeout: number, now: number): boolean {
    if (answered) {
      this.#answeredAt = now;
      this.#unanswered = 0;
    }
    return this.#unanswered >= LEAST && now - this.#answeredAt >= timeout;
  }

  /** It was asked. */
  asked(now: number): void {
    this.#askedAt = now;
    this.#unanswered++;
    this.#refused = false;
  }

  /**
   * It could not be asked: that says nothing of it, and is tried again in its time.
   * @returns whether that is so for longer than a moment: as of an interface that has just gone down, of which we have not been told yet
   */
  notAsked(now: number): boolean {
    const lasting = this.#refused;
    this.#refused = true;
    this.#askedAt = now;
    return lasting;
  }

  /** When it is to be asked next. @param interval milliseconds, where it answers */
  due(interval: number): number {
    return this.#askedAt + (this.#unanswered > 1 ? UNANSWERED : interval);
  }
}
