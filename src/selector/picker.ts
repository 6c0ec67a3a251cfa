import { Remotes } from './remotes.js';
import { Round } from './round.js';
import type { Peer, Random, Resolver, Timers } from './world.js';

/**
 * How long the peer whose turn it is may resolve its name while another is ready, in milliseconds. DNS that works answers
 * well within it, so that the random order stands; DNS that is dead costs the others no more than this, once a round.
 */
export const RESOLVE_GRACE = 300;

/** How many names are resolved at once: those whose turn comes next. A file of 300 peers does not send 300 questions. */
const RESOLVED_AT_ONCE = 4;

/** So many turns behind the one that is next names are looked for, to be resolved by then. Thousands more are left alone until they are near. */
const LOOKED_AHEAD = 16;

/** A peer with its addresses. */
export interface Candidate {
  readonly peer: Peer;
  readonly remotes: Remotes;
}

/** What {@link Picker.look} finds. */
export type Pick =
  /** This one is next. */
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** The name of this one did not resolve; it counts as tried. */
  | { readonly kind: 'unresolved'; readonly peer: Peer; readonly reason: string }
  /** Names are resolving: look again when one has, or after so many milliseconds. */
  | { readonly kind: 'wait'; readonly milliseconds?: number }
  /** Every peer was tried in this round, or there is none. */
  | { readonly kind: 'round-over' };

/** Whose turn it is: rounds over the peers, and for each peer rounds over its addresses. */
export class Picker {
  readonly #resolver: Resolver;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #changed: () => void;
  readonly #candidates = new Map<string, Candidate>();
  readonly #round: Round;
  #preferred: string | undefined;

  /** @param changed called when a name has resolved, or has failed to */
  constructor(resolver: Resolver, timers: Timers, random: Random, changed: () => void) {
    this.#resolver = resolver;
    this.#timers = timers;
    this.#random = random;
    this.#changed = changed;
    this.#round = new Round(random);
  }

  /** Rounds, for messages and the status. */
  get round(): RoundView {
    return this.#round;
  }

  /**
   * Changes the peers. One whose endpoints are the same keeps the addresses that it has still to try; one that has changed in any
   * way has its turn in this round again.
   */
  setPeers(peers: readonly Peer[]): void {
    const before = new Map(this.#candidates);
    this.#candidates.clear();
    const changed = new Set<string>();
    for (const peer of peers) {
      const known = before.get(peer.name);
      const same = known !== undefined && sameEndpoints(known.peer.endpoints, peer.endpoints);
      const remotes = same
        ? known.remotes
        : new Remotes(peer.endpoints, this.#resolver, this.#random, this.#changed);
      this.#candidates.set(peer.name, { peer, remotes });
      if (known !== undefined && known.peer !== peer) changed.add(peer.name);
    }
    this.#round.setItems(peers, changed);
  }

  /** A peer of {@link setPeers} with its addresses. */
  candidate(peer: Peer): Candidate | undefined {
    return this.#candidates.get(peer.name);
  }

  /** The one that {@link prefer} has named and that is still to be tried. */
  get preferred(): Peer | undefined {
    return this.#selected?.peer;
  }

  /** This one is next, whether it was tried in this round or not; if it fails, the round goes on. */
  prefer(name: string): void {
    this.#preferred = name;
  }

  /** Begins a new round. */
  begin(): void {
    this.#round.begin();
  }

  /**
   * Looks for the next peer. What it finds counts as tried.
   * @param resolveTimeout milliseconds for the resolution of a name
   */
  look(resolveTimeout: number): Pick {
    const now = this.#timers.now();
    let resolving = 0;
    let grace = 0;
    let better: number | undefined;
    /** What is found, and how many turns were looked at since. */
    let found: Candidate | 'none' | undefined;
    let ahead = 0;
    for (const candidate of this.#turns()) {
      const { peer, remotes } = candidate;
      if (found !== undefined && (resolving >= RESOLVED_AT_ONCE || ++ahead > LOOKED_AHEAD)) break;
      if (!remotes.named || resolving < RESOLVED_AT_ONCE) remotes.prepare(now, resolveTimeout);
      const { state } = remotes;
      if (state === 'resolving') resolving++;
      if (found !== undefined) continue;
      // A better peer that has to be looked up costs its time as one does that has to be asked.
      if (better !== undefined && peer.priority > better) found = 'none';
      else if (state === 'failed' || state === 'ready') found = candidate;
      else {
        better = peer.priority;
        if (state === 'resolving') grace = Math.max(grace, remotes.since + RESOLVE_GRACE - now);
      }
    }
    if (found === undefined || found === 'none') return { kind: resolving > 0 ? 'wait' : 'round-over' };
    const { peer, remotes } = found;
    if (remotes.state === 'failed') {
      this.take(peer);
      const reason = remotes.reason;
      remotes.failureSeen();
      return { kind: 'unresolved', peer, reason };
    }
    if (grace > 0) return { kind: 'wait', milliseconds: grace };
    this.take(peer);
    return { kind: 'candidate', candidate: found };
  }

  get #selected(): Candidate | undefined {
    return this.#preferred === undefined ? undefined : this.#candidates.get(this.#preferred);
  }

  /** Whose turns they are, the next first. */
  *#turns(): Generator<Candidate, void> {
    const selected = this.#selected;
    if (selected !== undefined) return yield selected;
    for (const name of this.#round.ahead()) {
      const candidate = this.#candidates.get(name);
      if (candidate !== undefined) yield candidate;
    }
  }

  /** The peer was tried, in its turn or out of it. */
  take(peer: Peer): Candidate | undefined {
    this.#preferred = undefined;
    this.#round.take(peer.name);
    return this.#candidates.get(peer.name);
  }

  /** The peer failed: it is not the first of the next round. */
  failed(peer: Peer): void {
    this.#round.failed(peer.name);
  }
}

/** What may be read of the round from outside. */
type RoundView = { readonly [key in 'number' | 'tried' | 'untried']: Round[key] };

/** Both without duplicates. */
function sameEndpoints(one: Peer['endpoints'], other: Peer['endpoints']): boolean {
  const same = one.map((a) => other.some((b) => a.host === b.host && a.port === b.port && a.zone === b.zone));
  return one.length === other.length && same.every(Boolean);
}
