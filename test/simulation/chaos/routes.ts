/** The routing tables of a simulated machine, as far as rtnetlink shows them. */

import ipaddr from 'ipaddr.js';
import {
  IPV6_DEFAULT_METRIC,
  type LookupOptions,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Route,
  type RouteFilter,
  type RouteSpec,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
} from '../../../src/netlink/index.js';

/** Tells of a change, as the kernel does over RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE. */
export type TellRoute = (change: 'new' | 'gone', route: Route, replaced: boolean) => void;

/** What the kernel says when it does not do something. */
export type Refusal = string;

export class RoutingTables {
  #routes: Route[] = [];
  readonly #tell: TellRoute;

  constructor(tell: TellRoute) {
    this.#tell = tell;
  }

  list(filter: RouteFilter = {}): Route[] {
    const { protocol, interfaceIndex, table, family } = filter;
    return this.#routes.filter(
      (route) =>
        (protocol ?? route.protocol) === route.protocol &&
        (interfaceIndex ?? route.interfaceIndex) === route.interfaceIndex &&
        (table ?? route.table) === route.table &&
        (family ?? route.family) === route.family,
    );
  }

  /** @returns why not, if it was not added */
  add(spec: RouteSpec, append: boolean): Refusal | undefined {
    const route = routeOf(spec);
    const there = this.#routes.filter((other) => sameKey(other, route));
    const same = there.some(
      ({ interfaceIndex, protocol }) =>
        interfaceIndex === route.interfaceIndex && (route.family === 6 || protocol === route.protocol),
    );
    if (append ? same : there.length > 0) return 'EEXIST';
    this.#routes.push(route);
    this.#tell('new', route, false);
    return undefined;
  }

  /** `ip route replace`: the kernel says nothing of the one that was there. */
  replace(spec: RouteSpec): void {
    const route = routeOf(spec);
    const at = this.#routes.findIndex((other) => sameKey(other, route));
    if (at < 0) this.#routes.push(route);
    else this.#routes[at] = route;
    this.#tell('new', route, at >= 0);
  }

  /** @returns the one that would be removed, by the rules of RTM_DELROUTE */
  find(spec: RouteSpec): Route | undefined {
    const { destination, family, table, metric, protocol, type, interfaceIndex } = routeOf(spec);
    return this.#routes.find(
      (route) =>
        route.destination === destination &&
        route.table === table &&
        (route.metric === metric || (family === 4 && metric === 0)) &&
        route.protocol === protocol &&
        route.type === type &&
        (interfaceIndex ?? route.interfaceIndex) === route.interfaceIndex,
    );
  }

  /** @param silently whether the kernel says nothing of it, as with IPv4 routes that go with their interface or its last address */
  remove(gone: (route: Route) => boolean, silently: (route: Route) => boolean = () => false): void {
    const removed = this.#routes.filter(gone);
    this.#routes = this.#routes.filter((route) => !removed.includes(route));
    for (const route of removed) if (!silently(route)) this.#tell('gone', route, false);
  }

  /** The route that a packet to the address takes in the main table. */
  lookup(address: string, { interfaceIndex }: LookupOptions): Route | undefined {
    const wanted = ipaddr.parse(address);
    let best: { route: Route; length: number } | undefined;
    for (const route of this.#routes) {
      if (
        route.table !== ROUTE_TABLE_MAIN ||
        (interfaceIndex ?? route.interfaceIndex) !== route.interfaceIndex
      )
        continue;
      const length = matchLength(wanted, route.destination);
      if (length === undefined) continue;
      const better =
        best === undefined ||
        length > best.length ||
        (length === best.length && route.metric < best.route.metric);
      if (better) best = { route, length };
    }
    return best?.route;
  }
}

/** The length of the prefix if the address is in it. */
export function matchLength(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: string): number | undefined {
  if (prefix.includes(':') !== (address.kind() === 'ipv6')) return undefined;
  const [network, length] = ipaddr.parseCIDR(prefix);
  return address.match(network, length) ? length : undefined;
}

function sameKey(one: Route, other: Route): boolean {
  return one.destination === other.destination && one.table === other.table && one.metric === other.metric;
}

function routeOf(spec: RouteSpec): Route {
  const family = spec.destination.includes(':') ? 6 : 4;
  const { type = RTN_UNICAST, table = ROUTE_TABLE_MAIN, protocol = ROUTE_PROTOCOL } = spec;
  return {
    family,
    destination: spec.destination,
    source: undefined,
    interfaceIndex: spec.interfaceIndex,
    gateway: spec.gateway,
    metric: spec.metric || (family === 6 ? IPV6_DEFAULT_METRIC : 0),
    table,
    protocol,
    type,
    scope: spec.gateway === undefined && type === RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
  };
}
