import type { Config } from '../config/index.js';
import { ROUTE_TABLE_MAIN } from '../netlink/index.js';
import { metricOf } from './own-routes.js';

/**
 * The destinations of an interface to which others of the configuration lead, too, with the metric of each. Who comes first in the
 * file has the metric that it wants, and everybody behind it the next one that nobody has: so all of them stand in the kernel, and the first
 * that is connected carries. Each process that reads the file comes to the same, without asking another.
 */
export function sharedMetrics(config: Config, ifname: string): ReadonlyMap<string, number> {
  const table = tableOf(config, ifname);
  const ours = new Map<string, number>();
  const taken = new Map<string, Set<number>>();
  for (const name of config.interfaceNames) {
    if (tableOf(config, name) !== table) continue;
    const { routeMetric } = config.interface(name);
    for (const destination of new Set(config.peers(name).flatMap(({ allowedIps }) => allowedIps))) {
      const others = taken.get(destination) ?? new Set();
      let metric = metricOf(destination, routeMetric);
      while (others.has(metric)) metric++;
      taken.set(destination, others.add(metric));
      if (name === ifname) ours.set(destination, metric);
    }
  }
  return new Map([...ours].filter(([destination]) => (taken.get(destination)?.size ?? 0) > 1));
}

function tableOf(config: Config, ifname: string): number {
  return config.interface(ifname).routeTable ?? ROUTE_TABLE_MAIN;
}
