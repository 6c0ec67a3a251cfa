import { Backoff } from './backoff.js';
import type { Loop } from './loop.js';
import { LAST_RENEWAL, RENEW_AFTER, RENEWED_WITHIN, ROUTE_REST } from './times.js';

/** A comparison that is due so soon after a look is made with it, in milliseconds. */
const TOGETHER = 200;

/** A connection that was taken over may be old already: it is put to the test after so long, in milliseconds. */
const SOON = 1_000;

/** What of the selector's loop decides it. */
export interface Known {
  readonly world: Pick<Loop['world'], 'timers' | 'random'>;
  readonly connection: Pick<Loop['connection'], 'handshakeAgeAt'>;
  assignment(): Pick<ReturnType<Loop['assignment']>, 'settings'>;
}

/**
 * When a connection that is held is looked at, in monotonic milliseconds: all of it is compared with the truth every `checkInterval`, and
 * for the sake of its handshake; its counters are looked at when somebody wants that. Whoever has asked for the time passes it on: on some
 * machines that is a system call, and an idle program makes few others.
 */
export class Schedule {
  readonly #loop: Known;
  /** Whoever takes one route often takes several, and perhaps takes them again: not in step with them. */
  readonly #rest: Backoff;
  /** Something happened to the routes: they have their time until the next comparison. */
  #settling = false;
  #comparison = 0;
  /** When the counters are to be looked at. */
  look = 0;

  constructor(loop: Known) {
    this.#loop = loop;
    this.#rest = new Backoff(loop.world.random, ROUTE_REST.first, ROUTE_REST.longest);
  }

  /** Another connection begins to be held. */
  begin(): void {
    const { world, assignment } = this.#loop;
    const { probeTimeout, probeInterval } = assignment().settings;
    this.#rest.reset();
    this.#settling = false;
    const now = world.timers.now();
    this.look = probeTimeout + probeInterval > 0 ? now : Number.POSITIVE_INFINITY;
    this.plan(now);
  }

  /** When the connection is to be looked at, whatever for. */
  get due(): number {
    return Math.min(this.#comparison, this.look);
  }

  /** Whether a look of now is to compare all of it. */
  isWhole(now: number): boolean {
    return this.#comparison <= now + TOGETHER;
  }

  /** Something happened to the routes. */
  routesInDoubt(): void {
    if (!this.#settling)
      this.#comparison = Math.min(this.#comparison, this.#loop.world.timers.now() + this.#rest.next());
    this.#settling = true;
  }

  /** All was compared. @param changed whether the routes were others than before */
  compared(changed: boolean, now: number): void {
    this.#settling = false;
    if (!changed) this.#rest.reset();
    this.plan(now);
  }

  /** Plans the next comparison: however rare they are otherwise, there is one for the renewal of the handshake, and one at its limit. */
  plan(now: number): void {
    const { connection, assignment } = this.#loop;
    const { checkInterval, deadPeerTimeout } = assignment().settings;
    const age = connection.handshakeAgeAt(now) ?? deadPeerTimeout;
    const renewal = age < RENEW_AFTER ? RENEW_AFTER - age : RENEWED_WITHIN;
    const last = Math.max(lastRenewal(deadPeerTimeout) - age, SOON);
    this.#comparison = now + Math.min(checkInterval, renewal, last, deadPeerTimeout - age);
  }
}

/** The age at which a handshake is asked for anew, in milliseconds. */
export function renewalAge(deadPeerTimeout: number): number {
  return Math.min(RENEW_AFTER, lastRenewal(deadPeerTimeout));
}

/** The age at which a handshake is asked for in the way that leaves the old session, in milliseconds. */
export function lastRenewal(deadPeerTimeout: number): number {
  return Math.max(deadPeerTimeout - LAST_RENEWAL, deadPeerTimeout / 2);
}
