/** What goes over the wire between two WireGuard interfaces, as far as it decides what happens. */

import { type INITIATION_SIZE, KEEPALIVE_SIZE, MTU, PADDING, type RESPONSE_SIZE } from './constants.js';

/** An IP packet inside the tunnel. */
export interface Content {
  /** Bytes of the IP packet. */
  readonly size: number;
  /**
   * `probe`: a datagram to a port at which nobody is; `unreachable`: the answer to it; `request` and `reply`: echoes; `data`: what
   * nobody answers.
   */
  readonly kind: 'probe' | 'unreachable' | 'request' | 'reply' | 'data';
  /** Tells requests apart. */
  readonly number: number;
}

export interface Initiation {
  readonly kind: 'initiation';
  readonly size: typeof INITIATION_SIZE;
  /** Public key of the sender, and of who is to understand it. */
  readonly from: string;
  readonly to: string;
  readonly sender: number;
  /** Milliseconds of CLOCK_REALTIME, in steps. */
  readonly timestamp: number;
}

export interface Response {
  readonly kind: 'response';
  readonly size: typeof RESPONSE_SIZE;
  readonly sender: number;
  readonly receiver: number;
  readonly presharedKey: string | undefined;
}

export interface Data {
  readonly kind: 'data';
  readonly size: number;
  readonly receiver: number;
  /** Without content it is a keepalive. */
  readonly content: Content | undefined;
}

export type Packet = Initiation | Response | Data;

/** Bytes on the wire (UDP's payload) of a data packet. */
export function dataSize(content: Content | undefined): number {
  if (content === undefined) return KEEPALIVE_SIZE;
  return KEEPALIVE_SIZE + Math.min(MTU, Math.ceil(content.size / PADDING) * PADDING);
}
