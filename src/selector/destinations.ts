import type { Peer } from './world.js';

/** What the peers of a configuration lead to, all together: thousands of destinations, perhaps, put together once for each list of peers. */
export class Destinations {
  #peers: readonly Peer[] = [];
  #destinations: readonly string[] = [];

  /** The allowed IPs of these peers, each once; the very same list for the same list of peers as before. */
  of(peers: readonly Peer[]): readonly string[] {
    if (this.#peers !== peers) {
      this.#peers = peers;
      this.#destinations = [...new Set(peers.flatMap(({ allowedIps }) => allowedIps))];
    }
    return this.#destinations;
  }
}
