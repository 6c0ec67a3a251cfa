import {
  decodePacket,
  LEAP_UNSYNCHRONISED,
  MODE_SERVER,
  type NtpPacket,
  PacketError,
  referenceText,
} from './packet.js';

/**
 * The rules by which an answer counts (RFC 4330, section 5; RFC 5905, sections 7.4 and 8), each with a name that
 * appears in reports. They are applied in this order, and the first that is broken is the one reported.
 *
 * - `source`: comes from the address and port that were asked.
 * - `size`: is an NTP packet at all (48 bytes or more).
 * - `origin`: echoes the random transmit timestamp of the question.
 * - `mode`: is a server's answer (4).
 * - `version`: 3 or 4.
 * - `kiss`: is no kiss-o'-death RATE, DENY or RSTR. Such a server is left alone from then on.
 * - `leap`: the leap indicator does not say "not synchronised" (3).
 * - `stratum`: 1 to 15.
 * - `root distance`: root delay / 2 + root dispersion is below 1.5 s.
 * - `transmit`: the transmit timestamp is not zero.
 *
 * The first three catch packets of anybody: they say nothing about the server, which may still answer. Whoever keeps
 * all three is the server itself, or somebody on the path; what else is wrong is then the server's last word.
 */
export type AcceptanceRule =
  | 'source'
  | 'size'
  | 'origin'
  | 'mode'
  | 'version'
  | 'kiss'
  | 'leap'
  | 'stratum'
  | 'root distance'
  | 'transmit';

/** Seconds; a server whose own clock may be wrong by this much or more is not believed (RFC 5905: MAXDIST). */
export const MAX_ROOT_DISTANCE = 1.5;

/** The codes of a kiss-o'-death after which a server is left alone (RFC 5905, section 7.4). */
export type KissCode = 'RATE' | 'DENY' | 'RSTR';

/** An address and UDP port, the address as the kernel writes it. */
export interface Endpoint {
  address: string;
  /** 1 to 65535. */
  port: number;
}

/** A question that is out: to whom, and with which transmit timestamp. */
export interface Question extends Endpoint {
  transmit: bigint;
}

/** What is to be thought of one datagram. */
export type Verdict =
  | { accepted: true; packet: NtpPacket }
  | {
      accepted: false;
      rule: AcceptanceRule;
      /** For people: what was seen and what was expected. */
      detail: string;
      /** The server itself has spoken: nothing better is to be expected of this question. */
      final: boolean;
      /** Set if the rule is `kiss`. */
      kiss?: KissCode;
    };

/** Half the root delay and the root dispersion: how wrong the server's clock may be, in seconds (RFC 5905, section 10). */
export function rootDistance(packet: NtpPacket): number {
  return packet.rootDelay / 2 + packet.rootDispersion;
}

function kissCode(packet: NtpPacket): KissCode | undefined {
  if (packet.stratum !== 0) return undefined;
  const code = referenceText(packet.referenceId);
  return code === 'RATE' || code === 'DENY' || code === 'RSTR' ? code : undefined;
}

const KISS_MEANING: Record<KissCode, string> = {
  RATE: 'it is asked too often',
  DENY: 'it refuses us',
  RSTR: 'it refuses us by its access rules',
};

/** An address without its zone: fe80::1%eth0 becomes fe80::1. The kernel and the configuration may name zones differently. */
function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return percent < 0 ? address : address.slice(0, percent);
}

function stray(rule: AcceptanceRule, detail: string): Verdict {
  return { accepted: false, rule, detail, final: false };
}

function lastWord(rule: AcceptanceRule, detail: string): Verdict {
  return { accepted: false, rule, detail, final: true };
}

/**
 * Judges one datagram by all the rules. Total: any bytes give a verdict.
 *
 * @param bytes the datagram.
 * @param from whence it came, as the kernel says.
 * @param question what was asked; its address in the kernel's notation.
 */
export function judge(bytes: Uint8Array, from: Endpoint, question: Question): Verdict {
  if (withoutZone(from.address) !== withoutZone(question.address) || from.port !== question.port) {
    return stray('source', `it came from ${from.address} port ${from.port}, which was not asked`);
  }
  let packet: NtpPacket;
  try {
    packet = decodePacket(bytes);
  } catch (error) {
    if (error instanceof PacketError) return stray('size', error.message);
    throw error;
  }
  if (packet.origin !== question.transmit) {
    return stray(
      'origin',
      'it does not echo the timestamp of the question: forged, or an answer to another one',
    );
  }
  if (packet.mode !== MODE_SERVER) return lastWord('mode', `mode ${packet.mode}, not 4 (server)`);
  if (packet.version !== 3 && packet.version !== 4) {
    return lastWord('version', `NTP version ${packet.version}, not 3 or 4`);
  }
  const kiss = kissCode(packet);
  if (kiss) {
    const detail = `kiss-o'-death ${kiss}: ${KISS_MEANING[kiss]}`;
    return { accepted: false, rule: 'kiss', detail, final: true, kiss };
  }
  if (packet.leap === LEAP_UNSYNCHRONISED) return lastWord('leap', 'its clock is not synchronised (leap 3)');
  if (packet.stratum < 1 || packet.stratum > 15) {
    const code = packet.stratum === 0 ? referenceText(packet.referenceId) : undefined;
    return lastWord('stratum', `stratum ${packet.stratum}${code ? ` (${code})` : ''}, not 1 to 15`);
  }
  const distance = rootDistance(packet);
  if (distance >= MAX_ROOT_DISTANCE) {
    return lastWord(
      'root distance',
      `its clock may be wrong by ${distance.toFixed(3)} s; below 1.5 s is wanted`,
    );
  }
  if (packet.transmit === 0n) return lastWord('transmit', 'its transmit timestamp is zero');
  return { accepted: true, packet };
}
