import {
  type Endpoint,
  NetlinkError,
  type Repeated,
  SecretKey,
  type WireGuardConfig,
  type WireGuardDevice,
  type WireGuardPeerConfig,
} from '../netlink/index.js';
import {
  type Device,
  InterfaceGone,
  type LinkState,
  type Peer,
  type PeerEndpoint,
  type Remote,
  type Tunnel,
} from '../selector/world.js';
import type { KernelAccess, WatchedLink } from './kernel.js';

/**
 * The keepalive that starts a handshake for a peer that is configured without one, in seconds. Going from 0 to any interval makes
 * WireGuard send a packet at once; the value does not matter, because it is set back in the same request.
 */
const KICK_INTERVAL = 25;

/** One WireGuard interface of the kernel, as the selector sees it. */
export class KernelTunnel implements Tunnel {
  readonly #kernel: KernelAccess;
  readonly #watched: WatchedLink;
  readonly #question: Repeated<WireGuardDevice>;
  readonly #listeners: (() => void)[] = [];
  #seen: WireGuardDevice | undefined;
  /**
   * What was last found to match. As long as nothing but counters has changed, its allowed IPs are the same object; where anything
   * else has, all of the device is read, and they are another.
   */
  #matched: { readonly peer: Peer; readonly allowedIps: readonly string[] } | undefined;

  constructor(kernel: KernelAccess, watched: WatchedLink) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#question = kernel.wireguard.repeatedDevice(watched.name);
  }

  get name(): string {
    return this.#watched.name;
  }

  get link(): LinkState {
    return this.#watched.state;
  }

  /** The mark that WireGuard puts on its own packets, as of the latest look; 0 for none. */
  get fwmark(): number {
    return this.#seen?.fwmark ?? 0;
  }

  /** The device as of the latest look; undefined where there was none. */
  get seen(): Omit<WireGuardDevice, 'privateKey'> | undefined {
    return this.#seen;
  }

  /** Calls the listener when a look has read all of the device, because more than counters has changed. */
  onDevice(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onLink(listener: () => void): void {
    this.#watched.onChange(listener);
  }

  again(): Device | undefined {
    const device = this.#question.again();
    if (device !== undefined) this.#seen = device;
    return device;
  }

  async device(): Promise<Device> {
    try {
      const device = await this.#question.ask();
      this.#seen = device;
      for (const listener of this.#listeners) listener();
      return device;
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) throw error;
      this.#seen = undefined;
      await this.#kernel.read(this.#watched); // the event may still be on its way
      return { fwmark: 0, peers: [] };
    }
  }

  matches(peer: Peer): boolean {
    const entry = this.#seen?.peers.find(({ publicKey }) => publicKey === peer.publicKey);
    if (entry === undefined) return false;
    const before = this.#matched;
    if (before?.peer === peer && before.allowedIps === entry.allowedIps) return true;
    const { allowedIps, persistentKeepalive, presharedKey } = desired(peer);
    const matches =
      entry.persistentKeepalive === persistentKeepalive &&
      sameKey(entry.presharedKey, presharedKey ?? undefined) &&
      entry.allowedIps.length === allowedIps.length &&
      allowedIps.every((prefix) => entry.allowedIps.includes(prefix));
    this.#matched = matches ? { peer, allowedIps: entry.allowedIps } : undefined;
    return matches;
  }

  /**
   * Gives WireGuard's own packets a mark, 0 for none.
   * @throws {InterfaceGone}
   */
  async mark(fwmark: number): Promise<void> {
    await this.#configure({ fwmark });
    await this.device(); // what is known of the mark
  }

  async install(peer: Peer, remote: Remote): Promise<void> {
    await this.#configure({ peers: installation(peer, await this.#endpoint(remote)) });
  }

  async knock(peer: Peer, endpoint: PeerEndpoint): Promise<void> {
    const { publicKey } = peer;
    await this.#configure({ peers: [{ publicKey, remove: true }, ...installation(peer, endpoint)] });
  }

  async adjust(peer: Peer): Promise<void> {
    await this.#configure({ peers: [{ ...desired(peer), updateOnly: true, replaceAllowedIps: true }] });
  }

  async kick({ publicKey, persistentKeepalive }: Peer): Promise<void> {
    const intervals = [0, persistentKeepalive || KICK_INTERVAL, persistentKeepalive];
    const peers = intervals.map((interval) => {
      return { publicKey, updateOnly: true, persistentKeepalive: interval } as const;
    });
    await this.#configure({ peers });
  }

  async remove(publicKey: string): Promise<void> {
    try {
      await this.#configure({ peers: [{ publicKey, remove: true }] });
    } catch (error) {
      if (!(error instanceof InterfaceGone) && !isErrno(error, 'ENODEV')) throw error;
    }
  }

  /** @throws {InterfaceGone} */
  async #configure(config: WireGuardConfig): Promise<void> {
    const { index } = this.#watched;
    try {
      await this.#kernel.wireguard.configure(this.name, config);
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) throw error;
      await this.#kernel.read(this.#watched); // the event may still be on its way
      const now = this.#watched.index;
      throw now === undefined || now !== index ? new InterfaceGone() : error;
    }
  }

  async #endpoint({ address, port, zone }: Remote): Promise<Endpoint> {
    if (zone === undefined) return { address, port };
    return { address, port, scopeId: await scopeIdOf(this.#kernel, zone) };
  }
}

function sameKey(one: SecretKey | undefined, other: SecretKey | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** Installs a peer; its keepalive goes from 0 to some interval, which makes WireGuard begin a handshake. */
function installation(peer: Peer, endpoint: Endpoint): WireGuardPeerConfig[] {
  const { publicKey, persistentKeepalive } = peer;
  return [
    { ...desired(peer), endpoint, replaceAllowedIps: true, persistentKeepalive: 0 },
    { publicKey, updateOnly: true, persistentKeepalive: persistentKeepalive || KICK_INTERVAL },
    { publicKey, updateOnly: true, persistentKeepalive },
  ];
}

/** What the configuration says of a peer, without what it takes to reach it. */
function desired(peer: Peer) {
  const { publicKey, persistentKeepalive, allowedIps, presharedKey } = peer;
  return {
    publicKey,
    persistentKeepalive,
    allowedIps,
    presharedKey: presharedKey === undefined ? null : SecretKey.fromBase64(presharedKey.reveal()),
  } satisfies WireGuardPeerConfig;
}

/**
 * The interface index that a link-local address's zone names.
 * @throws when there is no such interface
 */
export async function scopeIdOf(kernel: KernelAccess, zone: string): Promise<number> {
  const link = await kernel.rtnetlink.link(/^\d+$/.test(zone) ? Number(zone) : zone);
  if (link === undefined)
    throw new Error(`there is no interface ${zone}, which the endpoint names after the %`);
  return link.index;
}

/** Whether the kernel answered with this error. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof NetlinkError && error.code === code;
}
