import ipaddr from 'ipaddr.js';
import { isIP } from '#platform/text.js';
import { isLinkLocal, type SpecialAddress, specialAddress } from '../special-address.js';
import { BadValue, quote } from './problem.js';
import { parseHostName, parseIfname } from './values.js';

/** Where a peer is reached. */
export interface EndpointConfig {
  /** A host name as written, or an address in its canonical form (RFC 5952 for IPv6), without brackets and zone. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly kind: 'name' | 'ipv4' | 'ipv6';
  /** The name or number of the interface that an IPv6 address is meant on (RFC 4007 section 11). */
  readonly zone?: string;
}

/**
 * `host:port`, `a.b.c.d:port`, `[v6]:port` or `[v6%zone]:port`.
 * @throws {BadValue}
 */
export function parseEndpoint(text: string): EndpointConfig {
  const bracketed = /^\[([^\]]*)\](.*)$/s.exec(text);
  if (bracketed) {
    const [, inside = '', behind = ''] = bracketed;
    return { ...parseIpv6Host(inside), port: parsePort(text, behind) };
  }
  const colon = text.lastIndexOf(':');
  if (isIP(text) === 6 || text.indexOf(':') !== colon) {
    throw new BadValue(`is ${quote(text)}: expected an IPv6 address in brackets, as in [2001:db8::1]:51820`);
  }
  const host = colon === -1 ? text : text.slice(0, colon);
  const port = parsePort(text, colon === -1 ? '' : text.slice(colon));
  if (host === '') throw new BadValue(`is ${quote(text)}: expected a host before the colon`);
  // No top level domain is a number (RFC 3696 section 2): what ends in one is meant as an address.
  if (/(^|\.)[0-9]+$/.test(host)) return { host: parseIpv4Host(host), port, kind: 'ipv4' };
  return { host: parseHostName(host), port, kind: 'name' };
}

function parsePort(whole: string, text: string): number {
  if (text === '') {
    throw new BadValue(`is ${quote(whole)}, without a port: expected host:port, as in gw.example.org:51820`);
  }
  const port = /^:[0-9]{1,5}$/.test(text) ? Number(text.slice(1)) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new BadValue(`is ${quote(whole)}: expected a port from 1 to 65535 behind the last colon`);
}

function parseIpv4Host(text: string): string {
  if (isIP(text) !== 4) {
    throw new BadValue(
      `${quote(text)} is no IPv4 address: expected four numbers from 0 to 255, without leading zeros`,
    );
  }
  requireOneHost(text);
  return text;
}

function parseIpv6Host(text: string): Omit<EndpointConfig, 'port'> {
  const percent = text.indexOf('%');
  const bare = percent === -1 ? text : text.slice(0, percent);
  if (isIP(bare) !== 6) {
    throw new BadValue(`${quote(text)} is no IPv6 address: expected one between the brackets`);
  }
  const address = ipaddr.IPv6.parse(bare);
  if (address.isIPv4MappedAddress()) {
    const ipv4 = address.toIPv4Address().toString();
    throw new BadValue(`${quote(text)} is an IPv4-mapped address: expected ${ipv4}, without brackets`);
  }
  requireOneHost(bare);
  const host = address.toString();
  if (percent === -1) return { host, kind: 'ipv6' };
  const zone = text.slice(percent + 1);
  try {
    return { host, kind: 'ipv6', zone: parseIfname(zone) };
  } catch {
    throw new BadValue(
      `${quote(text)} has no usable zone: expected an interface behind the %, as in fe80::1%eth0`,
    );
  }
}

const NOT_ONE_HOST: Readonly<Record<SpecialAddress, string | undefined>> = {
  unspecified: 'stands for no host',
  broadcast: 'stands for every host',
  multicast: 'stands for a group of hosts',
  mapped: 'is an IPv4-mapped address',
  // Tunnel programs that carry WireGuard (udp2raw, wstunnel) listen there.
  loopback: undefined,
};

function requireOneHost(address: string): void {
  const special = specialAddress(address);
  const reason = special && NOT_ONE_HOST[special];
  if (reason !== undefined) throw new BadValue(`${quote(address)} ${reason}: expected the address of one`);
}

/** An endpoint as one writes it: `gw.example.org:51820`, `[fe80::1%eth0]:51820`. */
export function formatEndpoint(endpoint: EndpointConfig): string {
  const { host, port, kind, zone } = endpoint;
  if (kind !== 'ipv6') return `${host}:${port}`;
  return `[${host}${zone === undefined ? '' : `%${zone}`}]:${port}`;
}

/** A link-local address is unique on one link only, and needs a zone to say on which. */
export function lacksZone(endpoint: EndpointConfig): boolean {
  if (endpoint.kind !== 'ipv6' || endpoint.zone !== undefined) return false;
  return isLinkLocal(endpoint.host);
}
