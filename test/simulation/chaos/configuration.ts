/** The configuration of a node that has a hard life, as text of UCI: what it is at first, and what a reload makes of it. */

import { Config } from '../../../src/config/index.js';
import { parseUci } from '../../../src/uci/uci.js';
import { VPN } from './machine.js';

export const GATEWAYS = 3;
const PORT = 51820;

/** What a scene begins with, and comes back to. */
export const BASES = {
  plain: '',
  failback: "\toption failback_interval '10'\n",
  'failback, block': "\toption failback_interval '20'\n\toption max_age '60'\n\toption block_when_lost '1'\n",
  fastest: "\toption strategy 'fastest'\n",
  'max age': "\toption max_age '60'\n",
  block: "\toption block_when_lost '1'\n\toption failback_interval '20'\n",
  table: "\toption table '1000'\n\toption metric '7'\n",
  'full tunnel': "\toption full_tunnel '1'\n\toption failback_interval '20'\n",
  'full tunnel, block': "\toption full_tunnel '1'\n\toption block_when_lost '1'\n",
  'check address': "\toption check_address '10.78.0.254'\n",
  'no probes': "\toption probe_timeout '0'\n\toption probe_interval '0'\n\toption dead_peer_timeout '30'\n",
  'rare looks': "\toption check_interval '600'\n",
  names: "\toption block_when_lost '1'\n",
} as const;

/** What a reload changes. */
export const CHANGES = {
  nothing: '',
  keepalive: '',
  'preshared key': '',
  'allowed IPs': '',
  disabled: '',
  deleted: '',
  priorities: '',
  table: "\toption table '1001'\n",
  metric: "\toption metric '9'\n",
  'full tunnel': "\toption full_tunnel '1'\n",
  'no full tunnel': "\toption full_tunnel '0'\n",
  block: "\toption block_when_lost '1'\n",
  fastest: "\toption strategy 'fastest'\n",
  'max age': "\toption max_age '60'\n",
  unserved: "\toption metric 'many'\n",
  'routes into itself': '',
} as const;

export type Base = keyof typeof BASES;
export type Change = keyof typeof CHANGES;

/** Public key of gateway `index`, from 1 to 24. The letter A would make one of zeros. */
export function keyOf(index: number): string {
  return `${String.fromCharCode(65 + index).repeat(42)}A=`;
}

export function addressOf(index: number): string {
  return `192.0.2.${index}`;
}

/** Of a name there is an address besides at which nobody is. */
export function nameOf(index: number): string {
  return `gw${index}.example.net`;
}

export function configure(base: Base, change: Change): Config {
  const peers = Array.from({ length: GATEWAYS }, (_, at) => peerText(at + 1, base, change)).join('');
  const settings = `config interface '${VPN}'\n\toption ntp '1'\n${BASES[base]}${CHANGES[change]}`;
  return new Config(parseUci(`${settings}\n${peers}`, { file: 'wgpeerselector' }), 'wgpeerselector');
}

/** A change concerns the first gateway; that is the best one where there are priorities. */
function peerText(index: number, base: Base, change: Change): string {
  const first = index === 1;
  if (first && change === 'deleted') return '';
  const ranked = base.startsWith('failback') || base === 'block' || change === 'priorities';
  const rank = change === 'priorities' ? GATEWAYS - index : index - 1;
  const host = base === 'names' && !first ? nameOf(index) : addressOf(index);
  const allowed = ['10.78.0.0/24', 'fd78::/64', `10.${index}.0.0/16`];
  if (first && change === 'allowed IPs') allowed.push('10.99.0.0/16');
  if (first && change === 'routes into itself') allowed.push('192.0.2.0/24');
  const lines = [
    `enabled '${first && change === 'disabled' ? 0 : 1}'`,
    `ifname '${VPN}'`,
    `public_key '${keyOf(index)}'`,
    `endpoint '${host}:${PORT}'`,
    `persistent_keepalive '${change === 'keepalive' ? 25 : 0}'`,
    ...(first && change === 'preshared key' ? [`preshared_key '${keyOf(20)}'`] : []),
    ...(ranked ? [`priority '${rank}'`] : []),
  ];
  const options = lines.map((line) => `\toption ${line}\n`).join('');
  const lists = allowed.map((prefix) => `\tlist allowed_ips '${prefix}'\n`).join('');
  return `config peer 'gw${index}'\n${options}${lists}\n`;
}

/** `address:port` of gateway `index`. */
export function endpointOf(index: number): string {
  return `${addressOf(index)}:${PORT}`;
}
