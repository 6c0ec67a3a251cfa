import { specialAddress } from '../special-address.js';
import { messageOf } from '../wording.js';
import type { Resolver } from './world.js';

/** How soon a name that did not resolve is asked for again: the first time and at the longest, in milliseconds. It doubles. */
const RETRY = { first: 1_000, longest: 30_000 };

/** An address that a name has but that can be no gateway's. */
export interface PassedOver {
  readonly address: string;
  readonly reason: string;
}

/** Who is told what a lookup brings. */
export interface Found {
  /** The usable addresses of an answer; there may be two answers. */
  addresses(usable: readonly string[], passedOver: readonly PassedOver[]): void;
  /** It has ended. @param reason why it has brought nothing, if it has not */
  ended(reason: string | undefined): void;
}

/** One name of an endpoint: it is looked up for each round of its addresses, and more rarely while it fails. */
export class NameLookup {
  readonly #name: string;
  readonly #resolver: Resolver;
  #latest = 0;
  /** A name that failed is not asked for again before this, in the caller's monotonic milliseconds. */
  #askAgainAt = Number.NEGATIVE_INFINITY;
  #retry = RETRY.first;
  #reason = '';

  constructor(name: string, resolver: Resolver) {
    this.#name = name;
    this.#resolver = resolver;
  }

  /**
   * Looks the name up in the background. What an earlier lookup would still say does not count any more.
   * @param now monotonic milliseconds
   * @param timeout milliseconds until it ends at the latest
   * @returns why it has not begun: the failure of the last time, where that is too fresh
   */
  begin(now: number, timeout: number, found: Found): string | undefined {
    const lookup = ++this.#latest;
    if (now < this.#askAgainAt) return this.#reason;
    this.#askAgainAt = now + this.#retry;
    this.#retry = Math.min(this.#retry * 2, RETRY.longest);
    let usable = 0;
    const passedOver: PassedOver[] = [];
    const take = (addresses: readonly string[]): void => {
      if (lookup !== this.#latest) return; // given up meanwhile
      const fit = [...new Set(addresses)].filter((address) => {
        const reason = this.#unusable(address);
        if (reason !== undefined) passedOver.push({ address, reason });
        return reason === undefined;
      });
      usable += fit.length;
      // Where nothing else comes they are the failure itself, and told once.
      found.addresses(fit, usable === 0 ? [] : passedOver.splice(0));
    };
    const end = (reason: string): void => {
      if (lookup !== this.#latest) return;
      if (usable > 0) this.#succeeded();
      else this.#reason = passedOver.at(-1)?.reason ?? reason;
      found.ended(usable > 0 ? undefined : this.#reason);
    };
    this.#resolver.resolve(this.#name, timeout, take).then(
      () => end(`${this.#name} has no address`),
      (error: unknown) => end(messageOf(error)),
    );
    return undefined;
  }

  /** Gives up what is under way, and begins the next time however fresh a failure is. */
  forget(): void {
    this.#latest++;
    this.#askAgainAt = Number.NEGATIVE_INFINITY;
  }

  #succeeded(): void {
    this.#retry = RETRY.first;
    this.#askAgainAt = Number.NEGATIVE_INFINITY;
  }

  /** Why the address can be no gateway's, if it cannot. */
  #unusable(address: string): string | undefined {
    const special = specialAddress(address);
    if (special === undefined) return undefined;
    if (special === 'loopback' && /(^|\.)localhost\.?$/i.test(this.#name)) return undefined; // RFC 6761, 6.3
    return `${this.#name} has the address ${address}, which is no gateway's (${special}): a filtering DNS server answers so`;
  }
}
