import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Round, shuffled } from '../../../src/selector/round.js';
import { SeededRandom } from '../../support/fake-world.js';

test('every item comes once before any comes twice, and the last failure not first again', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 2, max: 20 }),
      (seed, n, rounds) => {
        const items = Array.from({ length: n }, (_, index) => `p${index}`);
        const round = new Round(new SeededRandom(seed));
        round.setItems(items);
        let last: string | undefined;
        for (let number = 1; number <= rounds; number++) {
          round.begin();
          assert.equal(round.number, number);
          const order: string[] = [];
          for (let next = round.untried[0]; next !== undefined; next = round.untried[0]) {
            round.take(next);
            round.failed(next);
            order.push(next);
            assert.deepEqual([...round.tried, ...round.untried].sort(), items);
          }
          assert.deepEqual([...order].sort(), items);
          if (n > 1) assert.notEqual(order[0], last);
          last = order.at(-1);
        }
      },
    ),
  );
});

test('each order is equally likely, and so is each in which the last failure is not first', () => {
  const random = new SeededRandom(7);
  const orders = new Map<string, number>();
  const withoutFirst = new Map<string, number>();
  const draws = 6_000;
  for (let draw = 0; draw < draws; draw++) {
    const order = shuffled(['a', 'b', 'c'], random).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
    const other = shuffled(['a', 'b', 'c'], random, 'a').join('');
    withoutFirst.set(other, (withoutFirst.get(other) ?? 0) + 1);
  }
  // Six orders, 1000 expected of each; five standard deviations are about 145.
  assert.equal(orders.size, 6);
  for (const [order, count] of orders) assert.ok(Math.abs(count - 1000) < 145, `${order}: ${count}`);
  // 1500 of each: 168.
  assert.deepEqual([...withoutFirst.keys()].sort(), ['bac', 'bca', 'cab', 'cba']);
  for (const [order, count] of withoutFirst) assert.ok(Math.abs(count - 1500) < 168, `${order}: ${count}`);
});

test('what is new in the middle of a round is taken in it, what is gone is not', () => {
  const round = new Round(new SeededRandom(3));
  round.setItems(['a', 'b', 'c']);
  round.begin();
  const first = round.untried[0] ?? '';
  round.take(first);
  const left = round.untried[0] ?? '';
  round.setItems([...['a', 'b', 'c'].filter((item) => item !== left), 'd']);
  assert.equal(round.untried.includes(left), false);
  assert.equal(round.untried.includes('d'), true);
  assert.deepEqual(round.tried, [first]);
});
