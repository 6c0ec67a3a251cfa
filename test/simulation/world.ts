/** A whole world for the selector, from a seed: a node, gateways, what lies between, what the user does. */

import type { SelectorEvent } from '../../src/selector/events.js';
import { Selector } from '../../src/selector/selector.js';
import type { Assignment, Peer, Settings, World } from '../../src/selector/world.js';
import { configuredPeer, DEFAULTS, endpointOf } from './configuration.js';
import { type Behind, SimulatedGateway } from './gateway.js';
import { Link, PERFECT, type Quality } from './link.js';
import { SimulatedNames } from './names.js';
import { NodeTunnel } from './node.js';
import { PortUnreachable } from './port-unreachable.js';
import { ECHO, PROBE_SIZE, SimulatedProber } from './probes.js';
import { SeededRandom } from './random.js';
import { SimulatedRoutes } from './routes.js';
import { SimulatedTime } from './time.js';
import { Traffic, type TrafficKind } from './traffic.js';
import { Interface } from './wireguard/interface.js';
import type { Content, Packet } from './wireguard/packet.js';
import type { SimulatedPeer } from './wireguard/peer.js';
import { Ticks } from './wireguard/wheel.js';

/** What a world is made of. */
export interface WorldOptions {
  readonly seed: number;
  /** How many; they are called gw1, gw2, … */
  readonly gateways: number;
  readonly behind?: Behind;
  readonly quality?: Quality;
  readonly traffic?: TrafficKind;
  /** Seconds, 0 for none. */
  readonly keepalive?: number;
  /** What the tunnel carries, which decides how large a probe is. */
  readonly inside?: keyof typeof PROBE_SIZE;
  readonly settings?: Partial<Settings>;
}

/** What the selector told, and when: milliseconds since the world began. */
export interface TimedEvent {
  readonly at: number;
  readonly event: SelectorEvent;
}

const BOOT = Date.UTC(2026, 0, 1);
const KEY = 'key of the node';

export class SimulatedWorld implements World {
  readonly seed: number;
  readonly timers = new SimulatedTime();
  readonly random: SeededRandom;
  readonly gateways: readonly SimulatedGateway[];
  readonly tunnel: NodeTunnel;
  readonly routing: SimulatedRoutes;
  readonly prober: SimulatedProber;
  readonly resolver: SimulatedNames;
  readonly clock = { ready: true, onReady: () => () => {} };
  readonly traffic: Traffic;
  readonly peers: readonly Peer[];
  /** What the selector told. */
  readonly events: TimedEvent[] = [];
  /** `no-route`: the kernel refuses to send; `dead`: it sends, and nothing gets anywhere. */
  #uplink: 'up' | 'no-route' | 'dead' = 'up';
  /** Where gateways see the node. */
  #node = { address: '198.51.100.1', port: 40_000 };
  readonly #unreachable = new PortUnreachable();
  readonly #settings: Settings;
  /** The node's side in the kernel. */
  readonly interface: Interface;
  readonly #byEndpoint = new Map<string, SimulatedGateway>();
  selector: Selector | undefined;

  constructor(options: WorldOptions) {
    const {
      seed,
      gateways,
      behind = 'answers',
      quality = PERFECT,
      traffic = 'quiet',
      keepalive = 0,
    } = options;
    this.seed = seed;
    this.random = SeededRandom.of(seed, 'selector');
    this.#settings = { ...DEFAULTS, ...options.settings };
    const random = SeededRandom.of(seed, 'node');
    this.interface = new Interface(KEY, {
      ticks: new Ticks(this.timers, random.unit() * 1e9),
      random,
      wallClock: () => this.wallClock(),
      transmit: (packet, to) => this.#transmit(packet, to),
      deliver: (content, from) => this.#deliver(content, from),
    });
    this.tunnel = new NodeTunnel(this.timers, this.interface);
    this.routing = new SimulatedRoutes(this.timers, () => this.#uplink !== 'no-route');
    this.prober = new SimulatedProber(this.interface, PROBE_SIZE[options.inside ?? 'ipv4']);
    this.resolver = new SimulatedNames(this.timers, () => this.#uplink === 'up');
    this.gateways = Array.from({ length: gateways }, (_, at) => this.#gateway(at + 1, behind, quality));
    this.peers = this.gateways.map((gateway, at) => configuredPeer(gateway, at + 1, keepalive));
    this.traffic = new Traffic(traffic, this.timers, SeededRandom.of(seed, 'traffic'), {
      fromNode: (content) => this.interface.send(content),
      toNode: (content) => this.connected?.send(content),
    });
  }

  wallClock(): number {
    return BOOT + this.timers.now();
  }

  /** The gateway that the node has as its peer now, connected or not. */
  get connected(): SimulatedGateway | undefined {
    for (const { publicKey, allowedIps } of this.interface.peers.values()) {
      if (allowedIps.length > 0) return this.gateways.find((gateway) => gateway.publicKey === publicKey);
    }
    return undefined;
  }

  get assignment(): Assignment {
    const ownKeys = new Set(this.peers.map(({ publicKey }) => publicKey));
    return { peers: this.peers, ownKeys, settings: this.#settings };
  }

  /** Starts selector and traffic. */
  start(): Selector {
    this.selector = new Selector(this, this.assignment, (event) =>
      this.events.push({ at: this.timers.now(), event }),
    );
    void this.selector.run(); // it never rejects
    this.timers.wake();
    this.traffic.start();
    return this.selector;
  }

  /** Lets time pass. Milliseconds; `until` ends it sooner. */
  async pass(milliseconds: number, until?: () => boolean): Promise<void> {
    await this.timers.pass(milliseconds, until);
  }

  /**
   * Lets time pass until a connection stands.
   * @throws after an hour without
   */
  async connect(): Promise<SimulatedGateway> {
    await this.pass(3_600_000, () => this.selector?.snapshot().state === 'established');
    const { connected } = this;
    if (connected === undefined || this.selector?.snapshot().state !== 'established') {
      throw new Error(`seed ${this.seed}: no connection within an hour`);
    }
    return connected;
  }

  /** The uplink of the node fails or comes back. */
  setUplink(state: 'up' | 'no-route' | 'dead'): void {
    const seen = (state === 'no-route') !== (this.#uplink === 'no-route');
    this.#uplink = state;
    if (seen) this.routing.changed();
  }

  /** The node has another address, or its NAT another port: gateways learn by the next packet. */
  move(): void {
    this.#node = { ...this.#node, port: this.#node.port + 1 };
  }

  get #endpoint(): string {
    return `${this.#node.address}:${this.#node.port}`;
  }

  #transmit(packet: Packet, to: string): boolean {
    if (this.#uplink === 'no-route') return false;
    const gateway = this.#byEndpoint.get(to);
    if (gateway === undefined || this.#uplink === 'dead') return true;
    const from = this.#endpoint;
    gateway.link.carry('out', () => gateway.receive(packet, from));
    return true;
  }

  #deliver(content: Content, from: SimulatedPeer): void {
    if (content.kind === 'reply') {
      if (content.number === ECHO) this.prober.echoReply();
      else this.traffic.reply(content.number);
    }
    if (content.kind === 'unreachable') this.prober.answer();
    const answer = content.kind === 'probe' ? this.#unreachable.to(content, this.timers.now()) : undefined;
    if (answer !== undefined) from.send(answer);
  }

  #gateway(index: number, behind: Behind, quality: Quality): SimulatedGateway {
    const name = `gw${index}`;
    const random = SeededRandom.of(this.seed, name);
    const link = new Link(this.timers, SeededRandom.of(this.seed, `way to ${name}`), quality);
    const world = this;
    const gateway: SimulatedGateway = new SimulatedGateway(name, endpointOf(index), behind, {
      ticks: new Ticks(this.timers, random.unit() * 1e9),
      random,
      link,
      wallClock: () => this.wallClock(),
      toNode: (packet, to) => {
        if (this.#uplink !== 'up') return;
        link.carry('in', () => {
          if (to === this.#endpoint) this.interface.receive(packet, gateway.endpoint);
        });
      },
      node: {
        publicKey: KEY,
        get endpoint() {
          return world.#endpoint;
        },
      },
    });
    this.#byEndpoint.set(gateway.endpoint, gateway);
    return gateway;
  }
}
