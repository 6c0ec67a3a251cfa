// The corpus of the fuzzer, and a small sample of what it does: `npm run fuzz` does more of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusOf } from '../fuzz/corpus.js';
import { type Reader, rule } from '../fuzz/reader.js';
import { Broken, fuzz, readOne } from '../fuzz/run.js';
import { formats } from '../fuzz/structure.js';
import { fixtures, withTargets } from '../fuzz/targets.js';

/** Inputs for each reader. */
const SAMPLE = 1500;

test('no input of the corpus breaks a rule', () =>
  withTargets((targets) => {
    assert.ok(targets.length >= 12);
    for (const target of targets) {
      const corpus = corpusOf(target.reader.name, fixtures);
      assert.ok(corpus.length > 0, `${target.reader.name} has a corpus`);
      for (const input of corpus) readOne(target, input);
    }
  }));

test('nor does an input that is made of it', () =>
  withTargets((targets) => {
    for (const target of targets) {
      const { kinds } = fuzz(target, corpusOf(target.reader.name, fixtures), SAMPLE, 1);
      assert.ok(kinds.has('read'), `${target.reader.name} has read something`);
    }
  }));

/** A reader of netlink messages that is broken by what `breaks` says. */
function faulty(breaks: (bytes: Uint8Array) => void): Reader {
  return { name: 'faulty', errors: [SyntaxError], read: breaks };
}

test('a reader that breaks a rule is found out, with the input', () => {
  const seed = Uint8Array.of(20, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const target = (reader: Reader) => ({ reader, format: formats.netlink, seeds: [seed] });
  const found = (reader: Reader): Broken => {
    try {
      fuzz(target(reader), [], 5000, 1);
    } catch (error) {
      if (error instanceof Broken) return error;
      throw error;
    }
    throw new Error('nothing was found');
  };
  const short = found(faulty((bytes) => rule(bytes.length >= 16, 'too short for me')));
  assert.match(short.message, /faulty: Error: a rule is broken: too short for me/);
  assert.ok(short.input.length < 16);
  const wrong = found(
    faulty((bytes) => {
      if (bytes[16] === 5) throw new RangeError('not my type');
    }),
  );
  assert.match(wrong.message, /RangeError: not my type/);
  const polluting = faulty(() => {
    Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true });
  });
  try {
    assert.throws(() => readOne({ reader: polluting }, seed), /a prototype has been changed/);
  } finally {
    Reflect.deleteProperty(Object.prototype, 'polluted');
  }
  const heavy: Reader = { name: 'heavy', errors: [], read: () => 'x'.repeat(10_000) };
  assert.throws(() => readOne({ reader: heavy }, seed), /much larger than its input/);
});

test('what an input is made of is taken apart and put together to the same', () =>
  withTargets((targets) => {
    for (const { reader, format, seeds } of targets) {
      const boxes = seeds.flatMap((seed) => format.split(seed) ?? []);
      assert.ok(boxes.length > 0, reader.name);
      for (const seed of seeds) {
        const split = format.split(seed);
        if (split !== undefined)
          assert.deepEqual(format.join(split).subarray(0, seed.length), seed, reader.name);
      }
    }
  }));
