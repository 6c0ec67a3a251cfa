import { shuffled } from './round.js';
import type { Peer, Random, Remote, Resolver } from './world.js';

/**
 * - `none`: nothing known yet, or all addresses of the last resolution were tried.
 * - `resolving`: a resolution is under way.
 * - `ready`: there is an address to try.
 * - `failed`: the name did not resolve.
 */
export type RemotesState = 'none' | 'resolving' | 'ready' | 'failed';

/**
 * The remote addresses of one peer. A name is resolved once for each round of its addresses, in the background; a round takes
 * every address once, in random order, and not the one first that has just failed if there is another.
 */
export class Remotes {
  readonly #endpoint: Peer['endpoint'];
  readonly #resolver: Resolver;
  readonly #random: Random;
  readonly #changed: () => void;
  #state: RemotesState = 'none';
  #untried: string[] = [];
  #count = 0;
  #failed: string | undefined;
  #reason = '';
  #resolution = 0;
  #since = 0;

  /** @param changed called when a resolution has ended */
  constructor(endpoint: Peer['endpoint'], resolver: Resolver, random: Random, changed: () => void) {
    this.#endpoint = endpoint;
    this.#resolver = resolver;
    this.#random = random;
    this.#changed = changed;
  }

  get state(): RemotesState {
    return this.#state;
  }

  /** Why the name did not resolve, when the state is `failed`. */
  get reason(): string {
    return this.#reason;
  }

  /** When the latest resolution began, in the caller's monotonic milliseconds. */
  get since(): number {
    return this.#since;
  }

  /**
   * Sees to it that there will be addresses: a name begins to resolve where nothing is known. One that failed stays so until
   * {@link forget}, for somebody to see it.
   * @param now monotonic milliseconds
   * @param deadline milliseconds for a resolution
   */
  prepare(now: number, deadline: number): void {
    if (this.#state !== 'none') return;
    if (this.#endpoint.kind !== 'name') {
      this.#fill([this.#endpoint.host]);
      return;
    }
    this.#state = 'resolving';
    this.#since = now;
    const resolution = ++this.#resolution;
    this.#resolver.resolve(this.#endpoint.host, deadline).then(
      (addresses) => this.#resolved(resolution, () => this.#fill(addresses)),
      (error: unknown) =>
        this.#resolved(resolution, () => {
          this.#state = 'failed';
          this.#reason = error instanceof Error ? error.message : String(error);
        }),
    );
  }

  /** The next address of this round, or `undefined` when all were taken. */
  take(): Remote | undefined {
    const address = this.#untried.shift();
    if (this.#untried.length === 0) this.#state = 'none';
    if (address === undefined) return undefined;
    const index = this.#count - this.#untried.length;
    return { address, port: this.#endpoint.port, zone: this.#endpoint.zone, index, count: this.#count };
  }

  /** No handshake came from this address: it is not the first of the next round. */
  failed(address: string): void {
    this.#failed = address;
  }

  /** What was known may be out of date: resolve again before the next try. */
  forget(): void {
    this.#resolution++;
    this.#untried = [];
    this.#state = 'none';
  }

  #resolved(resolution: number, settle: () => void): void {
    if (resolution !== this.#resolution) return; // forgotten meanwhile
    settle();
    this.#changed();
  }

  #fill(addresses: readonly string[]): void {
    this.#untried = shuffled([...new Set(addresses)], this.#random, this.#failed);
    this.#count = this.#untried.length;
    this.#state = 'ready';
  }
}
