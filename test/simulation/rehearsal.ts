/** A script in the simulation, with everything done at the moments when it was done on the real kernel. */

import type { Peer } from '../../src/selector/world.js';
import type { SimulatedGateway } from './gateway.js';
import { kick, parseEndpoint } from './node.js';
import { SeededRandom } from './random.js';
import { type Course, type Recording, type Sight, STEP } from './recording.js';
import { type Action, DATAGRAM } from './scripts.js';
import type { Content } from './wireguard/packet.js';
import type { SimulatedPeer } from './wireguard/peer.js';
import { SimulatedWorld } from './world.js';

const PING_SIZE = 84;
/** IPv4 and UDP. */
const DATAGRAM_HEADERS = 28;

/** @param seconds how long it is watched */
export async function rehearse(recording: Recording<Action>, seed: number, seconds: number): Promise<Course> {
  const world = new SimulatedWorld({ seed, gateways: 1 });
  const random = SeededRandom.of(seed, 'moments');
  const start = world.wallClock();
  const at = (second: number, act: () => void) => world.timers.plan(second * 1_000, act);
  for (const { action, from, to } of recording.deeds) {
    at(from + random.unit() * (to - from), () => perform(action, world));
  }
  for (const second of pings(recording)) {
    at(second, () => world.interface.send({ kind: 'request', size: PING_SIZE, number: 1 }));
  }
  const course: Sight[] = [];
  for (let step = 0; step * STEP <= seconds; step++) {
    at(step * STEP, () => course.push(sight(world, start)));
  }
  await world.pass(seconds * 1_000);
  return course;
}

/** When the echo requests went out: evenly between two samples. */
function pings({ samples }: Recording<Action>): number[] {
  return samples.flatMap((sample, index) => {
    const before = samples[index - 1] ?? { from: 0, pings: 0 };
    const count = sample.pings - before.pings;
    const step = (sample.from - before.from) / count;
    return Array.from({ length: count }, (_, nth) => before.from + (nth + 0.5) * step);
  });
}

function sight(world: SimulatedWorld, start: number): Sight {
  const [peer] = world.interface.peers.values();
  const { answered: answers } = world.traffic;
  if (peer === undefined) return { handshake: 0, rx: 0, tx: 0, answers };
  const handshake = peer.lastHandshake === 0 ? 0 : (peer.lastHandshake - start) / 1_000;
  return { handshake, rx: peer.rxBytes, tx: peer.txBytes, answers };
}

/** What an action needs. */
interface Stage {
  readonly world: SimulatedWorld;
  readonly gateway: SimulatedGateway;
  /** The gateway as our node has it configured. */
  readonly peer: Peer;
}

const ACTIONS: Readonly<Record<Action, (stage: Stage) => void>> = {
  connect: (stage) => kick(install(stage), 0),
  'connect-25': (stage) => kick(install(stage), 25),
  'connect-bare': (stage) => kick(install(stage, []), 25),
  'connect-passive': (stage) => install(stage),
  datagram: ({ world }) => world.interface.send(datagram('probe')),
  'datagram-silent': ({ world }) => world.interface.send(datagram('data')),
  ping: () => {}, // the recording tells of each request
  kill: ({ gateway }) => gateway.die(),
  forget: ({ gateway }) => gateway.forget(),
  restart: ({ gateway }) => gateway.restart(),
  'gateway-initiates': ({ gateway }) => gateway.initiate(),
  'gateway-datagram': ({ gateway }) => gateway.send(datagram('probe')),
  kick: ({ world, peer }) => world.tunnel.kick(peer),
  knock: ({ world, gateway, peer }) => world.tunnel.knock(peer, parseEndpoint(gateway.endpoint)),
  refuse: ({ world }) => world.setUplink('no-route'),
};

function perform(action: Action, world: SimulatedWorld): void {
  const [gateway] = world.gateways;
  const [peer] = world.peers;
  if (gateway === undefined || peer === undefined) throw new Error('a world without a gateway');
  ACTIONS[action]({ world, gateway, peer });
}

function datagram(kind: Content['kind']): Content {
  return { kind, size: DATAGRAM_HEADERS + DATAGRAM, number: 1 };
}

function install({ world, gateway, peer }: Stage, allowedIps = peer.allowedIps): SimulatedPeer {
  const installed = world.interface.add(peer.publicKey);
  if (installed === undefined) throw new Error('the gateway has the key of the node');
  installed.endpoint = gateway.endpoint;
  installed.allowedIps = allowedIps;
  return installed;
}
