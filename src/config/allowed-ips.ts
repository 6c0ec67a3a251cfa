import ipaddr from 'ipaddr.js';
import { isIP } from '#platform/text.js';
import { specialAddress } from '../special-address.js';
import { BadValue, quote } from './problem.js';

/**
 * One entry of allowed_ips: `address[/prefix]`; without a prefix, a single address. Returned in canonical form with the host
 * bits masked, as the kernel will show it: `10.1.2.3/8` becomes `10.0.0.0/8`.
 * @throws {BadValue}
 */
export function parseAllowedIp(text: string): string {
  if (/^(any|all|default)$/i.test(text)) {
    throw new BadValue(
      `${quote(text)} is no address: expected 0.0.0.0/0 for all of IPv4, ::/0 for all of IPv6`,
    );
  }
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const family = isIP(address);
  const ipv4 = family === 4;
  if (!ipv4 && (family !== 6 || address.includes('%'))) {
    throw new BadValue(
      `${quote(text)} is no address: expected address or address/prefix, as in 10.0.0.0/8 or fd00::/64`,
    );
  }
  const most = ipv4 ? 32 : 128;
  const prefix = slash === -1 ? String(most) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > most) {
    throw new BadValue(
      `${quote(text)} has no usable prefix: expected a number from 0 to ${most} behind the /`,
    );
  }
  const cidr = `${address}/${Number(prefix)}`;
  const network = ipv4
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(cidr).toString();
  return `${network}/${Number(prefix)}`;
}

/**
 * The address of one host inside the tunnel, in canonical form. A link-local one is meant on the interface itself, and needs no
 * zone.
 * @throws {BadValue}
 */
export function parseInnerAddress(text: string): string {
  const family = isIP(text);
  if (family === 0 || text.includes('%')) {
    const expected = 'expected an IPv4 or IPv6 address inside the tunnel, without prefix, port and zone';
    throw new BadValue(`is ${quote(text)}: ${expected}`);
  }
  const special = specialAddress(text);
  if (special !== undefined) {
    throw new BadValue(`is ${quote(text)} (${special}): expected the address of a host inside the tunnel`);
  }
  return ipaddr.parse(text).toString();
}

/** Whether packets to the address go through a peer with these allowed IPs. @param allowedIps canonical */
export function leadsTo(allowedIps: readonly string[], address: string): boolean {
  const host = ipaddr.parse(address);
  return allowedIps.some((prefix) => {
    const [network, length] = ipaddr.parseCIDR(prefix);
    return network.kind() === host.kind() && host.match(network, length);
  });
}
