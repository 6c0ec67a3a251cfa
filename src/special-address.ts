import ipaddr from 'ipaddr.js';
import { isIP } from '#platform/text.js';

/**
 * What kind of address it is, where it is one that no gateway can have; RFC 6890's names. `unspecified` is 0.0.0.0/8 and ::,
 * `broadcast` 255.255.255.255; `mapped` any other IPv4 address written as `::ffff:192.0.2.1`.
 */
export type SpecialAddress = 'unspecified' | 'loopback' | 'multicast' | 'broadcast' | 'mapped';

const KINDS: readonly string[] = ['unspecified', 'loopback', 'multicast', 'broadcast'];

function isSpecial(range: string): range is Exclude<SpecialAddress, 'mapped'> {
  return KINDS.includes(range);
}

/**
 * Why an address can be no gateway's, if it cannot. One that hides in an IPv6 address counts as what it is: in an IPv4-mapped one (RFC
 * 4291 section 2.5.5.2), or in one of NAT64 (RFC 6052), of which DNS64 makes 64:ff9b:: out of a filter's 0.0.0.0.
 *
 * Loopback is among them: a name in DNS has no business with it, but what somebody writes may mean a tunnel program on this
 * machine.
 *
 * @param address IPv4 or IPv6, without brackets or zone; what is no address is not special
 */
export function specialAddress(address: string): SpecialAddress | undefined {
  const parsed = parse(address);
  if (parsed === undefined) return undefined;
  const range = parsed.range();
  const inner =
    parsed instanceof ipaddr.IPv6 && (range === 'ipv4Mapped' || range === 'rfc6052')
      ? ipaddr.fromByteArray(parsed.toByteArray().slice(12)).range()
      : range;
  if (isSpecial(inner)) return inner;
  return range === 'ipv4Mapped' ? 'mapped' : undefined;
}

/** As ipaddr.parse, which tries each family twice. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIP(address) === 4) return ipaddr.IPv4.parse(address);
  return ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address) : undefined;
}

/**
 * Whether an address is unique on one link only: fe80::/10 (RFC 4291 section 2.5.6), 169.254.0.0/16 (RFC 3927).
 * @param address IPv4 or IPv6, without brackets or zone
 */
export function isLinkLocal(address: string): boolean {
  return ipaddr.parse(address).range() === 'linkLocal';
}
