import type { Device, Peer, RoutePlace, Timers } from './world.js';

/**
 * How long a peer that led its own packets into the tunnel is left alone if nothing changes, in milliseconds: twice as long each time. What
 * leads them around it may come at any time, and unsaid: a rule for the mark, say, after the mark itself.
 */
const LEFT_ALONE = { first: 30_000, longest: 600_000 };

/** A peer that cannot be installed as it is, with the reason for the person who reads the log. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** What was seen of such a peer, and where. */
interface Known {
  readonly fwmark: number;
  readonly place: RoutePlace;
  /** Milliseconds. */
  readonly rest: number;
  readonly until: number;
  readonly reason: string;
}

/**
 * The peers whose own routes led the way to their endpoint into the tunnel. Whether they do shows only when the routes are in,
 * and for that moment the machine may be cut off: so it is not tried again and again.
 */
export class Loops {
  readonly #timers: Timers;
  /** A peer whose configuration changes is another object, and begins anew. */
  readonly #known = new WeakMap<Peer, Known>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Remembers a peer.
   * @param dear it has cost a connection that worked: it is left alone for the longest time at once
   * @returns what to throw
   */
  add(peer: Peer, { fwmark }: Device, place: RoutePlace, reason: string, dear = false): Refused {
    const before = this.#known.get(peer);
    const again = before !== undefined && isSame(before, fwmark, place);
    const rest = dear
      ? LEFT_ALONE.longest
      : again
        ? Math.min(2 * before.rest, LEFT_ALONE.longest)
        : LEFT_ALONE.first;
    this.#known.set(peer, { fwmark, place, rest, until: this.#timers.now() + rest, reason });
    return new Refused(reason);
  }

  /** @throws {Refused} for a peer that is to be left alone, as mark, table and metric are still what they were */
  check(peer: Peer, { fwmark }: Device, place: RoutePlace): void {
    const loop = this.#known.get(peer);
    if (loop === undefined || this.#timers.now() >= loop.until || !isSame(loop, fwmark, place)) return;
    throw new Refused(loop.reason);
  }
}

function isSame(known: Known, fwmark: number, { table, metric }: RoutePlace): boolean {
  return fwmark === known.fwmark && table === known.place.table && metric === known.place.metric;
}
