import { Backoff } from './backoff.js';
import type { Random, Timers } from './world.js';

/** The pause behind a round in which nobody could be asked: the first and the longest, in milliseconds. */
const PAUSE = { first: 1_000, longest: 30_000 };

/** What a change of the network cannot shorten a pause below, in milliseconds: it grows while changes keep coming in vain. */
const REST = { first: 200, longest: 10_000 };

/**
 * Nobody has answered for so long: from now on the first try of a round lasts longer, by so much at first and at most. Milliseconds.
 */
const PATIENCE = { after: 60_000, first: 1_000, longest: 30_000 };

/** A connection that others ended sooner than this proves nothing, in milliseconds. */
const HELD_ENOUGH = 10_000;

/** What happens between two rounds. */
export interface RoundEnd {
  /** Rounds since the last connection that was one, from 1. */
  readonly round: number;
  /** Milliseconds without a connection. */
  readonly disconnected: number;
  /** Milliseconds to pause; none where the round itself took its time. */
  readonly pause: Pause | undefined;
  /** Nobody answered in the whole round: milliseconds by which the next try lasts longer; 0 where somebody did, or none was asked. */
  readonly patience: number;
}

/** How long to pause: `longest` if nothing happens, `shortest` if something does. Milliseconds. */
export interface Pause {
  readonly longest: number;
  readonly shortest: number;
}

/**
 * How fast the loop may go. A round is paced by its timeouts: a peer that is asked and does not answer costs one. Whatever fails
 * sooner than a packet could have been answered (no route, a refusal of the kernel, a name that does not resolve, somebody who
 * removes what we install) does not count as asked, and a round of nothing else is followed by a pause. Where nobody answers, one round after
 * the other, it is most likely our own way out that is dead: then each round begins with a longer try.
 */
export class Pace {
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  readonly #rest: Backoff;
  readonly #patience: Backoff;
  /** Whether a peer has had its time in this round. */
  #asked = false;
  /** Whether nobody has answered in it, and nobody was told to go on. */
  #silent = true;
  #silentBefore = false;
  #rounds = 0;
  #disconnectedSince: number;

  constructor(timers: Timers, random: Random) {
    this.#timers = timers;
    this.#backoff = new Backoff(random, PAUSE.first, PAUSE.longest);
    this.#rest = new Backoff(random, REST.first, REST.longest);
    this.#patience = new Backoff(random, PATIENCE.first, PATIENCE.longest);
    this.#disconnectedSince = timers.now();
  }

  /** Rounds since the last connection that was one, from 1; 0 before the first. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Whether nobody answered in the round before. */
  get silent(): boolean {
    return this.#silentBefore;
  }

  /** A peer had its whole time to answer. */
  asked(): void {
    this.#asked = true;
    this.#backoff.reset();
  }

  /** Somebody asked to leave a peer before its time was over. */
  told(): void {
    this.asked();
    this.#silent = false;
  }

  /** A peer has answered. */
  answered(): void {
    this.#silent = this.#silentBefore = false;
    this.#patience.reset();
  }

  /** A connection has ended. @param held milliseconds @param byCommand somebody asked for it */
  lost(held: number, byCommand: boolean): void {
    this.#disconnectedSince = this.#timers.now();
    if (!byCommand && held < HELD_ENOUGH) return;
    this.asked();
    this.#rest.reset();
    this.#rounds = 0;
  }

  /** Every peer was tried, or there was no round yet: begins the next. @returns nothing at the first */
  nextRound(): RoundEnd | undefined {
    const asked = this.#asked;
    const silent = asked && this.#silent;
    this.#asked = false;
    this.#silent = true;
    this.#silentBefore = silent;
    const round = this.#rounds++;
    if (round === 0) return undefined;
    const disconnected = this.#timers.now() - this.#disconnectedSince;
    const patience = silent && disconnected >= PATIENCE.after ? this.#patience.next() : 0;
    return { round, disconnected, pause: asked ? undefined : this.pause(), patience };
  }

  /** The pause that is due where nothing can be done. */
  pause(): Pause {
    const longest = this.#backoff.next();
    return { longest, shortest: Math.min(longest, this.#rest.next()) };
  }

  /** A pause was not cut short: the network is at rest. */
  pausedInPeace(): void {
    this.#rest.reset();
  }
}
