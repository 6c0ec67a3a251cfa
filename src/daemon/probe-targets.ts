import ipaddr from 'ipaddr.js';

/**
 * Addresses that are nobody's, for probes where all of a family leads to the peer: whoever gets such a packet drops it or says that it
 * is not for them (RFC 6666, the discard prefix; RFC 7600, the dummy address).
 */
const NOBODY = { ipv4: '192.0.0.8', ipv6: '100::1' };

/**
 * Where probes through a peer go, the best first: a single host among its allowed IPs, then {@link NOBODY} where they cover it, then
 * the first host of each prefix.
 *
 * @param allowedIps canonical, `10.0.0.0/8`
 */
export function probeTargets(allowedIps: readonly string[]): string[] {
  const prefixes = allowedIps.map((text) => {
    const [network, length] = (text.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4).parseCIDR(text);
    return { network, length, host: length === network.toByteArray().length * 8 };
  });
  const hosts = prefixes.filter(({ host }) => host).map(({ network }) => network.toString());
  const wide = prefixes.filter(({ host }) => !host);
  const nobody = wide.flatMap(({ network, length }) => {
    const dummy = ipaddr.parse(NOBODY[network.kind()]);
    return dummy.match(network, length) ? [dummy.toString()] : [];
  });
  return [...new Set([...hosts, ...nobody, ...wide.map(({ network, length }) => first(network, length))])];
}

/** The first address of a prefix that a host may have. */
function first(network: ipaddr.IPv4 | ipaddr.IPv6, length: number): string {
  const bytes = network.toByteArray();
  const last = bytes.length - 1;
  // A prefix of two addresses has no network address (RFC 3021, RFC 6164).
  if (length < bytes.length * 8 - 1) bytes[last] = (bytes[last] ?? 0) + 1;
  return ipaddr.fromByteArray(bytes).toString();
}
