import { AttributeReader } from './attribute-reader.js';
import { LITTLE_ENDIAN } from './endian.js';
import { NetlinkDecodeError } from './errors.js';

/** Message types every family shares (linux/netlink.h). */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

/** Flags of nlmsg_flags (linux/netlink.h). Those of the second and third group share their bits. */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_MISS_TYPE = 5;

/** Bytes of struct nlmsghdr. */
export const HEADER = 16;

/** One netlink message (struct nlmsghdr and what follows it). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port of the socket the message answers; 0 in multicast messages the kernel sends on its own account. */
  readonly port: number;
  /** Everything after the header, without padding: a view into the datagram. */
  readonly body: Uint8Array;
}

/** Builds one message with `body` after its header. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  port: number,
  body: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, type, LITTLE_ENDIAN);
  view.setUint16(6, flags, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  view.setUint32(12, port, LITTLE_ENDIAN);
  bytes.set(body, HEADER);
  return bytes;
}

/** The same message, without NLM_F_ACK. */
export function withoutAcknowledgement(message: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(message);
  const view = new DataView(bytes.buffer);
  view.setUint16(6, view.getUint16(6, LITTLE_ENDIAN) & ~NLM_F_ACK, LITTLE_ENDIAN);
  return bytes;
}

/** Splits a datagram into its messages. @throws {NetlinkDecodeError} when a length in it cannot be */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at < datagram.length) {
    const left = datagram.length - at;
    if (left < HEADER) throw new NetlinkDecodeError(`${left} bytes left, too few for a message`);
    const length = view.getUint32(at, LITTLE_ENDIAN);
    if (length < HEADER || length > left) {
      throw new NetlinkDecodeError(`a message of ${length} bytes where ${left} are left`);
    }
    messages.push({
      type: view.getUint16(at + 4, LITTLE_ENDIAN),
      flags: view.getUint16(at + 6, LITTLE_ENDIAN),
      sequence: view.getUint32(at + 8, LITTLE_ENDIAN),
      port: view.getUint32(at + 12, LITTLE_ENDIAN),
      body: datagram.subarray(at + HEADER, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** How a request ended. */
export interface Outcome {
  /** Positive error number; 0: done as asked. */
  readonly errno: number;
  /** The kernel's words, where it sent any. */
  readonly detail: string | undefined;
}

/**
 * Reads the end of a request: NLMSG_ERROR (which with error 0 is an acknowledgement) or the NLMSG_DONE of a dump, each
 * with its extended-ack attributes.
 *
 * @throws {NetlinkDecodeError} when the message is too short for what it claims to be
 */
export function decodeOutcome(message: NetlinkMessage): Outcome {
  const { body, flags, type } = message;
  if (body.length < 4) {
    // Old families end their dumps with an empty NLMSG_DONE.
    if (type === NLMSG_DONE && body.length === 0) return { errno: 0, detail: undefined };
    throw new NetlinkDecodeError(`${body.length} bytes where an error number of 4 should be`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // Not a mere minus sign: it would make -0 of success.
  const errno = 0 - view.getInt32(0, LITTLE_ENDIAN);
  if (errno < 0) throw new NetlinkDecodeError(`${-errno} where an error number should be zero or negative`);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno, detail: undefined };
  let start = 4;
  if (type === NLMSG_ERROR) {
    if (body.length < 4 + HEADER) throw new NetlinkDecodeError('an error without the request it answers');
    // The kernel repeats the request's header, and unless it is told not to, the request itself when it failed.
    const whole = errno !== 0 && (flags & NLM_F_CAPPED) === 0;
    start += whole ? (view.getUint32(4, LITTLE_ENDIAN) + 3) & ~3 : HEADER;
    if (start < 4 + HEADER) throw new NetlinkDecodeError('an error whose request is shorter than a header');
  }
  return { errno, detail: decodeExtendedAck(new AttributeReader(body, start)) };
}

function decodeExtendedAck(reader: AttributeReader): string | undefined {
  const parts: string[] = [];
  while (reader.next()) {
    if (reader.type === NLMSGERR_ATTR_MSG) parts.push(reader.string());
    if (reader.type === NLMSGERR_ATTR_MISS_TYPE) parts.push(`attribute ${reader.u32()} is missing`);
  }
  reader.end();
  return parts.length === 0 ? undefined : parts.join('; ');
}
