import { specialAddress } from '../special-address.js';
import { messageOf } from '../wording.js';
import { shuffled } from './round.js';
import type { Peer, Random, Remote, Resolver } from './world.js';

/** Addresses that were found longer ago than this are asked for anew before they are tried, in milliseconds. */
const LONGEST_LIFE = 300_000;

/** How soon a name that did not resolve is asked for again: the first time and at the longest, in milliseconds. It doubles. */
const RETRY = { first: 1_000, longest: 30_000 };

/** A name with more addresses than this is not believed: the rest is left out. */
const MOST_ADDRESSES = 32;

/**
 * - `none`: nothing known yet, or all addresses of the last resolution were tried.
 * - `resolving`: a resolution is under way and has brought no address yet.
 * - `ready`: there is an address to try.
 * - `failed`: the name did not resolve.
 */
export type RemotesState = 'none' | 'resolving' | 'ready' | 'failed';

/**
 * The remote addresses of one peer. A name is resolved once for each round of its addresses, in the background; a round takes
 * every address once, in random order, and not the one first that has just failed if there is another. An answer that comes
 * while its first addresses are being tried already joins the round.
 */
export class Remotes {
  readonly #endpoint: Peer['endpoint'];
  readonly #resolver: Resolver;
  readonly #random: Random;
  readonly #changed: () => void;
  #state: RemotesState = 'none';
  /** All addresses of this round, the untried last. */
  #addresses: string[] = [];
  #tried = 0;
  #passedOver: { readonly remote: Remote; readonly reason: string }[] = [];
  #failed: string | undefined;
  #reason = '';
  #resolution = 0;
  /** A resolution is under way; it may bring more. */
  #pending = false;
  #since = 0;
  /** A name that failed is not asked for again before this, in the caller's monotonic milliseconds. */
  #askAgainAt = Number.NEGATIVE_INFINITY;
  #retry = RETRY.first;

  /** @param changed called when a resolution has brought something, or has ended */
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

  /** The addresses that this round has still to try, in its order. */
  get untried(): readonly Remote[] {
    const { port, zone } = this.#endpoint;
    const count = this.#addresses.length;
    return this.#addresses
      .map((address, at) => ({ address, port, zone, index: at + 1, count }))
      .slice(this.#tried);
  }

  /**
   * Sees to it that there will be addresses: a name begins to resolve where nothing is known, or what is known is old. One that
   * failed stays so until {@link failureSeen}.
   * @param now monotonic milliseconds
   * @param timeout milliseconds for a resolution
   */
  prepare(now: number, timeout: number): void {
    const { kind, host } = this.#endpoint;
    if (this.#state === 'ready' && now - this.#since > LONGEST_LIFE) this.forget(); // one that is no name is found again at once
    if (this.#state !== 'none') return;
    this.#begin();
    if (kind !== 'name') {
      this.#add([host]);
      return;
    }
    if (now < this.#askAgainAt) {
      this.#state = 'failed'; // with the reason of the last time
      return;
    }
    this.#state = 'resolving';
    this.#pending = true;
    this.#since = now;
    this.#askAgainAt = now + this.#retry;
    this.#retry = Math.min(this.#retry * 2, RETRY.longest);
    const resolution = this.#resolution;
    const current = (settle: () => void): void => {
      if (resolution !== this.#resolution) return; // given up meanwhile
      settle();
      this.#changed();
    };
    this.#resolver
      .resolve(host, timeout, (addresses) => current(() => this.#found(addresses)))
      .then(
        () => current(() => this.#ended(`${host} has no address`)),
        (error: unknown) => current(() => this.#ended(messageOf(error))),
      );
  }

  /** Takes one of the untried addresses: it is not tried again in this round. */
  take({ address }: Remote): void {
    const at = this.#addresses.indexOf(address, this.#tried);
    if (at === -1) return; // forgotten meanwhile
    this.#addresses.splice(at, 1);
    this.#addresses.splice(this.#tried++, 0, address);
    if (this.#tried === this.#addresses.length) this.#state = this.#pending ? 'resolving' : 'none';
  }

  /** Addresses that the name has but that can be no gateway's, each told of once. */
  takePassedOver(): readonly { readonly remote: Remote; readonly reason: string }[] {
    return this.#passedOver.splice(0);
  }

  /** No handshake came from this address: it is not the first of the next round. */
  failed(address: string): void {
    this.#failed = address;
  }

  /** Somebody has seen that the name did not resolve: the next time it is tried again. */
  failureSeen(): void {
    this.#state = 'none';
  }

  /** What was known may be out of date: resolve again before the next try. */
  forget(): void {
    this.#begin();
    this.#askAgainAt = Number.NEGATIVE_INFINITY;
  }

  /** Begins a round without addresses; what a resolution under way will say does not count any more. */
  #begin(): void {
    this.#resolution++;
    this.#addresses = [];
    this.#tried = 0;
    this.#state = 'none';
  }

  #found(addresses: readonly string[]): void {
    const { host, port } = this.#endpoint;
    const usable: string[] = [];
    for (const address of new Set(addresses)) {
      const special = specialAddress(address);
      const local = special === 'loopback' && /(^|\.)localhost\.?$/i.test(host); // RFC 6761, 6.3
      if (special === undefined || local) usable.push(address);
      else {
        const reason = `${host} has the address ${address}, which is no gateway's (${special}): a filtering DNS server answers so`;
        this.#passedOver.push({ remote: { address, port, index: 1, count: 1 }, reason });
      }
    }
    this.#add(usable);
  }

  #ended(reason: string): void {
    this.#pending = false;
    if (this.#addresses.length > 0) {
      if (this.#state === 'resolving') this.#state = 'none'; // the last answer brought nothing new
      this.#retry = RETRY.first;
      this.#askAgainAt = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#state = 'failed';
    this.#reason = this.#passedOver.at(-1)?.reason ?? reason;
    this.#passedOver = [];
  }

  #add(addresses: readonly string[]): void {
    const fresh = addresses.filter((address) => !this.#addresses.includes(address));
    const untried = [...this.#addresses.slice(this.#tried), ...fresh].slice(0, MOST_ADDRESSES);
    this.#addresses.splice(this.#tried, untried.length, ...shuffled(untried, this.#random, this.#failed));
    if (untried.length > 0) this.#state = 'ready';
  }
}
