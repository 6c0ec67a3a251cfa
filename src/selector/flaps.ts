/** A peer that is lost again so soon after it was lost is one that comes and goes, in milliseconds. */
const TWICE_WITHIN = 3_600_000;

/** How long it is left alone then, the first time and at the longest, in milliseconds. It doubles. */
const WAIT = { first: 600_000, longest: 6 * 3_600_000 };

interface Flap {
  readonly lostAt: number;
  readonly wait: number;
}

/**
 * Peers that come and go. Whoever goes back to a better peer each time that it answers goes with it; so one that was lost twice within
 * an hour is not gone back to for a while, and for longer each time. A round of tries takes it all the same.
 */
export class Flaps {
  readonly #known = new Map<string, Flap>();

  /** A connection to the peer was lost because it did not answer. @param now monotonic milliseconds */
  lost(peer: string, now: number): void {
    for (const [name, flap] of this.#known) if (!isRecent(flap, now)) this.#known.delete(name);
    const before = this.#known.get(peer);
    const again = before?.wait === 0 ? WAIT.first : Math.min(2 * (before?.wait ?? 0), WAIT.longest);
    this.#known.set(peer, { lostAt: now, wait: again });
  }

  /** Whether the peer is left alone now. */
  waits(peer: string, now: number): boolean {
    const flap = this.#known.get(peer);
    return flap !== undefined && now < flap.lostAt + flap.wait;
  }
}

/** The hour begins when it may be gone back to. */
function isRecent({ lostAt, wait }: Flap, now: number): boolean {
  return now - lostAt - wait <= TWICE_WITHIN;
}
