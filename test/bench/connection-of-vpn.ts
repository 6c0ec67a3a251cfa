/** The selector's connection of `vpn` with the daemon's kernel below it, and nothing of the daemon besides. Works on both hosts. */
import { bootTime } from '#platform/clock.js';
import { openProbe } from '#platform/probe.js';
import { loadConfig } from '../../src/config/index.js';
import { Kernel } from '../../src/daemon/kernel.js';
import { KernelProber } from '../../src/daemon/kernel-prober.js';
import { KernelRouting } from '../../src/daemon/kernel-routing.js';
import { KernelTunnel } from '../../src/daemon/kernel-tunnel.js';
import { settingsOf } from '../../src/daemon/settings.js';
import { Connection } from '../../src/selector/connection.js';
import type { Assignment } from '../../src/selector/world.js';

/** @param configDir the directory of the configuration */
export async function connectionOfVpn(
  configDir: string,
): Promise<{ connection: Connection; assignment: Assignment }> {
  const config = loadConfig(configDir);
  const assignment: Assignment = {
    peers: config.peers('vpn'),
    ownKeys: config.ownKeys('vpn'),
    settings: {
      ...settingsOf(config.interface('vpn')),
      deadPeerTimeout: Number.MAX_SAFE_INTEGER, // it is not about the peer
    },
  };
  const kernel = await Kernel.open((error) => {
    throw error;
  });
  const watched = await kernel.watch('vpn');
  const tunnel = new KernelTunnel(kernel, watched);
  const connection = new Connection({
    tunnel,
    routing: new KernelRouting(kernel, watched, tunnel),
    prober: new KernelProber(kernel, watched, openProbe, () => undefined),
    resolver: { resolve: () => Promise.reject(new Error('no names here')) },
    clock: { ready: true, onReady: () => () => {} },
    timers: { now: bootTime, after: () => () => {} },
    random: { below: () => 0 },
    wallClock: () => Date.now(),
  });
  return { connection, assignment };
}
