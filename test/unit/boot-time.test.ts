import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addon } from '../../src/platform/node/addon.js';
import { bootTime, withSleep } from '../../src/platform/node/clock.js';

test('the time since boot is what the kernel says, and goes on', () => {
  const uptime = () => Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
  assert.notEqual(addon(), undefined, 'the native part is built');
  const before = uptime();
  const now = bootTime();
  // Hundredths of a second, cut off.
  assert.ok(now >= before && now <= uptime() + 10, `${before}, ${now}, ${uptime()}`);
  assert.ok(bootTime() > now - 1e-6);
});

test('without the native part: fine between sleeps, and a sleep counts', () => {
  let [monotonic, boot] = [5_000, 65_004];
  // As /proc/uptime has it: two digits.
  const clock = withSleep(
    () => monotonic,
    () => Math.floor(boot / 10) / 100,
  );
  const pass = (milliseconds: number, asleep = 0): number => {
    monotonic += milliseconds;
    boot += milliseconds + asleep;
    return clock();
  };
  const start = clock();
  assert.equal(start, 65_000);
  for (let count = 1; count <= 100; count++) {
    const elapsed = pass(3.5) - start;
    assert.ok(Math.abs(elapsed - 3.5 * count) < 1e-6, 'as fine as the finer clock');
  }
  const evening = clock();
  const morning = pass(1, 8 * 3_600_000);
  assert.ok(Math.abs(morning - evening - 8 * 3_600_000) < 20);
  assert.ok(Math.abs(pass(2) - morning - 2) < 1e-6);
});

test('without /proc it is the monotonic clock', () => {
  assert.equal(
    withSleep(
      () => 7,
      () => Number.NaN,
    )(),
    7,
  );
});
