/**
 * The NTP packet header (RFC 5905, section 7.3; RFC 4330, section 4): 48 bytes, big-endian.
 *
 *      0  leap (2 bits), version (3), mode (3)      16  reference timestamp
 *      1  stratum                                   24  origin timestamp
 *      2  poll                                      32  receive timestamp
 *      3  precision                                 40  transmit timestamp
 *      4  root delay                                48  extension fields and MAC: not read here
 *      8  root dispersion
 *     12  reference identifier
 */

/** Bytes in the header, and so in the shortest packet. */
export const PACKET_SIZE = 48;

/** The modes that an SNTP client meets (RFC 5905, figure 10). */
export const MODE_CLIENT = 3;
export const MODE_SERVER = 4;

/** Leap indicator of a server whose clock is not synchronised (RFC 5905, figure 9). */
export const LEAP_UNSYNCHRONISED = 3;

/** What a packet says, field by field. */
export interface NtpPacket {
  /** 0: no leap second announced; 1: the day's last minute has 61 s; 2: 59 s; 3: clock not synchronised. */
  leap: number;
  /** Protocol version, 0 to 7; in use are 3 and 4. */
  version: number;
  /** 0 to 7; 3 is a client's question, 4 a server's answer. */
  mode: number;
  /** Distance to a reference clock, 0 to 255: 1 has one, 16 is unsynchronised, 0 marks a kiss-o'-death. */
  stratum: number;
  /** Log2 of the polling interval in seconds, -128 to 127. */
  poll: number;
  /** Log2 of the clock's precision in seconds, -128 to 127. */
  precision: number;
  /** Round trip to the reference clock in seconds, 0 to 65536 in steps of 2^-16. */
  rootDelay: number;
  /** Error that has gathered since the reference clock, in seconds, 0 to 65536 in steps of 2^-16. */
  rootDispersion: number;
  /** Four bytes as a number, 0 to 2^32 - 1: the server's source, or the code of a kiss-o'-death. */
  referenceId: number;
  /** When the server's clock was last set: NTP timestamp, see timestamp.ts. */
  reference: bigint;
  /** The transmit timestamp of the question, as the server received it. */
  origin: bigint;
  /** When the question reached the server. */
  receive: bigint;
  /** When the answer left the server. */
  transmit: bigint;
}

/** The bytes are no NTP packet. The message says why. */
export class PacketError extends Error {
  override readonly name = 'PacketError';
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads the header of a packet. Every value of every field is readable: what to believe is decided in accept.ts.
 *
 * @throws {PacketError} if there are fewer than 48 bytes; nothing else is thrown. Bytes after the header are ignored.
 */
export function decodePacket(bytes: Uint8Array): NtpPacket {
  if (bytes.length < PACKET_SIZE) {
    throw new PacketError(`${bytes.length} bytes, but an NTP packet has at least ${PACKET_SIZE}`);
  }
  const data = view(bytes);
  const first = data.getUint8(0);
  return {
    leap: first >> 6,
    version: (first >> 3) & 7,
    mode: first & 7,
    stratum: data.getUint8(1),
    poll: data.getInt8(2),
    precision: data.getInt8(3),
    rootDelay: data.getUint32(4) / 65536,
    rootDispersion: data.getUint32(8) / 65536,
    referenceId: data.getUint32(12),
    reference: data.getBigUint64(16),
    origin: data.getBigUint64(24),
    receive: data.getBigUint64(32),
    transmit: data.getBigUint64(40),
  };
}

function checked(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `NTP packet: ${field} is ${value}, but must be a whole number from ${min} to ${max}`,
    );
  }
  return value;
}

function checkedTimestamp(field: string, value: bigint): bigint {
  if (BigInt.asUintN(64, value) !== value) {
    throw new RangeError(`NTP packet: ${field} is ${value}, but must be from 0 to 2^64 - 1`);
  }
  return value;
}

/**
 * Writes a packet of 48 bytes. `decodePacket` reads back what was written, the two root times rounded to 2^-16 s.
 *
 * @throws {RangeError} naming the field, if a value does not fit its field.
 */
export function encodePacket(packet: NtpPacket): Uint8Array {
  const bytes = new Uint8Array(PACKET_SIZE);
  const data = view(bytes);
  const leap = checked('leap', packet.leap, 0, 3);
  const version = checked('version', packet.version, 0, 7);
  const mode = checked('mode', packet.mode, 0, 7);
  data.setUint8(0, (leap << 6) | (version << 3) | mode);
  data.setUint8(1, checked('stratum', packet.stratum, 0, 255));
  data.setInt8(2, checked('poll', packet.poll, -128, 127));
  data.setInt8(3, checked('precision', packet.precision, -128, 127));
  data.setUint32(4, checked('rootDelay * 65536', Math.round(packet.rootDelay * 65536), 0, 0xffffffff));
  data.setUint32(
    8,
    checked('rootDispersion * 65536', Math.round(packet.rootDispersion * 65536), 0, 0xffffffff),
  );
  data.setUint32(12, checked('referenceId', packet.referenceId, 0, 0xffffffff));
  data.setBigUint64(16, checkedTimestamp('reference', packet.reference));
  data.setBigUint64(24, checkedTimestamp('origin', packet.origin));
  data.setBigUint64(32, checkedTimestamp('receive', packet.receive));
  data.setBigUint64(40, checkedTimestamp('transmit', packet.transmit));
  return bytes;
}

/**
 * A client's question: version 4, mode 3, and nothing else but the transmit timestamp.
 *
 * The server needs nothing of the rest, and a clock reading or a stratum would only tell strangers about us
 * (draft-ietf-ntp-data-minimization). The timestamp is random: the server echoes it, so it works as a password.
 */
export function encodeRequest(transmit: bigint): Uint8Array {
  const bytes = new Uint8Array(PACKET_SIZE);
  const data = view(bytes);
  data.setUint8(0, (4 << 3) | MODE_CLIENT);
  data.setBigUint64(40, checkedTimestamp('transmit', transmit));
  return bytes;
}

/**
 * The reference identifier as text: the code of a kiss-o'-death or of a reference clock ("RATE", "GPS").
 *
 * @returns one to four printable ASCII characters, or undefined if the four bytes are no such text.
 */
export function referenceText(referenceId: number): string | undefined {
  let text = '';
  for (let shift = 24; shift >= 0; shift -= 8) text += String.fromCharCode((referenceId >>> shift) & 0xff);
  const match = /^([\x21-\x7e]+)\0*$/.exec(text);
  return match?.[1];
}
