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
  inbox.news.stopping = false;
  const short = inbox.until(() => inbox.news.stopping);
  inbox.post({ stopping: true });
  await short;
  assert.ok(inbox.goesOn(10_000), 'it has waited since, and goes on');

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

test('of several waits one that is in time is enough, wherever it stands', () => {
  for (const limits of [
    [10_000, 30_000],
    [30_000, 10_000],
    [10_000, undefined],
  ]) {
    const inbox = new Inbox(new FakeTimers());
    for (const limit of limits) void inbox.until(() => false, limit);
    assert.ok(inbox.goesOn(20_000), 'begun');
    assert.ok(inbox.goesOn(20_000), `${limits}`);
    assert.equal(inbox.goesOn(20_000), limits.includes(undefined), `${limits}`);
  }
});

test('a wait is overdue when more than its time has gone by, and is so anew whenever it is called back', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  void inbox.until(
    () => false,
    20_000,
    () => 20_000,
  );
  for (let time = 0; time < 2; time++) {
    assert.ok(inbox.goesOn(10_000), 'begun, or called back');
    assert.ok(inbox.goesOn(10_000));
    assert.ok(inbox.goesOn(10_000), 'just in time');
    assert.ok(!inbox.goesOn(1));
    await timers.pass(20_000);
  }
});

test('a time that is over already is over at once; a condition that holds is not waited for', async () => {
  const timers = new FakeTimers();
  const inbox = new Inbox(timers);
  const late = inbox.until(() => false, -5);
  await timers.pass(0);
  await late;
  await inbox.until(() => true, 1_000);
  assert.equal(timers.pending, 0);
});

test('at first nothing has happened, and the kernel is still to be read', () => {
  const { unread, leave, ...others } = new Inbox(new FakeTimers()).news;
  assert.deepEqual([unread, leave], [true, undefined]);
  assert.ok(!Object.values(others).includes(true));
});

test('news of something else leave a wait as it is', async () => {
  const inbox = new Inbox(new FakeTimers());
  let over = false;
  const wait = inbox
    .until(() => inbox.news.stopping)
    .then(() => {
      over = true;
    });
  inbox.post({ changed: true });
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(over, false);
  inbox.post({ stopping: true });
  await wait;
});
