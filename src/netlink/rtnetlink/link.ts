import { AttributeReader } from '../attribute-reader.js';
import { AttributeWriter } from '../attribute-writer.js';
import { interfaceName } from '../device.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { NetlinkDecodeError, NetlinkEncodeError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';

/** Message types and multicast group of links (linux/rtnetlink.h). */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTNLGRP_LINK = 1;

/** A flag of links (linux/if.h): somebody has set it up. */
export const IFF_UP = 0x1;
/** A flag of links: what is sent there comes back. */
export const IFF_LOOPBACK = 0x8;
/** A flag of links: there is one other end, as of a tunnel. */
export const IFF_POINTOPOINT = 0x10;
/** A flag of links: it can carry packets, say because its cable is plugged in. */
export const IFF_RUNNING = 0x40;

// linux/if_link.h
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_GROUP = 27;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
/** Leaves the counters out of the answer, which are most of it. */
const RTEXT_FILTER_SKIP_STATS = 1 << 3;
/** Bytes of struct ifinfomsg. */
const HEADER = 16;

/** A network interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Kind of a virtual link, e.g. `wireguard`; undefined for hardware and for loopback. */
  readonly kind: string | undefined;
  /** IFF_UP, IFF_RUNNING, … (linux/if.h). */
  readonly flags: number;
  /** IFF_UP: somebody has switched it on. */
  readonly up: boolean;
  /** Bytes. */
  readonly mtu: number;
  /** The number that whoever made it, or `ip link set … group`, has given it: 0 if nobody did. */
  readonly group: number;
}

/** A virtual link to be made. It comes into being with all of it, and down. */
export interface LinkSpec {
  readonly name: string;
  /** `wireguard`, `dummy`, … */
  readonly kind: string;
  /** Bytes; the kind's own when left out. */
  readonly mtu?: number;
  /** See {@link Link.group}; 0 when left out. */
  readonly group?: number;
}

/** What is to change at a link. What is left out stays as it is. */
export interface LinkChange {
  readonly up?: boolean;
  /** Bytes. */
  readonly mtu?: number;
}

/** The body of RTM_GETLINK: for one device, or for a dump of all. */
export function encodeLinkRequest(device?: string | number): Uint8Array {
  const header = typeof device === 'number' ? linkHeader(device) : new Uint8Array(HEADER);
  const writer = new AttributeWriter(header).u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (typeof device === 'string') writer.string(IFLA_IFNAME, interfaceName(device));
  return writer.finish();
}

/** The body of RTM_NEWLINK that makes a link. @throws {NetlinkEncodeError} */
export function encodeNewLink({ name, kind, mtu, group }: LinkSpec): Uint8Array {
  const writer = new AttributeWriter(new Uint8Array(HEADER)).string(IFLA_IFNAME, interfaceName(name));
  if (mtu !== undefined) writer.u32(IFLA_MTU, mtu);
  if (group !== undefined) writer.u32(IFLA_GROUP, group);
  return writer.nested(IFLA_LINKINFO, () => writer.string(IFLA_INFO_KIND, kind)).finish();
}

/** The body of RTM_NEWLINK that changes a link, or, without a change, of RTM_DELLINK. @throws {NetlinkEncodeError} */
export function encodeLinkChange(index: number, { up, mtu }: LinkChange = {}): Uint8Array {
  const header = linkHeader(index);
  const view = new DataView(header.buffer);
  if (up !== undefined) {
    view.setUint32(8, up ? IFF_UP : 0, LITTLE_ENDIAN);
    view.setUint32(12, IFF_UP, LITTLE_ENDIAN); // ifi_change: which flags are meant
  }
  const writer = new AttributeWriter(header);
  if (mtu !== undefined) writer.u32(IFLA_MTU, mtu);
  return writer.finish();
}

/** struct ifinfomsg of one link. @throws {NetlinkEncodeError} */
function linkHeader(index: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(index) || index < 1 || index > 0x7fffffff) {
    throw new NetlinkEncodeError(`${index} cannot be an interface index`);
  }
  const header = new Uint8Array(HEADER);
  new DataView(header.buffer).setInt32(4, index, LITTLE_ENDIAN);
  return header;
}

/**
 * Decodes RTM_NEWLINK and RTM_DELLINK.
 *
 * @returns undefined for messages about something else in the guise of a link: a bridge tells with RTM_DELLINK of its
 * own family that a port left it, and the link lives on
 * @throws {NetlinkDecodeError}
 */
export function decodeLink({ body }: NetlinkMessage): Link | undefined {
  if (body.length < HEADER) throw new NetlinkDecodeError(`a link of ${body.length} bytes`);
  if (body[0] !== 0) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const flags = view.getUint32(8, LITTLE_ENDIAN);
  const reader = new AttributeReader(body, HEADER);
  let name = '';
  let kind: string | undefined;
  let mtu = 0;
  let group = 0;
  while (reader.next()) {
    if (reader.type === IFLA_IFNAME) name = reader.string();
    else if (reader.type === IFLA_MTU) mtu = reader.u32();
    else if (reader.type === IFLA_GROUP) group = reader.u32();
    else if (reader.type === IFLA_LINKINFO) kind = decodeKind(reader.nested());
  }
  reader.end();
  const index = view.getInt32(4, LITTLE_ENDIAN);
  return { index, name, kind, flags, up: (flags & IFF_UP) !== 0, mtu, group };
}

function decodeKind(reader: AttributeReader): string | undefined {
  let kind: string | undefined;
  while (reader.next()) if (reader.type === IFLA_INFO_KIND) kind = reader.string();
  return kind;
}
