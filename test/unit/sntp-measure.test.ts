import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LocalScale, measure } from '../../src/sntp/measure.js';
import { decodePacket, type NtpPacket } from '../../src/sntp/packet.js';
import { ntpFromUnix } from '../../src/sntp/timestamp.js';
import { system } from '../../src/sntp/world.js';

const MS = 1_000_000n;
const YEAR = 31_557_600_000n * MS;
const pivot = BigInt(Date.parse('2026-11-22T00:00:00Z')) * MS;

function answer(receive: bigint, transmit: bigint, change: Partial<NtpPacket> = {}): NtpPacket {
  const blank = decodePacket(new Uint8Array(48));
  return { ...blank, receive: ntpFromUnix(receive), transmit: ntpFromUnix(transmit), ...change };
}

test('the example of two clocks: offset and delay are exact', () => {
  // Ours is 10 s behind; 30 ms to the server, 5 ms of work, 50 ms back.
  const packet = answer(pivot + 30n * MS, pivot + 35n * MS, { rootDelay: 0.5, rootDispersion: 0.25 });
  const sent = pivot - 10_000n * MS;
  assert.deepEqual(measure(packet, sent, sent + 85n * MS, pivot), {
    offset: 9_990n * MS,
    delay: 80n * MS,
    error: 40n * MS + 500n * MS + MS,
  });
});

test('the truth is within offset ± error for any clock up to 60 years wrong and any path', () => {
  const path = fc.bigInt({ min: 0n, max: 5_000n * MS });
  const wrong = fc.bigInt({ min: -60n * YEAR, max: 60n * YEAR });
  // The server's date may itself be after 2036, in the next era.
  const date = fc.bigInt({ min: 0n, max: 60n * YEAR }).map((after) => pivot + after);
  fc.assert(
    fc.property(date, wrong, path, path, path, (now, clockWrong, there, work, back) => {
      const sent = now + clockWrong;
      const received = sent + there + work + back;
      const { offset, delay, error } = measure(
        answer(now + there, now + there + work),
        sent,
        received,
        pivot,
      );
      const miss = offset + clockWrong;
      assert.ok((miss < 0n ? -miss : miss) <= error, `misses by ${miss}, bound ${error}`);
      assert.ok(delay - there - back <= 1n && delay - there - back >= -1n);
    }),
  );
});

test('a receive timestamp that cannot be is not used: the whole wait counts as delay', () => {
  const sent = pivot;
  const received = pivot + 100n * MS;
  const whole = { offset: 950n * MS, delay: 100n * MS, error: 51n * MS };
  const transmit = pivot + 1000n * MS;
  // Later than the transmit timestamp, longer ago than we waited, years ago, zero.
  for (const receive of [transmit + 1n * MS, transmit - 101n * MS, transmit - 9n * YEAR]) {
    assert.deepEqual(measure(answer(receive, transmit), sent, received, pivot), whole);
  }
  assert.deepEqual(measure(answer(0n, transmit, { receive: 0n }), sent, received, pivot), whole);
});

test('any timestamps: the delay is never negative nor longer than the wait', () => {
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(u64, u64, fc.bigInt({ min: 0n, max: 10_000n * MS }), (receive, transmit, wait) => {
      const packet = { ...answer(0n, 0n), receive, transmit };
      const { delay, error } = measure(packet, pivot, pivot + wait, pivot);
      assert.ok(delay >= 0n && delay <= wait);
      assert.equal(error, delay / 2n + MS);
    }),
  );
});

test('the local scale goes on by the monotonic clock when the wall clock jumps', () => {
  let wall = 1_000_000;
  let monotonic = 5_000_000_000n;
  const scale = new LocalScale({ ...system, wallClock: () => wall, monotonic: () => monotonic });
  assert.equal(scale.now(), 1_000_000n * MS);
  wall -= 900_000;
  monotonic += 250n * MS;
  assert.equal(scale.now(), 1_000_250n * MS);
  assert.equal(scale.monotonicAt(scale.now()), monotonic);
});

test('a process that loses the processor between its two clocks reads them again', () => {
  const start = 1_000_000;
  let passed = 0n;
  const held = [20n * MS, 7n * MS, 0n];
  const wallClock = (): number => {
    passed += held.shift() ?? 0n;
    return start + Number(passed / MS);
  };
  const scale = new LocalScale({ ...system, wallClock, monotonic: () => passed });
  assert.equal(scale.now(), BigInt(start) * MS + passed);
  assert.equal(held.length, 0);
});
