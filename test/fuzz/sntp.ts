/**
 * A fuzzer for everything in src/sntp that reads what strangers send. Run it by hand:
 *
 *     node dist/test/fuzz/sntp.js [inputs] [seed]
 *
 * Inputs are random bytes, good answers with bytes changed, and good answers with extreme fields. Each goes through decoding,
 * judging, measuring and the majority; the invariants are checked for each. A failure prints the seed and the input.
 */
import assert from 'node:assert/strict';
import { judge, type Question } from '../../src/sntp/accept.js';
import { agree, majorityOf, type Vote } from '../../src/sntp/majority.js';
import { measure } from '../../src/sntp/measure.js';
import {
  decodePacket,
  encodePacket,
  PACKET_SIZE,
  PacketError,
  referenceText,
} from '../../src/sntp/packet.js';
import { parseServer } from '../../src/sntp/server.js';
import { ntpFromUnix, unixFromNtp } from '../../src/sntp/timestamp.js';

const inputs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 0x7fffffff) || 1;

/** xorshift32: quick, and the same for the same seed. */
let state = seed >>> 0;
function random(limit: number): number {
  state ^= state << 13;
  state >>>= 0;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state % limit;
}

function random64(): bigint {
  return (BigInt(random(0x100000000)) << 32n) | BigInt(random(0x100000000));
}

const question: Question = { address: '192.0.2.1', port: 123, transmit: 0x1122334455667788n };
const pivot = BigInt(Date.parse('2026-11-22T00:00:00Z')) * 1_000_000n;
const good = encodePacket({
  ...decodePacket(new Uint8Array(PACKET_SIZE)),
  version: 4,
  mode: 4,
  stratum: 2,
  rootDelay: 0.01,
  rootDispersion: 0.01,
  origin: question.transmit,
  receive: ntpFromUnix(pivot),
  transmit: ntpFromUnix(pivot + 1000n),
});
const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

function input(): Uint8Array {
  const kind = random(4);
  if (kind === 0) return Uint8Array.from({ length: random(100) }, () => random(256));
  const bytes = Buffer.alloc(PACKET_SIZE + (kind === 3 ? random(64) : 0));
  bytes.set(good);
  if (random(10) === 0) {
    bytes[1] = 0;
    bytes.write(['RATE', 'DENY', 'RSTR', 'INIT'][random(4)] ?? '', 12, 'latin1');
  }
  if (kind === 1) {
    for (let changes = random(4); changes >= 0; changes--) bytes[random(PACKET_SIZE)] = random(256);
  } else {
    const start = random(12) * 4;
    bytes.fill(
      EXTREMES[random(EXTREMES.length)] ?? 0,
      start,
      Math.min(PACKET_SIZE, start + 4 + random(2) * 4),
    );
  }
  return random(20) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

let votes: Vote[] = [];
const seen = new Map<string, number>();

function check(bytes: Uint8Array): void {
  try {
    const packet = decodePacket(bytes);
    assert.deepEqual(Buffer.from(encodePacket(packet)), Buffer.from(bytes.subarray(0, PACKET_SIZE)));
    referenceText(packet.referenceId);
    const instant = unixFromNtp(packet.transmit, pivot);
    assert.equal(ntpFromUnix(instant) - packet.transmit <= 2n, true);
    assert.ok(absolute(instant - pivot) <= 2n ** 31n * 1_000_000_000n);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    assert.ok(bytes.length < PACKET_SIZE);
  }
  const verdict = judge(bytes, question, question);
  const name = verdict.accepted ? 'accepted' : verdict.rule;
  seen.set(name, (seen.get(name) ?? 0) + 1);
  if (!verdict.accepted) return;

  const { packet } = verdict;
  assert.ok(packet.origin === question.transmit && packet.transmit !== 0n);
  assert.ok(packet.stratum >= 1 && packet.stratum <= 15 && packet.leap !== 3 && packet.mode === 4);
  const sent = pivot - random64();
  const waited = BigInt(random(5_000_000)) * 1000n;
  const measured = measure(packet, sent, sent + waited, pivot);
  assert.ok(measured.delay >= 0n && measured.delay <= waited);
  assert.ok(measured.error > 0n && measured.error <= waited / 2n + 1_501_000_000n);

  votes.push({ ...measured, servers: [`s${random(4)}`, `s${random(4)}`] });
  if (votes.length < 8) return;
  const found = agree(votes, majorityOf(4));
  if (found) {
    for (const { offset, error } of found.agreeing) assert.ok(absolute(found.offset - offset) <= error);
  }
  votes = [];
}

function checkName(): void {
  const text = Array.from({ length: random(24) }, () => 'ab0129.:[]%-_ \0é'[random(16)]).join('');
  try {
    const { port, host } = parseServer(text);
    assert.ok(port >= 1 && port <= 65535 && host.length > 0);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

const began = process.hrtime.bigint();
for (let count = 0; count < inputs; count++) {
  const bytes = input();
  try {
    check(bytes);
    if (count % 8 === 0) checkName();
  } catch (error) {
    console.error(`seed ${seed}, input ${count}: ${Buffer.from(bytes).toString('hex')}`);
    throw error;
  }
}
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
console.log(`${inputs} inputs, seed ${seed}, ${seconds.toFixed(1)} s, nothing wrong`);
console.log([...seen].map(([name, times]) => `${name} ${times}`).join(', '));
