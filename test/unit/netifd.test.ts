// netifd's interface follows the connection; test/netns/hotplug.test.ts has the same on the real kernel.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Bus } from '../../src/daemon/bus.js';
import { Netifd } from '../../src/daemon/netifd.js';
import { UbusError } from '../../src/ubus/index.js';
import { TestBus, until } from '../support/bus.js';
import { FakeNetifd } from '../support/fake-netifd.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';

const SN01 = '{"peer":"sn01","remote_address":"192.0.2.1:51820"}';
const SN02 = '{"peer":"sn02","remote_address":"192.0.2.2:51820"}';

/** A daemon on a bus, and netifd there, unless it is late. */
async function follow(t: TestContext, { connected = false, name = 'vpn_peerselector', late = false } = {}) {
  const bus = TestBus.prepare(t);
  const lines: string[] = [];
  const log = {
    write: (level: string, ifname: string, text: string) => void lines.push(`${level} ${ifname} ${text}`),
  };
  const netifd = new FakeNetifd('vpn_peerselector');
  const come = async () => {
    await bus.startDaemon();
    await netifd.publish(await bus.connect());
  };
  if (!late) await come();
  const way = new Bus({ path: bus.path, log, owner: new FakeOwner() });
  const service = new FakeService('vpn');
  service.connected = connected;
  const followed = new Netifd(name, service, way, log);
  t.after(async () => {
    followed.close();
    await way.close();
  });
  await until(() => late || way.connected, 'the daemon is on the bus');
  const told = (count: number) =>
    until(() => netifd.hotplug.length >= count && netifd.hotplug, `${count} events`);
  /** Does it in one turn of the loop. */
  const change = (changes: { connected: boolean; place?: number }) => {
    Object.assign(service, changes);
    if (changes.connected) service.connect();
    else service.lose();
  };
  return { netifd, followed, lines, told, change, come, way };
}

test('up with peer and address, an update for another peer, down with a loss', async (t) => {
  const { netifd, told, change } = await follow(t);
  change({ connected: true });
  await told(1);
  change({ connected: false });
  change({ connected: true, place: 1 }); // another has taken its place
  await told(2);
  change({ connected: true, place: 1 }); // nothing new
  change({ connected: false });
  assert.deepEqual(await told(3), [`ifup ${SN01}`, `ifupdate ${SN02}`, 'ifdown {}']);
  assert.equal(netifd.calls.length, 3);
  assert.deepEqual(netifd.calls[0], {
    ...{ interface: 'vpn_peerselector', action: 0, keep: true, 'link-up': true },
    data: { peer: 'sn01', remote_address: '192.0.2.1:51820' },
  });
});

test('a connection that was there before ubusd is told as soon as that comes, and before it nothing is wrong', async (t) => {
  const { told, change, come, lines } = await follow(t, { connected: true, late: true });
  change({ connected: true });
  await until(() => lines.some((line) => /ubus is not there/.test(line)), 'it has looked for ubus');
  await come();
  assert.deepEqual(await told(1), [`ifup ${SN01}`]);
  assert.deepEqual(
    lines.filter((line) => line.includes('netifd')),
    [],
  );
});

test('what netifd refuses is told again, and the log has it once', async (t) => {
  const { netifd, told, change, lines } = await follow(t);
  netifd.refusal = new UbusError('UNKNOWN_ERROR', 'not now');
  const complaints = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
  change({ connected: true });
  await until(
    () => complaints(/interface vpn_peerselector is up: .*: unknown error; it is/) > 0,
    'a complaint',
  );
  change({ connected: false });
  await until(() => complaints(/interface vpn_peerselector is down: /) > 0, 'another');
  netifd.refusal = undefined;
  change({ connected: true, place: 1 });
  assert.deepEqual(await told(1), [`ifup ${SN02}`]);
  assert.equal(complaints(/^warning vpn netifd does not take it/), 1);
});

test('what netifd has not answered is told again by itself', async (t) => {
  const { netifd, told, change, lines } = await follow(t);
  netifd.refusal = new UbusError('NOT_FOUND', 'not yet');
  change({ connected: true });
  await until(() => lines.some((line) => /does not take it/.test(line)), 'a complaint');
  netifd.refusal = undefined;
  assert.deepEqual(await told(1), [`ifup ${SN01}`]);
});

test('once closed it tells nothing, and is told of nothing', async (t) => {
  const { netifd, followed, change, told, lines, way } = await follow(t);
  change({ connected: true });
  await told(1);
  netifd.refusal = new UbusError('PERMISSION_DENIED', 'it is being torn down');
  change({ connected: false });
  followed.close();
  change({ connected: false });
  await new Promise((resolve) => setTimeout(resolve)); // behind its own timer
  netifd.refusal = undefined;
  const last = { interface: 'vpn_peerselector', action: 0, 'link-up': true };
  await way.call('network.interface', 'notify_proto', last); // behind its own call
  assert.deepEqual(netifd.calls.slice(1), [last]);
  assert.ok(!lines.some((line) => /does not take it/.test(line)));
});
