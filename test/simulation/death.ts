/** A gateway dies: how long until the next connection. */

import type { Behind } from './gateway.js';
import type { Quality } from './link.js';
import { SeededRandom } from './random.js';
import type { TrafficKind } from './traffic.js';
import { SimulatedWorld, type TimedEvent } from './world.js';

/** One of the cases. */
export interface DeathCase {
  readonly name: string;
  readonly traffic: TrafficKind;
  readonly behind: Behind;
  readonly loss: number;
}

export const DEATH_CASES: readonly DeathCase[] = [0, 0.05, 0.2].flatMap((loss) =>
  (['ping', 'quiet'] as const).flatMap((traffic) =>
    (['answers', 'silent'] as const).map((behind) => ({
      name: `${traffic === 'ping' ? 'traffic' : 'silence'}, gateway ${behind}${loss === 0 ? '' : `, ${loss * 100} % loss`}`,
      traffic,
      behind,
      loss,
    })),
  ),
);

/** What was seen of one death. Milliseconds. */
export interface Death {
  readonly seed: number;
  /** From the death to the event `lost`. */
  readonly noticed: number;
  /** From the death to the next connection. */
  readonly reconnected: number;
  /** The longest time between two answers of a ping each 200 ms; 0 where there was none. */
  readonly gap: number;
  readonly code: string;
  /** Connections that were lost while the gateway lived. */
  readonly droppedBefore: number;
  readonly events: readonly TimedEvent[];
}

/** The connection is at least so old when its gateway dies, and at most so much older. Milliseconds. */
const AGE = { least: 30_000, spread: 600_000 };

/** Round trip of 40 to 60 ms. */
const WAY: Quality = { loss: 0, delay: 20, jitter: 10, reorders: false };

/** @throws when there is no connection again within an hour */
export async function die(seed: number, { traffic, behind, loss }: DeathCase): Promise<Death> {
  const random = SeededRandom.of(seed, 'death');
  const world = new SimulatedWorld({ seed, gateways: 3, behind, quality: { ...WAY, loss }, traffic });
  const selector = world.start();
  await world.connect();
  await world.pass(AGE.least + random.unit() * AGE.spread);
  const gateway = await world.connect();
  const before = world.events.length;
  gateway.die();
  const died = world.timers.now();
  const again = (): boolean => world.connected !== gateway && selector.snapshot().state === 'established';
  await world.pass(3_600_000, again);
  if (!again()) throw new Error(`seed ${seed}: no connection within an hour after the gateway's death`);
  const connected = world.timers.now();
  await world.pass(2_000); // for the first answer of the next gateway
  const lost = world.events.slice(before).find(({ event }) => event.type === 'lost');
  const code = lost?.event.type === 'lost' ? lost.event.code : 'none';
  const droppedBefore = world.events.slice(0, before).filter(({ event }) => event.type === 'lost').length;
  return {
    seed,
    noticed: (lost?.at ?? connected) - died,
    reconnected: connected - died,
    gap: traffic === 'ping' ? world.traffic.longestGap : 0,
    code,
    droppedBefore,
    events: world.events,
  };
}
