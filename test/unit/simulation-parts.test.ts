// The parts of the simulated world that are not WireGuard's: time, chance, links, a host's answers, the comparison with the real one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link, type Quality } from '../simulation/link.js';
import { PortUnreachable } from '../simulation/port-unreachable.js';
import { SeededRandom } from '../simulation/random.js';
import { compare, type Sample, type Sight, STEP } from '../simulation/recording.js';
import { quantile, table } from '../simulation/table.js';
import { SimulatedTime } from '../simulation/time.js';

test('events come in the order of their time, those of one moment in the order in which they were planned', async () => {
  const time = new SimulatedTime();
  const random = new SeededRandom(1);
  const seen: { at: number; number: number }[] = [];
  for (let number = 0; number < 1_000; number++) {
    const at = random.below(50);
    time.plan(at, () => {
      assert.equal(time.now(), at);
      seen.push({ at, number });
    });
  }
  await time.pass(100);
  assert.equal(seen.length, 1_000);
  const sorted = [...seen].sort((one, other) => one.at - other.at || one.number - other.number);
  assert.deepEqual(seen, sorted);
  assert.equal(time.now(), 100);
});

test("what a selector's timer sets off comes to rest before time goes on", async () => {
  const time = new SimulatedTime();
  const seen: string[] = [];
  time.after(10, async () => {
    for (let turn = 0; turn < 100; turn++) await undefined;
    seen.push(`rest at ${time.now()}`);
  });
  time.plan(10.001, () => seen.push('next'));
  const cancel = time.after(11, () => seen.push('cancelled'));
  cancel();
  await time.pass(20);
  assert.deepEqual(seen, ['rest at 10', 'next']);
});

test("a selector's timer takes whole milliseconds, one at least", async () => {
  const time = new SimulatedTime();
  const seen: number[] = [];
  for (const milliseconds of [0, 0.5, 2.9]) time.after(milliseconds, () => seen.push(time.now()));
  await time.pass(10);
  assert.deepEqual(seen, [1, 1, 2]);
  assert.throws(() => time.after(-1, () => {}), /-1 ms/);
});

test('a selector that gets no processor is called back late, and what it has cancelled is not', async () => {
  const time = new SimulatedTime();
  const seen: string[] = [];
  time.after(10, () => seen.push(`timer at ${time.now()}`));
  const cancel = time.after(11, () => seen.push('cancelled'));
  time.plan(12, () => seen.push(`world at ${time.now()}`));
  time.plan(15, cancel);
  time.plan(5, () => time.stall(20));
  await time.pass(100);
  assert.deepEqual(seen, ['world at 12', 'timer at 25']);
});

test('passing time ends when the condition holds', async () => {
  const time = new SimulatedTime();
  let count = 0;
  const tick = (): void => {
    count++;
    time.after(10, tick);
  };
  time.after(10, tick);
  await time.pass(1_000, () => count === 3);
  assert.equal(time.now(), 30);
});

const EVERY: Quality = { loss: 0, delay: 10, jitter: 0, reorders: false };

async function through(
  quality: Quality,
  count: number,
  interval: number,
): Promise<{ at: number; number: number }[]> {
  const time = new SimulatedTime();
  const link = new Link(time, new SeededRandom(5), quality);
  const arrived: { at: number; number: number }[] = [];
  for (let number = 0; number < count; number++) {
    time.plan(number * interval, () => link.carry('out', () => arrived.push({ at: time.now(), number })));
  }
  await time.pass(count * interval + 60_000);
  return arrived;
}

test('a link loses as much as it is told to', async () => {
  const arrived = await through({ ...EVERY, loss: 0.2 }, 20_000, 1);
  assert.ok(Math.abs(arrived.length / 20_000 - 0.8) < 0.015, `${arrived.length}`);
});

test('jitter reorders only where it may', async () => {
  const disorder = (arrived: readonly { number: number }[]): number =>
    arrived.filter(({ number }, index) => number < (arrived[index - 1]?.number ?? -1)).length;
  assert.equal(disorder(await through({ ...EVERY, jitter: 50 }, 1_000, 1)), 0);
  assert.ok(disorder(await through({ ...EVERY, jitter: 50, reorders: true }, 1_000, 1)) > 100);
});

test('in a burst nothing gets through for its whole length', async () => {
  const interval = 100;
  const arrived = await through(
    { ...EVERY, bursts: { duration: 5_000, meanInterval: 60_000, apart: 1_000 } },
    36_000,
    interval,
  );
  const gaps = arrived.slice(1).map(({ at }, index) => at - (arrived[index]?.at ?? 0));
  const long = gaps.filter((gap) => gap > interval * 1.5);
  assert.ok(long.length > 30 && long.length < 90, `${long.length} in an hour`);
  assert.ok(
    long.every((gap) => gap >= 5_000),
    `${Math.min(...long)} ms`,
  );
});

test('two bursts are never as close as to be one that lasts longer', async () => {
  const interval = 100;
  const bursts = { duration: 5_000, meanInterval: 2_000, apart: 1_000 };
  const arrived = await through({ ...EVERY, bursts }, 36_000, interval);
  const gaps = arrived.slice(1).map(({ at }, index) => at - (arrived[index]?.at ?? 0));
  assert.ok(Math.max(...gaps) <= bursts.duration + 2 * interval, `${Math.max(...gaps)} ms`);
  const long = gaps.filter((gap) => gap > interval * 1.5);
  assert.ok(long.length > 400 && long.length < 650, `${long.length} in an hour`);
});

test('one port unreachable a second, six at once after a rest', () => {
  const answers = new PortUnreachable();
  const content = { kind: 'probe', size: 29, number: 1 } as const;
  const at = (now: number): boolean => answers.to(content, now) !== undefined;
  assert.equal(Array.from({ length: 10 }, () => at(0)).filter(Boolean).length, 6);
  assert.deepEqual([at(999), at(1_000), at(1_500), at(2_000)], [false, true, false, true]);
  assert.equal(answers.to(content, 60_000)?.size, 57);
});

test('the comparison finds what the simulation never shows, and lets pass what is late by less than the tolerance', () => {
  const sight = (rx: number): Sight => ({ handshake: 0, rx, tx: 0, answers: 0 });
  const steps = 20 / STEP;
  const jumpsAt = (second: number): Sight[] =>
    Array.from({ length: steps }, (_, step) => sight(step * STEP < second ? 0 : 32));
  const courses = [jumpsAt(10), jumpsAt(10.2)];
  const sample = (from: number, rx: number): Sample => ({ ...sight(rx), from, to: from + 0.1, pings: 0 });
  const differs = (from: number, rx: number): boolean =>
    compare([sample(from, rx)], courses, 1).differences.length > 0;
  assert.deepEqual(
    [differs(8, 0), differs(8, 32), differs(9.5, 32), differs(10.5, 0)],
    [false, true, false, false],
  );
  assert.deepEqual([differs(12, 0), differs(12, 32), differs(10, 64)], [true, false, true]);
  assert.equal(compare([sample(5, 0)], courses, 1).exact, 4);
});

test('quantiles and tables', () => {
  assert.deepEqual([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99), quantile([7], 0.5)], [2, 3, 7]);
  assert.equal(table(['a', 'bb'], [['ccc', '1']]), '| a   | bb |\n| --- | -- |\n| ccc |  1 |');
});
