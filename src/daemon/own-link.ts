import {
  type Creation,
  FULL_TUNNEL,
  isSameAddress,
  OWN_GROUP,
  type OwnAddress,
  readPrivateKey,
} from '../config/index.js';
import { type Link, ROUTE_PROTOCOL, SecretKey, type WireGuardConfig } from '../netlink/index.js';
import { InterfaceGone, type Timers } from '../selector/world.js';
import type { KernelAccess, WatchedLink } from './kernel.js';
import { isErrno, type KernelTunnel } from './kernel-tunnel.js';

/** What an interface of ours is to be like. */
export interface Making extends Creation {
  /** The mark that it has where the configuration says none: of a full tunnel, or 0. */
  readonly otherMark: number;
}

/** What was done to make it so. */
export interface Deed {
  /** What is there is somebody else's: nothing was done. */
  readonly others: boolean;
  /** It was not there, and is new. */
  readonly made: boolean;
  /** What was set, in words. */
  readonly done: readonly string[];
  /** Its mark is another now. */
  readonly marked: boolean;
  /** Why it is not yet what it is to be. */
  readonly fault: unknown;
}

/** Events of what we do ourselves are there with the answer, or were lost: so long they may take, in milliseconds. */
const EVENTS_TAKE = 1_000;

/**
 * An interface of ours in the kernel. Its group tells whose it is, also after SIGKILL: it comes into being with it, in one request, which
 * an alias would take two for. One without is somebody else's, and is never touched.
 */
export class OwnLink {
  readonly #kernel: KernelAccess;
  readonly #watched: WatchedLink;
  readonly #tunnel: KernelTunnel;
  readonly #timers: Timers;
  #heard: (() => void) | undefined;
  /** It is to be taken up: when it is new, or found at the start. Whoever takes it down later means it. */
  #raise = true;
  /** The public key that belongs to the private one of the file; undefined while that has to be read. */
  #publicKey: string | undefined;
  /** What we have set last: kernels before 5.18 do not tell whose an address is. */
  #addresses: readonly OwnAddress[] = [];
  #addressesInDoubt = true;

  constructor(kernel: KernelAccess, watched: WatchedLink, tunnel: KernelTunnel, timers: Timers) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#tunnel = tunnel;
    this.#timers = timers;
    kernel.onAnyLink(() => this.#heard?.());
  }

  /** Whether there is an interface of that name that others have made. */
  get isOthers(): boolean {
    const { link } = this.#watched;
    return link !== undefined && !isOurs(link);
  }

  /** The file may hold another key now. */
  keyInDoubt(): void {
    this.#publicKey = undefined;
  }

  addressesInDoubt(): void {
    this.#addressesInDoubt = true;
  }

  /** Whether it is as it should be, as far as the kernel has told. Asks nothing. */
  isLike(making: Making): boolean {
    const { link } = this.#watched;
    const { seen } = this.#tunnel;
    if (link === undefined || !isOurs(link) || link.mtu !== making.mtu || this.#addressesInDoubt)
      return false;
    if (seen === undefined) return true; // an answer is on its way
    const { publicKey, listenPort, fwmark } = seen;
    return (
      publicKey === this.#publicKey &&
      (making.listenPort ?? listenPort) === listenPort &&
      marksFit(fwmark, making)
    );
  }

  /**
   * Makes it, and makes it so. One of others is left alone.
   * @throws {NetlinkError} what the kernel refuses
   * @throws {InterfaceGone}
   */
  async make(making: Making): Promise<Deed> {
    const { name } = this.#watched;
    const { rtnetlink } = this.#kernel;
    const before = await rtnetlink.link(name);
    if (before === undefined) await this.#add(making);
    const link = before ?? (await rtnetlink.link(name));
    if (link === undefined) throw new InterfaceGone();
    if (!isOurs(link)) return { others: true, made: false, done: [], marked: false, fault: undefined };
    try {
      return { others: false, made: before === undefined, ...(await this.#adjust(link, making)) };
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) throw error;
      throw (await rtnetlink.link(name))?.index === link.index ? error : new InterfaceGone();
    }
  }

  async #adjust(link: Link, making: Making): Promise<Omit<Deed, 'others' | 'made'>> {
    const { rtnetlink } = this.#kernel;
    const done: string[] = [];
    if (link.mtu !== making.mtu) {
      await rtnetlink.changeLink(link.index, { mtu: making.mtu });
      done.push(`mtu ${making.mtu}`);
    }
    const { marked, fault } = await this.#configure(link, making, done);
    const refusal = await this.#address(link, making, done);
    const raise = this.#raise;
    if (raise && !link.up) await rtnetlink.changeLink(link.index, { up: true });
    this.#raise = false;
    await this.#told((told) => told.index === link.index && told.mtu === making.mtu && (told.up || !raise));
    return { done, marked, fault: fault ?? refusal };
  }

  /** Removes it, if it is ours. @returns whether there was anything to remove @throws {NetlinkError} what the kernel refuses */
  async remove(): Promise<boolean> {
    const link = await this.#kernel.rtnetlink.link(this.#watched.name);
    if (link === undefined || !isOurs(link)) return false;
    await this.#kernel.rtnetlink.removeLink(link.index).catch((error: unknown) => {
      if (!isErrno(error, 'ENODEV')) throw error;
    });
    return true;
  }

  async #add({ mtu, privateKeyFile }: Making): Promise<void> {
    const { name } = this.#watched;
    readPrivateKey(privateKeyFile); // without one it would be of no use
    await this.#kernel.rtnetlink.addLink({ name, kind: 'wireguard', mtu, group: OWN_GROUP });
    this.#raise = true;
    this.#publicKey = undefined;
    this.#addresses = [];
    this.#addressesInDoubt = true;
  }

  /**
   * Waits until events have told of what was done. Whoever asked for the link instead would know more than they do, and would be told
   * once more how it came to be so: that it is down, say, and up.
   */
  async #told(is: (link: Link) => boolean): Promise<void> {
    const watched = this.#watched;
    const known = (): boolean => watched.link !== undefined && is(watched.link);
    if (known()) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        this.#heard = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#timers.after(EVENTS_TAKE, end);
      this.#heard = () => {
        if (known()) end();
      };
    });
    if (!known()) await this.#kernel.read(watched);
  }

  /** Private key, port, mark. A key that cannot be read keeps nothing else from being set. */
  async #configure(link: Link, making: Making, done: string[]): Promise<Pick<Deed, 'marked' | 'fault'>> {
    const { publicKey, fwmark, listenPort } = await this.#device();
    const change: WireGuardConfig = {};
    let fault: unknown;
    if (this.#publicKey === undefined || publicKey !== this.#publicKey) {
      try {
        change.privateKey = readKey(making);
      } catch (error) {
        fault = error;
      }
    }
    if (making.listenPort !== undefined && listenPort !== making.listenPort) {
      change.listenPort = making.listenPort;
      done.push(`listen port ${making.listenPort}`);
    }
    const marked = !marksFit(fwmark, making);
    if (marked) {
      change.fwmark = markOf(making);
      done.push(`fwmark ${change.fwmark}`);
    }
    if (Object.keys(change).length > 0) {
      await this.#kernel.wireguard.configure(link.index, change);
      const now = await this.#device();
      if (change.privateKey !== undefined) this.#publicKey = now.publicKey;
      if (now.publicKey !== publicKey) done.push('private key');
    }
    return { marked, fault };
  }

  /** @throws {InterfaceGone} */
  async #device(): Promise<NonNullable<KernelTunnel['seen']>> {
    await this.#tunnel.device();
    const { seen } = this.#tunnel;
    if (seen === undefined) throw new InterfaceGone();
    return seen;
  }

  /** @returns what the kernel has refused first; it keeps no other address from being set */
  async #address({ index }: Link, { addresses }: Making, done: string[]): Promise<unknown> {
    const { rtnetlink } = this.#kernel;
    const added = new Set<string>();
    let refusal: unknown;
    for (let again = this.#addressesInDoubt; again; ) {
      again = false;
      refusal = undefined;
      this.#addressesInDoubt = false; // before reading: what changes from now on sets it again
      const there = await rtnetlink.addresses({ interfaceIndex: index });
      for (const address of addresses) {
        if (there.some((one) => isSameAddress(one, address))) continue;
        try {
          await rtnetlink.addAddress({ ...address, interfaceIndex: index, protocol: ROUTE_PROTOCOL });
          added.add(`address ${address.address}/${address.prefixLength}`);
        } catch (error) {
          refusal ??= error;
        }
      }
      for (const one of there) {
        const ours =
          one.protocol === ROUTE_PROTOCOL || this.#addresses.some((each) => isSameAddress(each, one));
        if (!ours || addresses.some((address) => isSameAddress(one, address))) continue;
        await rtnetlink.removeAddress(one);
        again = true; // others of its network may have gone with it, and one that it stood in the way of can come
      }
      this.#addresses = addresses;
    }
    if (refusal !== undefined) this.#addressesInDoubt = true;
    done.push(...added);
    return refusal;
  }
}

/**
 * The private key, with the bits as the kernel sets them (RFC 7748, section 5): one that it has already changes nothing, and the
 * sessions stay.
 */
function readKey({ privateKeyFile }: Making): SecretKey {
  const bytes = SecretKey.fromBase64(readPrivateKey(privateKeyFile).reveal()).revealBytes();
  bytes.set([(bytes[0] ?? 0) & 248]);
  bytes.set([((bytes[31] ?? 0) & 127) | 64], 31);
  return SecretKey.fromBytes(bytes);
}

function isOurs({ group, kind }: Link): boolean {
  return group === OWN_GROUP && kind === 'wireguard';
}

function markOf({ fwmark, otherMark }: Making): number {
  return fwmark ?? otherMark;
}

/** Without a mark in the configuration that of a full tunnel is right, too: it comes before its rules and goes after them. */
function marksFit(mark: number, making: Making): boolean {
  return mark === markOf(making) || (making.fwmark === undefined && mark === FULL_TUNNEL);
}
