import { parseAllowedIp, parseInnerAddress } from './allowed-ips.js';
import { OURS } from './ours.js';
import { BadValue, quote } from './problem.js';
import { MAX_U32, number32 } from './values.js';

/** An interface that the daemon makes, and removes. */
export interface Creation {
  /** Where its private key stands. */
  readonly privateKeyFile: string;
  readonly addresses: readonly OwnAddress[];
  /** Bytes, 68 to 65535. */
  readonly mtu: number;
  /** 1 to 65535; undefined for any. */
  readonly listenPort: number | undefined;
  /** Mark of WireGuard's own packets, 0 to 4294967295; undefined for none, or that of a full tunnel. */
  readonly fwmark: number | undefined;
}

/** An address of the interface itself. */
export interface OwnAddress {
  /** Canonical. */
  readonly address: string;
  /** Bits of its network. */
  readonly prefixLength: number;
}

/** Whether they are one: the same address with another prefix is another. */
export function isSameAddress(one: OwnAddress, other: OwnAddress): boolean {
  return one.address === other.address && one.prefixLength === other.prefixLength;
}

/** The options that say how. */
export const CREATION_OPTIONS = ['private_key_file', 'addresses', 'mtu', 'listen_port', 'fwmark'] as const;

/** Group of the interfaces that we have made (`ip link show group 51887`). */
export const OWN_GROUP = OURS;

/**
 * An address with the prefix of its network, or alone.
 * @throws {BadValue}
 */
export function parseOwnAddress(text: string): OwnAddress {
  const [address = '', length] = parseAllowedIp(text).split('/');
  const own = text.includes('/') ? text.slice(0, text.indexOf('/')) : address;
  return { address: parseInnerAddress(own), prefixLength: Number(length) };
}

/**
 * A mark as `wg set` takes it: a number, decimal or with 0x; 0 or `off` for none.
 * @throws {BadValue}
 */
export function parseMark(text: string): number {
  if (text === 'off') return 0;
  const mark = number32(text);
  if (mark !== undefined) return mark;
  throw new BadValue(`is ${quote(text)}: expected a mark, a number from 0 to ${MAX_U32}, also as 0x64`);
}

/**
 * The whole path of a file.
 * @throws {BadValue}
 */
export function parsePath(text: string): string {
  if (text.startsWith('/')) return text;
  throw new BadValue(`is ${quote(text)}: expected the path of a file, which begins with /`);
}
