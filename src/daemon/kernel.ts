import { clearTimeout, setTimeout } from '#platform/timers.js';
import {
  type Link,
  type MonitorHandlers,
  type Route,
  Rtnetlink,
  RtnetlinkMonitor,
  type Rule,
  WireGuard,
} from '../netlink/index.js';
import type { LinkState } from '../selector/world.js';

/** A link that somebody wants to know of. It may not exist. */
export class WatchedLink {
  readonly name: string;
  #link: Link | undefined;
  #changes = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** What the kernel said of it last; `undefined` while it is absent. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The interface's index; `undefined` while it is absent. */
  get index(): number | undefined {
    return this.#link?.index;
  }

  get state(): LinkState {
    if (this.#link === undefined) return 'absent';
    return this.#link.up ? 'up' : 'down';
  }

  /** Counts what was heard of the interface: a reply that was asked for before the latest of it may be older. */
  get changes(): number {
    return this.#changes;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes what the kernel says of the interface now. Another of the same name shows as absent once in between. */
  set(link: Link | undefined): void {
    this.#changes++;
    if (this.#link !== undefined && link !== undefined && this.#link.index !== link.index)
      this.set(undefined);
    const before = this.state;
    this.#link = link;
    if (this.state !== before) for (const listener of this.#listeners) listener();
  }
}

/** What happens to routes, addresses and rules, as {@link Kernel.onRoutes} tells it. */
export interface RouteListener {
  /** A route of anybody's has appeared, has changed, or is gone. */
  route(change: 'new' | 'gone', route: Route): void;
  /** An address of an interface has appeared, has changed, or is gone: routes may have gone with it, unsaid. */
  address(interfaceIndex: number): void;
  /** A rule of anybody's has appeared, or is gone. */
  rule?(change: 'new' | 'gone', rule: Rule): void;
  /** Events were lost: what is known of routes and rules is worth nothing. */
  lost(): void;
}

/** The kernel, as far as an interface's service has to do with it. */
export interface KernelAccess {
  readonly wireguard: WireGuard;
  readonly rtnetlink: Rtnetlink;
  /** Follows the interface of this name from now on, whether it exists or not. */
  watch(name: string): Promise<WatchedLink>;
  /** Asks for the link as it is. */
  read(watched: WatchedLink): Promise<void>;
  onRoutes(listener: RouteListener): void;
  /** Calls the listener when any link, watched or not, changes. */
  onAnyLink(listener: () => void): void;
}

/** Takes back what was asked for. */
type Undo = () => void;

/** The kernel for one who may leave before the others: nothing is told any more to whom {@link release} was called for. */
export class KernelScope implements KernelAccess {
  readonly wireguard: WireGuard;
  readonly rtnetlink: Rtnetlink;
  readonly #kernel: Kernel;
  readonly #undo: Undo[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.wireguard = kernel.wireguard;
    this.rtnetlink = kernel.rtnetlink;
  }

  async watch(name: string): Promise<WatchedLink> {
    const watched = await this.#kernel.watch(name);
    this.#undo.push(() => this.#kernel.forget(watched));
    return watched;
  }

  async read(watched: WatchedLink): Promise<void> {
    await this.#kernel.read(watched);
  }

  onRoutes(listener: RouteListener): void {
    this.#undo.push(this.#kernel.onRoutes(listener));
  }

  onAnyLink(listener: () => void): void {
    this.#undo.push(this.#kernel.onAnyLink(listener));
  }

  release(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/** How the kernel is reached; the simulation has one of its own. */
export interface Netlink {
  wireguard(): Promise<WireGuard>;
  rtnetlink(): Rtnetlink;
  monitor(handlers: MonitorHandlers): RtnetlinkMonitor;
  /** Calls back once after so many milliseconds; the returned function cancels. */
  after(milliseconds: number, callback: () => void): () => void;
}

const NETLINK: Netlink = {
  wireguard: () => WireGuard.open(),
  rtnetlink: () => Rtnetlink.open(),
  monitor: (handlers) => RtnetlinkMonitor.open(handlers),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** How often a link is asked for again, because it changed while it was asked for. */
const LINK_TRIES = 10;

/** Links that could not be read after events were lost are read again after so long, the first time and at the longest: milliseconds. */
const READ_AGAIN = { first: 1_000, longest: 60_000 };

/** The kernel as one process sees it: three netlink sockets, shared by all interfaces that it serves. */
export class Kernel implements KernelAccess {
  readonly wireguard: WireGuard;
  readonly rtnetlink: Rtnetlink;
  readonly #monitor: RtnetlinkMonitor;
  readonly #watched = new Set<WatchedLink>();
  /** For each question about a link that is under way, the indices of the links that events tell of meanwhile. */
  readonly #overtaken = new Set<Set<number>>();
  readonly #routeListeners = new Set<RouteListener>();
  readonly #linkListeners = new Set<() => void>();
  readonly #after: Netlink['after'];
  readonly #onError: (error: unknown) => void;
  #cancelReading: (() => void) | undefined;
  #closed = false;

  private constructor(wireguard: WireGuard, netlink: Netlink, onError: (error: unknown) => void) {
    this.wireguard = wireguard;
    this.#after = netlink.after;
    this.#onError = onError;
    this.rtnetlink = netlink.rtnetlink();
    this.#monitor = netlink.monitor({
      link: (change, link) => this.#linkChanged(change, link),
      route: (change, route) => {
        for (const listener of this.#routeListeners) listener.route(change, route);
      },
      address: (_change, { interfaceIndex }) => {
        for (const listener of this.#routeListeners) listener.address(interfaceIndex);
      },
      rule: (change, rule) => {
        for (const listener of this.#routeListeners) listener.rule?.(change, rule);
      },
      lost: () => this.#lost(),
    });
  }

  /**
   * @param onError is told when the state cannot be read anew after events were lost
   * @param netlink how the kernel is reached
   * @throws {NetlinkError} ENOENT when this kernel has no WireGuard
   */
  static async open(onError: (error: unknown) => void, netlink = NETLINK): Promise<Kernel> {
    const wireguard = await netlink.wireguard();
    try {
      return new Kernel(wireguard, netlink, onError);
    } catch (error) {
      wireguard.close();
      throw error;
    }
  }

  /** Follows the interface of this name from now on, whether it exists or not, until it is to {@link forget} it. */
  async watch(name: string): Promise<WatchedLink> {
    const watched = new WatchedLink(name);
    this.#watched.add(watched); // before reading: an event that comes meanwhile is not missed
    try {
      await this.read(watched);
    } catch (error) {
      this.forget(watched);
      throw error;
    }
    return watched;
  }

  forget(watched: WatchedLink): void {
    this.#watched.delete(watched);
  }

  /** Asks for the link as it is. Events come by another socket: a reply that one has overtaken is asked for again. */
  async read(watched: WatchedLink): Promise<void> {
    for (let tries = 1; tries <= LINK_TRIES; tries++) {
      const { changes } = watched;
      const told = new Set<number>();
      this.#overtaken.add(told);
      const link = await this.rtnetlink.link(watched.name).finally(() => this.#overtaken.delete(told));
      // One that was not known before may be gone, or have another name, before the reply tells of it.
      const overtaken = link !== undefined && told.has(link.index);
      if (watched.changes === changes && !overtaken) return watched.set(link);
    }
  }

  onRoutes(listener: RouteListener): Undo {
    this.#routeListeners.add(listener);
    return () => this.#routeListeners.delete(listener);
  }

  /** Calls the listener when any link, watched or not, changes. */
  onAnyLink(listener: () => void): Undo {
    this.#linkListeners.add(listener);
    return () => this.#linkListeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#cancelReading?.();
    this.#monitor.close();
    this.rtnetlink.close();
    this.wireguard.close();
  }

  #linkChanged(change: 'new' | 'gone', link: Link): void {
    for (const told of this.#overtaken) told.add(link.index);
    for (const watched of this.#watched) {
      if (change === 'new' && link.name === watched.name) watched.set(link);
      // The same index under another name: it was renamed.
      else if (link.index === watched.index) watched.set(undefined);
    }
    for (const listener of this.#linkListeners) listener();
  }

  #lost(): void {
    for (const listener of this.#routeListeners) listener.lost();
    void this.#readLinks(READ_AGAIN.first);
  }

  /** Nobody else would ever look at them. @param pause milliseconds until the next try, if this one fails */
  async #readLinks(pause: number): Promise<void> {
    this.#cancelReading?.();
    this.#cancelReading = undefined;
    try {
      for (const watched of this.#watched) await this.read(watched);
    } catch (error) {
      if (this.#closed) return;
      this.#onError(error);
      const next = Math.min(2 * pause, READ_AGAIN.longest);
      this.#cancelReading = this.#after(pause, () => void this.#readLinks(next));
      return;
    }
    for (const listener of this.#linkListeners) listener();
  }
}
