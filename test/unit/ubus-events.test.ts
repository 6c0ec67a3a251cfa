import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Table } from '../../src/ubus/index.js';
import { deferred, TestBus, until } from '../support/bus.js';

type Heard = [string, Table];

test('events reach those who listen for them, by name or by its start', async (t) => {
  const bus = await TestBus.start(t);
  const listener = await bus.connect();
  const sender = await bus.connect();
  const exact: Heard[] = [];
  const prefix: Heard[] = [];
  const all: string[] = [];
  await listener.listen('lab.a', (...heard) => void exact.push(heard));
  await listener.listen('lab.*', (...heard) => void prefix.push(heard));
  await listener.listen('*', (name) => void all.push(name));
  await sender.send('lab.a', { k: 1 });
  await sender.send('lab.b');
  await sender.send('other', { list: [1, 2] });
  await until(() => all.includes('other'), 'the last event is heard');
  assert.deepEqual(exact, [['lab.a', { k: 1 }]]);
  assert.deepEqual(prefix, [
    ['lab.a', { k: 1 }],
    ['lab.b', {}],
  ]);
  assert.deepEqual(
    all.filter((name) => !name.startsWith('ubus.')),
    ['lab.a', 'lab.b', 'other'],
  );
});

test('our own events are not heard, and those of ubusd cannot be sent', async (t) => {
  const bus = await TestBus.start(t);
  const both = await bus.connect();
  const heard: string[] = [];
  await both.listen('lab.*', (name) => void heard.push(name));
  await both.send('lab.own');
  await (await bus.connect()).send('lab.other');
  await until(() => heard.includes('lab.other'), 'the other event is heard');
  assert.deepEqual(heard, ['lab.other']);
  await assert.rejects(both.send('ubus.object.add', {}), { status: 'PERMISSION_DENIED' });
});

test('a listener that was closed hears nothing more', async (t) => {
  const bus = await TestBus.start(t);
  const client = await bus.connect();
  const sender = await bus.connect();
  const heard: string[] = [];
  const closed = await client.listen('lab.*', (name) => void heard.push(`closed ${name}`));
  await client.listen('lab.*', (name) => void heard.push(name));
  await closed.close();
  await sender.send('lab.x');
  await until(() => heard.length > 0, 'the event is heard');
  assert.deepEqual(heard, ['lab.x']);
});

test('what an event handler throws becomes a warning, at once or later', async (t) => {
  const warnings: string[] = [];
  const bus = await TestBus.start(t);
  const client = await bus.connect({ onWarning: ({ message }) => void warnings.push(message) });
  const sender = await bus.connect();
  await client.listen('lab.now', () => {
    throw new Error('one');
  });
  await client.listen('lab.later', () => Promise.reject(new Error('two')));
  await sender.send('lab.now');
  await sender.send('lab.later');
  await until(() => warnings.length === 2, 'both warnings are there');
  assert.deepEqual(warnings, ['the handler of lab.now threw: one', 'the handler of lab.later threw: two']);
  assert.equal(client.connected, true);
});

test('notifications reach subscribers, and the object knows whether it has any', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const changes: boolean[] = [];
  const object = await provider.publish('lab', {}, { onSubscribers: (any) => void changes.push(any) });
  object.notify('lost');
  const [one, two] = [await bus.connect(), await bus.connect()];
  const heard: Heard[] = [];
  const first = await one.subscribe('lab', (...notification) => void heard.push(notification));
  const second = await two.subscribe('lab', (...notification) => void heard.push(notification));
  await until(() => object.hasSubscribers, 'the object has a subscriber');
  assert.equal(first.active, true);
  object.notify('state', { state: 'established', peer: 'sn02' });
  object.notify('empty');
  await until(() => heard.length === 4, 'both have heard both');
  const state: Heard = ['state', { state: 'established', peer: 'sn02' }];
  assert.deepEqual(
    heard.filter(([type]) => type === 'state'),
    [state, state],
  );
  await first.close();
  assert.equal(first.active, false);
  object.notify('later');
  await until(() => heard.length === 5, 'the other one has heard more');
  await second.close();
  await until(() => !object.hasSubscribers, 'nobody is subscribed');
  assert.deepEqual(changes, [true, false]);
});

test('subscribing to nothing, and to oneself', async (t) => {
  const bus = await TestBus.start(t);
  const client = await bus.connect();
  await client.publish('own', {});
  await assert.rejects(
    client.subscribe('nope', () => undefined),
    { status: 'NOT_FOUND', object: 'nope' },
  );
  await assert.rejects(
    client.subscribe('own', () => undefined),
    { status: 'INVALID_ARGUMENT', message: /same connection/ },
  );
});

test('a subscription comes back with its object', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const subscriber = await bus.connect();
  const changes: boolean[] = [];
  const heard: string[] = [];
  let object = await provider.publish('lab', {});
  await subscriber.subscribe('lab', (type) => void heard.push(type), {
    onActive: (active) => void changes.push(active),
  });
  for (const round of ['one', 'two', 'three']) {
    await object.close();
    await until(() => changes.at(-1) === false, 'the subscriber knows that the object is gone');
    object = await provider.publish('lab', {});
    await until(() => object.hasSubscribers && changes.at(-1) === true, 'it is subscribed again');
    object.notify(round);
    await until(() => heard.includes(round), 'it hears');
  }
  assert.deepEqual(changes, [true, false, true, false, true, false, true]);
});

test('waiting for an object: there already, coming, never coming', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const waiter = await bus.connect();
  await provider.publish('early', { go: { call: () => ({}) } });
  const early = await waiter.waitFor('early');
  assert.deepEqual([early.path, early.methods], ['early', { go: {} }]);
  const late = waiter.waitFor('late');
  await provider.publish('later', {});
  await provider.publish('late', {});
  assert.equal((await late).path, 'late');
  await assert.rejects(waiter.waitFor('never', { timeout: 20 }), {
    status: 'TIMEOUT',
    message: /waiting for never: not on the bus within 20 ms/,
  });
  await assert.rejects(waiter.waitFor(''), { status: 'INVALID_ARGUMENT' });
});

test('callbacks that throw do not end the connection', async (t) => {
  const warnings: string[] = [];
  const bus = await TestBus.start(t);
  const failing = () => {
    throw new Error('oops');
  };
  const provider = await bus.connect({
    onWarning: ({ message }) => void warnings.push(message),
    onConnect: failing,
  });
  const object = await provider.publish(
    'lab',
    { go: { call: () => ({ ok: true }) } },
    { onSubscribers: failing },
  );
  const other = await bus.connect();
  await other.subscribe('lab', () => undefined);
  await until(() => object.hasSubscribers, 'somebody is subscribed');
  assert.deepEqual(await other.call('lab', 'go'), { ok: true });
  assert.deepEqual(warnings, ['oops', 'oops']);
});

test('an object that is closed while it is being called answers nobody, and harms nobody', async (t) => {
  const bus = await TestBus.start(t);
  const warnings: string[] = [];
  const provider = await bus.connect({ onWarning: ({ message }) => void warnings.push(message) });
  const gate = deferred();
  const object = await provider.publish('lab', { wait: { call: () => gate.promise } });
  const caller = await bus.connect();
  const called = assert.rejects(caller.call('lab', 'wait', {}, { timeout: 200 }), { status: 'TIMEOUT' });
  await until(async () => (await caller.lookup('lab')).length === 1, 'ubusd has passed the call on');
  await object.close();
  gate.resolve();
  await called;
  await until(() => warnings.length > 0, 'the program is told');
  assert.deepEqual(warnings, ['the handler of wait threw: no such object']);
  assert.equal(provider.connected && caller.connected, true);
});
