/** A gateway: a WireGuard interface that knows our node, and what stands behind it. */

import type { Link } from './link.js';
import { PortUnreachable } from './port-unreachable.js';
import type { SeededRandom } from './random.js';
import { Interface } from './wireguard/interface.js';
import type { Content, Packet } from './wireguard/packet.js';
import type { SimulatedPeer } from './wireguard/peer.js';
import type { Ticks } from './wireguard/wheel.js';

/**
 * What comes back out of the tunnel by itself.
 * - `answers`: echoes, and a port unreachable where nobody listens, as Linux does without a firewall;
 * - `echoes`: echoes alone: a firewall drops what is for no service;
 * - `silent`: nothing.
 */
export type Behind = 'answers' | 'echoes' | 'silent';

/** What a gateway needs of the world. */
export interface GatewaySurroundings {
  /** Its public key; where none is given one that is made of its name. */
  readonly key?: string;
  readonly ticks: Ticks;
  readonly random: SeededRandom;
  readonly link: Link;
  wallClock(): number;
  /** A datagram of its to the node. @param to `address:port` */
  toNode(packet: Packet, to: string): void;
  readonly node: { readonly publicKey: string; readonly endpoint: string };
}

export class SimulatedGateway {
  readonly name: string;
  /** `address:port` */
  readonly endpoint: string;
  behind: Behind;
  #interface: Interface;
  readonly #surroundings: GatewaySurroundings;
  #unreachable = new PortUnreachable();
  /** While it hangs it does nothing; what comes in waits, up to what a socket's buffer holds. */
  #hanging: { packet: Packet; from: string }[] | undefined;
  #alive = true;
  #keys = 1;

  constructor(name: string, endpoint: string, behind: Behind, surroundings: GatewaySurroundings) {
    this.name = name;
    this.endpoint = endpoint;
    this.behind = behind;
    this.#surroundings = surroundings;
    this.#interface = this.#start();
  }

  get publicKey(): string {
    return this.#interface.publicKey;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get link(): Link {
    return this.#surroundings.link;
  }

  /** Its peer, as long as it knows our node. */
  get node(): SimulatedPeer | undefined {
    return this.#interface.peers.get(this.#surroundings.node.publicKey);
  }

  receive(packet: Packet, from: string): void {
    if (!this.#alive) return;
    if (this.#hanging !== undefined) {
      if (this.#hanging.length < 200) this.#hanging.push({ packet, from });
    } else this.#interface.receive(packet, from);
  }

  /** A packet of the hosts behind it, to our node. */
  send(content: Content): void {
    if (this.#alive && this.#hanging === undefined) this.#interface.send(content);
  }

  /** Nothing gets to it or away from it any more; it does not know. */
  die(): void {
    this.#alive = false;
  }

  revive(): void {
    this.#alive = true;
  }

  hang(): void {
    this.#hanging = [];
  }

  /** Goes on after {@link hang}. */
  wake(): void {
    const waiting = this.#hanging ?? [];
    this.#hanging = undefined;
    for (const { packet, from } of waiting) this.#interface.receive(packet, from);
  }

  /** Our node is no peer of its any more. */
  forget(): void {
    this.#interface.remove(this.#surroundings.node.publicKey);
  }

  /** Undoes {@link forget}. */
  remember(): void {
    this.#know(this.#interface);
  }

  /** Loses its sessions; with new keys it is another one to us. */
  restart(keys: 'same' | 'new' = 'same'): void {
    this.#interface.takeDown();
    if (keys === 'new') this.#keys++;
    this.#interface = this.#start();
    this.#unreachable = new PortUnreachable();
  }

  /** Makes it send something now, as its own keepalive would: a handshake where there is no session, or an old one. */
  initiate(): void {
    const peer = this.node;
    if (peer === undefined) return;
    peer.endpoint ??= this.#surroundings.node.endpoint;
    peer.keepalive = 25;
    peer.keepalive = 0;
  }

  #start(): Interface {
    const { ticks, random, key: first = `key of ${this.name}` } = this.#surroundings;
    const key = this.#keys === 1 ? first : `key ${this.#keys} of ${this.name}`;
    const started = new Interface(key, {
      ticks,
      random,
      wallClock: () => this.#surroundings.wallClock(),
      transmit: (packet, to) => {
        if (this.#alive && this.#hanging === undefined) this.#surroundings.toNode(packet, to);
        return true;
      },
      deliver: (content, from) => this.#answer(content, from),
    });
    this.#know(started);
    return started;
  }

  #know(owner: Interface): void {
    const peer = owner.add(this.#surroundings.node.publicKey);
    if (peer !== undefined) peer.allowedIps = ['our node'];
  }

  #answer(content: Content, to: SimulatedPeer): void {
    const { kind, size, number } = content;
    if (kind === 'request' && this.behind !== 'silent') to.send({ kind: 'reply', size, number });
    if (kind !== 'probe' || this.behind !== 'answers') return;
    const answer = this.#unreachable.to(content, this.#surroundings.ticks.time.now());
    if (answer !== undefined) to.send(answer);
  }
}
