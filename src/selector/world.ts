/**
 * What the selector sees of the world: small interfaces, each easy to fake. The daemon implements them over netlink,
 * DNS and Node's timers; the tests implement them over a simulated network and a clock that they turn by hand.
 */

import type { PeerConfig } from '../config/index.js';

/** A configured peer. Its UCI section name identifies it. */
export type Peer = PeerConfig;

/** A version of IP. */
export type Family = 4 | 6;

/** Where routes go. */
export interface RoutePlace {
  /** Table number; the main table when not set. */
  readonly table: number | undefined;
  /** Metric; the kernel's default (0 for IPv4, 1024 for IPv6) when not set. */
  readonly metric: number | undefined;
  /**
   * Destinations to which other interfaces lead, too, with the metric that each has instead. The routes to them are not there before
   * the handshake: meanwhile another interface may carry.
   */
  readonly shared?: ReadonlyMap<string, number>;
}

/** What the selector obeys for its interface. Times are in milliseconds. */
export interface Settings {
  /** How long a peer has for its handshake, and a name to resolve: 1000 at least. */
  readonly connectTimeout: number;
  /** Between two looks at an established connection. */
  readonly checkInterval: number;
  /** A connection whose latest handshake is as old as this is lost. */
  readonly deadPeerTimeout: number;
  /**
   * A connection over which nothing has come in for so long although something was sent that has to be answered is put to the
   * test; 0 leaves it to `deadPeerTimeout` alone.
   */
  readonly probeTimeout: number;
  /** A connection that is silent for so long is probed; 0 for never. */
  readonly probeInterval: number;
  /** `fastest`: of the best peers the one with the shortest round trip is held. */
  readonly strategy: 'random' | 'fastest';
  /** Better peers are tried so often while a lesser one is held; 0 for never. */
  readonly failbackInterval: number;
  /** A healthy connection is left for another after about so long; 0 for never. */
  readonly maxAge: number;
  /** Whether nothing for the allowed IPs may leave by another way while there is no connection. */
  readonly blockWhenLost: boolean;
  /** Whether the routes' table is to count before the main table's default route. */
  readonly fullTunnel: boolean;
  /** An address inside the tunnel that has to answer within `probeTimeout`, whatever WireGuard says. */
  readonly checkAddress: string | undefined;
  /** Whether the first attempt waits for the clock. */
  readonly waitForClock: boolean;
  readonly routes: RoutePlace;
}

/** What the selector is to do: the enabled peers, the settings, and every key that counts as its own. */
export interface Assignment {
  /** The peers to choose from, in order of configuration. A peer that has not changed is the same object as before. */
  readonly peers: readonly Peer[];
  /** Base64 public keys that the configuration names for this interface, those of disabled peers included. */
  readonly ownKeys: ReadonlySet<string>;
  readonly settings: Settings;
}

/** One address of a peer's endpoints, as it is tried. */
export interface Remote {
  /** IPv4 or IPv6 address without brackets or zone. */
  readonly address: string;
  /** UDP port, 1 to 65535. */
  readonly port: number;
  /** Name or index of the interface of a link-local address. */
  readonly zone?: string | undefined;
  /** This is the n-th (from 1) of the peer's addresses in this round. */
  readonly index: number;
  /** How many addresses the peer has in this round. */
  readonly count: number;
}

/** Where the kernel sends to. */
export interface PeerEndpoint {
  /** IPv4 or IPv6 address without brackets or zone. */
  readonly address: string;
  /** UDP port, 1 to 65535. */
  readonly port: number;
  /** Index of the interface of a link-local address. */
  readonly scopeId?: number;
}

/** What the kernel knows of a peer that is installed on the interface. */
export interface InstalledPeer {
  /** Base64. */
  readonly publicKey: string;
  /** Time of the latest handshake in milliseconds of CLOCK_REALTIME; 0 when there was none. It jumps with the clock. */
  readonly lastHandshake: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  /** Where the kernel sends to at the moment: WireGuard follows a peer that moves. */
  readonly endpoint?: PeerEndpoint | undefined;
}

/** What the kernel knows of the interface's WireGuard. */
export interface Device {
  /** Base64; absent without a private key, and without an interface. */
  readonly publicKey?: string | undefined;
  /** The mark of WireGuard's own packets; 0 for none. */
  readonly fwmark: number;
  /** All peers, others' too. */
  readonly peers: readonly InstalledPeer[];
}

/** `absent`: no such interface; `down`: it is there without IFF_UP; `up`: usable. */
export type LinkState = 'absent' | 'down' | 'up';

/** The interface has gone: somebody has deleted it, whether the event has been read or not. */
export class InterfaceGone extends Error {
  constructor() {
    super('the interface has gone');
    this.name = 'InterfaceGone';
  }
}

/**
 * The WireGuard interface. Every method rejects with an error whose message is fit for the log. Those that change a peer reject with
 * {@link InterfaceGone} where there is no interface any more, and `link` says so then.
 */
export interface Tunnel {
  /** The interface's name, for messages. */
  readonly name: string;
  /** The state after the last event that was read. */
  readonly link: LinkState;
  /**
   * Calls the listener after each change of `link`. An interface that was replaced by another of its name is `absent` for at
   * least one call.
   */
  onLink(listener: () => void): void;
  /** What the kernel holds now; no peers when the interface is absent, and `link` says so then. */
  device(): Promise<Device>;
  /** The same at once, where nothing but counters has changed; `undefined` where only {@link device} can tell. */
  again(): Device | undefined;
  /** Whether allowed IPs, keepalive and preshared key of the peer were as configured when {@link device} was last asked. */
  matches(peer: Peer): boolean;
  /** Installs a peer with its allowed IPs at an address, replacing what was set of it, and starts a handshake at once. */
  install(peer: Peer, remote: Remote): Promise<void>;
  /** Brings allowed IPs, keepalive and preshared key of an installed peer to the configuration; the session stays. */
  adjust(peer: Peer): Promise<void>;
  /** Makes the kernel send something now: a handshake where the session is missing or older than 120 s. */
  kick(peer: Peer): Promise<void>;
  /**
   * Starts a handshake at once, whatever there was: in one request the peer is removed and installed again, at the address where it
   * was last. Its session is gone with that, its counters and its latest handshake are 0.
   */
  knock(peer: Peer, endpoint: PeerEndpoint): Promise<void>;
  /** Removes a peer. One that is gone already, like an absent interface, is no error. */
  remove(publicKey: string): Promise<void>;
}

/**
 * Small datagrams into the tunnel. WireGuard on the other side has to answer each within 10 s (KEEPALIVE_TIMEOUT), by an empty packet
 * if nothing else; what is behind it may answer sooner.
 */
export interface Prober {
  /**
   * Sends one to a host behind the peer, out of the interface whatever the routes say.
   * @returns why none can be sent, for the log
   */
  send(peer: Peer): Promise<string | undefined>;
  /** Whether something behind the peer has answered since this was last asked: an echo, a port unreachable. */
  answered(): boolean;
  /**
   * Sends an ICMP echo to an address inside the tunnel.
   * @returns why none can be sent, for the log
   */
  echo(address: string): Promise<string | undefined>;
  /** Whether an echo has come back since this was last asked. */
  echoed(): boolean;
}

/** A route that the kernel refused, for a warning; the connection stands without it. */
export interface RouteConflict {
  readonly destination: string;
  /** What the kernel said, and who has it where that is known. */
  readonly reason: string;
}

/** What became of the wanted routes. */
export interface RouteReport {
  /** Destinations that are in the kernel now and ours. */
  readonly installed: readonly string[];
  /** Those of them that were missing before. */
  readonly added: readonly string[];
  readonly conflicts: readonly RouteConflict[];
}

/** Why packets to an address would perhaps not get there. A hint on the order of tries, and no proof. */
export interface Doubt {
  /** `no-route`: the kernel has no way there; `through-tunnel`: the way leads into the tunnel that they would carry. */
  readonly kind: 'no-route' | 'through-tunnel';
  /** For the person who reads the log. */
  readonly reason: string;
}

/** The kernel's routes: the way to an address, and our own routes through the interface. */
export interface Routing {
  /** Asks the kernel for the way to an address, as WireGuard would. */
  doubt(remote: Remote): Promise<Doubt | undefined>;
  /**
   * Makes our routes through the interface exactly these, whatever was there: compares with the kernel, adds what is missing,
   * removes what is ours and not wanted, leaves alone what is right. Others' routes are never touched.
   */
  apply(destinations: readonly string[], place: RoutePlace): Promise<RouteReport>;
  /**
   * Asks at once whether our routes are as the latest {@link apply}, of these very arguments, has found them.
   * @returns false when in doubt
   */
  stand(destinations: readonly string[], place: RoutePlace): boolean;
  /**
   * Makes our routes that refuse packets exactly these: what is sent there while no better route of ours is in the kernel goes nowhere.
   */
  block(destinations: readonly string[], place: RoutePlace): Promise<void>;
  /**
   * Makes it so that packets of these families look for their route in the table of `place` before they take the main table's default route, but for
   * WireGuard's own; where a former call or a former run has led other families, or elsewhere, takes that back. The same again costs nothing. With
   * families, the interface's mark is taken to be the one that {@link Tunnel.device} has shown last.
   */
  lead(families: readonly Family[], place: RoutePlace): Promise<void>;
  /** Calls the listener when a route, an address or a link appears or changes: what could not be reached perhaps can be now. */
  onNetworkChange(listener: () => void): void;
  /** Calls the listener when something happens that may take a route of ours away, or make room for one. */
  onRoutesInDoubt(listener: () => void): void;
}

/** Names to addresses. */
export interface Resolver {
  /**
   * Asks for IPv4 and IPv6 addresses at the same time.
   *
   * @param timeout milliseconds after which the promise settles at the latest
   * @param found is called with the addresses of each answer as it comes: at most twice, and not after the promise has settled
   * @returns a promise that resolves when both answers are there, or at the timeout if there was one with addresses
   * @throws an error whose message says which name, which server's answer or silence, when no address was found
   */
  resolve(name: string, timeout: number, found: (addresses: readonly string[]) => void): Promise<void>;
}

/** Whether the time of day is good enough for a handshake: WireGuard refuses one that is not later than the last. */
export interface ClockGate {
  /** False while a connection should wait for the clock to be set: for seconds, not for ever. */
  readonly ready: boolean;
  /** Calls the listener when `ready` has become true, until the function that it returns is called. */
  onReady(listener: () => void): () => void;
}

/** Time that never jumps. */
export interface Timers {
  /** Milliseconds since an arbitrary moment, monotonic; the time asleep counts, while `after` may stand still in it. */
  now(): number;
  /** Calls back once after so many milliseconds; the returned function cancels. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Where the selector's random decisions come from. */
export interface Random {
  /** A uniformly distributed integer, 0 <= x < bound. */
  below(bound: number): number;
}

/** All of it. */
export interface World {
  readonly tunnel: Tunnel;
  readonly routing: Routing;
  readonly prober: Prober;
  readonly resolver: Resolver;
  readonly clock: ClockGate;
  readonly timers: Timers;
  readonly random: Random;
  /** Milliseconds of CLOCK_REALTIME. Jumps; used only to judge a handshake from before we looked. */
  wallClock(): number;
}

/** The place that the kernel sends to, where nobody has chosen it among others. */
export function remoteAt({ address, port, scopeId }: PeerEndpoint): Remote {
  const zone = scopeId === undefined ? {} : { zone: String(scopeId) };
  return { address, port, ...zone, index: 1, count: 1 };
}

/** `192.0.2.1:51820` or `[2001:db8::1%wan]:51820`. */
export function formatRemote(remote: Pick<Remote, 'address' | 'port' | 'zone'>): string {
  const zone = remote.zone === undefined ? '' : `%${remote.zone}`;
  return remote.address.includes(':')
    ? `[${remote.address}${zone}]:${remote.port}`
    : `${remote.address}:${remote.port}`;
}
