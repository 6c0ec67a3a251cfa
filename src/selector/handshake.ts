/**
 * The age of a handshake, on a clock that does not jump.
 *
 * The kernel tells the time of the latest handshake in CLOCK_REALTIME, which loses its meaning when somebody sets the clock.
 * So a handshake is as old as the monotonic time since its value was first seen, and a little more: it happened between the look
 * before and that one, and within these bounds the wall clock may say when. Only the first value of all, a handshake
 * from before we looked, has to be judged by the wall clock alone.
 */
export class HandshakeAge {
  #latest = 0;
  #happenedAt: number | undefined;
  #lookedAt: number | undefined;

  /**
   * Takes what the kernel says now.
   * @param lastHandshake milliseconds of CLOCK_REALTIME, 0 for none
   * @param now milliseconds, monotonic
   * @param wallClock milliseconds of CLOCK_REALTIME
   */
  observe(lastHandshake: number, now: number, wallClock: number): void {
    const before = this.#lookedAt;
    this.#lookedAt = now;
    if (lastHandshake === this.#latest) return;
    this.#latest = lastHandshake;
    const age = wallClock - lastHandshake;
    if (lastHandshake === 0) this.#happenedAt = undefined;
    else if (before !== undefined) this.#happenedAt = now - Math.min(Math.max(0, age), now - before);
    // A handshake from the wall clock's future says that the clock went back: then nothing is known, and it does not count.
    else this.#happenedAt = age >= 0 ? now - age : undefined;
  }

  /** The same for a handshake that was waited for and has just happened. */
  happened(lastHandshake: number, now: number): void {
    this.#latest = lastHandshake;
    this.#happenedAt = now;
    this.#lookedAt = now;
  }

  /** Milliseconds since the latest handshake; `undefined` when there was none, or none that could be judged. */
  age(now: number): number | undefined {
    return this.#happenedAt === undefined ? undefined : now - this.#happenedAt;
  }
}
