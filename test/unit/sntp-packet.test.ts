import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodePacket,
  encodePacket,
  encodeRequest,
  type NtpPacket,
  PacketError,
  referenceText,
} from '../../src/sntp/packet.js';
import { ntpDifference, ntpFromUnix, unixFromNtp } from '../../src/sntp/timestamp.js';

const SECOND = 1_000_000_000n;
const ms = (date: string) => BigInt(Date.parse(date)) * 1_000_000n;
const YEARS_68 = 2n ** 31n * SECOND;

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const rootTime = fc.integer({ min: 0, max: 0xffffffff }).map((units) => units / 65536);
const packets: fc.Arbitrary<NtpPacket> = fc.record(
  {
    leap: fc.integer({ min: 0, max: 3 }),
    version: fc.integer({ min: 0, max: 7 }),
    mode: fc.integer({ min: 0, max: 7 }),
    stratum: fc.integer({ min: 0, max: 255 }),
    poll: fc.integer({ min: -128, max: 127 }),
    precision: fc.integer({ min: -128, max: 127 }),
    rootDelay: rootTime,
    rootDispersion: rootTime,
    referenceId: fc.integer({ min: 0, max: 0xffffffff }),
    reference: u64,
    origin: u64,
    receive: u64,
    transmit: u64,
  },
  { noNullPrototype: true },
);

test('a recorded answer of chrony is read field by field', () => {
  // chronyd 4.3 with `local stratum 3` on the loopback, 2026-11-22T14:26:12Z.
  const bytes = Buffer.from(
    '240300e700000000000000007f7f0101eead7a03071db1700011223344556677eead7a042faa6e19eead7a042fb1543e',
    'hex',
  );
  const packet = decodePacket(bytes);
  assert.deepEqual(packet, {
    leap: 0,
    version: 4,
    mode: 4,
    stratum: 3,
    poll: 0,
    precision: -25,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: 0x7f7f0101,
    reference: 0xeead7a03071db170n,
    origin: 0x0011223344556677n,
    receive: 0xeead7a042faa6e19n,
    transmit: 0xeead7a042fb1543en,
  });
  const pivot = ms('2026-01-01T00:00:00Z');
  assert.equal(unixFromNtp(packet.transmit, pivot) / SECOND, ms('2026-11-22T14:26:12Z') / SECOND);
  assert.equal(ntpDifference(packet.transmit, packet.receive), 105_270n);
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(packets, (packet) => {
      const bytes = encodePacket(packet);
      assert.equal(bytes.length, 48);
      assert.deepEqual(decodePacket(bytes), packet);
    }),
  );
});

test('any bytes give a packet, which is written as the same bytes, or a PacketError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      if (bytes.length < 48) assert.throws(() => decodePacket(bytes), PacketError);
      else assert.deepEqual(encodePacket(decodePacket(bytes)), bytes.slice(0, 48));
    }),
  );
});

test('a packet is read from the middle of a larger buffer', () => {
  const buffer = new Uint8Array(100).fill(0xff);
  buffer.set(encodeRequest(42n), 13);
  assert.equal(decodePacket(buffer.subarray(13, 61)).transmit, 42n);
});

test('a value that does not fit its field is refused by name', () => {
  const good = decodePacket(new Uint8Array(48));
  assert.throws(() => encodePacket({ ...good, stratum: 256 }), /stratum is 256/);
  assert.throws(() => encodePacket({ ...good, poll: 1.5 }), /poll is 1.5/);
  assert.throws(() => encodePacket({ ...good, rootDelay: Number.NaN }), /rootDelay/);
  assert.throws(() => encodePacket({ ...good, rootDispersion: 65536 }), /rootDispersion/);
  assert.throws(() => encodePacket({ ...good, transmit: -1n }), /transmit is -1/);
  assert.throws(() => encodePacket({ ...good, origin: 2n ** 64n }), /origin/);
});

test('a request says nothing but version 4, client, and its timestamp', () => {
  const bytes = encodeRequest(0xfedcba9876543210n);
  assert.equal(Buffer.from(bytes).toString('hex'), `23${'00'.repeat(39)}fedcba9876543210`);
});

test('a reference identifier is text only if all of it is', () => {
  assert.equal(referenceText(0x52415445), 'RATE');
  assert.equal(referenceText(0x47505300), 'GPS');
  assert.equal(referenceText(0), undefined);
  assert.equal(referenceText(0x7f7f0101), undefined);
  assert.equal(referenceText(0x41004200), undefined);
});

test('timestamps: known dates', () => {
  const pivot = ms('2026-01-01T00:00:00Z');
  assert.equal(ntpFromUnix(0n), 2_208_988_800n << 32n);
  assert.equal(ntpFromUnix(SECOND / 2n), (2_208_988_800n << 32n) + (1n << 31n));
  assert.equal(unixFromNtp(2_208_988_800n << 32n, pivot), 0n);
  assert.equal(ntpFromUnix(ms('1900-01-01T00:00:00Z')), 0n);
  // RFC 5905, figure 4: the last second of era 0, and the first of era 1.
  assert.equal(ntpFromUnix(ms('2036-02-07T06:28:15Z')) >> 32n, 4_294_967_295n);
  assert.equal(ntpFromUnix(ms('2036-02-07T06:28:16Z')), 0n);
});

test('timestamps: the era is that nearest to the pivot, before and after 2036', () => {
  const pivot = ms('2026-11-22T00:00:00Z');
  for (const date of [
    '1970-01-01',
    '2026-11-22',
    '2036-02-06',
    '2036-02-08',
    '2038-01-20',
    '2076-06-01',
    '2094-12-01',
  ]) {
    const instant = ms(`${date}T12:34:56.789Z`);
    assert.equal(unixFromNtp(ntpFromUnix(instant), pivot), instant, date);
  }
  // With the pivot of a later build, later dates are right, and earlier ones are not.
  const later = ms('2100-01-01T00:00:00Z');
  assert.equal(unixFromNtp(ntpFromUnix(ms('2150-01-01T00:00:00Z')), later), ms('2150-01-01T00:00:00Z'));
  assert.notEqual(unixFromNtp(ntpFromUnix(ms('2026-01-01T00:00:00Z')), later), ms('2026-01-01T00:00:00Z'));
});

test('timestamps: every nanosecond within 68 years of any pivot is exact', () => {
  const dates = fc.bigInt({ min: ms('1900-01-01T00:00:00Z'), max: ms('2600-01-01T00:00:00Z') });
  const distances = fc.bigInt({ min: -YEARS_68 + 1n, max: YEARS_68 - 1n });
  fc.assert(
    fc.property(dates, distances, (pivot, distance) => {
      const instant = pivot + distance;
      const timestamp = ntpFromUnix(instant);
      assert.equal(BigInt.asUintN(64, timestamp), timestamp);
      assert.equal(unixFromNtp(timestamp, pivot), instant);
    }),
  );
});

test('timestamps: a difference is right over the end of an era', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: ms('2300-01-01T00:00:00Z') }),
      fc.bigInt({ min: -YEARS_68 + 1n, max: YEARS_68 - 1n }),
      (instant, distance) => {
        const difference = ntpDifference(ntpFromUnix(instant + distance), ntpFromUnix(instant));
        const wrong = difference - distance;
        assert.ok(wrong >= -1n && wrong <= 1n, `${difference} instead of ${distance}`);
      },
    ),
  );
});
