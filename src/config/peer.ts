import type { UciSection } from '../uci/uci.js';
import { type EndpointConfig, formatEndpoint, lacksZone } from './endpoint.js';
import { PEER_OPTIONS } from './options.js';
import { quote } from './problem.js';
import type { Secret } from './secret.js';
import type { SectionReader } from './section-reader.js';

/** A peer that can be installed. Everything in it has been checked. */
export interface PeerConfig {
  /** The name of the section. */
  readonly name: string;
  /** Where the section starts in the file. Counts from 1; 0 for one that stands in none, and was given at run time. */
  readonly line: number;
  readonly enabled: boolean;
  /** The WireGuard interface. */
  readonly ifname: string;
  /** Base64, 44 characters. */
  readonly publicKey: string;
  /** Base64, 44 characters, once revealed. */
  readonly presharedKey: Secret | undefined;
  /** At least one, no duplicates, in the order of the file. */
  readonly endpoints: readonly EndpointConfig[];
  /** Canonical (`10.0.0.0/8`), host bits masked, no duplicates, in the order of the file. */
  readonly allowedIps: readonly string[];
  /** Seconds, 0 to 65535; 0 is off. */
  readonly persistentKeepalive: number;
  /** The smaller the better, 0 to 65535: peers of one priority are a group, and those of the next are for when it fails. */
  readonly priority: number;
  /** The share within its group, 1 to 100. */
  readonly weight: number;
}

/** What could be read of a peer section. Even a faulty one may tell which key on which interface is ours. */
export interface PeerSection {
  readonly ifname: string | undefined;
  readonly publicKey: string | undefined;
  /** Undefined if the section is faulty. */
  readonly peer: PeerConfig | undefined;
}

/**
 * Options of others, with what to write instead; empty where they are no mistake and nothing to us: Gluon's, to keep a peer
 * over an upgrade, and a text of netifd's for people.
 */
const FOREIGN_OPTIONS: Readonly<Record<string, string>> = {
  preserve: '',
  description: '',
  disabled: "expected option enabled '0' for a peer that is not to be used",
  peer_psk: 'expected option preshared_key',
  private_key:
    "expected it in /etc/config/network: a peer has a public key only, the interface's own is there",
  route_allowed_ips: 'the routes of allowed_ips are always installed',
};

/** Those of netifd's that an endpoint can be made of. */
function netifdEndpoint({ options }: UciSection): Readonly<Record<string, string>> {
  const [host, port] = [options.get('endpoint_host')?.value, options.get('endpoint_port')?.value ?? '51820'];
  const bracketed = typeof host === 'string' && host.includes(':') ? `[${host}]` : (host ?? 'HOST');
  const advice = `expected both in one, option endpoint ${quote(`${bracketed}:${port}`)}`;
  return { endpoint_host: advice, endpoint_port: advice };
}

/** Checks a section `config peer 'NAME'`. Faults go to the reader's problems. */
export function readPeer(section: UciSection, reader: SectionReader): PeerSection {
  // Read first: it decides how bad the faults of the rest are. One that is neither yes nor no is an error like others.
  const enabled = reader.take(PEER_OPTIONS, 'enabled');
  if (!enabled && !reader.faulty) reader.severity = 'warning';

  const ifname = reader.take(PEER_OPTIONS, 'ifname');
  reader.ifname = ifname;
  if (!section.options.has('enabled')) {
    reader.warn('enabled', "is missing, so this peer is not used: expected option enabled '1' (or '0')");
  }
  const publicKey = reader.take(PEER_OPTIONS, 'public_key');
  const presharedKey = reader.take(PEER_OPTIONS, 'preshared_key');
  const endpoints = distinct(reader.take(PEER_OPTIONS, 'endpoint'));
  const allowedIps = reader.take(PEER_OPTIONS, 'allowed_ips');
  const persistentKeepalive = reader.take(PEER_OPTIONS, 'persistent_keepalive');
  const priority = reader.take(PEER_OPTIONS, 'priority');
  const weight = reader.take(PEER_OPTIONS, 'weight');
  reader.warnOfUnknown(Object.keys(PEER_OPTIONS), { ...FOREIGN_OPTIONS, ...netifdEndpoint(section) });
  if (reader.faulty || ifname === undefined || publicKey === undefined) {
    return { ifname, publicKey, peer: undefined };
  }

  for (const endpoint of endpoints) {
    if (!lacksZone(endpoint)) continue;
    const example = formatEndpoint({ ...endpoint, zone: 'eth0' });
    reader.warn(
      'endpoint',
      `is a link-local address without a zone: expected the interface too, as in ${example}`,
    );
  }
  if (allowedIps.length === 0) {
    reader.warn(
      'allowed_ips',
      "is missing: nothing will go through this peer; expected list allowed_ips 'ADDRESS/PREFIX'",
    );
  }
  const peer: PeerConfig = {
    name: section.name,
    line: section.line,
    enabled,
    ifname,
    publicKey,
    presharedKey,
    endpoints,
    allowedIps: [...new Set(allowedIps)],
    persistentKeepalive,
    priority,
    weight,
  };
  return { ifname, publicKey, peer };
}

/**
 * Whether a connection to `a` may stay as it is when the configuration now says `b`: everything but the place in the
 * file is the same. The order of allowed IPs does not count, because the kernel keeps none, nor that of endpoints, which are
 * tried at random.
 */
export function samePeer(a: PeerConfig, b: PeerConfig): boolean {
  return (
    a.name === b.name &&
    a.enabled === b.enabled &&
    a.ifname === b.ifname &&
    a.publicKey === b.publicKey &&
    sameSecret(a.presharedKey, b.presharedKey) &&
    sameSet(a.endpoints.map(formatEndpoint), b.endpoints.map(formatEndpoint)) &&
    sameSet(a.allowedIps, b.allowedIps) &&
    a.persistentKeepalive === b.persistentKeepalive &&
    a.priority === b.priority &&
    a.weight === b.weight
  );
}

/** Both without duplicates. */
function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const others = new Set(b);
  return a.length === b.length && a.every((item) => others.has(item));
}

function distinct(endpoints: readonly EndpointConfig[]): EndpointConfig[] {
  return [...new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint])).values()];
}

function sameSecret(a: Secret | undefined, b: Secret | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
