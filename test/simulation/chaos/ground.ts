/** The ground that a scene plays on: time, the node's machine, gateways and what lies between, DNS, the sockets of probes. */

import { SimulatedGateway } from '../gateway.js';
import { Link } from '../link.js';
import { SimulatedNames } from '../names.js';
import { ECHO } from '../probes.js';
import { SeededRandom } from '../random.js';
import { SimulatedTime } from '../time.js';
import { Interface } from '../wireguard/interface.js';
import type { Content, Packet } from '../wireguard/packet.js';
import { Ticks } from '../wireguard/wheel.js';
import { addressOf, endpointOf, GATEWAYS, keyOf, nameOf } from './configuration.js';
import { Machine } from './machine.js';
import { News } from './news.js';

const KEY = keyOf(24);
const BOOT = Date.UTC(2026, 0, 1);
const NODE = '198.51.100.1:40000';
/** Of the echo by which a scene finds out whether the tunnel works. */
const PING = 7;

export class Ground {
  readonly seed: number;
  readonly time = new SimulatedTime();
  readonly news = new News(this.time);
  readonly machine: Machine;
  readonly gateways: readonly SimulatedGateway[];
  readonly names: SimulatedNames;
  #uplink: 'up' | 'dead' = 'up';
  /** Milliseconds by which CLOCK_REALTIME was set, and the most of them. */
  #clockStep = 0;
  #furthestStep = 0;
  /** Called with what comes out of the tunnel for a probe. */
  onProbeAnswer: (kind: 'datagram' | 'echo') => void = () => {};
  #pinged = false;
  readonly #random: SeededRandom;
  readonly #byEndpoint = new Map<string, SimulatedGateway>();

  constructor(seed: number) {
    this.seed = seed;
    this.#random = SeededRandom.of(seed, 'node');
    const ticks = new Ticks(this.time, this.#random.unit() * 1e9);
    this.machine = new Machine(
      (event) => this.news.tell(event),
      () => this.#wireguard(ticks),
    );
    this.names = new SimulatedNames(this.time, () => this.#uplink === 'up');
    this.gateways = Array.from({ length: GATEWAYS }, (_, at) => this.#gateway(at + 1));
    this.fillNames();
  }

  get asleep(): boolean {
    return this.time.asleep;
  }

  wallClock(): number {
    return BOOT + this.time.now() + this.#clockStep;
  }

  /** `dead`: packets leave the machine, and nothing gets anywhere. */
  setUplink(state: 'up' | 'dead'): void {
    this.#uplink = state;
  }

  /** Somebody sets the clock. */
  stepClock(milliseconds: number): void {
    this.#clockStep += milliseconds;
    this.#furthestStep = Math.max(this.#furthestStep, this.#clockStep);
  }

  /** Asks through the tunnel whether it works. Look at {@link pinged} after a round trip. */
  ping(): void {
    this.#pinged = false;
    const { vpn } = this.machine;
    const peer = vpn?.up ? this.machine.peerFor(vpn, '10.78.0.1') : undefined;
    peer?.send({ kind: 'request', size: 84, number: PING });
  }

  get pinged(): boolean {
    return this.#pinged;
  }

  /** Everything outside of the node is as it should be again. */
  heal(): void {
    this.#clockStep = this.#furthestStep; // a gateway answers no handshake that is older than the last
    this.#uplink = 'up';
    this.machine.setWayOut(true);
    this.news.heal();
    this.fillNames();
    for (const gateway of this.gateways) {
      gateway.revive();
      gateway.behind = 'answers';
      gateway.link.quality = { ...gateway.link.quality, loss: 0 };
      gateway.wake();
      if (gateway.node === undefined) gateway.remember();
    }
  }

  fillNames(): void {
    for (let index = 1; index <= GATEWAYS; index++)
      this.names.entries.set(nameOf(index), [addressOf(index), `203.0.113.${index}`]);
  }

  #wireguard(ticks: Ticks): Interface {
    return new Interface(KEY, {
      ticks,
      random: this.#random,
      wallClock: () => this.wallClock(),
      transmit: (packet, to) => this.#transmit(packet, to),
      deliver: (content) => this.#deliver(content),
    });
  }

  #transmit(packet: Packet, to: string): boolean {
    if (!this.machine.leaves(to.slice(0, to.lastIndexOf(':')))) return false;
    const gateway = this.#byEndpoint.get(to);
    if (gateway === undefined || this.#uplink === 'dead' || this.asleep) return true;
    gateway.link.carry('out', () => gateway.receive(packet, NODE));
    return true;
  }

  #deliver({ kind, number }: Content): void {
    if (kind === 'unreachable') this.onProbeAnswer('datagram');
    else if (kind === 'reply' && number === ECHO) this.onProbeAnswer('echo');
    else if (kind === 'reply' && number === PING) this.#pinged = true;
  }

  #gateway(index: number): SimulatedGateway {
    const name = `gw${index}`;
    const random = SeededRandom.of(this.seed, name);
    const quality = { loss: 0, delay: 5 + random.unit() * 40, jitter: 5, reorders: false };
    const link = new Link(this.time, SeededRandom.of(this.seed, `way to ${name}`), quality);
    const gateway: SimulatedGateway = new SimulatedGateway(name, endpointOf(index), 'answers', {
      key: keyOf(index),
      ticks: new Ticks(this.time, random.unit() * 1e9),
      random,
      link,
      wallClock: () => BOOT + this.time.now(),
      toNode: (packet) => {
        if (this.#uplink === 'dead') return;
        link.carry('in', () => {
          const { wireguard } = this.machine.vpn ?? {};
          if (!this.asleep) wireguard?.receive(packet, gateway.endpoint);
        });
      },
      node: { publicKey: KEY, endpoint: NODE },
    });
    this.#byEndpoint.set(gateway.endpoint, gateway);
    return gateway;
  }
}
