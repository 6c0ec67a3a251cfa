/** Whatever else may happen to a connection under traffic: how long until packets are answered again. */

import type { Settings } from '../../src/selector/world.js';
import type { SimulatedGateway } from './gateway.js';
import { SeededRandom } from './random.js';
import { SimulatedWorld, type TimedEvent } from './world.js';

export interface Fault {
  readonly name: string;
  strike(world: SimulatedWorld, gateway: SimulatedGateway): void;
  /** What else is configured. */
  readonly settings?: Partial<Settings>;
  /** Undoes it after so many milliseconds; what is measured begins then. */
  readonly mend?: { readonly after: number; act(world: SimulatedWorld): void };
}

const MINUTE = 60_000;

export const FAULTS: readonly Fault[] = [
  { name: 'the gateway forgets us', strike: (_, gateway) => gateway.forget() },
  { name: 'it restarts', strike: (_, gateway) => gateway.restart() },
  { name: 'it restarts with new keys', strike: (_, gateway) => gateway.restart('new') },
  {
    name: 'it hangs for 4 s',
    strike: (world, gateway) => {
      gateway.hang();
      world.timers.plan(4_000, () => gateway.wake());
    },
  },
  {
    name: 'it hangs for a minute',
    strike: (world, gateway) => {
      gateway.hang();
      world.timers.plan(MINUTE, () => gateway.wake());
    },
  },
  {
    name: 'only the way to it dies',
    strike: (_, { link }) => {
      link.passes.out = false;
    },
  },
  {
    name: 'only the way back dies',
    strike: (_, { link }) => {
      link.passes.in = false;
    },
  },
  {
    name: 'nothing behind it answers any more, with check_address',
    strike: (_, gateway) => {
      gateway.behind = 'silent';
    },
    settings: { checkAddress: '10.78.0.254' },
  },
  { name: 'we get another address', strike: (world) => world.move() },
  {
    name: 'the uplink is without a route for a minute; from its return',
    strike: (world) => world.setUplink('no-route'),
    mend: { after: MINUTE, act: (world) => world.setUplink('up') },
  },
  {
    name: 'the uplink is dead for a minute; from its return',
    strike: (world) => world.setUplink('dead'),
    mend: { after: MINUTE, act: (world) => world.setUplink('up') },
  },
  {
    name: 'the uplink is dead for an hour; from its return',
    strike: (world) => world.setUplink('dead'),
    mend: { after: 60 * MINUTE, act: (world) => world.setUplink('up') },
  },
];

/** What was seen of it. */
export interface Recovery {
  readonly seed: number;
  /** Milliseconds until an echo request is answered that was sent after the fault, or after it was mended. */
  readonly restored: number;
  /** Connections that were lost by it. */
  readonly lost: number;
  readonly events: readonly TimedEvent[];
}

/** @throws when nothing is answered again within an hour */
export async function recover(seed: number, { strike, mend, settings = {} }: Fault): Promise<Recovery> {
  const random = SeededRandom.of(seed, 'fault');
  const quality = { loss: 0, delay: 20, jitter: 10, reorders: false };
  const world = new SimulatedWorld({ seed, gateways: 3, quality, traffic: 'ping', settings });
  world.start();
  const gateway = await world.connect();
  await world.pass(MINUTE + random.unit() * 5 * MINUTE);
  strike(world, gateway);
  if (mend !== undefined) {
    await world.pass(mend.after + random.unit() * 30_000);
    mend.act(world);
  }
  const begin = world.timers.now();
  const { traffic } = world;
  const sent = traffic.sent;
  const answered = (): boolean => traffic.latestAnswered > sent;
  await world.pass(60 * MINUTE, answered);
  if (!answered()) throw new Error(`seed ${seed}: nothing was answered within an hour`);
  const lost = world.events.filter(({ event }) => event.type === 'lost').length;
  return { seed, restored: world.timers.now() - begin, lost, events: world.events };
}
