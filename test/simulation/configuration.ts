/** The configuration of a simulated node. */

import type { Peer, Settings } from '../../src/selector/world.js';

const PORT = 51820;

/** As a configuration without options has them. */
export const DEFAULTS: Settings = {
  connectTimeout: 5_000,
  checkInterval: 5_000,
  deadPeerTimeout: 150_000,
  probeTimeout: 20_000,
  probeInterval: 15_000,
  strategy: 'random',
  failbackInterval: 300_000,
  maxAge: 0,
  blockWhenLost: false,
  fullTunnel: false,
  checkAddress: undefined,
  waitForClock: true,
  routes: { table: undefined, metric: undefined },
};

/** Where a gateway is, by its number from 1: `address:port`. */
export function endpointOf(index: number): string {
  return `${addressOf(index)}:${PORT}`;
}

/** A gateway as a peer of the node. @param keepalive seconds, 0 for none */
export function configuredPeer(
  { name, publicKey }: { readonly name: string; readonly publicKey: string },
  index: number,
  keepalive: number,
): Peer {
  return {
    name,
    enabled: true,
    ifname: 'vpn',
    line: index,
    publicKey,
    presharedKey: undefined,
    endpoints: [{ host: addressOf(index), port: PORT, kind: 'ipv4' }],
    allowedIps: ['10.78.0.0/24'],
    persistentKeepalive: keepalive,
    priority: 0,
    weight: 1,
  };
}

function addressOf(index: number): string {
  return `192.0.2.${index}`;
}
