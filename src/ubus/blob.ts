/**
 * Blobs: the length-prefixed attributes of libubox (blob.h) that every ubus message is made of.
 *
 * An attribute starts with a 32-bit big-endian head: bit 31 says that the payload starts with a name
 * (blobmsg), bits 30 to 24 are the id, bits 23 to 0 the length in bytes of head and payload. The next
 * attribute starts at the next multiple of four; the padding counts towards the length of the attribute
 * around it, not of the padded one.
 */
import { encodeUtf8 } from '#platform/text.js';
import { readU32, view64, writeU16, writeU32 } from './big-endian.js';
import { BlobError } from './errors.js';

/** Bytes of an attribute's head. */
export const HEAD_LENGTH = 4;
/** Longest blob ubusd takes, head included, in bytes (UBUS_MAX_MSGLEN). */
export const MAX_BLOB_LENGTH = 1_048_576;

const EXTENDED = 0x8000_0000;
const FIRST_ROOM = 256;
/** Texts up to this many characters are copied here, longer ones by the platform. */
const SHORT = 48;

/** Rounds `length` up to a multiple of four. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Goes through the attributes between two offsets of a buffer, and never beyond. One reader is one level: the
 * payload of an attribute is read with a reader of its own, from {@link start} to {@link end}.
 */
export class BlobReader {
  /** Id of the current attribute, 0 to 127. */
  id = 0;
  /** Whether the current attribute's payload starts with a blobmsg name. */
  extended = false;
  /** Where the current attribute's payload starts. */
  start: number;
  /** Where it ends, padding excluded. */
  end: number;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  #next: number;

  /** Reads `bytes` from `start` up to, not including, `limit`. */
  constructor(bytes: Uint8Array, start: number, limit: number) {
    this.#bytes = bytes;
    this.#limit = limit;
    this.#next = start;
    this.start = start;
    this.end = start;
  }

  /**
   * Steps to the next attribute; false at the end. Throws {@link BlobError} where the bytes are no attribute.
   */
  next(): boolean {
    const at = this.#next;
    if (at >= this.#limit) return false;
    if (this.#limit - at < HEAD_LENGTH)
      throw new BlobError(`${this.#limit - at} stray bytes after an attribute`);
    const head = readU32(this.#bytes, at);
    const length = head & 0x00ff_ffff;
    if (length < HEAD_LENGTH) throw new BlobError(`attribute with a length of ${length} bytes`);
    if (at + padded(length) > this.#limit) {
      throw new BlobError(`attribute of ${length} bytes where ${this.#limit - at} are left`);
    }
    this.id = (head >>> 24) & 0x7f;
    this.extended = head >= EXTENDED;
    this.start = at + HEAD_LENGTH;
    this.end = at + length;
    this.#next = at + padded(length);
    return true;
  }
}

/**
 * Writes attributes one after the other, growing as needed up to {@link MAX_BLOB_LENGTH} and a header's
 * length. Whatever would go beyond throws {@link BlobError}, so that no value can make it hold more.
 */
export class BlobWriter {
  #bytes = new Uint8Array(FIRST_ROOM);
  #length = 0;
  readonly #limit: number;

  /** `reserve` bytes are left free at the start, for a message's header. */
  constructor(reserve = 0) {
    this.#length = reserve;
    this.#limit = reserve + MAX_BLOB_LENGTH;
  }

  /** What has been written, the reserved bytes included. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * Starts an attribute; everything up to the matching {@link close} is its payload. Returns what `close`
   * needs.
   */
  open(id: number): number {
    const at = this.#take(HEAD_LENGTH);
    writeU32(this.#bytes, at, id << 24);
    return at;
  }

  /** Starts a blobmsg attribute with a name (empty in arrays). */
  openNamed(type: number, name: string): number {
    const at = this.#take(HEAD_LENGTH + 2);
    const nameAt = this.#length;
    this.#text(name, 'name');
    const nameLength = this.#length - nameAt;
    if (nameLength > 0xffff) throw new BlobError(`name of ${nameLength} bytes; 65535 is the most`);
    this.#zeros(padded(2 + nameLength + 1) - 2 - nameLength);
    writeU32(this.#bytes, at, EXTENDED | (type << 24));
    writeU16(this.#bytes, at + HEAD_LENGTH, nameLength);
    return at;
  }

  /** Ends the attribute that `open` or `openNamed` started, and pads it. */
  close(at: number): void {
    const length = this.#length - at;
    writeU32(this.#bytes, at, readU32(this.#bytes, at) | length);
    this.#zeros(padded(length) - length);
  }

  uint8(value: number): void {
    const at = this.#take(1); // first: it may put other bytes in the place of #bytes
    this.#bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.#take(2);
    writeU16(this.#bytes, at, value);
  }

  /** Writes the low 32 bits of an integer, signed or not. */
  uint32(value: number): void {
    const at = this.#take(4);
    writeU32(this.#bytes, at, value);
  }

  int64(value: bigint): void {
    const at = this.#take(8);
    view64(this.#bytes, at).setBigInt64(0, value);
  }

  double(value: number): void {
    const at = this.#take(8);
    view64(this.#bytes, at).setFloat64(0, value);
  }

  /**
   * Writes a string as UTF-8 with the NUL that ends it on this bus; one inside would cut it short, so it is
   * refused.
   */
  string(value: string): void {
    this.#text(value, 'string');
    this.#zeros(1);
  }

  /** Copies bytes in as they are. */
  bytes(value: Uint8Array): void {
    const at = this.#take(value.length);
    this.#bytes.set(value, at);
  }

  /**
   * Writes UTF-8 without an end. Short ASCII, which is nearly all there is on this bus, goes without a call
   * of it.
   */
  #text(text: string, what: string): void {
    const { length } = text;
    if (length <= SHORT) {
      const at = this.#take(length);
      const bytes = this.#bytes;
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code === 0 || code > 0x7f) break;
        bytes[at + index] = code;
      }
      if (index === length) return;
      this.#length = at;
    }
    if (text.includes('\0')) {
      throw new BlobError(`${what} ${JSON.stringify(text.slice(0, 40))} has a NUL character inside`);
    }
    this.bytes(encodeUtf8(text));
  }

  #zeros(count: number): void {
    const at = this.#take(count);
    for (let index = at; index < at + count; index += 1) this.#bytes[index] = 0;
  }

  #take(count: number): number {
    const at = this.#length;
    const length = at + count;
    if (length > this.#limit)
      throw new BlobError(`more than the ${MAX_BLOB_LENGTH} bytes ubusd takes in one message`);
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(this.#bytes.length * 2, this.#limit)));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#length = length;
    return at;
  }
}
