import { endianness } from 'node:os';

/** Numbers of linux/netlink.h and linux/rtnetlink.h that the tests of the bare socket need. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;
export const RTNLGRP_LINK = 1;
const LITTLE = endianness() === 'LE';

/** A netlink message by hand: these tests stand below the layers that encode and decode. */
export function message(type: number, flags: number, sequence: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE);
  view.setUint16(4, type, LITTLE);
  view.setUint16(6, flags, LITTLE);
  view.setUint32(8, sequence, LITTLE);
  bytes.set(body, 16);
  return bytes;
}

/** struct ifinfomsg. */
export function linkBody(fields: {
  family?: number;
  index?: number;
  flags?: number;
  change?: number;
}): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint8(0, fields.family ?? 0);
  view.setInt32(4, fields.index ?? 0, LITTLE);
  view.setUint32(8, fields.flags ?? 0, LITTLE);
  view.setUint32(12, fields.change ?? 0, LITTLE);
  return body;
}

/** What the tests look at in a message. `errno` is that of NLMSG_ERROR and NLMSG_DONE, positive. */
export interface Seen {
  type: number;
  sequence: number;
  port: number;
  errno: number;
  body: Uint8Array;
}

/** Splits a datagram into its messages. */
export function split(datagram: Uint8Array): Seen[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const seen: Seen[] = [];
  for (let at = 0; at < datagram.length; ) {
    const length = view.getUint32(at, LITTLE);
    const type = view.getUint16(at + 4, LITTLE);
    const ends = type === NLMSG_ERROR || type === NLMSG_DONE;
    seen.push({
      type,
      sequence: view.getUint32(at + 8, LITTLE),
      port: view.getUint32(at + 12, LITTLE),
      errno: ends ? 0 - view.getInt32(at + 16, LITTLE) : 0,
      body: datagram.subarray(at + 16, at + length),
    });
    at += (length + 3) & ~3;
  }
  return seen;
}
