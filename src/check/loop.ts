import ipaddr from 'ipaddr.js';
import { IPV6_DEFAULT_METRIC, type Route } from '../netlink/index.js';

/** The kernel's metric for a route without one. */
const DEFAULT_METRIC = { 4: 0, 6: IPV6_DEFAULT_METRIC };

/**
 * The first of a peer's allowed IPs whose route would win the way to the peer's own endpoint: WireGuard's packets would go
 * into the tunnel that they carry, and nothing arrives any more.
 *
 * The kernel takes the longest prefix, and among equal ones the lowest metric; so allowed IPs that hold the endpoint do no
 * harm while a more specific route, say that of the uplink's own network, leads to it.
 *
 * @param address of the endpoint, without zone
 * @param allowedIps canonical, `address/length`
 * @param metric of the routes for the allowed IPs; undefined for the kernel's default
 * @param routes of the main table without those through the tunnel
 */
export function findLoop(
  address: string,
  allowedIps: readonly string[],
  metric: number | undefined,
  routes: readonly Pick<Route, 'destination' | 'metric' | 'family'>[],
): string | undefined {
  const family = address.includes(':') ? 6 : 4;
  const ours = metric || DEFAULT_METRIC[family];
  const best = routes
    .filter((route) => route.family === family && holds(route.destination, address))
    .map((route) => ({ length: lengthOf(route.destination), metric: route.metric }))
    .sort((a, b) => b.length - a.length || a.metric - b.metric)[0];
  return allowedIps.find((prefix) => {
    if (!holds(prefix, address)) return false;
    if (best === undefined || lengthOf(prefix) > best.length) return true;
    return lengthOf(prefix) === best.length && ours < best.metric;
  });
}

/**
 * The first of a peer's allowed IPs that is a default route, and stands behind another's in the main table: no packet ever takes it.
 *
 * @param allowedIps canonical, `address/length`
 * @param metric of the routes for the allowed IPs; undefined for the kernel's default
 * @param routes of the main table without those through the tunnel
 */
export function findShadowed(
  allowedIps: readonly string[],
  metric: number | undefined,
  routes: readonly Pick<Route, 'destination' | 'metric' | 'family'>[],
): string | undefined {
  return allowedIps.find((prefix) => {
    const ours = metric || DEFAULT_METRIC[prefix.includes(':') ? 6 : 4];
    return (
      lengthOf(prefix) === 0 && routes.some((route) => route.destination === prefix && route.metric <= ours)
    );
  });
}

function lengthOf(prefix: string): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

function holds(prefix: string, address: string): boolean {
  const [network, length] = ipaddr.parseCIDR(prefix);
  const host = ipaddr.parse(address);
  return network.kind() === host.kind() && host.match(network, length);
}
