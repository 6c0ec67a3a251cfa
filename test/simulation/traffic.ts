/** What the user sends through the tunnel, and what comes back. */

import type { SeededRandom } from './random.js';
import type { SimulatedTime } from './time.js';
import type { Content } from './wireguard/packet.js';

/**
 * - `quiet`: nothing at all.
 * - `ping`: an echo request each 200 ms.
 * - `busy`: ten full packets a second come in, and five small ones go out: a download, thinned out.
 * - `outward`: a datagram a second that nobody answers. `inward`: the same the other way.
 * - `on-and-off`: ping for half a minute, quiet for a minute, both at random.
 */
export type TrafficKind = 'quiet' | 'ping' | 'busy' | 'outward' | 'inward' | 'on-and-off';

/** Where packets go in. */
export interface TrafficEnds {
  fromNode(content: Content): void;
  toNode(content: Content): void;
}

const PING_INTERVAL = 200;
const PING_SIZE = 84;
const ON = 30_000;
const OFF = 60_000;

export class Traffic {
  readonly kind: TrafficKind;
  /** Echo requests, and answers to them. */
  sent = 0;
  answered = 0;
  /** The latest request that was answered. */
  latestAnswered = 0;
  /** The longest time between two answers, the one that lasts included once {@link longestGap} is read. Milliseconds. */
  #longestGap = 0;
  #answeredAt: number | undefined;
  readonly #time: SimulatedTime;
  readonly #random: SeededRandom;
  readonly #ends: TrafficEnds;
  #on = true;
  #run = 0;

  constructor(kind: TrafficKind, time: SimulatedTime, random: SeededRandom, ends: TrafficEnds) {
    this.kind = kind;
    this.#time = time;
    this.#random = random;
    this.#ends = ends;
  }

  start(): void {
    const run = ++this.#run;
    const every = (interval: number, send: () => void): void => {
      const again = (): void => {
        if (run !== this.#run) return;
        send();
        this.#time.plan(interval, again);
      };
      this.#time.plan(this.#random.unit() * interval, again);
    };
    if (this.kind === 'ping' || this.kind === 'on-and-off') every(PING_INTERVAL, () => this.#ping());
    if (this.kind === 'on-and-off') this.#turn();
    if (this.kind === 'outward') every(1_000, () => this.#ends.fromNode(data(100)));
    if (this.kind === 'inward') every(1_000, () => this.#ends.toNode(data(100)));
    if (this.kind === 'busy') {
      every(100, () => this.#ends.toNode(data(1_400)));
      every(200, () => this.#ends.fromNode(data(52)));
    }
  }

  stop(): void {
    this.#run++;
  }

  /** An echo reply has come out of the tunnel. @param number the request's */
  reply(number: number): void {
    this.answered++;
    this.latestAnswered = Math.max(this.latestAnswered, number);
    this.#longestGap = this.longestGap;
    this.#answeredAt = this.#time.now();
  }

  /** Milliseconds without an answer, at worst, since the first. */
  get longestGap(): number {
    const last = this.#answeredAt === undefined ? 0 : this.#time.now() - this.#answeredAt;
    return Math.max(this.#longestGap, last);
  }

  #ping(): void {
    if (!this.#on) return;
    this.sent++;
    this.#ends.fromNode({ kind: 'request', size: PING_SIZE, number: this.sent });
  }

  #turn(): void {
    this.#on = !this.#on;
    this.#time.plan(this.#random.exponential(this.#on ? ON : OFF), () => this.#turn());
  }
}

function data(size: number): Content {
  return { kind: 'data', size, number: 0 };
}
