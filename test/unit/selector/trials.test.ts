import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trials } from '../../../src/selector/trials.js';

const NOTHING = { missed: 0, of: 0 };

test('400 questions are remembered in full; with one more, answered or missed, each counts for half', () => {
  const trials = new Trials();
  trials.add({ answered: 300, missed: 100 });
  assert.equal(trials.answered, 300);
  trials.add({ missed: 1 });
  assert.equal(trials.answered, 150);
  assert.equal(trials.missRate(NOTHING), 101 / 401, 'the share is what it was');
});

test('what is older counts for less: a way that has become bad is known as bad after some hundred questions', () => {
  const trials = new Trials();
  for (let question = 0; question < 4_000; question++) trials.add({ answered: 1 });
  assert.equal(trials.missRate(NOTHING), 0);
  for (let question = 0; question < 400; question++) trials.add({ missed: 1 });
  const rate = trials.missRate(NOTHING);
  assert.ok(rate > 0.5 && rate < 1, `${rate}`);
  assert.ok(trials.answered < 200, `${trials.answered}`);
});

test('while little was seen, what is assumed counts beside it', () => {
  const trials = new Trials();
  const prior = { missed: 0.5, of: 2 };
  assert.equal(trials.missRate(prior), 0.25);
  assert.equal(
    trials.inARow(0.001, prior),
    5,
    '0.25 to the fifth is below a thousandth, to the fourth it is not',
  );
  trials.add({ answered: 6 });
  assert.equal(trials.missRate(prior), 0.5 / 8);
});
