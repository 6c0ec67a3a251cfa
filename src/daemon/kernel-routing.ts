import { NetlinkError, ROUTE_PROTOCOL, type Route, type RouteSpec } from '../netlink/index.js';
import type { Remote, RouteConflict, RouteReport, Routing } from '../selector/world.js';
import type { Kernel, WatchedLink } from './kernel.js';
import { isErrno, type KernelTunnel, scopeOf } from './kernel-tunnel.js';

/** Where our routes go: the settings of the interface. */
export interface RoutePlace {
  /** Table number; the main table when not set. */
  readonly table: number | undefined;
  /** Metric; the kernel's default (0 for IPv4, 1024 for IPv6) when not set. */
  readonly metric: number | undefined;
}

/** `linux/rtnetlink.h`, RT_TABLE_MAIN. */
const RT_TABLE_MAIN = 254;
/** `linux/ipv6_route.h`, IP6_RT_PRIO_USER: the metric that the kernel gives an IPv6 route without one. */
const IP6_RT_PRIO_USER = 1024;

/** Our routes through one interface, and the way to its peers' endpoints. */
export class KernelRouting implements Routing {
  readonly #kernel: Kernel;
  readonly #watched: WatchedLink;
  readonly #tunnel: KernelTunnel;
  readonly #place: () => RoutePlace;
  /** Our routes in the kernel by their key; `undefined` until they were read. */
  #ours: Map<string, RouteSpec> | undefined;
  readonly #onWayOut: (() => void)[] = [];
  readonly #onLoss: (() => void)[] = [];

  /** @param place is asked at each `apply`, for it may change with the configuration */
  constructor(kernel: Kernel, watched: WatchedLink, tunnel: KernelTunnel, place: () => RoutePlace) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#tunnel = tunnel;
    this.#place = place;
    kernel.onRoutes({
      changed: (change, route) => this.#changed(change, route),
      lost: () => {
        this.forget();
        for (const listener of this.#onLoss) listener();
      },
    });
    kernel.onAnyLink(() => this.#wayOut());
  }

  async unreachable(remote: Remote): Promise<string | undefined> {
    try {
      const scopeId = remote.zone === undefined ? undefined : await scopeOf(this.#kernel, remote.zone);
      const options = { mark: this.#tunnel.fwmark, ...(scopeId === undefined ? {} : { scopeId }) };
      const route = await this.#kernel.rtnetlink.lookup(remote.address, options);
      if (route.interfaceIndex !== undefined && route.interfaceIndex === this.#watched.index) {
        return `its own route leads through ${this.#watched.name}`;
      }
      return undefined;
    } catch (error) {
      if (isErrno(error, 'ENETUNREACH') || isErrno(error, 'EHOSTUNREACH')) {
        return 'passed over, no route to it';
      }
      if (error instanceof Error) return error.message;
      throw error;
    }
  }

  async apply(destinations: readonly string[]): Promise<RouteReport> {
    const interfaceIndex = this.#watched.index;
    if (interfaceIndex === undefined) {
      this.#ours = undefined; // they went with the interface
      return { installed: [], added: [], conflicts: [] };
    }
    const wanted = new Map<string, RouteSpec>();
    for (const destination of destinations) {
      const spec = this.#spec(destination, interfaceIndex);
      wanted.set(keyOf(spec), spec);
    }
    const ours = this.#ours ?? (await this.#read(interfaceIndex));
    this.#ours = ours;
    for (const [key, spec] of ours) {
      if (wanted.has(key)) continue;
      ours.delete(key); // before the request: the event that follows is our own doing
      await this.#remove(spec);
    }
    const added: string[] = [];
    const conflicts: RouteConflict[] = [];
    for (const [key, spec] of wanted) {
      if (ours.has(key)) continue;
      try {
        await this.#kernel.rtnetlink.addRoute(spec);
        ours.set(key, spec);
        added.push(spec.destination);
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        const reason = error.code === 'EEXIST' ? await this.#owner(spec) : error.message;
        conflicts.push({ destination: spec.destination, reason });
      }
    }
    return { installed: [...ours.values()].map(({ destination }) => destination), added, conflicts };
  }

  forget(): void {
    this.#ours = undefined;
  }

  onWayOut(listener: () => void): void {
    this.#onWayOut.push(listener);
  }

  onLoss(listener: () => void): void {
    this.#onLoss.push(listener);
  }

  #spec(destination: string, interfaceIndex: number): RouteSpec {
    const { table = RT_TABLE_MAIN, metric = destination.includes(':') ? IP6_RT_PRIO_USER : 0 } =
      this.#place();
    return { destination, interfaceIndex, table, metric };
  }

  async #read(interfaceIndex: number): Promise<Map<string, RouteSpec>> {
    const routes = await this.#kernel.rtnetlink.routes({ protocol: ROUTE_PROTOCOL, interfaceIndex });
    return new Map(
      routes.map(({ destination, table, metric }) => {
        const spec = { destination, interfaceIndex, table, metric };
        return [keyOf(spec), spec];
      }),
    );
  }

  async #remove(spec: RouteSpec): Promise<void> {
    try {
      await this.#kernel.rtnetlink.removeRoute(spec);
    } catch (error) {
      // Gone already, alone or with its interface.
      if (!isErrno(error, 'ESRCH') && !isErrno(error, 'ENODEV')) throw error;
    }
  }

  /** Who has the route that stands in our way, for the person who reads the log. */
  async #owner(spec: RouteSpec): Promise<string> {
    const family = spec.destination.includes(':') ? 6 : 4;
    const routes = await this.#kernel.rtnetlink.routes({ family, table: spec.table ?? RT_TABLE_MAIN });
    const other = routes.find((route) => keyOf(route) === keyOf(spec));
    if (other === undefined) return 'there is one already (EEXIST)';
    const device =
      other.interfaceIndex === undefined
        ? undefined
        : await this.#kernel.rtnetlink.link(other.interfaceIndex);
    const by = other.gateway === undefined ? '' : ` via ${other.gateway}`;
    return `there is one already${by} through ${device?.name ?? 'no interface'}, not ours (protocol ${other.protocol}), left alone`;
  }

  #changed(change: 'new' | 'gone', route: Route): void {
    if (change === 'new') {
      if (route.interfaceIndex !== this.#watched.index) this.#wayOut();
    } else if (route.protocol === ROUTE_PROTOCOL && route.interfaceIndex === this.#watched.index) {
      if (this.#ours?.delete(keyOf(route))) for (const listener of this.#onLoss) listener();
    }
  }

  #wayOut(): void {
    for (const listener of this.#onWayOut) listener();
  }
}

function keyOf({ destination, table, metric }: Pick<RouteSpec, 'destination' | 'table' | 'metric'>): string {
  return `${destination} table ${table} metric ${metric}`;
}
