import ipaddr from 'ipaddr.js';

/** What kind of address it is, where it is one that no gateway can have: RFC 6890's names. */
export type SpecialAddress = 'unspecified' | 'loopback' | 'multicast' | 'broadcast';

/**
 * Why an address can be no gateway's, if it cannot. An IPv4 address in IPv6's clothes (`::ffff:127.0.0.1`) counts as what it is.
 * @param address IPv4 or IPv6, without brackets or zone
 */
export function specialAddress(address: string): SpecialAddress | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const range = ipaddr.process(address).range();
  return range === 'unspecified' || range === 'loopback' || range === 'multicast' || range === 'broadcast'
    ? range
    : undefined;
}
