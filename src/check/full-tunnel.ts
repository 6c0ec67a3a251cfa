import { listDirectory } from '#platform/files.js';
import { readIfAny } from '#platform/read-if-any.js';
import { decodeUtf8 } from '#platform/text.js';
import { type Config, FULL_TUNNEL } from '../config/index.js';

/** What is told of an interface with option full_tunnel. */
export interface Concern {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

const CONF = '/proc/sys/net/ipv4/conf';

/** net.ipv4.conf.*.rp_filter of this network namespace, by the name of the interface, `all` among them. */
export function readReversePathFilters(): ReadonlyMap<string, number> {
  const filters = new Map<string, number>();
  try {
    for (const name of listDirectory(CONF)) {
      const text = readIfAny(`${CONF}/${name}/rp_filter`);
      if (text !== undefined) filters.set(name, Number(decodeUtf8(text)));
    }
  } catch {
    // no procfs: nothing is known
  }
  return filters;
}

/** What will keep a full tunnel from working. @param filters see {@link readReversePathFilters} */
export function checkFullTunnel(
  config: Config,
  name: string,
  filters: ReadonlyMap<string, number>,
): Concern[] {
  const concerns: Concern[] = [];
  const peers = config.peers(name);
  const strict = strictInterfaces(filters, name);
  if (
    strict.length > 0 &&
    peers.some(({ allowedIps }) => allowedIps.some((prefix) => !prefix.includes(':')))
  ) {
    const which = strict.length > 3 ? `${strict.slice(0, 3).join(', ')} and others` : strict.join(', ');
    const message = `the kernel drops what gateways answer on ${which}, where rp_filter is 1, since the way back leads into ${name}: expected net.ipv4.conf.all.rp_filter 2`;
    concerns.push({ severity: 'warning', message });
  }
  const endpoints = peers.flatMap((peer) => peer.endpoints);
  if (config.interface(name).blockWhenLost && endpoints.every(({ kind }) => kind === 'name')) {
    const message =
      'all endpoints are names, and while there is no connection block_when_lost refuses the questions of a resolver that asks outside of the local networks: expected an endpoint with an address, or a DNS server in a local network';
    concerns.push({ severity: 'warning', message });
  }
  return concerns;
}

/**
 * What keeps an interface's full tunnel from working beside that of another.
 * @param marks of WireGuard's own packets for each interface with the option, 0 for none yet, in the order of the configuration
 */
export function checkBeside(config: Config, name: string, marks: ReadonlyMap<string, number>): Concern[] {
  const markOf = (ifname: string): number => marks.get(ifname) || FULL_TUNNEL;
  const tableOf = (ifname: string): number | undefined => config.interface(ifname).routeTable;
  const others = [...marks.keys()].filter((other) => other !== name);
  const marked = others.find((other) => markOf(other) !== markOf(name));
  if (marked !== undefined) {
    const message = `${name} has the mark ${markOf(name)} and ${marked} the mark ${markOf(marked)}, so each full tunnel takes WireGuard's own packets of the other: expected the same option fwmark for both in /etc/config/network, or none`;
    return [{ severity: 'error', message }];
  }
  const elsewhere = others.find((other) => tableOf(other) !== tableOf(name));
  if (elsewhere === undefined) return [];
  const message = `the full tunnels ${name} and ${elsewhere} have tables of their own, so which of them carries is not for the configuration to say: expected the same option table for both, or none`;
  return [{ severity: 'warning', message }];
}

/** Where the kernel looks whether the way back is the same: the greater of the interface's own value and that of all. */
function strictInterfaces(filters: ReadonlyMap<string, number>, name: string): string[] {
  const all = filters.get('all') ?? 0;
  return [...filters]
    .filter(
      ([ifname, filter]) => !['all', 'default', 'lo', name].includes(ifname) && Math.max(all, filter) === 1,
    )
    .map(([ifname]) => ifname)
    .sort();
}
