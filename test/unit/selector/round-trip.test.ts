import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Renewals, RoundTrip } from '../../../src/selector/round-trip.js';

const WALL = Date.UTC(2026, 0, 1);

/** A handshake that was asked for at 5,000 is seen 200 ms later; the kernel says that it came so many after it was asked for. */
function measured(told: number): number {
  const roundTrip = new RoundTrip();
  roundTrip.begin(5_000, WALL);
  return roundTrip.end(WALL + told, 5_200);
}

test("a handshake took as long as the kernel's time of it says, where that is possible; a millisecond is rounding", () => {
  const cases: readonly (readonly [told: number, took: number])[] = [
    [40.25, 40.25],
    [0, 0],
    [-1, 0],
    [200, 200],
    [201, 201],
  ];
  for (const [told, took] of cases) assert.equal(measured(told), took, `${told}`);
});

test('where the wall clock was set meanwhile it took until it was seen', () => {
  for (const told of [-1.5, 201.5, -3_600_000, 3_600_000]) assert.equal(measured(told), 200, `${told}`);
});

test('the first handshake that is seen tells nothing, nor does the same again', () => {
  const renewals = new Renewals();
  renewals.asked(WALL - 30);
  for (const handshake of [0, WALL, WALL]) renewals.observe(handshake);
  assert.equal(renewals.least, undefined);
});

test('a renewal of the kernel takes at most what is beyond 120 s, if that is less than a second', () => {
  for (const [beyond, least] of [
    [-1, undefined],
    [0, 0],
    [40, 40],
    [999, 999],
    [1_000, undefined],
  ] as const) {
    const renewals = new Renewals();
    renewals.observe(WALL);
    renewals.observe(WALL + 120_000 + beyond);
    assert.equal(renewals.least, least, `${beyond}`);
  }
});

test('a renewal that was asked for takes since then, if that is less than five seconds', () => {
  for (const [took, least] of [
    [-1, undefined],
    [0, 0],
    [4_999, 4_999],
    [5_000, undefined],
  ] as const) {
    const renewals = new Renewals();
    renewals.observe(WALL);
    renewals.asked(WALL + 90_000);
    renewals.observe(WALL + 90_000 + took);
    assert.equal(renewals.least, least, `${took}`);
  }
});

test('the shortest counts; and what was asked for has come with the next', () => {
  const renewals = new Renewals();
  renewals.observe(WALL);
  renewals.asked(WALL + 90_000);
  renewals.observe(WALL + 90_050);
  renewals.observe(WALL + 90_050 + 120_020); // by itself
  assert.equal(renewals.least, 20);
  renewals.observe(WALL + 90_050 + 240_090);
  assert.equal(renewals.least, 20);
});

test('what was asked for before the first handshake was seen is not held against the second', () => {
  const renewals = new Renewals();
  renewals.asked(WALL);
  renewals.observe(WALL + 30);
  renewals.observe(WALL + 30 + 120_040);
  assert.equal(renewals.least, 40);
});

test('a look that sees nothing new leaves what was asked for', () => {
  const renewals = new Renewals();
  renewals.observe(WALL);
  renewals.asked(WALL + 90_000);
  renewals.observe(WALL);
  renewals.observe(WALL + 90_050);
  assert.equal(renewals.least, 50);
});
