import { NameLookup } from './name-lookup.js';
import { shuffled } from './round.js';
import type { Peer, Random, Remote, Resolver } from './world.js';

/** Addresses of names that were found longer ago than this are asked for anew before they are tried, in milliseconds. */
const LONGEST_LIFE = 300_000;

/** A name with more addresses than this is not believed: the rest is left out. */
const MOST_ADDRESSES = 32;

type Endpoint = Peer['endpoints'][number];

/** Where packets can go, with the endpoint that it is of. */
interface Place extends Pick<Remote, 'address' | 'port' | 'zone'> {
  readonly endpoint: Endpoint;
}

/** Something that was not tried, and why. */
export interface Unusable {
  /** None where a name has no address at all. */
  readonly remote: Remote | undefined;
  readonly reason: string;
}

/**
 * - `none`: nothing known yet, or all addresses of this round were tried.
 * - `resolving`: a name is being looked up, and there is no address yet to try meanwhile.
 * - `ready`: there is an address to try.
 * - `failed`: no endpoint has an address.
 */
export type RemotesState = 'none' | 'resolving' | 'ready' | 'failed';

/**
 * The remote addresses of one peer, of all its endpoints. A name is resolved once for each round of the addresses, in the
 * background; a round takes every address once, in random order, and not the one first that has just failed if there is another. An
 * answer that comes while its first addresses are being tried already joins the round.
 */
export class Remotes {
  readonly #endpoints: readonly Endpoint[];
  readonly #names: ReadonlyMap<Endpoint, NameLookup>;
  readonly #random: Random;
  readonly #changed: () => void;
  /** All places of this round, the untried last. */
  #places: Place[] = [];
  #tried = 0;
  /** The endpoints whose names are being looked up; they may bring more. */
  readonly #pending = new Set<Endpoint>();
  #unusable: Unusable[] = [];
  #failures: string[] = [];
  /** No endpoint had an address, and nobody has seen it yet. */
  #hopeless = false;
  #failed: Pick<Remote, 'address' | 'port'> | undefined;
  #since = 0;

  /** @param changed called when a look-up has brought something, or has ended */
  constructor(endpoints: readonly Endpoint[], resolver: Resolver, random: Random, changed: () => void) {
    this.#endpoints = endpoints;
    this.#names = new Map(
      endpoints.flatMap((endpoint): [Endpoint, NameLookup][] =>
        endpoint.kind === 'name' ? [[endpoint, new NameLookup(endpoint.host, resolver)]] : [],
      ),
    );
    this.#random = random;
    this.#changed = changed;
  }

  get state(): RemotesState {
    if (this.#tried < this.#places.length) return 'ready';
    if (this.#pending.size > 0) return 'resolving';
    return this.#hopeless ? 'failed' : 'none';
  }

  /** Whether it takes DNS to find all of them. */
  get named(): boolean {
    return this.#names.size > 0;
  }

  /** Why there is no address, when the state is `failed`. */
  get reason(): string {
    return [...new Set(this.#failures)].join('; ');
  }

  /** When the latest look-up began, in the caller's monotonic milliseconds. */
  get since(): number {
    return this.#since;
  }

  /** The addresses that this round has still to try, in its order. */
  get untried(): readonly Remote[] {
    const count = this.#places.length;
    return this.#places
      .map(({ address, port, zone }, at) => ({ address, port, zone, index: at + 1, count }))
      .slice(this.#tried);
  }

  /**
   * Sees to it that there will be addresses: names are looked up where nothing is known, or what is known of them is old. A
   * failure stays until {@link failureSeen}.
   * @param now monotonic milliseconds
   * @param timeout milliseconds for a look-up
   */
  prepare(now: number, timeout: number): void {
    const { state } = this;
    const old = state === 'ready' && this.#pending.size === 0 && now - this.#since > LONGEST_LIFE;
    if (state !== 'none' && !old) return;
    if (old) this.#forgetUntriedOfNames();
    else this.#begin();
    for (const endpoint of this.#endpoints) {
      const name = this.#names.get(endpoint);
      if (name !== undefined) this.#lookUp(endpoint, name, now, timeout);
      else if (!old) this.#add(endpoint, [endpoint.host]);
    }
    this.#settle();
  }

  /** Takes one of the untried addresses: it is not tried again in this round. */
  take(remote: Pick<Remote, 'address' | 'port' | 'zone'>): void {
    const at = this.#places.findIndex((place, index) => index >= this.#tried && samePlace(place, remote));
    const place = this.#places[at];
    if (place === undefined) return; // forgotten meanwhile
    this.#places.splice(at, 1);
    this.#places.splice(this.#tried++, 0, place);
  }

  /** What cannot be tried although others can: names without an address, addresses that can be no gateway's. Each is told once. */
  takeUnusable(): readonly Unusable[] {
    return this.#unusable.splice(0);
  }

  /** No handshake came from there: it is not the first of the next round. */
  failed(remote: Pick<Remote, 'address' | 'port'>): void {
    this.#failed = remote;
  }

  /** Somebody has seen that there was no address: the next time it is tried again. */
  failureSeen(): void {
    this.#hopeless = false;
  }

  /** What was known may be out of date: look up again before the next try. */
  forget(): void {
    this.#begin();
    for (const name of this.#names.values()) name.forget();
  }

  #begin(): void {
    this.#places = [];
    this.#tried = 0;
    this.#pending.clear();
    this.#failures = [];
    this.#hopeless = false;
  }

  /** What was tried stays so: this is still the same round. */
  #forgetUntriedOfNames(): void {
    this.#places = this.#places.filter(({ endpoint }, at) => at < this.#tried || !this.#names.has(endpoint));
    this.#failures = [];
  }

  #lookUp(endpoint: Endpoint, name: NameLookup, now: number, timeout: number): void {
    const { port } = endpoint;
    const failure = name.begin(now, timeout, {
      addresses: (usable, passedOver) => {
        for (const { address, reason } of passedOver)
          this.#unusable.push({ remote: { address, port, index: 1, count: 1 }, reason });
        this.#add(endpoint, usable);
        this.#changed();
      },
      ended: (reason) => {
        this.#pending.delete(endpoint);
        if (reason !== undefined) this.#failures.push(reason);
        this.#settle();
        this.#changed();
      },
    });
    if (failure === undefined) {
      this.#pending.add(endpoint);
      this.#since = now;
    } else this.#failures.push(failure);
  }

  /** When nothing more will come: a name that has failed is told of, alone or beside others that have not. */
  #settle(): void {
    if (this.#pending.size > 0) return;
    if (this.#places.length === 0) this.#hopeless = true;
    else for (const reason of this.#failures.splice(0)) this.#unusable.push({ remote: undefined, reason });
  }

  #add(endpoint: Endpoint, addresses: readonly string[]): void {
    const { port, zone } = endpoint;
    const fresh = addresses
      .map((address): Place => ({ address, port, zone, endpoint }))
      .filter((place) => !this.#places.some((known) => samePlace(known, place)));
    const others = this.#places.filter((place) => place.endpoint === endpoint).length;
    const untried = [
      ...this.#places.slice(this.#tried),
      ...fresh.slice(0, Math.max(0, MOST_ADDRESSES - others)),
    ];
    const failed = this.#failed;
    const notFirst = untried.find(({ address, port }) => address === failed?.address && port === failed.port);
    this.#places.splice(this.#tried, untried.length, ...shuffled(untried, this.#random, notFirst));
  }
}

function samePlace(one: Omit<Place, 'endpoint'>, other: Omit<Place, 'endpoint'>): boolean {
  return one.address === other.address && one.port === other.port && one.zone === other.zone;
}
