/** Readers of what NTP servers send, and of how people write them. */

import { decodeUtf8 } from '#platform/text.js';
import { judge, type Question } from '../../src/sntp/accept.js';
import { agree, majorityOf, type Vote } from '../../src/sntp/majority.js';
import { measure } from '../../src/sntp/measure.js';
import { decodePacket, encodePacket, PacketError, referenceText } from '../../src/sntp/packet.js';
import { parseServer } from '../../src/sntp/server.js';
import { ntpFromUnix, unixFromNtp } from '../../src/sntp/timestamp.js';
import { type Reader, rule } from './reader.js';

/** That the inputs of the corpus answer. */
export const question: Question = { address: '192.0.2.1', port: 123, transmit: 0x1122334455667788n };
/** 2026-11-22, in nanoseconds since 1970. */
export const pivot = 1_795_305_600_000_000_000n;

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** What a measurement may be, whatever the server says. */
function measured(packet: ReturnType<typeof decodePacket>): Vote {
  const waited = (packet.receive & 0xffff_ffffn) + 1n; // up to 4 s, by chance
  const found = measure(packet, pivot - packet.reference, pivot - packet.reference + waited, pivot);
  rule(found.delay >= 0n && found.delay <= waited, 'the way took longer than the answer');
  rule(found.error > 0n && found.error <= waited / 2n + 1_501_000_000n, 'the error has no bound');
  return { ...found, servers: ['a'] };
}

/** One datagram: decoded, judged, measured, and put to the vote beside two honest ones. */
const packets: Reader = {
  name: 'ntp',
  errors: [PacketError],
  read(bytes) {
    const packet = decodePacket(bytes);
    const written = encodePacket(packet);
    rule(
      written.every((byte, at) => byte === bytes[at]),
      'a packet that is written is not what was read',
    );
    const instant = unixFromNtp(packet.transmit, pivot);
    rule(ntpFromUnix(instant) - packet.transmit <= 2n, 'a time that is written is not what was read');
    rule(absolute(instant - pivot) <= 2n ** 31n * 1_000_000_000n, 'a time of another era');
    const verdict = judge(bytes, question, question);
    if (!verdict.accepted) return [verdict, referenceText(packet.referenceId) ?? null];
    rule(packet.origin === question.transmit && packet.transmit !== 0n, 'accepted, and answers nothing');
    rule(packet.stratum >= 1 && packet.stratum <= 15 && packet.leap !== 3 && packet.mode === 4, 'accepted');
    const vote = measured(packet);
    const honest = ['b', 'c'].map((name) => ({ ...vote, offset: 5n, error: 1_000_000n, servers: [name] }));
    const found = agree([vote, ...honest], majorityOf(3));
    rule(found !== undefined, 'two of three agree, and that is not enough');
    rule(absolute(found.offset - 5n) <= 1_000_000n, 'one liar has moved the clock of two honest ones');
    return [verdict.accepted, vote, found.votes];
  },
};

/** A server as it stands in the configuration. */
const servers: Reader = {
  name: 'ntp-server',
  errors: [SyntaxError],
  read(bytes) {
    const server = parseServer(decodeUtf8(bytes));
    rule(server.port >= 1 && server.port <= 65535 && server.host.length > 0, 'a server without port or host');
    return server;
  },
};

export const ntpReaders: readonly Reader[] = [packets, servers];
