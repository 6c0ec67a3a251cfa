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
