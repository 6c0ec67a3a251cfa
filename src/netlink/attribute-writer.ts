import { encodeUtf8 } from '#platform/text.js';
import { LITTLE_ENDIAN } from './endian.js';
import { NetlinkEncodeError } from './errors.js';

/** nla_type flag of an attribute that holds attributes; kernels since 5.2 insist on it in new commands. */
const NLA_F_NESTED = 0x8000;
const TYPE_MAX = 0x3fff;
const HEADER = 4;
/** nla_len has 16 bits. */
const LENGTH_MAX = 0xffff;

/**
 * Writes a row of netlink attributes (linux/netlink.h, struct nlattr) into a buffer that grows.
 *
 * ```ts
 * const writer = new AttributeWriter(rtmsg);
 * writer.u32(RTA_OIF, 7).nested(RTA_METRICS, () => writer.u32(RTAX_MTU, 1280));
 * const body = writer.finish();
 * ```
 */
export class AttributeWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length: number;

  /**
   * @param header the family's own header, which goes before the attributes; padded to four bytes
   */
  constructor(header: Uint8Array = new Uint8Array(0)) {
    this.#length = (header.length + 3) & ~3;
    this.#bytes = new Uint8Array(Math.max(256, this.#length));
    this.#bytes.set(header);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far, the header included. */
  get length(): number {
    return this.#length;
  }

  /** An attribute without a value: its presence says it. */
  flag(type: number): this {
    this.#start(type, 0);
    return this;
  }

  /** An unsigned 8-bit value. */
  u8(type: number, value: number): this {
    this.#check(type, value, 0xff);
    const start = this.#start(type, 1);
    this.#view.setUint8(start, value);
    return this;
  }

  /** An unsigned 16-bit value. */
  u16(type: number, value: number): this {
    this.#check(type, value, 0xffff);
    const start = this.#start(type, 2);
    this.#view.setUint16(start, value, LITTLE_ENDIAN);
    return this;
  }

  /** An unsigned 32-bit value. */
  u32(type: number, value: number): this {
    this.#check(type, value, 0xffffffff);
    const start = this.#start(type, 4);
    this.#view.setUint32(start, value, LITTLE_ENDIAN);
    return this;
  }

  /** An unsigned 64-bit value. */
  u64(type: number, value: bigint): this {
    if (value < 0n || value > 0xffffffffffffffffn) {
      throw new NetlinkEncodeError(`attribute ${type}: ${value} is not an unsigned 64-bit number`);
    }
    const start = this.#start(type, 8);
    this.#view.setBigUint64(start, value, LITTLE_ENDIAN);
    return this;
  }

  /** Bytes as they are. */
  bytes(type: number, value: Uint8Array): this {
    const start = this.#start(type, value.length);
    this.#bytes.set(value, start);
    return this;
  }

  /** A string in UTF-8 with a NUL byte at its end. */
  string(type: number, value: string): this {
    if (value.includes('\0'))
      throw new NetlinkEncodeError(`attribute ${type}: a string with a NUL byte in it`);
    return this.bytes(type, encodeUtf8(`${value}\0`));
  }

  /** An attribute that holds the attributes which `write` writes. */
  nested(type: number, write: () => void): this {
    const nest = this.openNest(type);
    write();
    this.closeNest(nest);
    return this;
  }

  /** Opens an attribute that holds all attributes written until `closeNest`. Returns what to give to that. */
  openNest(type: number): number {
    return this.#start(type | NLA_F_NESTED, 0) - HEADER;
  }

  /** Closes a nest. @throws {NetlinkEncodeError} when it has become longer than an attribute can be (64 KiB) */
  closeNest(nest: number): void {
    this.#view.setUint16(
      nest,
      bounded(this.#view.getUint16(nest + 2, LITTLE_ENDIAN), this.#length - nest),
      LITTLE_ENDIAN,
    );
  }

  /** What was written. The writer must not be used after it. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #check(type: number, value: number, max: number): void {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new NetlinkEncodeError(`attribute ${type}: ${value} is not a whole number from 0 to ${max}`);
    }
  }

  /** Writes the header of an attribute and makes room for its value; returns where the value goes. */
  #start(type: number, length: number): number {
    if ((type & ~NLA_F_NESTED) > TYPE_MAX) throw new NetlinkEncodeError(`${type} is not an attribute type`);
    const size = bounded(type, HEADER + length);
    const start = this.#length;
    const end = start + ((size + 3) & ~3);
    if (end > this.#bytes.length) this.#grow(end);
    this.#view.setUint16(start, size, LITTLE_ENDIAN);
    this.#view.setUint16(start + 2, type, LITTLE_ENDIAN);
    this.#length = end;
    return start + HEADER;
  }

  #grow(least: number): void {
    const bytes = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

function bounded(type: number, length: number): number {
  if (length > LENGTH_MAX) {
    throw new NetlinkEncodeError(
      `attribute ${type & TYPE_MAX}: ${length} bytes, and an attribute holds at most ${LENGTH_MAX}`,
    );
  }
  return length;
}
