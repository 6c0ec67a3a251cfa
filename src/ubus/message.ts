/**
 * ubus messages (ubusmsg.h): an 8-byte header (version, type, sequence, peer; big-endian), then one blob
 * whose attributes say what the message is about.
 */
import { readU16, readU32, writeU16, writeU32 } from './big-endian.js';
import { BlobReader, BlobWriter, HEAD_LENGTH, MAX_BLOB_LENGTH, padded } from './blob.js';
import { readString, type TableInput, writeTable } from './blobmsg.js';
import { UbusError } from './errors.js';

/** What a message is (`enum ubus_msg_type`). */
export const MessageType = {
  hello: 0,
  status: 1,
  data: 2,
  ping: 3,
  lookup: 4,
  invoke: 5,
  addObject: 6,
  removeObject: 7,
  subscribe: 8,
  unsubscribe: 9,
  notify: 10,
} as const;

/** Ids of a message's attributes (`enum ubus_msg_attr`). */
export const MessageAttribute = {
  status: 1,
  objectPath: 2,
  objectId: 3,
  method: 4,
  objectType: 5,
  signature: 6,
  data: 7,
  target: 8,
  active: 9,
  noReply: 10,
  subscribers: 11,
  user: 12,
  group: 13,
} as const;

/** Id of ubusd's own object that takes events and registrations for them (UBUS_SYSTEM_OBJECT_EVENT). */
export const EVENT_OBJECT = 1;

/** Bytes of a message's header. */
export const HEADER_LENGTH = 8;

/**
 * Longest blob that is read. ubusd takes up to 1 MiB from the caller of a method, and hands it on with the
 * names of the caller's user and group added: with a limit of 1 MiB here, a caller could make us hang up on
 * ubusd.
 */
const READ_LIMIT = MAX_BLOB_LENGTH + 4096;

/** One message, as it lies in `bytes`. */
export interface Message {
  readonly type: number;
  /** 0 to 65535. */
  readonly sequence: number;
  readonly peer: number;
  readonly bytes: Uint8Array;
  /** Where the attributes start, and where they end. */
  readonly start: number;
  readonly end: number;
}

/**
 * The bytes of a message whose attributes `write` puts down. Throws BlobError if it would get longer than
 * ubusd takes.
 */
export function encodeMessage(
  type: number,
  sequence: number,
  peer: number,
  write: (writer: BlobWriter) => void,
): Uint8Array {
  const writer = new BlobWriter(HEADER_LENGTH);
  const blob = writer.open(0);
  write(writer);
  writer.close(blob);
  const bytes = writer.finish();
  bytes[0] = 0;
  bytes[1] = type;
  writeU16(bytes, 2, sequence);
  writeU32(bytes, 4, peer);
  return bytes;
}

/** Writes an attribute that is a number. */
export function writeNumberAttribute(writer: BlobWriter, id: number, value: number): void {
  const at = writer.open(id);
  writer.uint32(value);
  writer.close(at);
}

/** Writes an attribute that is a string. */
export function writeStringAttribute(writer: BlobWriter, id: number, value: string): void {
  const at = writer.open(id);
  writer.string(value);
  writer.close(at);
}

/** Writes an attribute that is true or false. */
export function writeFlagAttribute(writer: BlobWriter, id: number, value: boolean): void {
  const at = writer.open(id);
  writer.uint8(value ? 1 : 0);
  writer.close(at);
}

/** Writes the attribute that holds arguments, answers, or what an event tells. */
export function writeDataAttribute(writer: BlobWriter, table: TableInput): void {
  const at = writer.open(MessageAttribute.data);
  writeTable(writer, table);
  writer.close(at);
}

/** Cuts the bytes of a connection into messages. Holds no more than one message. */
export class MessageReader {
  /** Header and blob head of the message under way, then the whole message once its length is known. */
  #partial = new Uint8Array(HEADER_LENGTH + HEAD_LENGTH);
  #have = 0;
  #wanted = HEADER_LENGTH + HEAD_LENGTH;

  /**
   * Takes a chunk and hands over every message that it completes, until `take` returns false. Throws a {@link
   * UbusError} for bytes that are no ubus message; the connection is then beyond repair.
   */
  push(chunk: Uint8Array, take: (message: Message) => boolean): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#have === 0 && chunk.length - at >= HEADER_LENGTH + HEAD_LENGTH) {
        const length = messageLength(chunk, at);
        if (chunk.length - at >= length) {
          if (!take(toMessage(chunk, at, length))) return;
          at += length;
          continue;
        }
      }
      at += this.#collect(chunk, at);
      if (this.#have < this.#wanted) continue;
      const whole = this.#partial;
      this.#reset();
      if (!take(toMessage(whole, 0, whole.length))) return;
    }
  }

  #collect(chunk: Uint8Array, from: number): number {
    const count = Math.min(this.#wanted - this.#have, chunk.length - from);
    this.#partial.set(chunk.subarray(from, from + count), this.#have);
    this.#have += count;
    if (this.#have === HEADER_LENGTH + HEAD_LENGTH && this.#wanted === this.#have) {
      const length = messageLength(this.#partial, 0);
      const whole = new Uint8Array(length);
      whole.set(this.#partial);
      this.#partial = whole;
      this.#wanted = length;
    }
    return count;
  }

  #reset(): void {
    this.#partial = new Uint8Array(HEADER_LENGTH + HEAD_LENGTH);
    this.#have = 0;
    this.#wanted = HEADER_LENGTH + HEAD_LENGTH;
  }
}

/** Length of the message at an offset, header included. Throws {@link UbusError} where there is none. */
function messageLength(bytes: Uint8Array, at: number): number {
  const version = bytes[at];
  if (version !== 0) throw new UbusError('PARSE_ERROR', `a message of version ${version} instead of 0`);
  const length = readU32(bytes, at + HEADER_LENGTH) & 0x00ff_ffff;
  if (length < HEAD_LENGTH || padded(length) > READ_LIMIT) {
    throw new UbusError(
      'PARSE_ERROR',
      `a message of ${length} bytes (${HEAD_LENGTH} to ${MAX_BLOB_LENGTH} are allowed)`,
    );
  }
  return HEADER_LENGTH + length;
}

function toMessage(bytes: Uint8Array, at: number, length: number): Message {
  return {
    type: bytes[at + 1] ?? 0,
    sequence: readU16(bytes, at + 2),
    peer: readU32(bytes, at + 4),
    bytes,
    start: at + HEADER_LENGTH + HEAD_LENGTH,
    end: at + length,
  };
}

/** Start and end of an attribute's payload in the message's bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The attributes of a message. */
export interface Attributes {
  status?: number;
  objectPath?: string;
  objectId?: number;
  method?: string;
  objectType?: number;
  signature?: Range;
  data?: Range;
  target?: number;
  active?: boolean;
  noReply?: boolean;
  subscribers?: Range;
  user?: string;
  group?: string;
}

/**
 * Reads the attributes of a message. As in ubusd, an attribute of the wrong type counts as absent, and of one
 * that is there twice the last counts. Throws BlobError where the bytes are no attributes.
 */
export function readAttributes(message: Message): Attributes {
  const { bytes } = message;
  const attributes: Attributes = {};
  const reader = new BlobReader(bytes, message.start, message.end);
  while (reader.next()) {
    const { start, end } = reader;
    switch (reader.id) {
      case MessageAttribute.status:
        if (end - start === 4) attributes.status = readU32(bytes, start);
        break;
      case MessageAttribute.objectId:
        if (end - start === 4) attributes.objectId = readU32(bytes, start);
        break;
      case MessageAttribute.objectType:
        if (end - start === 4) attributes.objectType = readU32(bytes, start);
        break;
      case MessageAttribute.target:
        if (end - start === 4) attributes.target = readU32(bytes, start);
        break;
      case MessageAttribute.objectPath:
        if (isString(bytes, start, end)) attributes.objectPath = readString(bytes, start, end);
        break;
      case MessageAttribute.method:
        if (isString(bytes, start, end)) attributes.method = readString(bytes, start, end);
        break;
      case MessageAttribute.user:
        if (isString(bytes, start, end)) attributes.user = readString(bytes, start, end);
        break;
      case MessageAttribute.group:
        if (isString(bytes, start, end)) attributes.group = readString(bytes, start, end);
        break;
      case MessageAttribute.active:
        if (end - start === 1) attributes.active = bytes[start] !== 0;
        break;
      case MessageAttribute.noReply:
        if (end - start === 1) attributes.noReply = bytes[start] !== 0;
        break;
      case MessageAttribute.signature:
        attributes.signature = { start, end };
        break;
      case MessageAttribute.data:
        attributes.data = { start, end };
        break;
      case MessageAttribute.subscribers:
        attributes.subscribers = { start, end };
        break;
      default: // of a later ubusd
    }
  }
  return attributes;
}

function isString(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start && bytes[end - 1] === 0;
}
