import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reach } from '../../../src/selector/reach.js';

const TIMEOUT = 20_000;

/** An address that was asked so many times, all at the beginning, and has not answered. */
function asked(times: number): Reach {
  const reach = new Reach(0);
  for (let time = 0; time < times; time++) reach.asked(0);
  return reach;
}

test('out of reach is who was asked five times in vain, and for as long as the limit', () => {
  assert.equal(asked(4).observe(false, TIMEOUT, TIMEOUT), false);
  assert.equal(asked(5).observe(false, TIMEOUT, TIMEOUT - 1), false);
  assert.equal(asked(5).observe(false, TIMEOUT, TIMEOUT), true);
});

test('an answer begins both anew', () => {
  const reach = asked(5);
  assert.equal(reach.observe(true, TIMEOUT, TIMEOUT), false);
  assert.equal(reach.observe(false, TIMEOUT, 2 * TIMEOUT), false, 'it has not been asked since');
  for (let time = 0; time < 5; time++) reach.asked(2 * TIMEOUT);
  assert.equal(reach.observe(false, TIMEOUT, 2 * TIMEOUT - 1), false);
  assert.equal(reach.observe(false, TIMEOUT, 2 * TIMEOUT), true);
});

test('what could not be asked says nothing', () => {
  const reach = new Reach(0);
  for (let time = 0; time < 9; time++) reach.notAsked(0);
  assert.equal(reach.observe(false, TIMEOUT, TIMEOUT), false);
});

test('that it cannot be asked is known at the second time in a row', () => {
  const reach = new Reach(0);
  assert.deepEqual([reach.notAsked(0), reach.notAsked(5_000), reach.notAsked(10_000)], [false, true, true]);
  reach.asked(15_000);
  assert.deepEqual([reach.notAsked(20_000), reach.notAsked(25_000)], [false, true]);
});

test('it is asked at once, then in its interval, and every second while two answers or more are missing', () => {
  const reach = new Reach(0);
  assert.ok(reach.due(5_000) <= 0);
  reach.asked(10_000);
  assert.equal(reach.due(5_000), 15_000);
  reach.asked(15_000);
  assert.equal(reach.due(5_000), 16_000);
  reach.notAsked(16_000);
  assert.equal(reach.due(5_000), 17_000);
  reach.observe(true, TIMEOUT, 16_500);
  assert.equal(reach.due(5_000), 21_000);
});
