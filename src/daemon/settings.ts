import type { InterfaceConfig } from '../config/index.js';
import type { Settings } from '../selector/world.js';

/**
 * The settings as the selector takes them: milliseconds.
 * @param shared metrics of the destinations that other interfaces have, too
 */
export function settingsOf(config: InterfaceConfig, shared?: ReadonlyMap<string, number>): Settings {
  return {
    connectTimeout: config.connectTimeout * 1000,
    checkInterval: config.checkInterval * 1000,
    deadPeerTimeout: config.deadPeerTimeout * 1000,
    probeTimeout: config.probeTimeout * 1000,
    probeInterval: config.probeInterval * 1000,
    strategy: config.strategy,
    failbackInterval: config.failbackInterval * 1000,
    maxAge: config.maxAge * 1000,
    blockWhenLost: config.blockWhenLost,
    fullTunnel: config.fullTunnel,
    checkAddress: config.checkAddress,
    waitForClock: config.ntp,
    routes: {
      table: config.routeTable,
      metric: config.routeMetric,
      ...(shared === undefined ? {} : { shared }),
    },
  };
}
