import { type Config, type PeerConfig, samePeer } from '../config/index.js';
import { type Assignment, Selector } from '../selector/selector.js';
import type { Random, Resolver, Timers } from '../selector/world.js';
import { Journal } from './journal.js';
import type { Kernel } from './kernel.js';
import { KernelRouting, type RoutePlace } from './kernel-routing.js';
import { KernelTunnel } from './kernel-tunnel.js';
import type { Log } from './log.js';

/** What all interfaces of the process share. */
export interface Shared {
  readonly kernel: Kernel;
  readonly resolver: Resolver;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Everything that serves one interface: its selector, and the kernel as that sees it. */
export class InterfaceService {
  readonly name: string;
  readonly selector: Selector;
  #peers: readonly PeerConfig[];
  #place: RoutePlace;
  #finished: Promise<void> | undefined;

  private constructor(
    name: string,
    config: Config,
    make: (assignment: Assignment, place: () => RoutePlace) => Selector,
  ) {
    this.name = name;
    this.#peers = config.peers(name);
    this.#place = placeOf(config, name);
    this.selector = make(this.#assignment(config), () => this.#place);
  }

  /** Makes the service; {@link run} starts it. */
  static async open(name: string, config: Config, shared: Shared): Promise<InterfaceService> {
    const { kernel, resolver, timers, random, log } = shared;
    const watched = await kernel.watch(name);
    const tunnel = new KernelTunnel(kernel, watched);
    const journal = new Journal(log, name);
    return new InterfaceService(name, config, (assignment, place) => {
      const routing = new KernelRouting(kernel, watched, tunnel, place);
      const world = { tunnel, routing, resolver, timers, random, wallClock: () => Date.now() };
      return new Selector(world, assignment, (event) => journal.tell(event));
    });
  }

  /** Begins to work. */
  run(): void {
    this.#finished = this.selector.run();
  }

  /** Goes on with another configuration. A peer that has not changed in it keeps its connection. */
  reload(config: Config): void {
    const before = new Map(this.#peers.map((peer) => [peer.name, peer]));
    this.#peers = config.peers(this.name).map((peer) => {
      const known = before.get(peer.name);
      return known !== undefined && samePeer(known, peer) ? known : peer;
    });
    this.#place = placeOf(config, this.name);
    this.selector.assign(this.#assignment(config));
  }

  /** Stops, and resolves when peer and routes are removed. */
  async stop(): Promise<void> {
    this.selector.stop();
    await this.#finished;
  }

  #assignment(config: Config): Assignment {
    return {
      peers: this.#peers,
      ownKeys: [...config.ownKeys(this.name)],
      settings: config.interface(this.name),
    };
  }
}

function placeOf(config: Config, name: string): RoutePlace {
  const { routeTable, routeMetric } = config.interface(name);
  return { table: routeTable, metric: routeMetric };
}
