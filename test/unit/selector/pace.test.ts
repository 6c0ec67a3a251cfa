import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../../src/selector/pace.js';
import { SeededRandom } from '../../simulation/random.js';

/** A pace whose first round has begun, and its clock. */
function begun() {
  const clock = { now: 0 };
  const pace = new Pace({ now: () => clock.now, after: () => () => {} }, new SeededRandom(1));
  assert.equal(pace.silent, false);
  assert.equal(pace.nextRound(), undefined);
  assert.equal(pace.silent, false, 'nobody was asked before it');
  return { pace, clock };
}

/** The patience that follows a round in which somebody was asked. */
function patience(pace: Pace): number {
  pace.asked();
  return pace.nextRound()?.patience ?? Number.NaN;
}

test('patience begins when nobody has answered for a minute, and grows', () => {
  const { pace, clock } = begun();
  clock.now = 59_999;
  assert.equal(patience(pace), 0);
  assert.equal(pace.silent, true);
  clock.now = 60_000;
  const first = patience(pace);
  assert.ok(first > 0);
  assert.ok(patience(pace) > first);
});

test('a round in which somebody was left on request is not silent; nor is one in which nobody was asked', () => {
  const { pace, clock } = begun();
  clock.now = 120_000;
  pace.told();
  assert.equal(patience(pace), 0);
  assert.equal(pace.silent, false);
  const { pause, patience: more } = pace.nextRound() ?? {};
  assert.ok(pause !== undefined && pause.longest >= 750);
  assert.equal(more, 0);
  assert.equal(pace.silent, false);
});

test('who answers ends the silence, and patience begins anew', () => {
  const { pace, clock } = begun();
  clock.now = 120_000;
  const first = patience(pace);
  for (let round = 0; round < 4; round++) patience(pace);
  pace.answered();
  assert.equal(pace.silent, false);
  assert.equal(patience(pace), 0, 'somebody has answered in this round');
  assert.equal(pace.silent, false);
  assert.ok(patience(pace) < 2 * first);
  assert.equal(pace.silent, true);
});

test('who was asked before the first round has begun, and did not answer, has been silent', () => {
  const pace = new Pace({ now: () => 0, after: () => () => {} }, new SeededRandom(1));
  pace.asked();
  pace.nextRound();
  assert.equal(pace.silent, true);
});

/** Draws the largest number, so that nothing is taken off a pause. */
const NOTHING_LESS = { below: (bound: number) => bound - 1 };

/** A pace whose first round has begun, and whose pauses are as long as they may be. */
function exact() {
  const clock = { now: 0 };
  const pace = new Pace({ now: () => clock.now, after: () => () => {} }, NOTHING_LESS);
  pace.nextRound();
  return { pace, clock };
}

test('rounds are counted since the last connection that was one', () => {
  const { pace, clock } = exact();
  assert.equal(pace.rounds, 1);
  clock.now = 7_000;
  assert.deepEqual([pace.nextRound()?.round, pace.nextRound()?.round, pace.rounds], [1, 2, 3]);
  pace.lost(9_999, false);
  assert.equal(pace.rounds, 3, 'it was over too soon to be one');
  for (const [held, byCommand] of [
    [10_000, false],
    [0, true],
  ] as const) {
    pace.nextRound();
    pace.lost(held, byCommand);
    assert.equal(pace.rounds, 0);
    assert.equal(pace.nextRound(), undefined);
  }
});

test('how long there is no connection counts from the end of the last one, however short it was', () => {
  const { pace, clock } = exact();
  clock.now = 7_000;
  assert.equal(pace.nextRound()?.disconnected, 7_000);
  pace.lost(10, false);
  clock.now = 9_000;
  assert.equal(pace.nextRound()?.disconnected, 2_000);
});

test('a round of nothing but refusals is followed by a pause, longer each time; who was asked ends that', () => {
  const { pace } = exact();
  const pauses = Array.from({ length: 7 }, () => pace.nextRound()?.pause?.longest);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  pace.asked();
  assert.equal(pace.nextRound()?.pause, undefined);
  assert.equal(pace.nextRound()?.pause?.longest, 1_000);
});

test('what changes cuts a pause short, though not below what grows while changes come in vain', () => {
  const { pace } = exact();
  const shortest = (count: number) => Array.from({ length: count }, () => pace.pause().shortest);
  assert.deepEqual(shortest(8), [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  pace.pausedInPeace();
  assert.deepEqual(shortest(2), [200, 400]);
  pace.lost(60_000, false);
  assert.deepEqual(shortest(1), [200]);
});

test('no pause is cut to more than it is', () => {
  const { pace } = exact();
  for (let time = 0; time < 8; time++) pace.pause();
  pace.asked();
  assert.deepEqual(pace.pause(), { longest: 1_000, shortest: 1_000 });
});

test('patience is a second at first, and half a minute at most', () => {
  const { pace, clock } = exact();
  clock.now = 60_000;
  const all = Array.from({ length: 7 }, () => patience(pace));
  assert.deepEqual(all, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});
