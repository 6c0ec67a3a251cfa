/** Healthy tunnels over bad ways: nothing may be dropped. */

import type { Behind } from './gateway.js';
import type { Bursts, Quality } from './link.js';
import { SeededRandom } from './random.js';
import type { TrafficKind } from './traffic.js';
import { SimulatedWorld, type TimedEvent } from './world.js';

/** How one healthy tunnel is. A seed draws all of it that is not set by hand. */
export interface Health {
  readonly loss: number;
  readonly bursts: boolean;
  /** One way, in milliseconds; jitter comes on top. */
  readonly delay: number;
  readonly jitter: number;
  readonly reorders: boolean;
  readonly traffic: TrafficKind;
  readonly behind: Behind;
  /** Seconds. */
  readonly keepalive: number;
  /** Who has initiated the session. */
  readonly initiator: 'node' | 'gateway';
  readonly inside: 'ipv4' | 'ipv6';
  /** The node is so busy that the selector does nothing for some seconds now and then. */
  readonly stalls: boolean;
}

/** What became of it. */
export interface Life {
  readonly seed: number;
  readonly health: Health;
  /** Simulated time, in milliseconds. */
  readonly duration: number;
  /** Connections that were lost, with the code and words that were given. */
  readonly dropped: readonly string[];
  /** Knocks, each of which takes the session away for a moment; those in one row count once in `suspicions`. */
  readonly knocks: number;
  readonly suspicions: number;
  readonly probes: number;
  readonly looks: number;
  /** Then its gateway dies: milliseconds until that is noticed. */
  readonly noticed: number;
  readonly events: readonly TimedEvent[];
}

const LOSSES = [0, 0.01, 0.05, 0.2] as const;
const DELAYS = [1, 20, 100, 300, 1_000] as const;
const JITTERS = [0, 0.2, 1] as const;
const TRAFFIC: readonly TrafficKind[] = ['quiet', 'ping', 'busy', 'outward', 'inward', 'on-and-off'];
const BEHIND: readonly Behind[] = ['answers', 'echoes', 'silent'];
/** Nothing gets through for 5 s, every ten minutes or so. Between two there is time for a question a second. */
const BURSTS: Bursts = { duration: 5_000, meanInterval: 600_000, apart: 1_000 };
/** For up to half a minute, every twenty minutes or so. */
const STALLS = { longest: 30_000, meanInterval: 1_200_000 };
/** Knocks that are this close belong to one suspicion: five seconds is the longest wait for a round trip. */
const ONE_SUSPICION = 6_000;

export function drawHealth(seed: number, fixed: Partial<Health> = {}): Health {
  const random = SeededRandom.of(seed, 'health');
  const one = <T>(of: readonly [T, ...T[]] | readonly T[]): T => of[random.below(of.length)] as T;
  const delay = one(DELAYS);
  return {
    loss: one(LOSSES),
    bursts: random.below(2) === 1,
    delay,
    jitter: delay * one(JITTERS),
    reorders: random.below(2) === 1,
    traffic: one(TRAFFIC),
    behind: one(BEHIND),
    keepalive: one([0, 25]),
    initiator: one(['node', 'gateway']),
    inside: one(['ipv4', 'ipv6']),
    stalls: one([false, true]),
    ...fixed,
  };
}

/** What a seed draws, once for each loss, with bursts and without: the rows of the table. */
export function rowsOf(seed: number): readonly Health[] {
  return LOSSES.flatMap((loss) => [false, true].map((bursts) => drawHealth(seed, { loss, bursts })));
}

/** @param duration milliseconds from the first connection on */
export async function live(seed: number, health: Health, duration: number): Promise<Life> {
  const { loss, delay, jitter, reorders, bursts, traffic, behind, keepalive, inside } = health;
  const quality: Quality = { loss, delay, jitter, reorders, bursts: bursts ? BURSTS : undefined };
  const world = new SimulatedWorld({ seed, gateways: 2, behind, quality, traffic, keepalive, inside });
  world.start();
  const gateway = await world.connect();
  if (health.initiator === 'gateway') {
    gateway.restart(); // it has no session any more, and begins one
    gateway.initiate();
  }
  if (health.stalls) stallNowAndThen(world);
  const suspicions = countRows(world);
  const lookedAt = world.tunnel.calls.looks;
  const start = world.timers.now();
  await world.pass(duration);
  const dropped = world.events.flatMap(({ at, event }) => {
    if (event.type !== 'lost') return [];
    return [`${event.code} after ${((at - start) / 1_000).toFixed(1)} s: ${event.reason}`];
  });
  const { looks, knocks } = world.tunnel.calls;
  const { sent: probes } = world.prober;
  const suspected = suspicions.count;
  const noticed = await noticeDeath(world);
  return {
    seed,
    health,
    duration,
    dropped,
    knocks,
    suspicions: suspected,
    probes,
    looks: looks - lookedAt,
    noticed,
    events: world.events,
  };
}

/** The gateway that is held dies. @returns milliseconds until the event `lost` */
async function noticeDeath(world: SimulatedWorld): Promise<number> {
  (await world.connect()).die();
  const died = world.timers.now();
  const before = world.events.length;
  const lost = (): boolean => world.events.slice(before).some(({ event }) => event.type === 'lost');
  await world.pass(3_600_000, lost);
  return world.timers.now() - died;
}

function stallNowAndThen({ seed, timers }: SimulatedWorld): void {
  const random = SeededRandom.of(seed, 'stalls');
  const next = (): void =>
    timers.plan(random.exponential(STALLS.meanInterval), () => {
      timers.stall(random.unit() * STALLS.longest);
      next();
    });
  next();
}

/** Counts knocks that follow each other closely as one. */
function countRows({ tunnel, timers }: SimulatedWorld): { count: number } {
  const rows = { count: 0 };
  let latest = Number.NEGATIVE_INFINITY;
  tunnel.onKnock = () => {
    if (timers.now() - latest > ONE_SUSPICION) rows.count++;
    latest = timers.now();
  };
  return rows;
}
