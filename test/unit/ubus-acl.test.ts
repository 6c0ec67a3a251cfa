import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY, TestBus, until } from '../support/bus.js';
import type { Acl } from '../support/ubusd-rules.js';

const { user } = NOBODY;

test('an ordinary user without an ACL: nothing is allowed, and each refusal says what is missing', async (t) => {
  const bus = await TestBus.start(t);
  const root = await bus.connect();
  await root.publish('lab', { status: { call: () => ({}) } });
  const nobody = await bus.connectAs(NOBODY);
  assert.deepEqual(await nobody.lookup(), []);
  await assert.rejects(nobody.call('lab', 'status'), {
    status: 'NOT_FOUND',
    message: /allowed to this user/,
  });
  await assert.rejects(nobody.publish('mine', {}), { status: 'INVALID_ARGUMENT', message: /ACL file/ });
  await assert.rejects(
    nobody.listen('lab.*', () => undefined),
    { status: 'PERMISSION_DENIED', message: /"listen"/ },
  );
  await assert.rejects(nobody.send('lab.x'), { status: 'PERMISSION_DENIED', message: /"send"/ });
  await assert.rejects(
    nobody.subscribe('lab', () => undefined),
    { status: 'NOT_FOUND' },
  );
});

test('an ordinary user publishes, and is known by name', async (t) => {
  const acls: Acl[] = [{ user, publish: ['lab.*'], send: ['lab.*'] }];
  const bus = await TestBus.start(t, acls);
  const nobody = await bus.connectAs(NOBODY);
  const root = await bus.connect();
  const heard: string[] = [];
  await root.listen('lab.*', (name) => void heard.push(name));
  await nobody.publish('lab.vpn', {
    whoami: { call: (_, caller) => ({ user: caller.user, group: caller.group }) },
  });
  await assert.rejects(nobody.publish('other', {}), { status: 'INVALID_ARGUMENT' });
  await nobody.send('lab.vpn', {});
  await until(() => heard.includes('lab.vpn'), 'the event is heard');
  assert.deepEqual(await root.call('lab.vpn', 'whoami'), { user: 'root', group: 'root' });
  await root.publish('root', {
    whoami: { call: (_, caller) => ({ user: caller.user, group: caller.group }) },
  });
});

test('an ordinary user sees and calls what the ACL names', async (t) => {
  const acls: Acl[] = [
    { user, access: { 'lab.*': { methods: ['status'] } }, subscribe: ['lab.vpn'], listen: ['lab.*'] },
  ];
  const bus = await TestBus.start(t, acls);
  const root = await bus.connect();
  const whoami = { call: (_: unknown, caller: { user?: string | undefined }) => ({ user: caller.user }) };
  const object = await root.publish('lab.vpn', { status: whoami, reload: whoami });
  await root.publish('other', { status: whoami });
  const nobody = await bus.connectAs(NOBODY);
  const seen = await nobody.lookup();
  assert.deepEqual(
    seen.map(({ path, methods }) => [path, methods]),
    [['lab.vpn', { status: {} }]],
  );
  assert.deepEqual(await nobody.call('lab.vpn', 'status'), { user });
  await assert.rejects(nobody.call('lab.vpn', 'reload'), { status: 'PERMISSION_DENIED', message: /acl\.d/ });
  const told: string[] = [];
  await nobody.subscribe('lab.vpn', (type) => void told.push(type));
  await until(() => object.hasSubscribers, 'the object has a subscriber');
  object.notify('state');
  await until(() => told.length === 1, 'the notification is heard');
});

test('waiting for an object without the right to hear of new ones: by looking again', async (t) => {
  const acls: Acl[] = [{ user, access: { lab: { methods: ['*'] } } }];
  const bus = await TestBus.start(t, acls);
  const root = await bus.connect();
  const nobody = await bus.connectAs(NOBODY);
  const waiting = nobody.waitFor('lab');
  // Long enough for the waiter to have been refused, and to have looked once in vain.
  for (let count = 0; count < 20; count += 1) assert.deepEqual(await nobody.lookup(), []);
  await root.publish('lab', { status: { call: () => ({}) } });
  assert.equal((await waiting).path, 'lab');
});
