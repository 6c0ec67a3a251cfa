/** The two clocks may drift this far apart between two looks without one having been set, in milliseconds. */
const DRIFT = 1_000;

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
  #looked: { readonly at: number; readonly wallClock: number } | undefined;

  /**
   * Takes what the kernel says now.
   * @param lastHandshake milliseconds of CLOCK_REALTIME, 0 for none
   * @param now milliseconds, monotonic
   * @param wallClock milliseconds of CLOCK_REALTIME
   */
  observe(lastHandshake: number, now: number, wallClock: number): void {
    const before = this.#looked;
    this.#looked = { at: now, wallClock };
    if (lastHandshake === this.#latest) return;
    this.#latest = lastHandshake;
    const age = wallClock - lastHandshake;
    if (lastHandshake === 0) this.#happenedAt = undefined;
    else if (before !== undefined) {
      const step = wallClock - before.wallClock - (now - before.at);
      this.#happenedAt = now - placed(age, step, now - before.at);
    }
    // A handshake from the wall clock's future says that the clock went back: then nothing is known, and it does not count.
    else this.#happenedAt = age >= 0 ? now - age : undefined;
  }

  /** The same for a handshake that was waited for and has just happened. */
  happened(lastHandshake: number, now: number, wallClock: number): void {
    this.#latest = lastHandshake;
    this.#happenedAt = now;
    this.#looked = { at: now, wallClock };
  }

  /** Milliseconds since the latest handshake; `undefined` when there was none, or none that could be judged. */
  age(now: number): number | undefined {
    return this.#happenedAt === undefined ? undefined : now - this.#happenedAt;
  }
}

/**
 * How old a handshake is that happened within the gap between two looks.
 *
 * @param age by the wall clock as it is now: right if the handshake came after the clock was set
 * @param step how far the clock was set in the gap: without it, the age is right for a handshake from before that
 * @param gap all in milliseconds
 */
function placed(age: number, step: number, gap: number): number {
  if (Math.abs(step) <= DRIFT) return Math.min(Math.max(0, age), gap);
  // Where both ages are possible the younger one: a living tunnel must not be taken for dead.
  const possible = [age, age - step].filter((candidate) => candidate >= 0 && candidate <= gap);
  return possible.length === 0 ? 0 : Math.min(...possible);
}
