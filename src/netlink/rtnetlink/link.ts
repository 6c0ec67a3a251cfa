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

/** Link flags (linux/if.h). */
export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;

// linux/if_link.h
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
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
}

/** The body of RTM_GETLINK: for one device, or for a dump of all. */
export function encodeLinkRequest(device?: string | number): Uint8Array {
  const header = new Uint8Array(HEADER);
  if (typeof device === 'number') {
    if (!Number.isInteger(device) || device < 1 || device > 0x7fffffff) {
      throw new NetlinkEncodeError(`${device} cannot be an interface index`);
    }
    new DataView(header.buffer).setInt32(4, device, LITTLE_ENDIAN);
  }
  const writer = new AttributeWriter(header).u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (typeof device === 'string') writer.string(IFLA_IFNAME, interfaceName(device));
  return writer.finish();
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
  while (reader.next()) {
    if (reader.type === IFLA_IFNAME) name = reader.string();
    else if (reader.type === IFLA_MTU) mtu = reader.u32();
    else if (reader.type === IFLA_LINKINFO) kind = decodeKind(reader.nested());
  }
  reader.end();
  return { index: view.getInt32(4, LITTLE_ENDIAN), name, kind, flags, up: (flags & IFF_UP) !== 0, mtu };
}

function decodeKind(reader: AttributeReader): string | undefined {
  let kind: string | undefined;
  while (reader.next()) if (reader.type === IFLA_INFO_KIND) kind = reader.string();
  return kind;
}
