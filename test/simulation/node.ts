/** Our node: the WireGuard interface that the selector serves, and the tunnel as the selector sees it. */

import type { Device, LinkState, Peer, Remote, Tunnel } from '../../src/selector/world.js';
import type { SimulatedTime } from './time.js';
import type { Interface } from './wireguard/interface.js';
import type { SimulatedPeer } from './wireguard/peer.js';

/** The keepalive that starts a handshake where none is configured, as in src/daemon/kernel-tunnel.ts. */
const KICK_INTERVAL = 25;

/** What the selector asked of it so far. */
export interface Calls {
  looks: number;
  knocks: number;
  kicks: number;
  installs: number;
}

export class NodeTunnel implements Tunnel {
  readonly name = 'vpn';
  readonly calls: Calls = { looks: 0, knocks: 0, kicks: 0, installs: 0 };
  /** Called at each knock. */
  onKnock: () => void = () => {};
  readonly #interface: Interface;
  readonly #time: SimulatedTime;
  readonly #listeners: (() => void)[] = [];

  constructor(time: SimulatedTime, owner: Interface) {
    this.#time = time;
    this.#interface = owner;
  }

  get link(): LinkState {
    return this.#interface.up ? 'up' : 'down';
  }

  onLink(listener: () => void): void {
    this.#listeners.push(listener);
  }

  takeDown(): void {
    this.#interface.takeDown();
    this.#changed();
  }

  takeUp(): void {
    this.#interface.takeUp();
    this.#changed();
  }

  async device(): Promise<Device> {
    return this.again();
  }

  again(): Device {
    this.calls.looks++;
    const { publicKey, peers } = this.#interface;
    const installed = [...peers.values()].map((peer) => ({
      publicKey: peer.publicKey,
      lastHandshake: peer.lastHandshake,
      rxBytes: BigInt(peer.rxBytes),
      txBytes: BigInt(peer.txBytes),
      endpoint: peer.endpoint === undefined ? undefined : parseEndpoint(peer.endpoint),
    }));
    return { publicKey, fwmark: 0, peers: installed };
  }

  matches({ publicKey, allowedIps, persistentKeepalive, presharedKey }: Peer): boolean {
    const peer = this.#interface.peers.get(publicKey);
    return (
      peer !== undefined &&
      peer.keepalive === persistentKeepalive &&
      peer.presharedKey === presharedKey?.reveal() &&
      peer.allowedIps.join() === allowedIps.join()
    );
  }

  async install(wanted: Peer, remote: Remote): Promise<void> {
    this.calls.installs++;
    const peer = this.#interface.add(wanted.publicKey);
    if (peer !== undefined) this.#set(peer, wanted, remote);
  }

  async adjust(wanted: Peer): Promise<void> {
    const peer = this.#interface.peers.get(wanted.publicKey);
    if (peer === undefined) return;
    this.#configure(peer, wanted);
    peer.keepalive = wanted.persistentKeepalive;
    peer.sendStaged();
  }

  async kick({ publicKey, persistentKeepalive }: Peer): Promise<void> {
    this.calls.kicks++;
    const peer = this.#interface.peers.get(publicKey);
    if (peer !== undefined) kick(peer, persistentKeepalive);
  }

  async knock(wanted: Peer, remote: Pick<Remote, 'address' | 'port' | 'zone'>): Promise<void> {
    this.calls.knocks++;
    this.onKnock();
    this.#interface.remove(wanted.publicKey);
    const peer = this.#interface.add(wanted.publicKey);
    if (peer !== undefined) this.#set(peer, wanted, remote);
  }

  async remove(publicKey: string): Promise<void> {
    this.#interface.remove(publicKey);
  }

  #set(peer: SimulatedPeer, wanted: Peer, { address, port }: Pick<Remote, 'address' | 'port'>): void {
    this.#configure(peer, wanted);
    peer.endpoint = `${address}:${port}`;
    kick(peer, wanted.persistentKeepalive);
  }

  /** An allowed IP is one peer's at most: who gets it takes it from the other. */
  #configure(peer: SimulatedPeer, { allowedIps, presharedKey }: Peer): void {
    for (const other of this.#interface.peers.values()) {
      if (other !== peer)
        other.allowedIps = other.allowedIps.filter((prefix) => !allowedIps.includes(prefix));
    }
    peer.allowedIps = allowedIps;
    peer.presharedKey = presharedKey?.reveal();
  }

  #changed(): void {
    this.#time.wake();
    for (const listener of this.#listeners) listener();
  }
}

/** Makes the kernel send something at once. */
export function kick(peer: SimulatedPeer, keepalive: number): void {
  for (const seconds of [0, keepalive || KICK_INTERVAL, keepalive]) {
    peer.keepalive = seconds;
    peer.sendStaged();
  }
}

/** @param endpoint `address:port` */
export function parseEndpoint(endpoint: string): { address: string; port: number } {
  const colon = endpoint.lastIndexOf(':');
  return { address: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
}
