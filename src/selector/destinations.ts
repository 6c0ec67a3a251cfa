import type { Family, Peer } from './world.js';

/** What the peers of a configuration lead to, all together: thousands of destinations, perhaps, put together once for each list of peers. */
export class Destinations {
  #peers: readonly Peer[] = [];
  #destinations: readonly string[] = [];
  #families: readonly Family[] = [];

  /** The allowed IPs of these peers, each once; the very same list for the same list of peers as before. */
  of(peers: readonly Peer[]): readonly string[] {
    if (this.#peers !== peers) {
      this.#peers = peers;
      this.#destinations = [...new Set(peers.flatMap(({ allowedIps }) => allowedIps))];
      const v6 = this.#destinations.some(isIpv6);
      const v4 = !this.#destinations.every(isIpv6);
      this.#families = [...(v4 ? ([4] as const) : []), ...(v6 ? ([6] as const) : [])];
    }
    return this.#destinations;
  }

  /** The families of IP that are among them; as with {@link of}, the very same list. */
  familiesOf(peers: readonly Peer[]): readonly Family[] {
    this.of(peers);
    return this.#families;
  }
}

function isIpv6(destination: string): boolean {
  return destination.includes(':');
}
