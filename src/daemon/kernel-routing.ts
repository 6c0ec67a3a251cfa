import {
  IPV6_DEFAULT_METRIC,
  NetlinkError,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Route,
  type RouteSpec,
  RT_SCOPE_UNIVERSE,
} from '../netlink/index.js';
import type { Doubt, Remote, RouteConflict, RoutePlace, RouteReport, Routing } from '../selector/world.js';
import type { Kernel, WatchedLink } from './kernel.js';
import { isErrno, type KernelTunnel, scopeIdOf } from './kernel-tunnel.js';

/** Up to so many routes are looked at one by one; more are cheaper read all at once, with everybody's in the table. */
const ONE_BY_ONE = 16;

/** So many addresses of our own are tried as source where a route depends on it. */
const MOST_SOURCES = 8;

/** Every field that tells our routes apart is set. */
type OurRoute = RouteSpec & { readonly table: number; readonly metric: number };

/** Our routes through one interface, and the way to its peers' endpoints. */
export class KernelRouting implements Routing {
  readonly #kernel: Kernel;
  readonly #watched: WatchedLink;
  readonly #tunnel: KernelTunnel;
  /** Our routes in the kernel by their key, as far as we know; `undefined` until they were read. */
  #ours: Map<string, OurRoute> | undefined;
  /** How each of them is asked for, by their key. */
  #questions = new Map<string, () => Promise<Route>>();
  /** Why the kernel refused the others, by their key. */
  #conflicts = new Map<string, string>();
  readonly #onNetworkChange: (() => void)[] = [];
  readonly #onRoutesInDoubt: (() => void)[] = [];

  constructor(kernel: Kernel, watched: WatchedLink, tunnel: KernelTunnel) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#tunnel = tunnel;
    kernel.onRoutes({
      route: (change, route) => this.#routeChanged(change, route),
      address: (interfaceIndex) => {
        if (interfaceIndex === watched.index) this.#inDoubt();
        this.#networkChanged();
      },
      lost: () => this.#inDoubt(),
    });
    kernel.onAnyLink(() => this.#networkChanged());
    watched.onChange(() => {
      this.#ours = undefined; // they went with the interface
    });
  }

  async doubt(remote: Remote): Promise<Doubt | undefined> {
    try {
      const route = await this.#way(remote);
      if (route.interfaceIndex === undefined || route.interfaceIndex !== this.#watched.index)
        return undefined;
      const mark =
        this.#tunnel.fwmark === 0 ? ` (no option fwmark leads WireGuard's own packets around it)` : '';
      return { kind: 'through-tunnel', reason: `the way to it leads through ${this.#watched.name}${mark}` };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = error instanceof NetlinkError ? `there is no route to it (${error.code})` : error.message;
      return { kind: 'no-route', reason: code };
    }
  }

  async apply(destinations: readonly string[], place: RoutePlace): Promise<RouteReport> {
    const interfaceIndex = this.#watched.index;
    if (interfaceIndex === undefined) return { installed: [], added: [], conflicts: [] };
    const wanted = new Map(
      destinations.map((destination) => {
        const route = ourRoute(destination, interfaceIndex, place);
        return [keyOf(route), route];
      }),
    );
    const ours = await this.#inKernel(interfaceIndex);
    for (const [key, route] of ours) {
      if (wanted.has(key)) continue;
      ours.delete(key); // before the request: the event that follows is our own doing
      await this.#remove(route);
    }
    const added: string[] = [];
    const refused = new Map<string, string>();
    for (const [key, route] of wanted) {
      if (ours.has(key)) continue;
      const reason = await this.#add(key, route);
      if (reason !== undefined) refused.set(key, reason);
      else {
        ours.set(key, route);
        added.push(route.destination);
      }
    }
    this.#conflicts = refused;
    const conflicts: RouteConflict[] = [...refused].map(([key, reason]) => {
      return { destination: wanted.get(key)?.destination ?? key, reason };
    });
    return { installed: [...ours.values()].map(({ destination }) => destination), added, conflicts };
  }

  onNetworkChange(listener: () => void): void {
    this.#onNetworkChange.push(listener);
  }

  onRoutesInDoubt(listener: () => void): void {
    this.#onRoutesInDoubt.push(listener);
  }

  /**
   * The way that WireGuard's own packets would take. A route may hold for one source only, as the default route of a router with
   * DHCPv6 does: WireGuard, like every socket, chooses a source first, and so gets through where a question without one does not.
   */
  async #way({ address, zone }: Remote): Promise<Route> {
    const { rtnetlink } = this.#kernel;
    const mark = this.#tunnel.fwmark;
    if (zone !== undefined) {
      return await rtnetlink.lookup(address, { mark, scopeId: await scopeIdOf(this.#kernel, zone) });
    }
    try {
      return await rtnetlink.lookup(address, { mark });
    } catch (error) {
      if (!address.includes(':') || !isErrno(error, 'ENETUNREACH')) throw error;
      const global = (await rtnetlink.addresses({ family: 6 })).filter(
        ({ scope }) => scope === RT_SCOPE_UNIVERSE,
      );
      for (const { address: source } of global.slice(0, MOST_SOURCES)) {
        const found = await rtnetlink.lookup(address, { mark, source }).catch(() => undefined);
        if (found !== undefined) return found;
      }
      throw error;
    }
  }

  /** Our routes as they are. What is remembered counts where the kernel confirms it; else they are read. */
  async #inKernel(interfaceIndex: number): Promise<Map<string, OurRoute>> {
    const remembered = this.#ours;
    this.#ours = undefined; // nothing is known until all of it is
    const confirmed = remembered !== undefined && (await this.#confirms(remembered));
    if (!confirmed) this.#questions.clear();
    const ours = confirmed ? remembered : await this.#read(interfaceIndex);
    this.#ours = ours;
    return ours;
  }

  /**
   * Whether all of them are there. Each is asked for by an address in it, among the routes through this interface alone; a
   * question costs the same however many routes others have. A table that no rule leads to cannot be asked in this way.
   */
  async #confirms(routes: ReadonlyMap<string, OurRoute>): Promise<boolean> {
    if (routes.size > ONE_BY_ONE) return false;
    for (const [key, { destination, interfaceIndex, table }] of routes) {
      if (table !== ROUTE_TABLE_MAIN) return false;
      let ask = this.#questions.get(key);
      if (ask === undefined) {
        const address = destination.slice(0, destination.indexOf('/'));
        ask = this.#kernel.rtnetlink.repeatedLookup(address, { interfaceIndex, fibMatch: true });
        this.#questions.set(key, ask);
      }
      const found = await ask().catch(() => undefined);
      if (found === undefined || found.protocol !== ROUTE_PROTOCOL) return false;
      if (found.interfaceIndex !== interfaceIndex || keyOf(found) !== key) return false;
    }
    return true;
  }

  async #read(interfaceIndex: number): Promise<Map<string, OurRoute>> {
    const routes = await this.#kernel.rtnetlink.routes({ protocol: ROUTE_PROTOCOL, interfaceIndex });
    return new Map(
      routes.map(({ destination, table, metric }) => {
        const route = { destination, interfaceIndex, table, metric };
        return [keyOf(route), route];
      }),
    );
  }

  /** @returns why the kernel refused it, if it did */
  async #add(key: string, route: OurRoute): Promise<string | undefined> {
    try {
      // A link-local destination is meant on its interface: it may stand once for each.
      await this.#kernel.rtnetlink.addRoute(route, { append: /^fe[89ab]/.test(route.destination) });
      return undefined;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (error.code !== 'EEXIST') return error.message;
      return this.#conflicts.get(key) ?? (await this.#owner(route));
    }
  }

  async #remove(route: OurRoute): Promise<void> {
    try {
      await this.#kernel.rtnetlink.removeRoute(route);
    } catch (error) {
      // Gone already, alone or with its interface.
      if (!isErrno(error, 'ESRCH') && !isErrno(error, 'ENODEV')) throw error;
    }
  }

  /** Who has the route that stands in our way, for the person who reads the log; undefined when it is ours after all. */
  async #owner(route: OurRoute): Promise<string | undefined> {
    const family = route.destination.includes(':') ? 6 : 4;
    const routes = await this.#kernel.rtnetlink.routes({ family, table: route.table });
    const other = routes.find((candidate) => keyOf(candidate) === keyOf(route));
    if (other === undefined) return 'there is one already (EEXIST)';
    if (other.protocol === ROUTE_PROTOCOL && other.interfaceIndex === route.interfaceIndex) return undefined;
    const device =
      other.interfaceIndex === undefined
        ? undefined
        : await this.#kernel.rtnetlink.link(other.interfaceIndex);
    const by = other.gateway === undefined ? '' : ` via ${other.gateway}`;
    const through = `there is one already${by} through ${device?.name ?? 'no interface'}`;
    return other.protocol === ROUTE_PROTOCOL
      ? `${through}, which is served too: expected allowed IPs or an option metric of its own for each interface`
      : `${through}, not ours (protocol ${other.protocol}), left alone`;
  }

  #routeChanged(change: 'new' | 'gone', route: Route): void {
    const key = keyOf(route);
    const own = route.protocol === ROUTE_PROTOCOL && route.interfaceIndex === this.#watched.index;
    if (change === 'new') {
      // In the place of one of ours: the kernel says nothing of the one that was replaced.
      if (!own && this.#ours?.has(key)) this.#inDoubt();
      if (!own) this.#networkChanged();
    } else if (own ? (this.#ours?.has(key) ?? true) : this.#conflicts.delete(key)) {
      // Perhaps the late news of a route that we have removed ourselves, and put there again since: to be read, not believed.
      if (own) this.#ours = undefined;
      this.#inDoubt();
    }
  }

  #inDoubt(): void {
    for (const listener of this.#onRoutesInDoubt) listener();
  }

  #networkChanged(): void {
    for (const listener of this.#onNetworkChange) listener();
  }
}

function ourRoute(destination: string, interfaceIndex: number, place: RoutePlace): OurRoute {
  const { table = ROUTE_TABLE_MAIN, metric = destination.includes(':') ? IPV6_DEFAULT_METRIC : 0 } = place;
  return { destination, interfaceIndex, table, metric };
}

function keyOf({ destination, table, metric }: Pick<OurRoute, 'destination' | 'table' | 'metric'>): string {
  return `${destination} table ${table} metric ${metric}`;
}
