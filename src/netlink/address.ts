import ipaddr from 'ipaddr.js';
import { isIP } from '#platform/text.js';
import { NetlinkEncodeError } from './errors.js';

/** Address families (linux/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;

/**
 * The bytes of an address, four or sixteen.
 *
 * @param text an IPv4 address of four decimal numbers, or an IPv6 address without a zone
 * @throws {NetlinkEncodeError} when it is neither
 */
export function encodeAddress(text: string): Uint8Array {
  const family = isIP(text);
  if (family === 4) return Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray());
  if (family === 6 && !text.includes('%')) return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
  throw new NetlinkEncodeError(`'${text}' is not an IP address`);
}

/** An address as text, IPv6 as RFC 5952 has it; undefined when the bytes are neither 4 nor 16. */
export function decodeAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length === 16) return ipaddr.fromByteArray([...bytes]).toString();
  return undefined;
}

/** Bits of an address. */
export function addressBits(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** `address/length`; undefined when the bytes are no address, or one that has no prefix of this length. */
export function decodePrefix(bytes: Uint8Array, length: number): string | undefined {
  const address = decodeAddress(bytes);
  return address === undefined || length > bytes.length * 8 ? undefined : `${address}/${length}`;
}

/** AF_INET or AF_INET6, by the version of IP. */
export function familyOfVersion(version: 4 | 6): number {
  return version === 4 ? AF_INET : AF_INET6;
}

/** The version of IP that a family stands for; undefined if it is another family. */
export function versionOfFamily(family: number): 4 | 6 | undefined {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : undefined;
}

/** AF_INET or AF_INET6, by the length of an address. */
export function addressFamily(bytes: Uint8Array): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}

/** A network: an address whose host bits are zero, and the length of its prefix in bits. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/**
 * Reads `address/length`, or an address alone for the whole of it, and masks the host bits: the kernel refuses a
 * route that has some (EINVAL), where WireGuard masks them by itself.
 *
 * @throws {NetlinkEncodeError} when it is no such thing
 */
export function encodePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = encodeAddress(slash === -1 ? text : text.slice(0, slash));
  const bits = address.length * 8;
  const digits = slash === -1 ? String(bits) : text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : bits + 1;
  if (length > bits)
    throw new NetlinkEncodeError(`'${text}': the prefix length is not a number from 0 to ${bits}`);
  address.forEach((byte, index) => {
    const keep = Math.min(8, Math.max(0, length - index * 8));
    address[index] = byte & (0xff00 >> keep);
  });
  return { address, length };
}

/**
 * The one way a prefix is written here: host bits masked, IPv6 as RFC 5952 has it, always with its length.
 * Two texts mean the same network exactly when this makes them equal.
 *
 * @throws {NetlinkEncodeError} when it is no prefix
 */
export function canonicalPrefix(text: string): string {
  const { address, length } = encodePrefix(text);
  return `${decodeAddress(address)}/${length}`;
}
