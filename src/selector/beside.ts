import { HandshakeAge } from './handshake.js';
import { type Loops, Refused } from './loops.js';
import { RoundTrip } from './round-trip.js';
import type { Assignment, Device, InstalledPeer, Peer, Remote, World } from './world.js';

/** The entry of a peer among those that are installed. */
export function find({ peers }: Device, { publicKey }: Pick<Peer, 'publicKey'>): InstalledPeer | undefined {
  return peers.find((entry) => entry.publicKey === publicKey);
}

/** @throws {Refused} for a peer with the interface's own key: the kernel takes it without an error, and installs nothing */
export function refuseOwnKey(peer: Peer, { publicKey }: Device, name: string): void {
  if (publicKey !== peer.publicKey) return;
  throw new Refused(`it has the public key of ${name} itself: expected the gateway's`);
}

/**
 * A peer beside the one that is held: it has no allowed IPs, so no packet goes to it, and yet WireGuard makes a handshake with it. There is
 * one at the most.
 */
export class Beside {
  readonly #world: World;
  readonly #loops: Loops;
  readonly #asked = new RoundTrip();
  #publicKey: string | undefined;
  #handshake = new HandshakeAge();

  constructor(world: World, loops: Loops) {
    this.#world = world;
    this.#loops = loops;
  }

  /** Its key, if there is one. */
  get publicKey(): string | undefined {
    return this.#publicKey;
  }

  /** The age of its handshake. */
  get handshake(): HandshakeAge {
    return this.#handshake;
  }

  /**
   * Installs a peer at an address, in place of the one that was there, and starts a handshake.
   * @throws {Refused} for a peer that the kernel would ignore, or whose routes have led its own packets into the tunnel
   */
  async install(peer: Peer, remote: Remote, { settings }: Assignment): Promise<void> {
    const { tunnel, timers } = this.#world;
    await this.remove();
    const device = await tunnel.device();
    refuseOwnKey(peer, device, tunnel.name);
    this.#loops.check(peer, device, settings.routes);
    if (find(device, peer) !== undefined) await tunnel.remove(peer.publicKey); // its handshake would not be of now
    this.#publicKey = peer.publicKey;
    this.#handshake = new HandshakeAge();
    this.#asked.begin(timers.now(), this.#world.wallClock());
    await tunnel.install({ ...peer, allowedIps: [] }, remote);
  }

  /** How long the handshake took, in milliseconds; `gone` when the peer is not there any more, nothing while it is not complete. */
  async handshakeCame(): Promise<number | 'gone' | undefined> {
    const { tunnel, timers } = this.#world;
    const device = await tunnel.device();
    const entry = this.#publicKey === undefined ? undefined : find(device, { publicKey: this.#publicKey });
    if (entry === undefined) return 'gone';
    if (entry.lastHandshake === 0) return undefined;
    this.#handshake.happened(entry.lastHandshake, timers.now(), this.#world.wallClock());
    return this.#asked.end(entry.lastHandshake, timers.now());
  }

  /** Takes it off the interface. */
  async remove(): Promise<void> {
    if (this.#publicKey === undefined) return;
    await this.#world.tunnel.remove(this.#publicKey);
    this.#publicKey = undefined;
  }

  /** Another is the one beside, or there is none: the kernel was changed, or read, by others. */
  now(publicKey: string | undefined): void {
    this.#publicKey = publicKey;
  }
}
