import { fromBase64, toBase64 } from '#platform/text.js';
import { NetlinkDecodeError } from '../errors.js';

/** Bytes of every WireGuard key (linux/wireguard.h, WG_KEY_LEN). */
export const KEY_LENGTH = 32;
/** 32 bytes in base64: the last letter has two bits to spare, and they are zero. */
const BASE64_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const HIDDEN = '[secret]';
/** The method by which console.log of Node (node:util, inspect.custom) asks. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * A private or preshared key. It shows itself only when asked for by name: JSON, string conversion, console.log and
 * errors get `[secret]`.
 */
export class SecretKey {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param text 32 bytes in base64 @throws {NetlinkDecodeError} which does not repeat the text */
  static fromBase64(text: string): SecretKey {
    if (!BASE64_KEY.test(text)) throw new NetlinkDecodeError('a key is not 32 bytes in base64');
    return new SecretKey(fromBase64(text));
  }

  /** @param bytes 32 bytes; they are copied @throws {NetlinkDecodeError} when it is another number of them */
  static fromBytes(bytes: Uint8Array): SecretKey {
    if (bytes.length !== KEY_LENGTH)
      throw new NetlinkDecodeError(`a key of ${bytes.length} bytes instead of 32`);
    return new SecretKey(Uint8Array.from(bytes));
  }

  /** The key itself: a copy of its 32 bytes. */
  revealBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** The key itself, in base64. */
  revealBase64(): string {
    return toBase64(this.#bytes);
  }

  /** Whether it is the same key, in a time that does not depend on where they differ. */
  equals(other: SecretKey): boolean {
    let difference = 0;
    for (let i = 0; i < KEY_LENGTH; i++) difference |= (this.#bytes[i] ?? 0) ^ (other.#bytes[i] ?? 0);
    return difference === 0;
  }

  /** Not the key: it is shown by the two methods that say so. */
  toString(): string {
    return HIDDEN;
  }

  /** Not the key. */
  toJSON(): string {
    return HIDDEN;
  }

  /** Not the key, for console.log and debuggers. */
  [INSPECT](): string {
    return HIDDEN;
  }
}

/** The 32 bytes of a public key in base64. @throws {NetlinkDecodeError} when it is not that */
export function decodePublicKey(text: string): Uint8Array {
  if (!BASE64_KEY.test(text)) throw new NetlinkDecodeError(`public key '${text}' is not 32 bytes in base64`);
  return fromBase64(text);
}

/** A public key in base64. */
export function encodePublicKey(bytes: Uint8Array): string {
  return toBase64(bytes);
}

/** Whether a key is all zeros, which is how the kernel says that there is none. */
export function isZeroKey(bytes: Uint8Array): boolean {
  let any = 0;
  for (let i = 0; i < bytes.length; i++) any |= bytes[i] ?? 0;
  return any === 0;
}
