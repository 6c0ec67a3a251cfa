import type { World } from './world.js';

/** Two clocks that were read within so many nanoseconds were read at once; on a busy machine it may take some tries. */
const AT_ONCE_NS = 100_000n;
const TRIES = 10;

/** What both of our clocks said at one moment, in nanoseconds. */
export interface TwoClocks {
  readonly wallNs: bigint;
  /** When that was, by the monotonic clock; it may have been up to `spreadNs` later. */
  readonly monotonicNs: bigint;
  readonly spreadNs: bigint;
}

/** Reads both clocks as nearly at once as the machine lets us: a process may be put aside between any two readings. */
export function readTwoClocks(world: Pick<World, 'wallClock' | 'monotonic'>): TwoClocks {
  let reading = readOnce(world);
  for (let tries = 1; tries < TRIES && reading.spreadNs >= AT_ONCE_NS; tries++) {
    const again = readOnce(world);
    if (again.spreadNs < reading.spreadNs) reading = again;
  }
  return reading;
}

function readOnce(world: Pick<World, 'wallClock' | 'monotonic'>): TwoClocks {
  const monotonicNs = world.monotonic();
  const wallNs = BigInt(Math.round(world.wallClock() * 1000)) * 1000n;
  return { wallNs, monotonicNs, spreadNs: world.monotonic() - monotonicNs };
}
