import { HandshakeAge } from './handshake.js';
import { Loops, Refused } from './loops.js';
import type {
  Assignment,
  Device,
  Doubt,
  InstalledPeer,
  Peer,
  Remote,
  RouteReport,
  Settings,
  World,
} from './world.js';

const NO_ROUTES: RouteReport = { installed: [], added: [], conflicts: [] };

/** A connection that was found working, and is kept. */
export interface Kept {
  readonly peer: Peer;
  readonly remote: Remote | undefined;
  /** Milliseconds since its latest handshake. */
  readonly handshakeAge: number;
}

/** What a look at the connection has shown. */
export interface Look {
  /** What somebody had changed at our peer or beside it, and is as it should be again: for the log. */
  readonly mended: readonly string[];
  /** Whether the routes are others than before. */
  readonly routesChanged: boolean;
}

/**
 * What of ours is in the kernel: one peer at the most, its routes, and what is known of its handshake. Each method leaves kernel
 * and memory in agreement, or throws, and then nothing is known until {@link takeOver} has read it anew.
 */
export class Connection {
  readonly #world: World;
  /** The key that we installed and have not removed. */
  #installed: string | undefined;
  #handshake = new HandshakeAge();
  #routes: RouteReport = NO_ROUTES;
  readonly #loops: Loops;

  constructor(world: World) {
    this.#world = world;
    this.#loops = new Loops(world.timers);
  }

  /** Our routes, as of the latest look. */
  get routes(): RouteReport {
    return this.#routes;
  }

  /** Milliseconds since the latest handshake; `undefined` when there was none, or none that could be judged. */
  get handshakeAge(): number | undefined {
    return this.#handshake.age(this.#world.timers.now());
  }

  /** The interface has gone down, gone or come, and with it the routes are gone; with a deleted one the peer too. */
  linkChanged(): void {
    this.#routes = NO_ROUTES;
    if (this.#world.tunnel.link === 'absent') this.#installed = undefined;
  }

  /**
   * Reads what the kernel holds of ours, from a former run or from before the interface went down. The youngest connection that
   * still works is kept as it is; every other peer and route of ours goes.
   *
   * @param only the peer that may be kept, where one was asked for
   * @param removed is told of each peer that was left behind and is removed
   */
  async takeOver(
    assignment: Assignment,
    only: Peer | undefined,
    removed: (publicKey: string) => void,
  ): Promise<Kept | undefined> {
    const { tunnel } = this.#world;
    const { settings } = assignment;
    const own = this.#own(await tunnel.device(), assignment);
    const best = this.#youngest(
      own,
      only === undefined ? assignment.peers : [only],
      settings.deadPeerTimeout,
    );
    for (const { publicKey } of own) {
      if (publicKey === best?.entry.publicKey) continue;
      await tunnel.remove(publicKey);
      removed(publicKey);
    }
    this.#installed = best?.entry.publicKey;
    await this.#route(best?.peer.allowedIps ?? [], settings);
    if (best === undefined) return undefined;
    const { peer, entry, handshake, age } = best;
    this.#handshake = handshake;
    if (!tunnel.matches(peer)) await tunnel.adjust(peer);
    await tunnel.kick(peer); // after the interface was down the session is gone, though the handshake is young
    return { peer, remote: entry.endpoint && { ...entry.endpoint, index: 1, count: 1 }, handshakeAge: age };
  }

  /**
   * Installs the peer at an address, with its routes, and starts a handshake. Whatever else is there of ours goes: what the
   * kernel says of a handshake from now on is of this one.
   *
   * @param doubt what spoke against the address before
   * @throws {Refused} for a peer that the kernel would ignore, or whose routes would lead its own packets into the tunnel
   */
  async install(peer: Peer, remote: Remote, doubt: Doubt | undefined, assignment: Assignment): Promise<void> {
    const { tunnel, routing } = this.#world;
    const device = await tunnel.device();
    if (device.publicKey === peer.publicKey) {
      throw new Refused(`it has the public key of ${tunnel.name} itself: expected the gateway's`);
    }
    this.#loops.check(peer, device, assignment.settings.routes);
    for (const { publicKey } of this.#own(device, assignment)) await tunnel.remove(publicKey);
    this.#handshake = new HandshakeAge();
    this.#installed = peer.publicKey;
    await tunnel.install(peer, remote);
    await this.#route(peer.allowedIps, assignment.settings);
    if (doubt?.kind === 'through-tunnel' || this.#routes.added.length === 0) return;
    const after = await routing.doubt(remote);
    if (after?.kind !== 'through-tunnel') return;
    const reason = `its allowed IPs lead the way to its own endpoint ${remote.address} into ${tunnel.name}: expected option fwmark for ${tunnel.name} in /etc/config/network with a rule for that mark, or allowed IPs without that address`;
    throw this.#loops.add(peer, device, assignment.settings.routes, reason);
  }

  /** Whether the handshake that {@link install} has started is complete. @returns `gone` when the peer is not there any more */
  async handshakeCame(peer: Peer): Promise<boolean | 'gone'> {
    const { tunnel, timers } = this.#world;
    const entry = find(await tunnel.device(), peer);
    if (entry === undefined) return 'gone';
    if (entry.lastHandshake === 0) return false;
    this.#handshake.happened(entry.lastHandshake, timers.now(), this.#world.wallClock());
    return true;
  }

  /**
   * Compares what is in the kernel with what should be there, and mends it: our peer as it is configured, no other of ours
   * beside it, its routes.
   *
   * @returns `gone` when somebody has removed the peer
   */
  async look(peer: Peer, assignment: Assignment): Promise<Look | 'gone'> {
    const { tunnel, timers } = this.#world;
    const device = await tunnel.device();
    const entry = find(device, peer);
    if (entry === undefined) return 'gone';
    this.#handshake.observe(entry.lastHandshake, timers.now(), this.#world.wallClock());
    const mended: string[] = [];
    for (const { publicKey } of this.#own(device, assignment)) {
      if (publicKey === peer.publicKey) continue;
      await tunnel.remove(publicKey);
      mended.push(`another peer of ours was there too, public key ${publicKey}: removed`);
    }
    if (!tunnel.matches(peer)) {
      await tunnel.adjust(peer);
      mended.push('somebody had changed its allowed IPs, keepalive or preshared key: set again');
    }
    const before = this.#routes;
    await this.#route(peer.allowedIps, assignment.settings);
    const routesChanged = this.#routes.added.length > 0 || conflicts(before) !== conflicts(this.#routes);
    return { mended, routesChanged };
  }

  /** Takes our peer and our routes out of the kernel. */
  async remove(assignment: Assignment): Promise<void> {
    if (this.#installed === undefined) return;
    await this.#world.tunnel.remove(this.#installed);
    this.#installed = undefined;
    await this.#route([], assignment.settings);
  }

  /** Brings the routes to what is wanted. If the interface goes meanwhile, they go with it, whatever was found before. */
  async #route(destinations: readonly string[], { routes }: Settings): Promise<void> {
    const { tunnel, routing } = this.#world;
    const report = await routing.apply(destinations, routes);
    this.#routes = tunnel.link === 'up' ? report : NO_ROUTES;
  }

  /** The peers that are ours: those that the configuration names, and what we installed before it changed. */
  #own({ peers }: Device, { ownKeys }: Assignment): InstalledPeer[] {
    return peers.filter(({ publicKey }) => ownKeys.has(publicKey) || publicKey === this.#installed);
  }

  /** Of the peers that are installed, the one whose connection works, with the youngest handshake. */
  #youngest(installed: readonly InstalledPeer[], peers: readonly Peer[], limit: number) {
    const now = this.#world.timers.now();
    const working = installed.flatMap((entry) => {
      const peer = peers.find(({ publicKey }) => publicKey === entry.publicKey);
      // What this process has watched itself it knows on the clock that does not jump.
      const handshake = entry.publicKey === this.#installed ? this.#handshake : new HandshakeAge();
      handshake.observe(entry.lastHandshake, now, this.#world.wallClock());
      const age = handshake.age(now);
      return peer === undefined || age === undefined || age >= limit ? [] : [{ peer, entry, handshake, age }];
    });
    return working.sort((one, other) => one.age - other.age)[0];
  }
}

function find({ peers }: Device, { publicKey }: Peer): InstalledPeer | undefined {
  return peers.find((entry) => entry.publicKey === publicKey);
}

function conflicts(report: RouteReport): string {
  return report.conflicts.map(({ destination, reason }) => `${destination} ${reason}`).join('\n');
}
