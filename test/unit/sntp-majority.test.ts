import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { agree, countVotes, lastOneStanding, majorityOf, type Vote } from '../../src/sntp/majority.js';

/** An answer in ns: offset, error, and whose it is. */
function vote(offset: number, error: number, ...servers: string[]): Vote {
  return { offset: BigInt(offset), error: BigInt(error), delay: 0n, servers };
}

test('a majority is more than half of the configured servers', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(majorityOf), [1, 2, 2, 3, 3, 4]);
});

describe('agree', () => {
  test('one of one decides', () => {
    const found = agree([vote(100, 7, 'a')], majorityOf(1));
    assert.equal(found?.offset, 100n);
    assert.equal(found?.error, 7n);
  });
  test('one of three does not, two of three do, whatever the third says', () => {
    assert.equal(agree([vote(100, 7, 'a')], majorityOf(3)), undefined);
    const found = agree([vote(9000, 1, 'liar'), vote(100, 10, 'a'), vote(110, 10, 'b')], majorityOf(3));
    assert.equal(found?.offset, 105n);
    assert.equal(found?.error, 5n);
    assert.deepEqual(
      found?.agreeing.map(({ servers }) => servers[0]),
      ['a', 'b'],
    );
  });
  test('intervals that only touch agree, those that miss each other by 1 ns do not', () => {
    assert.equal(agree([vote(0, 5, 'a'), vote(10, 5, 'b')], 2)?.offset, 5n);
    assert.equal(agree([vote(0, 5, 'a'), vote(11, 5, 'b')], 2), undefined);
  });
  test('a chain of overlaps is no agreement', () => {
    const chain = [vote(0, 5, 'a'), vote(8, 5, 'b'), vote(16, 5, 'c')];
    assert.equal(agree(chain, 3), undefined);
    assert.equal(agree(chain, 2)?.votes, 2);
  });
  test('many addresses of one server are one vote', () => {
    const crowd = [1, 2, 3, 4].map((offset) => vote(offset, 5, 'liar'));
    assert.equal(agree(crowd, majorityOf(3)), undefined);
    assert.equal(agree([...crowd, vote(3, 5, 'b')], majorityOf(3))?.votes, 2);
  });
  test('one address of two servers is one vote', () => {
    assert.equal(agree([vote(0, 5, 'a', 'b')], majorityOf(3)), undefined);
  });
  test('the greater agreement wins, then the one with more answers, then the narrower', () => {
    const three = [vote(0, 1, 'a'), vote(0, 1, 'b'), vote(100, 9, 'a'), vote(100, 9, 'b'), vote(100, 9, 'c')];
    assert.equal(agree(three, 2)?.offset, 100n);
    const more = [vote(0, 1, 'a'), vote(0, 1, 'b'), vote(100, 9, 'a'), vote(100, 9, 'b'), vote(100, 9, 'b')];
    assert.equal(agree(more, 2)?.offset, 100n);
    const narrow = [vote(100, 9, 'a'), vote(100, 9, 'b'), vote(0, 1, 'a'), vote(0, 1, 'b')];
    assert.equal(agree(narrow, 2)?.offset, 0n);
  });
});

describe('countVotes', () => {
  test('each server needs an address of its own', () => {
    assert.equal(countVotes([]), 0);
    assert.equal(countVotes([vote(0, 0, 'a', 'b')]), 1);
    assert.equal(countVotes([vote(0, 0, 'a', 'b'), vote(0, 0, 'a', 'b')]), 2);
    // a has both, b only the first: b takes it and a moves to the second, in either order.
    assert.equal(countVotes([vote(0, 0, 'a', 'b'), vote(0, 0, 'a')]), 2);
    assert.equal(countVotes([vote(0, 0, 'a'), vote(0, 0, 'a', 'b')]), 2);
    assert.equal(countVotes([vote(0, 0, 'a', 'b'), vote(0, 0, 'c'), vote(0, 0, 'c')]), 2);
  });
  test('is the greatest number of pairs, by trying them all', () => {
    const most = (owners: string[][], used: string[]): number => {
      const [first, ...rest] = owners;
      if (first === undefined) return 0;
      const taken = first
        .filter((name) => !used.includes(name))
        .map((name) => 1 + most(rest, [...used, name]));
      return Math.max(most(rest, used), ...taken);
    };
    const owners = fc.array(fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }), { maxLength: 6 });
    fc.assert(
      fc.property(owners, (all) => {
        assert.equal(countVotes(all.map((servers) => vote(0, 0, ...servers))), most(all, []));
      }),
    );
  });
});

describe('the last one standing', () => {
  test('of two, if the other was not heard', () => {
    assert.equal(lastOneStanding([vote(5, 1, 'a')], 2)?.offset, 5n);
    assert.equal(lastOneStanding([vote(5, 1, 'a'), vote(6, 1, 'a')], 2)?.offset, 5n);
    // Two names of one machine.
    assert.equal(lastOneStanding([vote(5, 1, 'a', 'b')], 2)?.offset, 5n);
  });
  test('not if both were heard, not if neither was, never of three', () => {
    assert.equal(lastOneStanding([vote(5, 1, 'a'), vote(50, 1, 'b')], 2), undefined);
    assert.equal(lastOneStanding([], 2), undefined);
    assert.equal(lastOneStanding([vote(5, 1, 'a')], 3), undefined);
  });
});

/** Servers with one to three addresses; those below `liars` say anything, the others the truth (0) within their error. */
const world = fc.integer({ min: 1, max: 7 }).chain((configured) =>
  fc.record({
    configured: fc.constant(configured),
    liars: fc.integer({ min: 0, max: Math.ceil(configured / 2) - 1 }),
    answers: fc.array(
      fc.record({
        server: fc.integer({ min: 0, max: configured - 1 }),
        error: fc.integer({ min: 0, max: 1000 }),
        share: fc.double({ min: -1, max: 1, noNaN: true }),
        lie: fc.integer({ min: -5000, max: 5000 }),
      }),
      { maxLength: 14 },
    ),
  }),
);

test('a minority of liars, in any order and at any moment, moves the result only within an honest error bound', () => {
  let decided = 0;
  fc.assert(
    fc.property(world, ({ configured, liars, answers }) => {
      const votes = answers.map(({ server, error, share, lie }) =>
        vote(server < liars ? lie : Math.trunc(share * error), error, `s${server}`),
      );
      for (let heard = 1; heard <= votes.length; heard++) {
        const found = agree(votes.slice(0, heard), majorityOf(configured));
        if (found === undefined) continue;
        decided += 1;
        const honest = found.agreeing.filter(({ servers }) => Number(servers[0]?.slice(1)) >= liars);
        assert.ok(honest.length > 0);
        for (const { error } of honest) {
          const wrong = found.offset < 0n ? -found.offset : found.offset;
          assert.ok(wrong <= 2n * error, `wrong by ${wrong}, honest bound ${error}`);
        }
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(decided > 100, `only ${decided} decisions: the property is not tried`);
});

test('no better point exists than the one found', () => {
  const votes = fc.array(
    fc.tuple(
      fc.integer({ min: -20, max: 20 }),
      fc.integer({ min: 0, max: 10 }),
      fc.constantFrom('a', 'b', 'c'),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(votes, (all) => {
      const heard = all.map(([offset, error, server]) => vote(offset, error, server));
      let most = 0;
      for (let point = -30n; point <= 30n; point++) {
        const here = heard.filter(({ offset, error }) => offset - error <= point && point <= offset + error);
        most = Math.max(most, countVotes(here));
      }
      assert.equal(agree(heard, 1)?.votes ?? 0, most);
      assert.equal(agree(heard, most + 1), undefined);
    }),
  );
});
