import {
  NetlinkError,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Route,
  RT_SCOPE_UNIVERSE,
} from '../netlink/index.js';
import type {
  Doubt,
  Family,
  Remote,
  RouteConflict,
  RoutePlace,
  RouteReport,
  Routing,
} from '../selector/world.js';
import { Blockade } from './blockade.js';
import { FullTunnel } from './full-tunnel.js';
import type { KernelAccess, WatchedLink } from './kernel.js';
import { isErrno, type KernelTunnel, scopeIdOf } from './kernel-tunnel.js';
import { type Confirmed, keyOf, type OurRoute, OwnRoutes, ourRoute, stillConfirmed } from './own-routes.js';
import type { Lead } from './rules-of-ours.js';

/** So many addresses of our own are tried as source where a route depends on it. */
const MOST_SOURCES = 8;

/** A call of `apply` that found everything as it should be. */
interface Settled {
  readonly destinations: readonly string[];
  readonly place: RoutePlace;
  readonly ours: ReadonlyMap<string, OurRoute>;
  readonly confirmed: readonly Confirmed[];
  readonly report: RouteReport;
}

/** Our routes through one interface, and the way to its peers' endpoints. */
export class KernelRouting implements Routing {
  readonly #kernel: KernelAccess;
  readonly #watched: WatchedLink;
  readonly #tunnel: KernelTunnel;
  readonly #blockade: Blockade;
  readonly #fullTunnel: FullTunnel;
  /** Our routes in the kernel by their key, as far as we know; `undefined` until they were read. */
  #ours: Map<string, OurRoute> | undefined;
  readonly #own: OwnRoutes;
  /** Looks mostly find what the one before has found: then nothing else has to be compared. */
  #settled: Settled | undefined;
  /** Who stands in the way of the others, by their key. */
  #conflicts = new Map<string, string>();
  readonly #onNetworkChange: (() => void)[] = [];
  readonly #onRoutesInDoubt: (() => void)[] = [];

  constructor(kernel: KernelAccess, watched: WatchedLink, tunnel: KernelTunnel) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#tunnel = tunnel;
    this.#blockade = new Blockade(kernel, watched.name);
    this.#fullTunnel = new FullTunnel(kernel, watched.name, tunnel, () => {
      this.#inDoubt();
      this.#networkChanged(); // or a pause would go on without it
    });
    this.#own = new OwnRoutes(kernel);
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
        this.#tunnel.fwmark === 0
          ? ` (no option full_tunnel or fwmark leads WireGuard's own packets around it)`
          : '';
      return { kind: 'through-tunnel', reason: `the way to it leads through ${this.#watched.name}${mark}` };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = error instanceof NetlinkError ? `there is no route to it (${error.code})` : error.message;
      return { kind: 'no-route', reason: code };
    }
  }

  stand(destinations: readonly string[], place: RoutePlace): boolean {
    const settled = this.#settled;
    return (
      settled !== undefined &&
      settled.ours === this.#ours &&
      settled.destinations === destinations &&
      settled.place === place &&
      stillConfirmed(settled.confirmed)
    );
  }

  async apply(destinations: readonly string[], place: RoutePlace): Promise<RouteReport> {
    if (this.#settled !== undefined && this.stand(destinations, place)) return this.#settled.report;
    this.#settled = undefined;
    const interfaceIndex = this.#watched.index;
    if (interfaceIndex === undefined) return { installed: [], added: [], conflicts: [] };
    const { ours, confirmed } = await this.#inKernel(interfaceIndex);
    const wanted = new Map(
      destinations.map((destination) => {
        const route = ourRoute(destination, interfaceIndex, place);
        return [keyOf(route), route];
      }),
    );
    let changed = false;
    for (const [key, route] of ours) {
      if (wanted.has(key)) continue;
      changed = true;
      ours.delete(key); // before the request: the event that follows is our own doing
      await this.#remove(route);
    }
    const added: string[] = [];
    const refused = new Map<string, string>();
    const conflictsBefore = this.#conflicts;
    this.#conflicts = new Map();
    for (const [key, route] of wanted) {
      if (ours.has(key)) continue;
      const useless = this.#fullTunnel.refusal(route.destination);
      if (useless !== undefined) {
        refused.set(key, useless);
        continue;
      }
      changed = true;
      const reason = await this.#add(key, route, conflictsBefore);
      if (reason !== undefined) refused.set(key, reason);
      else {
        ours.set(key, route);
        added.push(route.destination);
      }
    }
    const conflicts: RouteConflict[] = [...refused].map(([key, reason]) => {
      return { destination: wanted.get(key)?.destination ?? key, reason };
    });
    const installed = [...ours.values()].map(({ destination }) => destination);
    const report = { installed, added, conflicts };
    if (confirmed !== undefined && !changed) this.#settled = { destinations, place, ours, confirmed, report };
    return report;
  }

  async block(destinations: readonly string[], { table }: RoutePlace): Promise<void> {
    await this.#blockade.keep(destinations, table ?? ROUTE_TABLE_MAIN);
  }

  /** What is led into our table at the moment; undefined where nothing is. */
  get led(): Lead | undefined {
    return this.#fullTunnel.led;
  }

  async lead(families: readonly Family[], { table = ROUTE_TABLE_MAIN }: RoutePlace): Promise<void> {
    await this.#fullTunnel.keep(families, table);
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
  async #inKernel(
    interfaceIndex: number,
  ): Promise<{ ours: Map<string, OurRoute>; confirmed: readonly Confirmed[] | undefined }> {
    const remembered = this.#ours;
    this.#ours = undefined; // nothing is known until all of it is
    const confirmed = remembered && (await this.#own.confirm(remembered, this.#fullTunnel.led?.table));
    const ours = remembered && confirmed ? remembered : await this.#own.read(interfaceIndex);
    this.#ours = ours;
    return { ours, confirmed };
  }

  /** @returns why the kernel refused it, if it did */
  async #add(
    key: string,
    route: OurRoute,
    conflictsBefore: ReadonlyMap<string, string>,
  ): Promise<string | undefined> {
    try {
      // A link-local destination is meant on its interface: it may stand once for each.
      await this.#kernel.rtnetlink.addRoute(route, { append: /^fe[89ab]/.test(route.destination) });
      return undefined;
    } catch (error) {
      if (mayBeDone(error)) this.#ours = undefined;
      if (!(error instanceof NetlinkError)) throw error;
      if (error.code !== 'EEXIST') return error.message;
      const conflict = conflictsBefore.get(key) ?? (await this.#owner(route));
      if (conflict !== undefined) this.#conflicts.set(key, conflict);
      return conflict;
    }
  }

  async #remove(route: OurRoute): Promise<void> {
    try {
      await this.#kernel.rtnetlink.removeRoute(route);
    } catch (error) {
      this.#ours = undefined; // it may be there still, or what we remember is wrong
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
      ? `${through}, which is served too, by another configuration: expected one file for both, or an option metric of its own for each`
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

/** Whether the kernel may have done what it was asked for although it gave this answer: the answer itself may be lost. */
function mayBeDone(error: unknown): boolean {
  return !(error instanceof NetlinkError) || error.code === 'ENOBUFS';
}
