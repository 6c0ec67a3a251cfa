/** The wall clock's reading is a whole number, the kernel's has fractions: milliseconds. */
const ROUNDING = 1;

/**
 * How long a handshake takes that is asked for. The kernel tells when it was complete, to a fraction of a millisecond, but by the wall
 * clock: that counts where it is possible, and otherwise when the handshake was seen.
 */
export class RoundTrip {
  #at = 0;
  #wallClock = 0;

  /** It is about to be asked for. @param now milliseconds, monotonic @param wallClock milliseconds of CLOCK_REALTIME */
  begin(now: number, wallClock: number): void {
    this.#at = now;
    this.#wallClock = wallClock;
  }

  /**
   * It was seen to be complete.
   * @param lastHandshake when it was, as the kernel says: milliseconds of CLOCK_REALTIME
   * @param now milliseconds, monotonic
   * @returns milliseconds
   */
  end(lastHandshake: number, now: number): number {
    const [told, seen] = [lastHandshake - this.#wallClock, now - this.#at];
    return told >= -ROUNDING && told <= seen + ROUNDING ? Math.max(0, told) : seen;
  }
}

/** WireGuard renews a session with the first packet that is sent when it is as old as this (REKEY_AFTER_TIME), in milliseconds. */
const REKEY_AFTER = 120_000;

/** What took longer waited for a packet, or was lost and repeated: milliseconds. */
const PLAUSIBLE = { busy: 1_000, asked: 5_000 };

/**
 * What renewals tell of the round trip to a peer whose own handshake nobody has measured. One that was asked for begins then; one of the
 * kernel's own with the first packet after 120 s, so that it took at most what is beyond.
 */
export class Renewals {
  #latest = 0;
  #asked: number | undefined;
  #least: number | undefined;

  /** The shortest so far, in milliseconds. */
  get least(): number | undefined {
    return this.#least;
  }

  /** A renewal is about to be asked for. @param wallClock milliseconds of CLOCK_REALTIME */
  asked(wallClock: number): void {
    this.#asked = wallClock;
  }

  /** Takes what the kernel says now. @param lastHandshake milliseconds of CLOCK_REALTIME, 0 for none */
  observe(lastHandshake: number): void {
    const [before, asked] = [this.#latest, this.#asked];
    if (lastHandshake === before) return;
    this.#latest = lastHandshake;
    this.#asked = undefined;
    if (before === 0) return;
    const took = lastHandshake - (asked ?? before + REKEY_AFTER);
    if (took < 0 || took >= (asked === undefined ? PLAUSIBLE.busy : PLAUSIBLE.asked)) return;
    this.#least = Math.min(took, this.#least ?? took);
  }
}
