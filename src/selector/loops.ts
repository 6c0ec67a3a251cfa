import type { Device, Peer, RoutePlace, Timers } from './world.js';

/** How long a peer that led its own packets into the tunnel is left alone if nothing changes, in milliseconds. */
const LEFT_ALONE = 600_000;

/** A peer that cannot be installed as it is, with the reason for the person who reads the log. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/**
 * The peers whose own routes led the way to their endpoint into the tunnel. Whether they do shows only when the routes are in,
 * and for that moment the machine may be cut off: so it is not tried again and again.
 */
export class Loops {
  readonly #timers: Timers;
  /** A peer whose configuration changes is another object, and begins anew. */
  readonly #known = new WeakMap<Peer, { fwmark: number; place: RoutePlace; until: number; reason: string }>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Remembers a peer. @returns what to throw */
  add(peer: Peer, { fwmark }: Device, place: RoutePlace, reason: string): Refused {
    this.#known.set(peer, { fwmark, place, until: this.#timers.now() + LEFT_ALONE, reason });
    return new Refused(reason);
  }

  /** @throws {Refused} for a peer that is to be left alone, as mark, table and metric are still what they were */
  check(peer: Peer, { fwmark }: Device, { table, metric }: RoutePlace): void {
    const loop = this.#known.get(peer);
    if (loop === undefined || this.#timers.now() >= loop.until || fwmark !== loop.fwmark) return;
    if (table === loop.place.table && metric === loop.place.metric) throw new Refused(loop.reason);
  }
}
