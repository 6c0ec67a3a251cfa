import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../../src/selector/inbox.js';
import { FakeTimers } from '../../support/fake-world.js';

test('a wait that is over asks for nothing any more', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  let looks = 0;
  const look = (): boolean => {
    looks++;
    return inbox.news.changed;
  };
  const late = inbox.until(look, 1_000);
  await timers.pass(1_000);
  await late;
  const met = inbox.until(look, 1_000);
  inbox.post({ changed: true });
  await met;
  const before = looks;
  inbox.post({});
  await timers.pass(10_000);
  assert.equal(looks, before);
  assert.equal(timers.pending, 0);
});

test('a wait goes on for as long as it is told to, unless its condition is met', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  let times = 0;
  const again = (): number | undefined => (++times < 5 ? 1_000 : undefined);
  const over = inbox.until(() => inbox.news.changed, 1_000, again);
  await timers.pass(4_999);
  assert.equal(times, 4);
  await timers.pass(1);
  await over;
  times = 0;
  const met = inbox.until(() => inbox.news.changed, 1_000, again);
  await timers.pass(2_500);
  inbox.post({ changed: true });
  await met;
  await timers.pass(10_000);
  assert.deepEqual([times, timers.pending], [2, 0]);
});

test('what goes wrong when a time is over fails the wait, and ends it', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  let looks = 0;
  const wait = inbox.until(
    () => ++looks < 0,
    1_000,
    () => {
      throw new Error('no more');
    },
  );
  const failed = assert.rejects(wait, /no more/);
  await timers.pass(1_000);
  await failed;
  inbox.post({});
  assert.deepEqual([looks, timers.pending], [1, 0]);
});

test('a loop goes on while it comes to waits, and while it is in one that is not overdue', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  assert.ok(inbox.goesOn(10_000), 'it has only begun');
  assert.ok(!inbox.goesOn(10_000), 'it waits for nothing: something keeps it');

  const forEver = inbox.until(() => inbox.news.stopping);
  for (let time = 0; time < 5; time++) assert.ok(inbox.goesOn(10_000));
  inbox.post({ stopping: true });
  await forEver;
  assert.ok(!inbox.goesOn(10_000), 'that wait is over');

  const again = inbox.until(
    () => inbox.news.changed,
    1_000,
    () => 1_000,
  );
  for (let time = 0; time < 5; time++) {
    await timers.pass(10_000);
    assert.ok(inbox.goesOn(10_000), 'it is called back again and again');
  }
  inbox.post({ changed: true });
  await again;
  inbox.goesOn(10_000);

  inbox.news.changed = false;
  void inbox.until(() => inbox.news.changed, 25_000);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => inbox.goesOn(10_000)),
    [true, true, true, false], // begun, 10 s, 20 s; a timer that never came
  );
});
