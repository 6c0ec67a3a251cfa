import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../../src/selector/backoff.js';

/** Draws the largest number, so that nothing is taken off a pause. */
const NOTHING_LESS = { below: (bound: number) => bound - 1 };

test('pauses double up to the longest, and begin anew when they are told to', () => {
  const backoff = new Backoff(NOTHING_LESS, 1_000, 6_000);
  const next = (count: number): number[] => Array.from({ length: count }, () => backoff.next());
  assert.deepEqual(next(5), [1_000, 2_000, 4_000, 6_000, 6_000]);
  backoff.reset();
  assert.deepEqual(next(2), [1_000, 2_000]);
});

test('of a pause a quarter is taken off at most', () => {
  const least = new Backoff({ below: () => 0 }, 1_000, 6_000);
  assert.deepEqual([least.next(), least.next()], [750, 1_500]);
});
