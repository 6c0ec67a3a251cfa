/** The routes of a simulated node. */

import type { Doubt, RouteReport, Routing } from '../../src/selector/world.js';
import type { SimulatedTime } from './time.js';

export class SimulatedRoutes implements Routing {
  readonly #time: SimulatedTime;
  /** Whether the node has a way out. */
  readonly #uplink: () => boolean;
  #installed: readonly string[] = [];
  readonly #listeners: (() => void)[] = [];

  constructor(time: SimulatedTime, uplink: () => boolean) {
    this.#time = time;
    this.#uplink = uplink;
  }

  async doubt(): Promise<Doubt | undefined> {
    return this.#uplink() ? undefined : { kind: 'no-route', reason: 'Network is unreachable' };
  }

  async apply(destinations: readonly string[]): Promise<RouteReport> {
    const added = destinations.filter((destination) => !this.#installed.includes(destination));
    this.#installed = destinations;
    return { installed: destinations, added, conflicts: [] };
  }

  stand(destinations: readonly string[]): boolean {
    return destinations === this.#installed;
  }

  async block(): Promise<void> {
    // nothing leaves the simulated node by another way
  }

  async lead(): Promise<void> {
    // there is one table
  }

  onNetworkChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onRoutesInDoubt(): void {
    // nobody takes ours away here
  }

  /** A link, an address or a route of the node's came or went. */
  changed(): void {
    this.#time.wake();
    for (const listener of this.#listeners) listener();
  }
}
