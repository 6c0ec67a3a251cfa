import {
  addressBits,
  addressFamily,
  decodeAddress,
  encodeAddress,
  familyOfVersion,
  versionOfFamily,
} from '../address.js';
import { AttributeReader } from '../attribute-reader.js';
import { AttributeWriter } from '../attribute-writer.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { NetlinkDecodeError, NetlinkEncodeError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';

/** Message types and multicast groups of interface addresses (linux/rtnetlink.h). */
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV6_IFADDR = 9;

/** Flags of an address (linux/if_addr.h). */
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
/** Linux 5.18; kernels before it pass over it. */
const IFA_PROTO = 11;
/** Bytes of struct ifaddrmsg. */
const HEADER = 8;

/** An address of an interface. */
export interface InterfaceAddress {
  readonly family: 4 | 6;
  readonly interfaceIndex: number;
  /** The interface's own address, IPv6 as RFC 5952 has it; not the other end's, where the address names one. */
  readonly address: string;
  /** Bits; of the other end's address, where the address names one (`ip addr add 10.0.0.1 peer 10.0.0.0/24`). */
  readonly prefixLength: number;
  /** How far the address is good for: RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_HOST, … (linux/rtnetlink.h). */
  readonly scope: number;
  /** IFA_F_PERMANENT, IFA_F_TENTATIVE, … (linux/if_addr.h). */
  readonly flags: number;
  /** IFA_F_TENTATIVE: IPv6 is still finding out whether somebody else has it, or has found so; not to be used. */
  readonly tentative: boolean;
  /** IFA_F_DEPRECATED: not to be used for anything new. */
  readonly deprecated: boolean;
  /** Who has set it: 1 to 3 the kernel, others as programs agree; 0 for nobody, and always before Linux 5.18. */
  readonly protocol: number;
}

/** An address to be set or removed. */
export interface AddressSpec {
  readonly interfaceIndex: number;
  /** The interface's own address. */
  readonly address: string;
  /** Bits of its network. */
  readonly prefixLength: number;
  /** See {@link InterfaceAddress.protocol}; 0 when left out. */
  readonly protocol?: number;
}

/** Which addresses are wanted; what is left out does not matter. */
export interface AddressFilter {
  interfaceIndex?: number;
  family?: 4 | 6;
}

/**
 * The body of RTM_GETADDR for a dump of one family.
 *
 * A kernel that checks strictly sends only what is on the interface; another one sends everything and looks at nothing but
 * the family.
 *
 * @throws {NetlinkEncodeError}
 */
export function encodeAddressDump(family: 4 | 6, interfaceIndex = 0): Uint8Array {
  if (!Number.isInteger(interfaceIndex) || interfaceIndex < 0 || interfaceIndex > 0x7fffffff) {
    throw new NetlinkEncodeError(`${interfaceIndex} cannot be an interface index`);
  }
  const header = new Uint8Array(HEADER);
  header[0] = familyOfVersion(family);
  new DataView(header.buffer).setUint32(4, interfaceIndex, LITTLE_ENDIAN);
  return header;
}

/** The body of RTM_NEWADDR and RTM_DELADDR. @throws {NetlinkEncodeError} */
export function encodeInterfaceAddress(spec: AddressSpec): Uint8Array {
  const { interfaceIndex, prefixLength, protocol } = spec;
  const address = encodeAddress(spec.address);
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > address.length * 8) {
    throw new NetlinkEncodeError(`${spec.address}: ${prefixLength} cannot be the length of its prefix`);
  }
  const header = new Uint8Array(HEADER);
  header[0] = addressFamily(address);
  header[1] = prefixLength;
  new DataView(header.buffer).setUint32(4, interfaceIndex, LITTLE_ENDIAN);
  const writer = new AttributeWriter(header).bytes(IFA_LOCAL, address).bytes(IFA_ADDRESS, address);
  if (protocol !== undefined) writer.u8(IFA_PROTO, protocol);
  return writer.finish();
}

/**
 * Decodes RTM_NEWADDR and RTM_DELADDR.
 *
 * @returns undefined when the filter does not want it, or it is no address of IPv4 or IPv6
 * @throws {NetlinkDecodeError}
 */
export function decodeInterfaceAddress(
  { body }: NetlinkMessage,
  filter: AddressFilter = {},
): InterfaceAddress | undefined {
  if (body.length < HEADER) throw new NetlinkDecodeError(`an interface address of ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const family = versionOfFamily(view.getUint8(0));
  const interfaceIndex = view.getUint32(4, LITTLE_ENDIAN);
  if (family === undefined || (filter.family ?? family) !== family) return undefined;
  if ((filter.interfaceIndex ?? interfaceIndex) !== interfaceIndex) return undefined;
  // The header has room for eight flags only; IFA_FLAGS (Linux 3.14) has them all.
  let flags = view.getUint8(2);
  let address: string | undefined;
  let local: string | undefined;
  let protocol = 0;
  const reader = new AttributeReader(body, HEADER);
  while (reader.next()) {
    if (reader.type === IFA_ADDRESS) address = decodeAddress(reader.bytes());
    // Where both are there, IFA_ADDRESS is the other end's.
    else if (reader.type === IFA_LOCAL) local = decodeAddress(reader.bytes());
    else if (reader.type === IFA_FLAGS) flags = reader.u32();
    else if (reader.type === IFA_PROTO) protocol = reader.u8();
  }
  reader.end();
  const own = local ?? address;
  if (own === undefined || own.includes(':') !== (family === 6)) {
    throw new NetlinkDecodeError('an interface address without an address of its family');
  }
  const prefixLength = view.getUint8(1);
  if (prefixLength > addressBits(family)) {
    throw new NetlinkDecodeError(
      `an interface address of IPv${family} with a prefix of ${prefixLength} bits`,
    );
  }
  return {
    family,
    interfaceIndex,
    address: own,
    prefixLength,
    scope: view.getUint8(3),
    flags,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    deprecated: (flags & IFA_F_DEPRECATED) !== 0,
    protocol,
  };
}
