/** A WireGuard interface, ours or a gateway's: its key, its peers, and what comes in. */

import type { SeededRandom } from '../random.js';
import type { Content, Packet } from './packet.js';
import { SimulatedPeer } from './peer.js';
import type { Session } from './session.js';
import type { Ticks } from './wheel.js';

/** What an index stands for: a handshake of ours that is under way, or a session. */
export interface Indexed {
  readonly peer: SimulatedPeer;
  readonly session?: Session;
}

/** What the interface needs of the machine it is in. */
export interface Surroundings {
  readonly ticks: Ticks;
  readonly random: SeededRandom;
  /** Milliseconds of CLOCK_REALTIME. */
  wallClock(): number;
  /**
   * Sends a UDP datagram.
   * @param to `address:port`
   * @returns whether there is a way there: not whether it arrives
   */
  transmit(packet: Packet, to: string): boolean;
  /** Takes an IP packet that has come out of the tunnel. */
  deliver(content: Content, from: SimulatedPeer): void;
}

/** Indices are never the same, wherever they are made. */
let lastIndex = 0;

export class Interface {
  readonly publicKey: string;
  readonly peers = new Map<string, SimulatedPeer>();
  readonly indices = new Map<number, Indexed>();
  readonly #surroundings: Surroundings;
  #up = true;

  constructor(publicKey: string, surroundings: Surroundings) {
    this.publicKey = publicKey;
    this.#surroundings = surroundings;
  }

  get up(): boolean {
    return this.#up;
  }

  get ticks(): Ticks {
    return this.#surroundings.ticks;
  }

  get random(): SeededRandom {
    return this.#surroundings.random;
  }

  /** Milliseconds, monotonic. */
  now(): number {
    return this.ticks.time.now();
  }

  wallClock(): number {
    return this.#surroundings.wallClock();
  }

  transmit(packet: Packet, to: string): boolean {
    return this.#up && this.#surroundings.transmit(packet, to);
  }

  deliver(content: Content, from: SimulatedPeer): void {
    this.#surroundings.deliver(content, from);
  }

  newIndex(indexed: Indexed): number {
    const index = ++lastIndex;
    this.indices.set(index, indexed);
    return index;
  }

  /** The peer with this key, new if there was none. The interface's own key is quietly ignored. */
  add(publicKey: string): SimulatedPeer | undefined {
    if (publicKey === this.publicKey) return undefined;
    const known = this.peers.get(publicKey);
    if (known !== undefined) return known;
    const peer = new SimulatedPeer(this, publicKey);
    this.peers.set(publicKey, peer);
    return peer;
  }

  remove(publicKey: string): void {
    this.peers.get(publicKey)?.stop();
    this.peers.delete(publicKey);
  }

  /** Sends an IP packet to the peer that has the allowed IPs for it; here there is one such peer at most. */
  send(content: Content): void {
    if (!this.#up) return;
    for (const peer of this.peers.values()) {
      if (peer.allowedIps.length === 0) continue;
      peer.send(content);
      return;
    }
  }

  /** Takes a UDP datagram. @param from `address:port` */
  receive(packet: Packet, from: string): void {
    if (!this.#up) return;
    if (packet.kind === 'initiation') {
      if (packet.to === this.publicKey) this.peers.get(packet.from)?.receiveInitiation(packet, from);
      return;
    }
    const indexed = this.indices.get(packet.receiver);
    if (indexed === undefined) return;
    const { peer, session } = indexed;
    if (packet.kind === 'data') {
      if (session !== undefined) peer.receiveData(packet, session, from);
    } else if (session === undefined) peer.receiveResponse(packet, from);
  }

  takeDown(): void {
    this.#up = false;
    for (const peer of this.peers.values()) peer.stop();
  }

  takeUp(): void {
    this.#up = true;
    for (const peer of this.peers.values()) if (peer.keepalive > 0) peer.sendKeepalive();
  }
}
