import ipaddr from 'ipaddr.js';
import { isIP } from '#platform/text.js';

/** The port of NTP (RFC 5905, section 7.2). */
export const NTP_PORT = 123;

/** A configured server, understood. */
export interface ServerAddress {
  /** As it was written. */
  text: string;
  /** A name for DNS, or an address in the kernel's notation. */
  host: string;
  /** 4 or 6 if `host` is an address, 0 if it is a name. */
  family: 0 | 4 | 6;
  /** 1 to 65535; 123 if none was given. */
  port: number;
}

/**
 * The kernel's notation, so that it can be compared with where an answer comes from: 2001:DB8:0::1 is 2001:db8::1, and
 * ::ffff:192.0.2.1 is 192.0.2.1.
 */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const percent = address.indexOf('%');
  const zone = percent < 0 ? '' : address.slice(percent);
  const bare = percent < 0 ? address : address.slice(0, percent);
  const parsed = ipaddr.IPv6.parse(bare);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toString() + zone;
}

/** Ranges of addresses of no server, in the words of ipaddr.js (RFC 6890). */
const NOBODY: readonly string[] = ['unspecified', 'loopback', 'multicast', 'broadcast'];

/**
 * Whether an address that DNS gave can be a server's. DNS filters answer 0.0.0.0, :: or 127.0.0.1, and there our own machine
 * would tell us the time that we asked for.
 * @param address in the kernel's notation
 */
export function isServerAddress(address: string): boolean {
  return !NOBODY.includes(ipaddr.parse(address).range());
}

/**
 * Understands a server as people write it: a name, an IPv4 or IPv6 address (also with a zone), each with ":port" if the
 * port is not 123; an IPv6 address with a port needs brackets.
 *
 * @throws {SyntaxError} saying what is wrong with it.
 */
export function parseServer(text: string): ServerAddress {
  const whole = text.trim();
  const asAddress = isIP(whole);
  if (asAddress !== 0) {
    const host = canonicalAddress(whole);
    return { text, host, family: isIP(host), port: NTP_PORT };
  }

  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(whole);
  if (match === null) throw new SyntaxError(`NTP server '${text}' is neither a name nor an address`);
  const [, bracketed, plain, digits] = match;
  const port = digits === undefined ? NTP_PORT : Number(digits);
  if (port < 1 || port > 65535)
    throw new SyntaxError(`NTP server '${text}': the port must be from 1 to 65535`);
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6)
      throw new SyntaxError(`NTP server '${text}': no IPv6 address within the brackets`);
    const host = canonicalAddress(bracketed);
    return { text, host, family: isIP(host), port };
  }
  const host = plain ?? '';
  // What DNS can carry, and no more: an underscore is common in local names.
  if (!/^(?=.{1,253}\.?$)[\w-]{1,63}(\.[\w-]{1,63})*\.?$/.test(host)) {
    throw new SyntaxError(`NTP server '${text}' is neither a name nor an address`);
  }
  const version = isIP(host);
  if (version === 0 && /(^|\.)\d+\.?$/.test(host)) {
    // 10.0.0.256 or 10.0.1: no address, and no top-level domain is a number either.
    throw new SyntaxError(`NTP server '${text}' looks like an IPv4 address but is none`);
  }
  return { text, host, family: version, port };
}
