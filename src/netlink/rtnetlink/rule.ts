import { familyOfVersion, versionOfFamily } from '../address.js';
import { AttributeReader } from '../attribute-reader.js';
import { AttributeWriter } from '../attribute-writer.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { NetlinkDecodeError, NetlinkEncodeError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import { readPrefix } from './prefix.js';
import { ROUTE_PROTOCOL } from './route.js';

/** Message types of rules (linux/rtnetlink.h). */
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
/** Their multicast groups. */
export const RTNLGRP_IPV4_RULE = 8;
export const RTNLGRP_IPV6_RULE = 19;

/** What a rule does with a packet that it matches (linux/fib_rules.h): it looks into its table. */
export const FR_ACT_TO_TBL = 1;
/** … it drops the packet without a word. */
export const FR_ACT_BLACKHOLE = 6;
/** … it drops the packet, and the sender is told that the way leads nowhere. */
export const FR_ACT_UNREACHABLE = 7;
/** … it drops the packet, and the sender is told that it is forbidden. */
export const FR_ACT_PROHIBIT = 8;

const FIB_RULE_INVERT = 2;
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_PROTOCOL = 21;
/** Bytes of struct fib_rule_hdr. */
const HEADER = 12;
/** FRA_SUPPRESS_PREFIXLEN of a rule that has none. */
const NO_SUPPRESSION = 0xffffffff;
const ALL_BITS = 0xffffffff;

/** Marks of packets (fwmark): those whose bits within `mask` are `value`. */
export interface RuleMark {
  readonly value: number;
  /** Default 0xffffffff: all bits. */
  readonly mask?: number;
}

/** A rule to be installed or removed: packets that it matches look for their route in a table. */
export interface RuleSpec {
  readonly family: 4 | 6;
  /** Rules are asked from the lowest on, 0 to 4294967295. Without one the kernel puts a new one before
   * all others but the first. */
  readonly priority?: number;
  /** Routing table, 1 to 4294967295. */
  readonly table: number;
  readonly mark?: RuleMark;
  /** Packets that do not match, instead (`ip rule add not …`). */
  readonly invert?: boolean;
  /** Routes of this table whose prefix is so long or shorter are passed over: 0 leaves its default route out. */
  readonly suppressPrefixLength?: number;
  /** rtm_protocol, 0 to 255. Default {@link ROUTE_PROTOCOL}. */
  readonly protocol?: number;
}

/** A rule of the kernel's. Conditions of other kinds (uid, ports, TOS) are not read. */
export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** FR_ACT_TO_TBL, FR_ACT_BLACKHOLE, … */
  readonly action: number;
  /** 0 where the action needs none. */
  readonly table: number;
  readonly mark: Required<RuleMark> | undefined;
  readonly invert: boolean;
  readonly suppressPrefixLength: number | undefined;
  /** `address/length` */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly inputInterface: string | undefined;
  readonly outputInterface: string | undefined;
  /** rtm_protocol: who installed it (Linux 4.17; 0 before). */
  readonly protocol: number;
}

/** Which rules are wanted; what is left out does not matter. */
export interface RuleFilter {
  readonly family?: 4 | 6;
  readonly protocol?: number;
  readonly table?: number;
}

/** The body of RTM_NEWRULE and RTM_DELRULE. @throws {NetlinkEncodeError} */
export function encodeRule(spec: RuleSpec): Uint8Array {
  const { family, priority, table, mark, invert = false, suppressPrefixLength } = spec;
  if (!(table > 0)) throw new NetlinkEncodeError(`a rule needs a table of 1 or more, not ${table}`);
  const header = new Uint8Array(HEADER);
  header[0] = familyOfVersion(family);
  header[4] = table > 255 ? 0 : table; // FRA_TABLE counts, and is always sent
  header[7] = FR_ACT_TO_TBL;
  new DataView(header.buffer).setUint32(8, invert ? FIB_RULE_INVERT : 0, LITTLE_ENDIAN);
  const writer = new AttributeWriter(header).u32(FRA_TABLE, table);
  if (priority !== undefined) writer.u32(FRA_PRIORITY, priority);
  if (mark !== undefined) writer.u32(FRA_FWMARK, mark.value).u32(FRA_FWMASK, mark.mask ?? ALL_BITS);
  if (suppressPrefixLength !== undefined) writer.u32(FRA_SUPPRESS_PREFIXLEN, suppressPrefixLength);
  return writer.u8(FRA_PROTOCOL, spec.protocol ?? ROUTE_PROTOCOL).finish();
}

/** The body of RTM_GETRULE for a dump of one family. */
export function encodeRuleDump(family: 4 | 6): Uint8Array {
  const header = new Uint8Array(HEADER);
  header[0] = familyOfVersion(family);
  return header;
}

/**
 * Decodes RTM_NEWRULE and RTM_DELRULE.
 *
 * @returns undefined when the filter does not want it, or it is no rule of IPv4 or IPv6
 * @throws {NetlinkDecodeError}
 */
export function decodeRule({ body }: NetlinkMessage, filter: RuleFilter = {}): Rule | undefined {
  if (body.length < HEADER) throw new NetlinkDecodeError(`a rule of ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const family = versionOfFamily(view.getUint8(0));
  if (family === undefined || (filter.family ?? family) !== family) return undefined;
  let source: string | undefined;
  let destination: string | undefined;
  let inputInterface: string | undefined;
  let outputInterface: string | undefined;
  let priority = 0;
  let table = view.getUint8(4);
  let protocol = 0;
  let value: number | undefined;
  let mask: number | undefined;
  let suppressPrefixLength: number | undefined;
  const reader = new AttributeReader(body, HEADER);
  while (reader.next()) {
    if (reader.type === FRA_DST) destination = readPrefix(reader, family, view.getUint8(1));
    else if (reader.type === FRA_SRC) source = readPrefix(reader, family, view.getUint8(2));
    else if (reader.type === FRA_IIFNAME) inputInterface = reader.string();
    else if (reader.type === FRA_OIFNAME) outputInterface = reader.string();
    else if (reader.type === FRA_PRIORITY) priority = reader.u32();
    else if (reader.type === FRA_TABLE) table = reader.u32();
    else if (reader.type === FRA_FWMARK) value = reader.u32();
    else if (reader.type === FRA_FWMASK) mask = reader.u32();
    else if (reader.type === FRA_SUPPRESS_PREFIXLEN) suppressPrefixLength = reader.u32();
    else if (reader.type === FRA_PROTOCOL) protocol = reader.u8();
  }
  reader.end();
  if ((filter.table ?? table) !== table || (filter.protocol ?? protocol) !== protocol) return undefined;
  return {
    family,
    priority,
    action: view.getUint8(7),
    table,
    mark:
      value === undefined && mask === undefined ? undefined : { value: value ?? 0, mask: mask ?? ALL_BITS },
    invert: (view.getUint32(8, LITTLE_ENDIAN) & FIB_RULE_INVERT) !== 0,
    suppressPrefixLength: suppressPrefixLength === NO_SUPPRESSION ? undefined : suppressPrefixLength,
    source,
    destination,
    inputInterface,
    outputInterface,
    protocol,
  };
}
