import { rootDistance } from './accept.js';
import type { NtpPacket } from './packet.js';
import { ntpDifference, unixFromNtp } from './timestamp.js';
import { readTwoClocks } from './two-clocks.js';
import type { World } from './world.js';

/**
 * Our clock as it was when an attempt began, carried on by the world's monotonic clock, which counts the time asleep.
 *
 * All offsets of an attempt are against this scale and not against the wall clock itself, so they can be compared with
 * each other whatever happens to the wall clock meanwhile.
 */
export class LocalScale {
  readonly #world: World;
  readonly #wallNs: bigint;
  readonly #monotonicNs: bigint;

  /** Begins now. @param world whose clocks are read */
  constructor(world: World) {
    this.#world = world;
    const { wallNs, monotonicNs } = readTwoClocks(world);
    this.#wallNs = wallNs;
    this.#monotonicNs = monotonicNs;
  }

  /** Nanoseconds since 1970-01-01 UTC by our clock, had nobody touched it since the scale was made. */
  now(): bigint {
    return this.#wallNs + this.#world.monotonic() - this.#monotonicNs;
  }

  /** The reading of the monotonic clock (ns) at a moment of this scale. */
  monotonicAt(localNs: bigint): bigint {
    return this.#monotonicNs + localNs - this.#wallNs;
  }
}

/** What one answer says about our clock. The truth is within offset ± error, unless the server lies. All in ns. */
export interface Measurement {
  /** To be added to the local scale; positive if our clock is behind. */
  offset: bigint;
  /** Time on the network, there and back. */
  delay: bigint;
  /** delay / 2 + root distance + 1 ms. */
  error: bigint;
}

/**
 * Nanoseconds added to each error bound: our clock is read in milliseconds and drifts against the server's during an
 * attempt (100 ppm in 5 s is half a millisecond). Without it two good servers on the same wire could miss each other.
 */
const ALLOWANCE_NS = 1_000_000n;

/**
 * Offset and delay of an accepted answer (RFC 5905, section 8, the on-wire protocol).
 *
 * The server's receive timestamp serves only to take its own working time out of the delay. One that cannot be (later
 * than the transmit timestamp, or so early that the answer took longer than we waited) is not used: then all the
 * time we waited counts as delay, and the error bound is as wide as that. So no server can narrow or widen its bound at will.
 *
 * @param sentNs when the question left, on the local scale.
 * @param receivedNs when the answer came, on the same scale.
 * @param pivotNs a date within 68 years of the truth (see timestamp.ts). Not our own clock: that may be wrong by 50.
 */
export function measure(packet: NtpPacket, sentNs: bigint, receivedNs: bigint, pivotNs: bigint): Measurement {
  const waited = receivedNs - sentNs;
  const claimed = ntpDifference(packet.transmit, packet.receive);
  const working = claimed >= 0n && claimed <= waited ? claimed : 0n;
  const delay = waited - working;
  const transmitNs = unixFromNtp(packet.transmit, pivotNs);
  // Half the delay before we got it, the server sent it.
  const offset = transmitNs - (receivedNs - delay / 2n);
  const distance = BigInt(Math.ceil(rootDistance(packet) * 1e9));
  return { offset, delay, error: delay / 2n + distance + ALLOWANCE_NS };
}
