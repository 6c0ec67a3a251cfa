import { decodeUtf8 } from '#platform/text.js';
import { LITTLE_ENDIAN } from './endian.js';
import { NetlinkDecodeError } from './errors.js';

/** Bits of nla_type that are not the type (linux/netlink.h, NLA_TYPE_MASK). */
const TYPE_MASK = 0x3fff;
const HEADER = 4;

/** Shared by a reader and all its nested readers, so that the first error anywhere ends them all. */
interface Fault {
  error: NetlinkDecodeError | undefined;
}

/**
 * Reads a row of netlink attributes (linux/netlink.h, struct nlattr) and cannot read past their end.
 *
 * The first error sticks: after it `next()` answers false and every value is empty, here and in all readers nested
 * in or around this one. A decoder therefore reads without looking, and calls `end()` once when it has finished.
 *
 * ```ts
 * const reader = new AttributeReader(body, 16);
 * while (reader.next()) if (reader.type === IFLA_MTU) mtu = reader.u32();
 * reader.end();
 * ```
 */
export class AttributeReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  readonly #fault: Fault;
  #next: number;
  #start = 0;
  #length = 0;
  #rawType = 0;

  /**
   * @param bytes what holds the attributes; it is not copied
   * @param start where they begin in `bytes`: after the family's own header, say
   */
  constructor(bytes: Uint8Array, start?: number);
  /** @internal a nested reader: part of its parent's bytes, and the same fault */
  constructor(bytes: Uint8Array, start: number, end: number, view: DataView, fault: Fault);
  constructor(bytes: Uint8Array, start = 0, end = bytes.length, view?: DataView, fault?: Fault) {
    this.#bytes = bytes;
    this.#view = view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fault = fault ?? { error: undefined };
    this.#next = start;
    this.#end = end;
    if (start > end) this.fail(`${start} bytes of header expected, ${end} there`);
  }

  /** Goes to the next attribute. False at the end, or after an error. */
  next(): boolean {
    if (this.#fault.error !== undefined || this.#next >= this.#end) return this.#stop();
    const left = this.#end - this.#next;
    if (left < HEADER) return this.#stop(`${left} bytes left, too few for an attribute`);
    const length = this.#view.getUint16(this.#next, LITTLE_ENDIAN);
    if (length < HEADER) return this.#stop(`an attribute of ${length} bytes, less than its header`);
    if (length > left) return this.#stop(`an attribute of ${length} bytes where ${left} are left`);
    this.#rawType = this.#view.getUint16(this.#next + 2, LITTLE_ENDIAN);
    this.#start = this.#next + HEADER;
    this.#length = length - HEADER;
    // The padding of the last attribute may be missing.
    this.#next = Math.min(this.#end, this.#next + ((length + 3) & ~3));
    return true;
  }

  /** Type of the current attribute, without its flag bits. */
  get type(): number {
    return this.#rawType & TYPE_MASK;
  }

  /** Bytes of the current attribute's value. */
  get length(): number {
    return this.#length;
  }

  /** The first error of this reader and those nested in or around it. */
  get error(): NetlinkDecodeError | undefined {
    return this.#fault.error;
  }

  /** An unsigned 8-bit value. */
  u8(): number {
    return this.#expect(1) ? this.#view.getUint8(this.#start) : 0;
  }

  /** An unsigned 16-bit value. */
  u16(): number {
    return this.#expect(2) ? this.#view.getUint16(this.#start, LITTLE_ENDIAN) : 0;
  }

  /** An unsigned 32-bit value. */
  u32(): number {
    return this.#expect(4) ? this.#view.getUint32(this.#start, LITTLE_ENDIAN) : 0;
  }

  /** An unsigned 64-bit value. */
  u64(): bigint {
    return this.#expect(8) ? this.#view.getBigUint64(this.#start, LITTLE_ENDIAN) : 0n;
  }

  /** The value as it is: a view, valid as long as the bytes given to the constructor are left alone. */
  bytes(): Uint8Array {
    if (this.#fault.error !== undefined) return new Uint8Array(0);
    return this.#bytes.subarray(this.#start, this.#start + this.#length);
  }

  /** A string in UTF-8, up to its first NUL byte. */
  string(): string {
    const bytes = this.bytes();
    const nul = bytes.indexOf(0);
    return decodeUtf8(bytes, 0, nul === -1 ? bytes.length : nul);
  }

  /** A reader of the attributes inside the current one. */
  nested(): AttributeReader {
    return new AttributeReader(this.#bytes, this.#start, this.#start + this.#length, this.#view, this.#fault);
  }

  /** Ends the reading with an error of the decoder's own, such as a value out of range; the first one counts. */
  fail(message: string): void {
    this.#fault.error ??= new NetlinkDecodeError(message);
  }

  /** To be called when everything is read. @throws {NetlinkDecodeError} the first error, if there was one */
  end(): void {
    if (this.#fault.error !== undefined) throw this.#fault.error;
  }

  #expect(length: number): boolean {
    if (this.#length !== length) {
      this.fail(`attribute ${this.type}: ${length} bytes expected, ${this.#length} there`);
    }
    return this.#fault.error === undefined;
  }

  #stop(message?: string): false {
    if (message !== undefined) this.fail(message);
    this.#length = 0;
    this.#start = this.#next = this.#end;
    this.#rawType = 0;
    return false;
  }
}
