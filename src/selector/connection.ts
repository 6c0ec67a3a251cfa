import { Beside, find, refuseOwnKey } from './beside.js';
import { Guard } from './guard.js';
import { HandshakeAge } from './handshake.js';
import { Loops } from './loops.js';
import { Renewals, RoundTrip } from './round-trip.js';
import {
  type Assignment,
  type Device,
  type Doubt,
  type InstalledPeer,
  type Peer,
  type PeerEndpoint,
  type Remote,
  type RoutePlace,
  type RouteReport,
  remoteAt,
  type Settings,
  type World,
} from './world.js';

const NO_ROUTES: RouteReport = { installed: [], added: [], conflicts: [] };
const NOTHING: readonly string[] = [];

/** A connection that was found working, and is kept. */
export interface Kept {
  readonly peer: Peer;
  readonly remote: Remote | undefined;
  /** Milliseconds since its latest handshake. */
  readonly handshakeAge: number;
}

/** A handshake that was made beside the connection. */
export interface Answer {
  readonly remote: Remote;
  /** From its initiation to its end, in milliseconds. */
  readonly roundTrip: number;
}

/** What a look at the connection has shown. */
export interface Look {
  /** Bytes since the peer was installed, of WireGuard's messages. */
  readonly received: number;
  readonly sent: number;
  /** Where WireGuard sends to. */
  readonly endpoint: InstalledPeer['endpoint'];
  /** What somebody had changed at our peer or beside it, and is as it should be again: for the log. */
  readonly mended: readonly string[];
  /** Whether the routes are others than before. */
  readonly routesChanged: boolean;
}

/**
 * What of ours is in the kernel: one peer at the most with its allowed IPs and routes, what is known of its handshake, and perhaps another
 * peer {@link beside} it without allowed IPs. Each method leaves kernel and memory in agreement, or throws, and then nothing is known until {@link takeOver} has read it anew.
 */
export class Connection {
  readonly #world: World;
  /** The key that we installed and have not removed. */
  #installed: string | undefined;
  #handshake = new HandshakeAge();
  /** Where the handshake that {@link install} had started came from. */
  #answeredFrom: PeerEndpoint | undefined;
  readonly #asked = new RoundTrip();
  #roundTrip: number | undefined;
  #renewals = new Renewals();
  #routes: RouteReport = NO_ROUTES;
  /** Where they were brought last. */
  #place: RoutePlace | undefined;
  readonly #loops: Loops;
  /** What {@link glance} has seen last, and of what. */
  #glanced:
    | (Pick<InstalledPeer, 'lastHandshake'> & {
        readonly device: Device;
        readonly peer: Peer;
        readonly assignment: Assignment;
        readonly look: Look;
      })
    | undefined;
  /** The peer that is tried beside the held one. */
  readonly beside: Beside;
  /** What holds without a connection, too. */
  readonly guard: Guard;

  constructor(world: World) {
    this.#world = world;
    this.#loops = new Loops(world.timers);
    this.beside = new Beside(world, this.#loops);
    this.guard = new Guard(world);
  }

  /** Our routes, as of the latest look. */
  get routes(): RouteReport {
    return this.#routes;
  }

  /** Milliseconds since the latest handshake; `undefined` when there was none, or none that could be judged. */
  get handshakeAge(): number | undefined {
    return this.handshakeAgeAt(this.#world.timers.now());
  }

  /** The same for somebody who has asked for the time. @param now milliseconds, monotonic */
  handshakeAgeAt(now: number): number | undefined {
    return this.#handshake.age(now);
  }

  /**
   * Where the peer is that has answered. A gateway that has something to send asks for the handshake itself, and then WireGuard goes on with
   * the address from which it did, whichever is tried.
   */
  reached(tried: Remote): Remote {
    const from = this.#answeredFrom;
    const other = from !== undefined && (from.address !== tried.address || from.port !== tried.port);
    return other ? remoteAt(from) : tried;
  }

  /** Milliseconds that the latest handshake took which was asked for; `undefined` for a connection that was found working. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** The same, or, for a connection that was found working, what its renewals took at most. */
  get likelyRoundTrip(): number | undefined {
    return this.#roundTrip ?? this.#renewals.least;
  }

  /** The interface has gone down, gone or come, and with it the routes are gone; with a deleted one the peer too. */
  linkChanged(): void {
    this.#routes = NO_ROUTES;
    if (this.#world.tunnel.link !== 'absent') return;
    this.#installed = undefined;
    this.beside.now(undefined);
  }

  /**
   * Reads what the kernel holds of ours, from a former run or from before the interface went down. The youngest connection that
   * still works is kept as it is, one that has its allowed IPs before one that was only tried; every other peer and route of ours goes.
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
    this.beside.now(undefined);
    await this.#route(best?.peer.allowedIps ?? [], settings);
    if (best === undefined) return undefined;
    const { peer, entry, handshake, age } = best;
    this.#handshake = handshake;
    this.#roundTrip = undefined;
    this.#renewals = new Renewals();
    if (!tunnel.matches(peer)) await tunnel.adjust(peer);
    await tunnel.kick(peer); // after the interface was down the session is gone, though the handshake is young
    return { peer, remote: entry.endpoint && remoteAt(entry.endpoint), handshakeAge: age };
  }

  /**
   * Installs the peer at an address, with its routes, and starts a handshake. Whatever else is there of ours goes: what the
   * kernel says of a handshake from now on is of this one.
   *
   * @param doubt what spoke against the address before
   * @throws {Refused} for a peer that the kernel would ignore, or whose routes would lead its own packets into the tunnel
   */
  async install(peer: Peer, remote: Remote, doubt: Doubt | undefined, assignment: Assignment): Promise<void> {
    const { tunnel, timers } = this.#world;
    const device = await tunnel.device();
    refuseOwnKey(peer, device, tunnel.name);
    this.#loops.check(peer, device, assignment.settings.routes);
    for (const { publicKey } of this.#own(device, assignment)) await tunnel.remove(publicKey);
    this.#handshake = new HandshakeAge();
    this.#installed = peer.publicKey;
    this.beside.now(undefined);
    this.#asked.begin(timers.now(), this.#world.wallClock());
    await tunnel.install(peer, remote);
    const { shared } = assignment.settings.routes;
    const ours = shared?.size
      ? peer.allowedIps.filter((destination) => !shared.has(destination))
      : peer.allowedIps;
    await this.#route(ours, assignment.settings);
    if (doubt?.kind !== 'through-tunnel') await this.#refuseLoop(peer, remote, device, assignment.settings);
  }

  /**
   * Adds the routes to what is shared with other interfaces: the peer that was installed has answered.
   * @throws {Refused} for a peer whose routes lead its own packets into the tunnel
   */
  async share(peer: Peer, remote: Remote, doubt: Doubt | undefined, { settings }: Assignment): Promise<void> {
    if (!settings.routes.shared?.size) return;
    await this.#route(peer.allowedIps, settings);
    if (doubt?.kind === 'through-tunnel') return;
    await this.#refuseLoop(peer, remote, await this.#world.tunnel.device(), settings);
  }

  /**
   * Goes over to the peer beside, whose handshake is complete. It is given its allowed IPs, and the kernel takes them from the held one in
   * the same instant; routes that both have stay as they are. Then the old one is removed.
   *
   * @throws {Refused} for a peer whose routes lead its own packets into the tunnel
   */
  async moveToBeside(peer: Peer, { remote, roundTrip }: Answer, { settings }: Assignment): Promise<void> {
    const { tunnel } = this.#world;
    const device = await tunnel.device();
    await tunnel.adjust(peer);
    const before = this.#installed;
    this.#installed = peer.publicKey;
    this.#handshake = this.beside.handshake;
    this.#roundTrip = roundTrip;
    this.beside.now(before);
    await this.#route(peer.allowedIps, settings);
    await this.beside.remove();
    await this.#refuseLoop(peer, remote, device, settings, true);
  }

  /** Whether the routes that were just added lead the way to the peer's endpoint into the tunnel. */
  async #refuseLoop(
    peer: Peer,
    remote: Remote,
    device: Device,
    settings: Settings,
    dear = false,
  ): Promise<void> {
    const { tunnel, routing } = this.#world;
    if (this.#routes.added.length === 0) return;
    const after = await routing.doubt(remote);
    if (after?.kind !== 'through-tunnel') return;
    const reason = `its allowed IPs lead the way to its own endpoint ${remote.address} into ${tunnel.name}: ${settings.fullTunnel ? 'expected no rule before those of full_tunnel that leads there (ip rule)' : wayOut(tunnel.name)}`;
    throw this.#loops.add(peer, device, settings.routes, reason, dear);
  }

  /** Whether the handshake that {@link install} has started is complete. @returns `gone` when the peer is not there any more */
  async handshakeCame(peer: Peer): Promise<boolean | 'gone'> {
    const { tunnel, timers } = this.#world;
    const entry = find(await tunnel.device(), peer);
    if (entry === undefined) return 'gone';
    if (entry.lastHandshake === 0) return false;
    this.#answeredFrom = entry.endpoint;
    this.#handshake.happened(entry.lastHandshake, timers.now(), this.#world.wallClock());
    this.#roundTrip = this.#asked.end(entry.lastHandshake, timers.now());
    return true;
  }

  /**
   * What {@link look} gives, at once, where everything is as it was. That is nearly always so, and a program that waits is woken for little
   * else: so nothing here waits, and what has not changed is not looked through.
   *
   * @param now milliseconds, monotonic
   * @returns the very same object as before when nothing has changed; undefined where only {@link look} can tell
   */
  glance(peer: Peer, assignment: Assignment, routes: boolean, now: number): Look | undefined {
    const { tunnel, routing } = this.#world;
    const { settings } = assignment;
    if (routes && this.guard.has(settings)) return undefined;
    if (routes && !routing.stand(peer.allowedIps, settings.routes)) return undefined;
    const device = tunnel.again();
    if (device === undefined) return undefined;
    const before = this.#glanced;
    if (before?.device === device && before.peer === peer && before.assignment === assignment) {
      this.#handshake.observe(before.lastHandshake, now, this.#world.wallClock());
      return before.look;
    }
    const entry = find(device, peer);
    if (entry === undefined || !tunnel.matches(peer)) return undefined;
    if (this.#strangers(device, peer, assignment).length > 0) return undefined;
    const look = this.#seen(entry, now);
    this.#glanced = { device, peer, assignment, lastHandshake: entry.lastHandshake, look };
    return look;
  }

  /**
   * Compares what is in the kernel with what should be there, and mends it: our peer as it is configured, no other of ours
   * beside it, its routes.
   *
   * @param routes whether these are looked at, too
   * @returns `gone` when somebody has removed the peer
   * @throws {Refused} for a peer whose routes lead its own packets into the tunnel, since a reload has them elsewhere
   */
  async look(peer: Peer, assignment: Assignment, routes: boolean): Promise<Look | 'gone'> {
    const { tunnel } = this.#world;
    const device = await tunnel.device();
    const entry = find(device, peer);
    if (entry === undefined) return 'gone';
    const seen = this.#seen(entry, this.#world.timers.now());
    const mended: string[] = [];
    for (const { publicKey } of this.#strangers(device, peer, assignment)) {
      await tunnel.remove(publicKey);
      mended.push(`another peer of ours was there too, public key ${publicKey}: removed`);
    }
    if (!tunnel.matches(peer)) {
      await tunnel.adjust(peer);
      mended.push('somebody had changed its allowed IPs, keepalive or preshared key: set again');
    }
    if (!routes) return { ...seen, mended };
    if (this.guard.has(assignment.settings)) await this.guard.keep(assignment);
    const [before, place] = [this.#routes, this.#place];
    await this.#route(peer.allowedIps, assignment.settings);
    const after = this.#routes;
    // Another table, or a full tunnel no longer: what led around it before may not do so any more.
    if (place !== this.#place && entry.endpoint !== undefined)
      await this.#refuseLoop(
        peer,
        remoteAt(entry.endpoint),
        await tunnel.device(),
        assignment.settings,
        true,
      );
    const routesChanged =
      after !== before && (after.added.length > 0 || conflicts(before) !== conflicts(after));
    return { ...seen, mended, routesChanged };
  }

  /** Takes what a look tells of the peer. */
  #seen({ lastHandshake, rxBytes, txBytes, endpoint }: InstalledPeer, now: number): Look {
    this.#handshake.observe(lastHandshake, now, this.#world.wallClock());
    this.#renewals.observe(lastHandshake);
    const [received, sent] = [Number(rxBytes), Number(txBytes)];
    return { received, sent, endpoint, mended: NOTHING, routesChanged: false };
  }

  /** The peers of ours that have no business beside this one. */
  #strangers(device: Device, { publicKey: held }: Peer, assignment: Assignment): InstalledPeer[] {
    const { publicKey: beside } = this.beside;
    return this.#own(device, assignment).filter(
      ({ publicKey }) => publicKey !== held && publicKey !== beside,
    );
  }

  /** Asks for a new handshake, where the session is older than 120 s; it goes on meanwhile. */
  async renew(peer: Peer): Promise<void> {
    this.#renewals.asked(this.#world.wallClock());
    await this.#world.tunnel.kick(peer);
  }

  /** Starts a handshake, from the beginning; {@link handshakeCame} tells when it is complete. */
  async knock(peer: Peer, endpoint: PeerEndpoint): Promise<void> {
    const { tunnel, timers } = this.#world;
    this.#asked.begin(timers.now(), this.#world.wallClock());
    await tunnel.knock(peer, endpoint);
  }

  /** Takes our peers and our routes out of the kernel. */
  async remove(assignment: Assignment): Promise<void> {
    await this.beside.remove();
    if (this.#installed === undefined) return;
    await this.#world.tunnel.remove(this.#installed);
    this.#installed = undefined;
    await this.#route([], assignment.settings);
  }

  /**
   * Takes out of the kernel whatever is ours, known or not, and the routes that refuse packets. What one step throws keeps none of the
   * others from being done.
   */
  async leaveNothing(assignment: Assignment): Promise<void> {
    const { tunnel } = this.#world;
    const { settings } = assignment;
    const peers = async (): Promise<void> => {
      for (const { publicKey } of this.#own(await tunnel.device(), assignment))
        await tunnel.remove(publicKey);
    };
    const errors: unknown[] = [];
    for (const step of [peers, () => this.#route([], settings), ...this.guard.removal(settings)])
      await step().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
    this.#installed = undefined;
    this.beside.now(undefined);
  }

  /** Brings the routes to what is wanted. */
  async #route(destinations: readonly string[], { routes }: Settings): Promise<void> {
    this.#place = routes;
    this.#found(await this.#world.routing.apply(destinations, routes));
  }

  /** If the interface has gone meanwhile, the routes have gone with it, whatever was found before. */
  #found(report: RouteReport): void {
    this.#routes = this.#world.tunnel.link === 'up' ? report : NO_ROUTES;
  }

  /** The peers that are ours: those that the configuration names, and what we installed before it changed. */
  #own({ peers }: Device, { ownKeys }: Assignment): InstalledPeer[] {
    const ours = [this.#installed, this.beside.publicKey];
    return peers.filter(({ publicKey }) => ownKeys.has(publicKey) || ours.includes(publicKey));
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
      if (peer === undefined || age === undefined || age >= limit) return [];
      return [{ peer, entry, handshake, age, whole: this.#world.tunnel.matches(peer) }];
    });
    return working.sort((one, other) => Number(other.whole) - Number(one.whole) || one.age - other.age)[0];
  }
}

function wayOut(ifname: string): string {
  return `expected option full_tunnel '1' for ${ifname}, or option fwmark for ${ifname} in /etc/config/network with a rule for that mark, or allowed IPs without that address`;
}

function conflicts(report: RouteReport): string {
  return report.conflicts.map(({ destination, reason }) => `${destination} ${reason}`).join('\n');
}
