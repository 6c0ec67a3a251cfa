import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Flaps } from '../../../src/selector/flaps.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** For how long the peer is left alone from now on, in milliseconds; measured in minutes. */
function rest(flaps: Flaps, peer: string, now: number): number {
  let minutes = 0;
  while (flaps.waits(peer, now + minutes * MINUTE)) minutes++;
  assert.ok(minutes === 0 || flaps.waits(peer, now + minutes * MINUTE - 1));
  return minutes * MINUTE;
}

test('who was lost once may be gone back to at once, and so may who was never lost', () => {
  const flaps = new Flaps();
  flaps.lost('a', 5_000);
  assert.equal(rest(flaps, 'a', 5_000), 0);
  assert.equal(rest(flaps, 'b', 5_000), 0);
});

test('who is lost again within an hour of that is left alone: 10 minutes, then twice as long, at most 6 hours', () => {
  const flaps = new Flaps();
  let now = 0;
  flaps.lost('a', now);
  const rests: number[] = [];
  for (let time = 0; time < 8; time++) {
    now += (rests.at(-1) ?? 0) + HOUR;
    flaps.lost('a', now);
    rests.push(rest(flaps, 'a', now));
  }
  assert.deepEqual(
    rests.map((each) => each / MINUTE),
    [10, 20, 40, 80, 160, 320, 360, 360],
  );
});

test('an hour later than it might have been gone back to that is forgotten', () => {
  const flaps = new Flaps();
  flaps.lost('a', 0);
  flaps.lost('a', HOUR);
  flaps.lost('a', HOUR + 10 * MINUTE + HOUR + 1);
  assert.equal(rest(flaps, 'a', 2 * HOUR + 10 * MINUTE + 1), 0);
});

test("one peer's losses say nothing of another's, and take nothing from what is known of it", () => {
  const flaps = new Flaps();
  for (const now of [0, 1_000]) flaps.lost('a', now);
  flaps.lost('b', 2_000);
  assert.equal(rest(flaps, 'b', 2_000), 0);
  assert.equal(rest(flaps, 'a', 1_000), 10 * MINUTE);
});
