import {
  AF_INET,
  AF_INET6,
  addressFamily,
  decodeAddress,
  encodeAddress,
  encodePrefix,
  familyOfVersion,
  versionOfFamily,
} from '../address.js';
import { AttributeReader } from '../attribute-reader.js';
import { AttributeWriter } from '../attribute-writer.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { NetlinkDecodeError, NetlinkEncodeError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import { readPrefix } from './prefix.js';

/** Message types and multicast groups of routes (linux/rtnetlink.h). */
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV6_ROUTE = 11;

/** The number of this project in rtm_protocol: it tells its routes from everybody else's. Free in rtnetlink.h. */
export const ROUTE_PROTOCOL = 87;
/** The main routing table (linux/rtnetlink.h, RT_TABLE_MAIN). */
export const ROUTE_TABLE_MAIN = 254;
/** The metric the kernel gives an IPv6 route without one (linux/ipv6_route.h, IP6_RT_PRIO_USER). */
export const IPV6_DEFAULT_METRIC = 1024;

/** A type of routes (linux/rtnetlink.h): a normal one, through an interface. */
export const RTN_UNICAST = 1;
/** A type of routes: what it matches is dropped without a word. */
export const RTN_BLACKHOLE = 6;
/** A type of routes: what it matches is refused, as if there were no way. */
export const RTN_UNREACHABLE = 7;
/** A type of routes: what it matches is refused as forbidden. */
export const RTN_PROHIBIT = 8;
/** How far routes and addresses are good for (linux/rtnetlink.h): everywhere. */
export const RT_SCOPE_UNIVERSE = 0;
/** How far routes and addresses are good for: on this link. */
export const RT_SCOPE_LINK = 253;
/** How far routes and addresses are good for: in this machine. */
export const RT_SCOPE_HOST = 254;
/** A copy the kernel made for itself, not a route somebody installed. */
const RTM_F_CLONED = 0x200;
/** Tell of the table that the route was found in (Linux 4.4); IPv6 does so unasked, and refuses the flag. */
const RTM_F_LOOKUP_TABLE = 0x1000;
/** Answer with the route itself instead of such a copy (Linux 4.13). */
const RTM_F_FIB_MATCH = 0x2000;

const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RTA_MARK = 16;
const RTA_VIA = 18;
/** Bytes of struct rtmsg. */
const HEADER = 12;

/** A route to be installed or removed. */
export interface RouteSpec {
  /** `address/length`, or an address alone. Host bits are masked. */
  destination: string;
  /** Where it leads to; a route of a type that refuses has none, and every other needs it. */
  interfaceIndex?: number | undefined;
  /** {@link RTN_UNICAST}, which is the default, or one that refuses what it matches: {@link RTN_UNREACHABLE}, … */
  type?: number;
  /** The lower one wins. Default 0 for IPv4; 1024 for IPv6, where the kernel takes 0 for 1024. */
  metric?: number;
  /** Routing table, 1 to 4294967295. Default 254, the main one. */
  table?: number;
  /** rtm_protocol, 0 to 255. Default {@link ROUTE_PROTOCOL}. */
  protocol?: number;
  /** Next router, in the same family. Without it the destination is on the link itself, as with WireGuard. */
  gateway?: string;
}

/** A route of the kernel's. */
export interface Route {
  readonly family: 4 | 6;
  /** `address/length`, canonical; `0.0.0.0/0` or `::/0` for a default route. */
  readonly destination: string;
  /**
   * `address/length`: only packets from there take this route (IPv6; `ip -6 route add default from 2001:db8::/48 …`, as
   * OpenWrt's DHCPv6 client installs it). In the answer to a lookup that names one: that source address.
   */
  readonly source: string | undefined;
  /** Undefined when the route has no interface (blackhole, say) or several (multipath). */
  readonly interfaceIndex: number | undefined;
  readonly gateway: string | undefined;
  /** The lower one wins. */
  readonly metric: number;
  readonly table: number;
  /** rtm_protocol: who installed it. */
  readonly protocol: number;
  /** RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE, … */
  readonly type: number;
  /** RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, … */
  readonly scope: number;
}

/** Which routes are wanted; what is left out does not matter. */
export interface RouteFilter {
  protocol?: number;
  interfaceIndex?: number;
  table?: number;
  family?: 4 | 6;
}

/** The body of RTM_NEWROUTE and RTM_DELROUTE. @throws {NetlinkEncodeError} */
export function encodeRoute(spec: RouteSpec): Uint8Array {
  const { address, length } = encodePrefix(spec.destination);
  const family = addressFamily(address);
  const table = spec.table ?? ROUTE_TABLE_MAIN;
  // The kernel reads a route of IPv4 to be deleted by its scope too; IPv6 knows no scopes of routes.
  const { type = RTN_UNICAST, interfaceIndex } = spec;
  const direct = family === AF_INET && type === RTN_UNICAST && spec.gateway === undefined;
  const scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  if ((type === RTN_UNICAST) === (interfaceIndex === undefined)) {
    throw new NetlinkEncodeError(
      `a route of type ${type} to ${spec.destination} needs ${type === RTN_UNICAST ? 'an' : 'no'} interface`,
    );
  }
  // A table beyond 255 does not fit into the header: RTA_TABLE counts, and is always sent.
  const header = [
    family,
    length,
    0,
    0,
    table > 255 ? 0 : table,
    spec.protocol ?? ROUTE_PROTOCOL,
    scope,
    type,
  ];
  const writer = new AttributeWriter(Uint8Array.of(...header, 0, 0, 0, 0));
  if (length > 0) writer.bytes(RTA_DST, address);
  if (spec.gateway !== undefined) writer.bytes(RTA_GATEWAY, encodeAddress(spec.gateway));
  const metric = spec.metric || (family === AF_INET6 ? IPV6_DEFAULT_METRIC : 0);
  if (interfaceIndex !== undefined) writer.u32(RTA_OIF, interfaceIndex);
  return writer.u32(RTA_PRIORITY, metric).u32(RTA_TABLE, table).finish();
}

/**
 * The body of RTM_GETROUTE for a dump of one family.
 *
 * A kernel that checks strictly sends only what the filter wants; another one sends everything and looks at nothing but
 * the family.
 */
export function encodeRouteDump(
  family: 4 | 6,
  { protocol, table, interfaceIndex }: RouteFilter = {},
): Uint8Array {
  const header = new Uint8Array(HEADER);
  header[0] = familyOfVersion(family);
  header[5] = protocol ?? 0;
  const writer = new AttributeWriter(header);
  if (table !== undefined) writer.u32(RTA_TABLE, table);
  if (interfaceIndex !== undefined) writer.u32(RTA_OIF, interfaceIndex);
  return writer.finish();
}

/** How a packet goes out, for a lookup of its way. */
export interface LookupOptions {
  /** The mark of its socket (fwmark). */
  mark?: number;
  /**
   * Its source address, of the destination's family. Without one, IPv6 finds no route that is for certain sources only. IPv4
   * finds none for an address that is not this machine's.
   */
  source?: string;
  /**
   * The interface it is to leave by. With a source, IPv6 takes it for a wish; IPv4 takes every destination for a neighbour on it
   * (a route of table 0) to which no route through it leads.
   */
  interfaceIndex?: number;
  /** The interface that a link-local destination is on, by its index: sin6_scope_id. */
  scopeId?: number;
  /**
   * Answer with the route that matches, as it stands in its table: with its prefix, metric and protocol (Linux 4.13). Otherwise
   * the answer is the way of this one packet: the destination is the address alone.
   */
  fibMatch?: boolean;
}

/** The body of RTM_GETROUTE that asks which way an address goes. @throws {NetlinkEncodeError} */
export function encodeLookup(address: string, options: LookupOptions): Uint8Array {
  const { mark, source, interfaceIndex, scopeId, fibMatch = false } = options;
  const bytes = encodeAddress(address);
  const from = source === undefined ? undefined : encodeAddress(source);
  if (from !== undefined && from.length !== bytes.length) {
    throw new NetlinkEncodeError(`a packet from ${source} cannot go to ${address}`);
  }
  // The kernel has one word for both.
  const device = scopeId ?? interfaceIndex;
  if (device !== (interfaceIndex ?? device)) {
    throw new NetlinkEncodeError(
      `${address} on interface ${scopeId} cannot be reached by interface ${interfaceIndex}`,
    );
  }
  const header = new Uint8Array(HEADER);
  header[0] = addressFamily(bytes);
  header[1] = bytes.length * 8;
  header[2] = (from?.length ?? 0) * 8;
  const flags = (fibMatch ? RTM_F_FIB_MATCH : 0) | (header[0] === AF_INET ? RTM_F_LOOKUP_TABLE : 0);
  new DataView(header.buffer).setUint32(8, flags, LITTLE_ENDIAN);
  const writer = new AttributeWriter(header).bytes(RTA_DST, bytes);
  if (from !== undefined) writer.bytes(RTA_SRC, from);
  if (mark !== undefined) writer.u32(RTA_MARK, mark);
  if (device !== undefined) writer.u32(RTA_OIF, device);
  return writer.finish();
}

/**
 * Decodes RTM_NEWROUTE and RTM_DELROUTE.
 *
 * What the header can decide about the filter is decided before an attribute is read: on a router with a full routing
 * table nearly every message ends there.
 *
 * @param filter which routes are wanted
 * @param cloned take copies the kernel made for itself too: the answer to a lookup is one
 * @returns undefined when the filter does not want it, or it is no route of IPv4 or IPv6
 * @throws {NetlinkDecodeError}
 */
export function decodeRoute(
  { body }: NetlinkMessage,
  filter: RouteFilter = {},
  cloned = false,
): Route | undefined {
  if (body.length < HEADER) throw new NetlinkDecodeError(`a route of ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const family = versionOfFamily(view.getUint8(0));
  const protocol = view.getUint8(5);
  if (family === undefined || (filter.family ?? family) !== family) return undefined;
  if ((filter.protocol ?? protocol) !== protocol) return undefined;
  if (!cloned && (view.getUint32(8, LITTLE_ENDIAN) & RTM_F_CLONED) !== 0) return undefined;
  let destination: string | undefined;
  let source: string | undefined;
  let interfaceIndex: number | undefined;
  let gateway: string | undefined;
  let metric = 0;
  let table = view.getUint8(4);
  const reader = new AttributeReader(body, HEADER);
  while (reader.next()) {
    if (reader.type === RTA_DST) destination = readPrefix(reader, family, view.getUint8(1));
    else if (reader.type === RTA_SRC) source = readPrefix(reader, family, view.getUint8(2));
    else if (reader.type === RTA_OIF) interfaceIndex = reader.u32();
    else if (reader.type === RTA_GATEWAY) gateway = readAddress(reader, reader.bytes());
    // struct rtvia: a gateway of another family than the route's, after two bytes that say which.
    else if (reader.type === RTA_VIA) gateway = readAddress(reader, reader.bytes().subarray(2));
    else if (reader.type === RTA_PRIORITY) metric = reader.u32();
    else if (reader.type === RTA_TABLE) table = reader.u32();
  }
  // Only a default route has no destination.
  if (destination === undefined && view.getUint8(1) !== 0) reader.fail('a route without its destination');
  reader.end();
  if ((filter.table ?? table) !== table) return undefined;
  if (filter.interfaceIndex !== undefined && filter.interfaceIndex !== interfaceIndex) return undefined;
  return {
    family,
    destination: destination ?? (family === 4 ? '0.0.0.0/0' : '::/0'),
    source,
    interfaceIndex,
    gateway,
    metric,
    table,
    protocol,
    type: view.getUint8(7),
    scope: view.getUint8(6),
  };
}

function readAddress(reader: AttributeReader, bytes: Uint8Array): string {
  const address = decodeAddress(bytes);
  if (address === undefined) reader.fail(`an address of ${bytes.length} bytes`);
  return address ?? '';
}
