/** A Linux host's answer to a datagram for a port at which nobody is. */

import type { Content } from './wireguard/packet.js';

/** One a second goes to each destination, six at once after a rest (icmp_ratelimit). */
const INTERVAL = 1_000;
const BURST = 6;

/** IPv4 and ICMP headers before the packet that could not be delivered; for IPv6 20 bytes more, and so much is left out here. */
const HEADERS = 28;

export class PortUnreachable {
  #tokens = 0;
  #at = -60_000; // the kernel fills the bucket at the first use

  /** The answer, unless there were too many lately. @param now milliseconds */
  to({ size, number }: Content, now: number): Content | undefined {
    this.#tokens = Math.min(this.#tokens + now - this.#at, BURST * INTERVAL);
    this.#at = now;
    if (this.#tokens < INTERVAL) return undefined;
    this.#tokens -= INTERVAL;
    return { kind: 'unreachable', size: size + HEADERS, number };
  }
}
