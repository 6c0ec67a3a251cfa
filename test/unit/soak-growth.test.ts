// What `npm run soak` takes for growth, and what for noise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FEWEST_SAMPLES, growth, type Sample } from '../netns/soak/growth.js';

/** An hour's samples of a process that does nothing wrong: garbage comes and goes, and so does a name that is being resolved. */
const hour = (changed: (minute: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: 60 }, (_, minute) => ({
    memory: 1_500_000 + (minute % 7) * 200_000,
    live: undefined,
    descriptors: 10 + (minute % 3),
    threads: 1 + (minute % 2),
    ...changed(minute),
  }));

const tooMuch = (samples: readonly Sample[]): string[] =>
  growth(samples, { memory: 100_000, live: 50_000 })
    .filter((grown) => grown.tooMuch)
    .map(({ quantity }) => quantity);

test('what comes and goes is no growth, and neither is less than the noise', () => {
  assert.deepEqual(tooMuch(hour()), []);
  assert.deepEqual(
    tooMuch(hour((minute) => ({ memory: 1_500_000 + minute * 1_000 }))),
    [],
    'within the noise',
  );
  assert.deepEqual(tooMuch(hour((minute) => (minute < 30 ? {} : { memory: 1_200_000, descriptors: 9 }))), []);
});

test('what leaks is seen under what comes and goes', () => {
  const leak = (minute: number) => 1_500_000 + (minute % 7) * 200_000 + minute * 5_000;
  assert.deepEqual(tooMuch(hour((minute) => ({ memory: leak(minute) }))), ['memory']);
  const one = (minute: number) => ({ descriptors: 10 + (minute % 3) + (minute < 35 ? 0 : 1) });
  assert.deepEqual(tooMuch(hour(one)), ['descriptors']);
  assert.deepEqual(tooMuch(hour((minute) => ({ live: 4_000_000 + minute * 2_000 }))), ['live']);
  assert.deepEqual(tooMuch(hour((minute) => ({ threads: 1 + Math.floor(minute / 20) }))), ['threads']);
});

test('too few samples are not judged', () => {
  assert.throws(() => growth(hour().slice(0, FEWEST_SAMPLES - 1), {}), RangeError);
  assert.equal(growth(hour().slice(0, FEWEST_SAMPLES), {}).length, 4);
});
