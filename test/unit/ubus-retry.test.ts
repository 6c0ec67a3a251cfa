import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestBus, until } from '../support/bus.js';

/** Longer than any retry: tells the timeouts of requests from those. */
const TIMEOUT = 50_000;

test('a registration that is refused is tried after 1 s, and after twice as long each time up to 30 s', async (t) => {
  const bus = await TestBus.start(t);
  const owner = await bus.connect({ timeout: TIMEOUT });
  const taken = await owner.publish('lab', {});
  const delays: number[] = [];
  const real = globalThis.setTimeout;
  const hurried = (callback: () => void, delay = 0): NodeJS.Timeout => {
    if (delay < 1_000 || delay >= TIMEOUT) return real(callback, delay);
    delays.push(delay);
    return real(callback, 1);
  };
  const warnings: string[] = [];
  let connected = false;
  const late = bus.open({
    timeout: TIMEOUT,
    onConnect: () => {
      connected = true;
    },
    onWarning: ({ message }) => void warnings.push(message),
  });
  const object = await late.publish('lab', {}); // not connected yet: nobody can refuse it
  const mock = t.mock.method(globalThis, 'setTimeout', hurried);
  await until(() => delays.length >= 8, 'it was refused eight times');
  assert.deepEqual(delays.slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  assert.ok(connected);
  assert.equal(object.registered, false);
  await taken.close();
  await until(() => object.registered, 'the object is published');
  const before = delays.length;
  mock.mock.restore();
  assert.equal(warnings.length, 1, 'told once');
  assert.equal(delays.length, before, 'and not tried again');
});

test('closing a client leaves no timer that would try again', async (t) => {
  const bus = await TestBus.start(t);
  const owner = await bus.connect();
  await owner.publish('lab', {});
  const timers = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
  const before = timers();
  const warnings: string[] = [];
  const late = bus.open({ onWarning: ({ message }) => void warnings.push(message) });
  await late.publish('lab', {});
  await until(() => warnings.length > 0, 'ubusd has refused it');
  assert.ok(timers() > before, 'it waits to try again');
  late.close();
  await until(() => timers() <= before, 'its timers are gone', 0.9);
});
