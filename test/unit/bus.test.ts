// The daemon on the bus, without the kernel; test/netns/ubus.test.ts has the rest.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Bus } from '../../src/daemon/bus.js';
import type { ServiceOwner } from '../../src/daemon/methods.js';
import { TestBus, until } from '../support/bus.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';

test('an ubusd that comes and goes fills no log', async (t) => {
  const bus = TestBus.prepare(t);
  const lines: string[] = [];
  const log = { write: (level: string, _: string, text: string) => void lines.push(`${level} ${text}`) };
  const daemon = new Bus({ path: bus.path, log, owner: new FakeOwner() });
  t.after(() => daemon.close());
  const count = (line: RegExp) => lines.filter((text) => line.test(text)).length;
  for (let round = 1; round <= 3; round += 1) {
    await bus.startDaemon();
    await until(() => count(/^debug connected to ubus/) === round, 'it is connected');
    await bus.stopDaemon();
    await until(() => count(/ubus is not there/) >= round, 'it has noticed');
  }
  assert.equal(count(/^info ubus is not there/), 1);
});

/** A daemon's end of a bus, and a client. */
async function publish(t: TestContext, owner: ServiceOwner = new FakeOwner()) {
  const bus = await TestBus.start(t);
  const daemon = new Bus({ path: bus.path, log: { write() {} }, owner });
  t.after(() => daemon.close());
  const leave = daemon.serve(new FakeService('vpn'));
  const client = await bus.connect();
  await client.waitFor('wgpeerselector.vpn');
  return { daemon, leave, client };
}

test('an interface comes and goes', async (t) => {
  const { daemon, leave, client } = await publish(t);
  const paths = async () => (await client.lookup('wgpeerselector.*')).map(({ path }) => path).sort();
  leave();
  daemon.serve(new FakeService('other'));
  await client.waitFor('wgpeerselector.other');
  await until(async () => (await paths()).join() === 'wgpeerselector.other', 'the first is gone');
  daemon.serve(new FakeService('late'))(); // before ubusd has heard of it
  daemon.serve(new FakeService('last'));
  await client.waitFor('wgpeerselector.last');
  await until(async () => (await paths()).join() === 'wgpeerselector.last,wgpeerselector.other', 'no other');
});

test('what is refused has a reason, which comes before the status', async (t) => {
  const { client } = await publish(t);
  for (const [method, args, status, message] of [
    ['select', { peer: 'none' }, 'NOT_FOUND', 'vpn has no enabled peer none'],
    ['set_peers', {}, 'INVALID_ARGUMENT', 'set_peers needs peers, a list of tables'],
  ] as const) {
    const call = client.call('wgpeerselector.vpn', method, args);
    await assert.rejects(call, { status, answers: [{ message }] });
  }
});

test('peers that are given get there, with numbers and lists', async (t) => {
  const owner = new FakeOwner();
  const { client } = await publish(t, owner);
  const peer = { name: 'gw9', allowed_ips: ['10.0.0.0/8'], persistent_keepalive: 25 };
  const answer = await client.call('wgpeerselector.vpn', 'add_peer', { ...peer, ubus_rpc_session: 'x' });
  assert.deepEqual(answer, { warnings: ['it is only a test'] });
  await client.call('wgpeerselector.vpn', 'set_peers', { peers: [peer] });
  await client.call('wgpeerselector.vpn', 'remove_peer', { name: 'gw9' });
  assert.deepEqual(owner.told, [
    `vpn add ${JSON.stringify({ ...peer, ubus_rpc_session: 'x' })}`,
    `vpn set ${JSON.stringify([peer])}`,
    'vpn remove gw9',
  ]);
});
