import assert from 'node:assert/strict';
import { linkSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Ubus, type UbusError } from '../../src/ubus/index.js';
import { TestBus, until } from '../support/bus.js';

test('connect rejects without ubusd, and says where and why', async (t) => {
  const bus = TestBus.prepare(t);
  const path = bus.path;
  await assert.rejects(Ubus.connect({ path }), (error: Error & { status?: string }) => {
    assert.equal(error.status, 'CONNECTION_FAILED');
    assert.ok(error.message.includes(path));
    assert.match(error.message, /no such socket.*ENOENT/);
    return true;
  });
  // A socket whose server is gone: what a killed ubusd leaves behind.
  const dead = `${path}.dead`;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  linkSync(path, dead);
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(Ubus.connect({ path: dead }), /nobody listens.*ECONNREFUSED/);
});

test('open works without ubusd, tells it once, and is there when ubusd comes', async (t) => {
  const bus = TestBus.prepare(t);
  const told: string[] = [];
  const client = bus.open({
    onConnect: () => void told.push('connected'),
    onDisconnect: ({ status }) => void told.push(status),
    onWarning: ({ message }) => void told.push(message),
  });
  assert.equal(client.connected, false);
  const heard: string[] = [];
  const object = await client.publish('lab', { go: { call: () => ({ ok: true }) } });
  await client.listen('lab.*', (name) => void heard.push(name));
  const subscription = await client.subscribe('other', (type) => void heard.push(type));
  const waiting = client.waitFor('other');
  assert.equal(object.registered, false);
  object.notify('nobody hears this');
  await assert.rejects(client.call('lab', 'go'), { status: 'CONNECTION_FAILED', message: /not connected/ });
  await until(() => told.length > 0, 'it has failed to connect');
  await new Promise((resolve) => setTimeout(resolve, 400)); // several attempts
  assert.deepEqual(told, ['CONNECTION_FAILED']);

  await bus.startDaemon();
  await until(() => told.length === 2, 'it is connected');
  assert.deepEqual(told, ['CONNECTION_FAILED', 'connected']);
  assert.equal(object.registered && client.connected, true);
  const peer = await bus.connect();
  assert.deepEqual(await peer.call('lab', 'go'), { ok: true });
  const other = await peer.publish('other', {});
  assert.equal((await waiting).path, 'other');
  await until(() => other.hasSubscribers && subscription.active, 'the subscription stands');
  other.notify('told');
  await peer.send('lab.x');
  await until(() => heard.length === 2, 'both are heard');
  assert.deepEqual(heard.sort(), ['lab.x', 'told']);
});

test('ubusd restarted ten times: everything is registered again each time', async (t) => {
  const bus = await TestBus.start(t);
  const told: string[] = [];
  const provider = await bus.connect({
    onConnect: () => void told.push('connected'),
    onDisconnect: ({ status }) => void told.push(status),
    onWarning: ({ message }) => void told.push(message),
  });
  await until(() => told.length === 1, 'onConnect was called');
  const object = await provider.publish('lab', { go: { call: () => ({ ok: true }) } });
  const client = await bus.connect();
  const heard: string[] = [];
  await client.listen('lab.*', (name) => void heard.push(name));
  await client.subscribe('lab', (type) => void heard.push(type));
  for (const round of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']) {
    await bus.stopDaemon();
    await until(() => !provider.connected && !client.connected, 'both have noticed');
    assert.equal(object.registered || object.hasSubscribers, false);
    await bus.startDaemon();
    await client.waitFor('lab');
    assert.deepEqual(await client.call('lab', 'go'), { ok: true });
    await until(() => object.hasSubscribers, 'the subscription stands again');
    object.notify(round);
    await provider.send(`lab.${round}`);
    await until(
      () => heard.includes(round) && heard.includes(`lab.${round}`),
      'notification and event are heard',
    );
  }
  assert.equal(heard.length, 20);
  assert.deepEqual(
    told.filter((entry, index) => entry !== (index % 2 === 0 ? 'connected' : 'CONNECTION_FAILED')),
    [],
  );
});

test('calls under way when ubusd dies reject at once', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  let called = 0;
  await provider.publish('lab', {
    never: {
      call: () => {
        called += 1;
        return new Promise(() => undefined);
      },
    },
  });
  const caller = await bus.connect();
  const calls = Promise.allSettled(
    Array.from({ length: 20 }, () => caller.call('lab', 'never', {}, { timeout: Infinity })),
  );
  await until(() => called === 20, 'all calls are under way');
  await bus.stopDaemon();
  for (const result of await calls) {
    assert.equal(result.status === 'rejected' && result.reason.status, 'CONNECTION_FAILED');
    assert.match(
      String(result.status === 'rejected' && result.reason.message),
      /calling never of lab: .*closed/,
    );
  }
});

test('closing while ubusd is away stops the attempts, and lets the process end', async (t) => {
  const bus = TestBus.prepare(t);
  const told: UbusError[] = [];
  const client = bus.open({ onDisconnect: (error) => void told.push(error) });
  await until(() => told.length === 1, 'it has failed to connect');
  client.close();
  await bus.startDaemon();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(client.connected, false);
  client.close();
});

test('a path that is taken when ubusd comes: one warning, and published when it is free', async (t) => {
  const bus = await TestBus.start(t);
  const owner = await bus.connect();
  const taken = await owner.publish('lab', {});
  const warnings: string[] = [];
  const late = bus.open({ onWarning: ({ message }) => void warnings.push(message) });
  const object = await late.publish('lab', {}); // not connected yet: nobody can refuse it
  await until(() => warnings.length > 0, 'ubusd has refused it');
  assert.match(warnings.join(), /publishing lab: refused by ubusd: its path is taken/);
  assert.equal(object.registered, false);
  await taken.close();
  await until(() => object.registered, 'the object is published');
  assert.equal(warnings.length, 1);
});

test('an ubusd that hangs for longer than the timeout: what is registered meanwhile is there when it goes on', async (t) => {
  const bus = await TestBus.start(t);
  const warnings: string[] = [];
  const provider = await bus.connect({
    timeout: 100,
    onWarning: ({ status }: Error & { status?: string }) => void warnings.push(String(status)),
  });
  await (await bus.connect()).publish('other', {});
  bus.freezeDaemon();
  const heard: string[] = [];
  const [object, , subscription] = await Promise.all([
    provider.publish('lab', { go: { call: () => ({ ok: true }) } }),
    provider.listen('lab.*', (name) => void heard.push(name)),
    provider.subscribe('other', () => undefined),
  ]);
  assert.deepEqual(warnings, ['TIMEOUT', 'TIMEOUT', 'TIMEOUT']);
  assert.equal(object.registered || subscription.active, false);
  await assert.rejects(provider.call('other', 'go'), { status: 'TIMEOUT' });
  await new Promise((resolve) => setTimeout(resolve, 500)); // several timeouts
  bus.thawDaemon();
  await until(() => object.registered && subscription.active, 'all is registered');
  const client = await bus.connect();
  assert.deepEqual(await client.call('lab', 'go'), { ok: true });
  await client.send('lab.x');
  await until(() => heard.length === 1, 'the event is heard');
  assert.equal(warnings.length, 3);
});

test('without ubusd the pauses double, from 0.1 s to 5 min', async (t) => {
  const bus = TestBus.prepare(t);
  const pauses: number[] = [];
  const real = setTimeout;
  const fast = (callback: () => void, delay: number): NodeJS.Timeout => {
    if (Number.isInteger(delay)) return real(callback, delay); // a pause is drawn at random, other delays are not
    pauses.push(delay);
    return real(callback, 0);
  };
  t.mock.method(globalThis, 'setTimeout', fast);
  const client = bus.open();
  await until(() => pauses.length >= 14, 'it has tried often');
  client.close();
  for (const [index, pause] of pauses.entries()) {
    const middle = Math.min(100 * 2 ** index, 300_000);
    assert.ok(pause >= middle * 0.75 && pause <= middle * 1.25, `${pause} ms is pause ${index}`);
  }
});
