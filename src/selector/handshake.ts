/**
 * The age of a handshake, on a clock that does not jump.
 *
 * The kernel tells the time of the latest handshake in CLOCK_REALTIME, which loses its meaning when somebody sets the clock.
 * So a handshake is as old as the monotonic time since its value was first seen. Only the first value of all, a handshake
 * from before we looked, has to be judged by the wall clock.
 */
export class HandshakeAge {
  #latest = 0;
  #seenAt: number | undefined;

  /**
   * Takes what the kernel says now.
   * @param lastHandshake milliseconds of CLOCK_REALTIME, 0 for none
   * @param now milliseconds, monotonic
   * @param wallClock milliseconds of CLOCK_REALTIME
   */
  observe(lastHandshake: number, now: number, wallClock: number): void {
    if (lastHandshake === this.#latest) return;
    const first = this.#latest === 0;
    this.#latest = lastHandshake;
    if (lastHandshake === 0) {
      this.#seenAt = undefined;
    } else {
      // Before the first look only the wall clock can tell. A handshake from its future says that the clock went back: then
      // nothing is known, and the handshake does not count.
      const age = wallClock - lastHandshake;
      this.#seenAt = first ? (age >= 0 ? now - age : undefined) : now;
    }
  }

  /** The same for a handshake that was waited for and has just happened: it is not older than the last look. */
  happened(lastHandshake: number, now: number): void {
    this.#latest = lastHandshake;
    this.#seenAt = now;
  }

  /** Milliseconds since the latest handshake; `undefined` when there was none, or none that could be judged. */
  age(now: number): number | undefined {
    return this.#seenAt === undefined ? undefined : now - this.#seenAt;
  }
}
