/** The selector's probes in a simulated world. */

import type { Peer, Prober } from '../../src/selector/world.js';
import type { Interface } from './wireguard/interface.js';

/** An empty datagram: IP and UDP headers. */
export const PROBE_SIZE = { ipv4: 28, ipv6: 48 } as const;

/** The number of an echo request that is the selector's own and not the user's. */
export const ECHO = 0;
const ECHO_SIZE = 36;

export class SimulatedProber implements Prober {
  sent = 0;
  readonly #interface: Interface;
  readonly #size: number;
  #answered = false;
  #echoed = false;

  /** @param size bytes of the IP packet */
  constructor(owner: Interface, size: number) {
    this.#interface = owner;
    this.#size = size;
  }

  async send({ publicKey }: Peer): Promise<string | undefined> {
    const peer = this.#interface.peers.get(publicKey);
    if (peer === undefined || peer.allowedIps.length === 0) return 'no such host';
    if (!this.#interface.up) return 'Network is down';
    this.sent++;
    peer.send({ kind: 'probe', size: this.#size, number: this.sent });
    return undefined;
  }

  answered(): boolean {
    const answered = this.#answered;
    this.#answered = false;
    return answered;
  }

  async echo(): Promise<string | undefined> {
    if (!this.#interface.up) return 'Network is down';
    this.#interface.send({ kind: 'request', size: ECHO_SIZE, number: ECHO });
    return undefined;
  }

  echoed(): boolean {
    const echoed = this.#echoed;
    this.#echoed = false;
    return echoed;
  }

  /** A port unreachable has come in. */
  answer(): void {
    this.#answered = true;
  }

  /** A reply to {@link echo} has come in. */
  echoReply(): void {
    this.#echoed = true;
  }
}
