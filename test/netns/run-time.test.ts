// Interfaces that come and go at a reload, and peers that are given at run time, on a real kernel and a bus.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import type { Table, Ubus } from '../../src/ubus/index.js';
import { NOBODY, TestBus } from '../support/bus.js';
import { type Daemon, type Gateway, inside, type Lab, nextConnection, until, withLab } from './lab/index.js';

const object = 'wgpeerselector.vpn';

/** A gateway as a broker hands it out. */
const given = (gateway: Gateway): Table => ({
  name: gateway.name,
  public_key: gateway.publicKey,
  endpoint: gateway.endpoint,
  allowed_ips: [inside.v4, inside.v6],
});

/** Starts the daemon with a /var/run of this lab's, which outlives it. */
async function start(lab: Lab, bus: TestBus, config: string): Promise<Daemon> {
  await mkdir(`${lab.folder}/run/wgpeerselector`, { recursive: true });
  const under = ['sh', '-c', 'mount --bind "$0" /var/run && exec "$@"', `${lab.folder}/run`];
  return await lab.startDaemon({ config, args: ['--ubus-socket', bus.path], under });
}

/** A daemon without a peer in its file, and a client that is root. */
async function expecting(t: TestContext, lab: Lab, how: 'expect' | 'keep') {
  const acl = { user: NOBODY.user, access: { 'wgpeerselector.*': { methods: ['add_peer'] } } };
  const bus = await TestBus.start(t, [acl]);
  const config = lab.config({ peers: [], interface: { run_time_peers: how } });
  const daemon = await start(lab, bus, config);
  const client = await bus.connect();
  await client.waitFor(object, { timeout: 60_000 });
  return { bus, client, config, daemon };
}

/** The names of the peers that were given at run time. */
async function names(client: Ubus): Promise<string[]> {
  const { peers } = await client.call(object, 'peers');
  return Object.entries((peers ?? {}) as Readonly<Record<string, Table>>)
    .filter(([, peer]) => peer.run_time === true)
    .map(([name]) => name);
}

test('without -i: an interface comes and goes by a reload, and the other loses no packet', () =>
  withLab({ gateways: 2, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const one = lab.config({ peers: [gw1] });
    const allowed_ips = [`${gw2.inside.v4}/32`];
    const other = lab.config({ ifname: 'vpn2', peers: [{ gateway: gw2, options: { allowed_ips } }] });
    const daemon = await lab.startDaemon({ config: one, args: [] });
    assert.equal(await nextConnection(daemon), 'gw1');
    const flow = await lab.flow(gw1);
    for (let time = 0; time < 2; time++) {
      await daemon.reload(one + other);
      await daemon.line(/info vpn2: is served from now on/);
      await daemon.line(/info vpn2 gw2: connected/);
      assert.equal((await lab.router.wg('vpn2')).peers.length, 1);
      await daemon.reload(one);
      await daemon.line(/info vpn2: is not to be served any more/);
      await until(async () => (await lab.router.wg('vpn2')).peers.length === 0, { what: 'vpn2 to be left' });
    }
    await flow.moves(10);
    assert.equal((await flow.stop()).lost, 0);
    assert.deepEqual(daemon.lines(/vpn gw1: connection ended/), []);
  }));

test('peers come and go on ubus: one that is removed while connected gives way to the next', (t) =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const { bus, client, daemon } = await expecting(t, lab, 'expect');
    assert.deepEqual(await client.call(object, 'add_peer', given(gw1)), { warnings: [] });
    assert.equal(await nextConnection(daemon), 'gw1');
    await client.call(object, 'set_peers', { peers: [given(gw1), given(gw2)] });
    assert.deepEqual(await names(client), ['gw1', 'gw2']);
    assert.deepEqual(daemon.lines(/connection ended/), [], 'gw1 is as it was');

    await client.call(object, 'remove_peer', { name: 'gw1' });
    await daemon.line(/vpn gw1: connection ended after .*: it is no longer configured/);
    assert.equal(await nextConnection(daemon), 'gw2');
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw2.publicKey],
    );
    assert.ok(await lab.router.ping(gw2.inside.v4));

    const bad = client.call(object, 'add_peer', { ...given(gw1), endpoint: 'nonsense' });
    await assert.rejects(bad, ({ status, answers }) => {
      assert.match(answers[0].message, /peer 'gw1', option endpoint: is 'nonsense', without a port/);
      return status === 'INVALID_ARGUMENT';
    });
    const broker = await bus.connectAs(NOBODY);
    await assert.rejects(broker.call(object, 'remove_peer', { name: 'gw2' }), {
      status: 'PERMISSION_DENIED',
    });
    await broker.call(object, 'add_peer', given(gw1));
    assert.deepEqual((await names(client)).sort(), ['gw1', 'gw2']);
  }));

for (const how of ['keep', 'expect'] as const) {
  test(`after kill -9 and another start: run_time_peers ${how}`, (t) =>
    withLab({ gateways: 1 }, async (lab) => {
      const [gw1] = lab.gateways;
      assert.ok(gw1);
      const { bus, client, config, daemon } = await expecting(t, lab, how);
      await client.call(object, 'add_peer', given(gw1));
      await nextConnection(daemon);
      daemon.signal('SIGKILL');
      await daemon.exit();
      await until(async () => (await client.lookup('wgpeerselector.*')).length === 0, {
        what: 'its object to go',
      });
      const next = await start(lab, bus, config);
      await client.waitFor(object, { timeout: 60_000 });
      assert.deepEqual(await names(client), how === 'keep' ? ['gw1'] : []);
      if (how === 'keep') await next.line(/vpn gw1: still connected/);
    }));
}
