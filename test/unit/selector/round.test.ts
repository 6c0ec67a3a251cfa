import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Round, shuffled, type Turn } from '../../../src/selector/round.js';
import type { Random } from '../../../src/selector/world.js';
import { SeededRandom } from '../../simulation/random.js';

const turn = (name: string, priority = 0, weight = 1): Turn => ({ name, priority, weight });
const turns = (...names: string[]): Turn[] => names.map((name) => turn(name));

/** Takes all that is left of the round; each of them fails. */
function takeAll(round: Round): string[] {
  const order: string[] = [];
  for (let [next] = round.untried; next !== undefined; [next] = round.untried) {
    round.take(next);
    round.failed(next);
    order.push(next);
  }
  return order;
}

/** How often each outcome of many draws comes. */
function counted(draws: number, draw: () => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let n = 0; n < draws; n++) {
    const outcome = draw();
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

/** The outcomes are these and no others, each within five standard deviations of its probability. */
function assertShares(counts: ReadonlyMap<string, number>, shares: Readonly<Record<string, number>>): void {
  assert.deepEqual([...counts.keys()].sort(), Object.keys(shares).sort());
  const draws = [...counts.values()].reduce((sum, count) => sum + count, 0);
  for (const [outcome, share] of Object.entries(shares)) {
    const count = counts.get(outcome) ?? 0;
    const bound = 5 * Math.sqrt(draws * share * (1 - share));
    assert.ok(Math.abs(count - draws * share) < bound, `${outcome}: ${count} of ${draws}, expected ${share}`);
  }
}

test('every item comes once before any comes twice, and the last failure not first again', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 2, max: 20 }),
      (seed, n, rounds) => {
        const items = Array.from({ length: n }, (_, index) => `p${index}`);
        const round = new Round(new SeededRandom(seed));
        round.setItems(turns(...items));
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
  const sixth = 1 / 6;
  const all = { abc: sixth, acb: sixth, bac: sixth, bca: sixth, cab: sixth, cba: sixth };
  assertShares(
    counted(6_000, () => shuffled(['a', 'b', 'c'], random).join('')),
    all,
  );
  assertShares(
    counted(6_000, () => shuffled(['a', 'b', 'c'], random, 'a').join('')),
    { bac: 1 / 4, bca: 1 / 4, cab: 1 / 4, cba: 1 / 4 },
  );
});

/** How often each order of `a`, `b` and `c` is to be expected, whose weights are 1, 3 and 6. */
const BY_WEIGHT = {
  abc: (1 / 10) * (3 / 9),
  acb: (1 / 10) * (6 / 9),
  bac: (3 / 10) * (1 / 7),
  bca: (3 / 10) * (6 / 7),
  cab: (6 / 10) * (1 / 4),
  cba: (6 / 10) * (3 / 4),
};

test('weights: each place goes to one of those that are left, by their weights', () => {
  const round = new Round(new SeededRandom(5));
  round.setItems([turn('a', 0, 1), turn('b', 0, 3), turn('c', 0, 6)]);
  const order = (): string => {
    round.begin();
    return round.untried.join('');
  };
  assertShares(counted(20_000, order), BY_WEIGHT);
  round.failed('c');
  assertShares(counted(20_000, order), {
    abc: (1 / 4) * (3 / 9),
    acb: (1 / 4) * (6 / 9),
    bac: (3 / 4) * (1 / 7),
    bca: (3 / 4) * (6 / 7),
  });
});

test('weights: who comes in the middle of a round has the same chances as if it had been there', () => {
  const random = new SeededRandom(6);
  const [a, b, c] = [turn('a', 0, 1), turn('b', 0, 3), turn('c', 0, 6)];
  for (const late of [a, b, c]) {
    const order = (): string => {
      const round = new Round(random);
      round.setItems([a, b, c].filter((item) => item !== late));
      round.begin();
      round.setItems([a, b, c]);
      return round.untried.join('');
    };
    assertShares(counted(20_000, order), BY_WEIGHT);
  }
});

test('a better priority comes first, whatever the weights, and in a round everybody once', () => {
  const items = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom(...'abcdefghij'),
      priority: fc.integer({ min: 0, max: 3 }),
      weight: fc.integer({ min: 1, max: 100 }),
    }),
    { selector: ({ name }) => name, minLength: 1 },
  );
  fc.assert(
    fc.property(fc.integer(), items, items, fc.nat({ max: 10 }), (seed, first, second, takes) => {
      const round = new Round(new SeededRandom(seed));
      round.setItems(first);
      const inOrder = (now: readonly Turn[]): void => {
        const priorities = round.untried.map(
          (name) => now.find((item) => item.name === name)?.priority ?? -1,
        );
        assert.deepEqual(
          priorities,
          [...priorities].sort((one, other) => one - other),
        );
      };
      round.begin();
      inOrder(first);
      const taken = round.untried.slice(0, takes);
      for (const name of taken) round.take(name);
      round.setItems(second);
      inOrder(second);
      const known = new Set(first.map(({ name }) => name));
      const due = second.filter(({ name }) => !known.has(name) || !taken.includes(name));
      assert.deepEqual([...round.untried].sort(), due.map(({ name }) => name).sort());
      takeAll(round);
      round.begin();
      inOrder(second);
      assert.deepEqual(takeAll(round).sort(), second.map(({ name }) => name).sort());
    }),
  );
});

test('the last failure is not the first of its priority again, and alone in the best it is', () => {
  const round = new Round(new SeededRandom(1));
  round.setItems([turn('best', 0), turn('a', 1), turn('b', 1)]);
  for (const [failed, shares] of [
    ['best', { 'best,a,b': 1 / 2, 'best,b,a': 1 / 2 }],
    ['a', { 'best,b,a': 1 }],
  ] as const) {
    round.failed(failed);
    const order = (): string => {
      round.begin();
      return round.untried.join();
    };
    if (failed === 'a') assert.deepEqual([...counted(100, order).keys()], ['best,b,a']);
    else assertShares(counted(1_000, order), shares);
  }
});

test('thousands are put in order at once, and those that come in the middle of a round', () => {
  let drawn = 0;
  const random = new SeededRandom(8);
  const counting = {
    below: (bound: number): number => {
      drawn++;
      return random.below(bound);
    },
  };
  const round = new Round(counting);
  const many = Array.from({ length: 5_000 }, (_, at) => turn(`p${at}`, at % 3, 1 + (at % 7)));
  round.setItems(many);
  round.begin();
  assert.ok(drawn <= many.length + 1, `${drawn} draws`);
  const [first = '', ...rest] = round.untried;
  round.take(first);
  drawn = 0;
  const more = Array.from({ length: 5_000 }, (_, at) => turn(`q${at}`, at % 3, 1 + (at % 7)));
  round.setItems([...many, ...more]);
  assert.ok(drawn <= many.length + more.length, `${drawn} draws`);
  assert.equal(round.untried.length, rest.length + more.length);
  const kept = new Set(rest);
  assert.deepEqual(
    round.untried.filter((name) => kept.has(name)),
    rest,
    'in the order that they had',
  );
});

test('another priority or weight is another place, for who is still to be tried', () => {
  const round = new Round(new SeededRandom(2));
  round.setItems([turn('a', 0), turn('b', 1), turn('c', 2)]);
  round.begin();
  round.take('a');
  round.setItems([turn('a', 3), turn('b', 1), turn('c', 0)]);
  assert.deepEqual(round.untried, ['c', 'b']);
  round.setItems([turn('a', 3), turn('b', 0), turn('c', 0)], new Set(['a', 'b']));
  assert.deepEqual([...round.untried.slice(0, 2)].sort(), ['b', 'c']);
  assert.deepEqual(round.untried.slice(2), ['a']);
  const places = counted(1_000, () => {
    round.setItems([turn('a', 3), turn('b', 0, 1), turn('c', 0)]);
    round.setItems([turn('a', 3), turn('b', 0, 3), turn('c', 0)]);
    return round.untried.join('');
  });
  assertShares(places, { bca: 3 / 4, cba: 1 / 4 });
});

test('what is new in the middle of a round is taken in it, what is gone is not', () => {
  const round = new Round(new SeededRandom(3));
  round.setItems(turns('a', 'b', 'c'));
  round.begin();
  const first = round.untried[0] ?? '';
  round.take(first);
  const left = round.untried[0] ?? '';
  round.setItems(turns(...['a', 'b', 'c'].filter((item) => item !== left), 'd'));
  assert.equal(round.untried.includes(left), false);
  assert.equal(round.untried.includes('d'), true);
  assert.deepEqual(round.tried, [first]);
});

/** Draws that are known: of an exponential distribution with the mean 1, each divided by a weight. */
function drawing(...draws: number[]): Random {
  return { below: (bound) => Math.round(bound * Math.exp(-(draws.shift() ?? Number.NaN))) - 1 };
}

test('before the first round there is nothing to take, and what is not there cannot be taken', () => {
  const round = new Round(new SeededRandom(1));
  assert.deepEqual([round.number, round.tried, round.untried], [0, [], []]);
  round.setItems(turns('a', 'b', 'c'));
  assert.deepEqual([round.number, round.untried], [0, []]);
  round.begin();
  const order = round.untried;
  assert.deepEqual([round.number, order.length], [1, 3]);
  round.take('d');
  assert.deepEqual(round.untried, order);
  round.take(order[1] ?? '');
  assert.deepEqual(round.untried, [order[0], order[2]]);
  assert.deepEqual(round.tried, [order[1]]);
});

test('of the same draw the heavier comes first, and the rarest draw of all has its place', () => {
  const alike = new Round(drawing(1, 1));
  alike.setItems([turn('light', 0, 1), turn('heavy', 0, 4)]);
  alike.begin();
  assert.deepEqual(alike.untried, ['heavy', 'light']);

  const draws = [0, 2 ** 31];
  const rare = new Round({ below: () => draws.shift() ?? Number.NaN });
  rare.setItems(turns('last', 'first'));
  rare.begin();
  assert.deepEqual(rare.untried, ['first', 'last']);
});

test('who comes late is placed by the weights of those that are still to be tried, one after the other', () => {
  for (const [late, order] of [
    [0.4, ['late', 'x', 'y']],
    [0.6, ['x', 'late', 'y']],
    [1.4, ['x', 'late', 'y']],
    [1.6, ['x', 'y', 'late']],
  ] as const) {
    // x and y are drawn first of all; then x at 1/2, since both weigh two, y by 1/1 later, and the late one.
    const round = new Round(drawing(1, 2, 1, 1, late));
    round.setItems(turns('x', 'y'));
    round.begin();
    round.setItems(turns('x', 'y', 'late'));
    assert.deepEqual(round.untried, order, `${late}`);
  }
});

test('the last failure is drawn behind the next if it was the first of its priority, and else has its place', () => {
  for (const [failed, order] of [
    ['a', ['b', 'c', 'a']],
    ['b', ['a', 'b', 'c']],
    ['c', ['a', 'b', 'c']],
  ] as const) {
    const round = new Round(drawing(1, 2, 3, 5));
    round.setItems(turns('a', 'b', 'c'));
    round.failed(failed);
    round.begin();
    assert.deepEqual(round.untried, order);
    assert.deepEqual(shuffled(['a', 'b', 'c'], drawing(1, 2, 3, 5), failed), order);
  }
  const alone = new Round(drawing(3, 1, 2));
  alone.setItems([turn('best', 0), turn('a', 1), turn('b', 1)]);
  alone.failed('best');
  alone.begin();
  assert.deepEqual(alone.untried, ['best', 'a', 'b']);
});
