// What a former run, or another hand, has left on the interface.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside, ourRoutes, until, withLab } from './lab/index.js';

test('a peer of ours with a living session and other settings is brought to the configuration, and the session stays', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const planted = ['allowed-ips', '10.99.0.0/16', 'persistent-keepalive', '1'];
    await lab.router.wgSet('vpn', ['peer', gw1.publicKey, 'endpoint', gw1.endpoint, ...planted]);
    const before = await until(
      async () => (await lab.router.wg()).peers.find(({ latestHandshake }) => latestHandshake > 0),
      { what: 'the planted peer to have a handshake' },
    );
    assert.deepEqual(before.allowedIps, ['10.99.0.0/16']);
    // From now on the gateway wants it for the next handshake; the session of before goes on without.
    const options = { persistent_keepalive: 20, preshared_key: await gw1.requirePresharedKey() };
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [{ gateway: gw1, options }] }) });
    await daemon.line(/info vpn gw1: still connected/);
    const [after, ...others] = (await lab.router.wg()).peers;
    assert.deepEqual(others, []);
    assert.ok(after);
    assert.equal(after.publicKey, gw1.publicKey);
    assert.deepEqual([...after.allowedIps].sort(), [inside.v4, inside.v6].sort());
    assert.equal(after.persistentKeepalive, 20);
    assert.equal(after.hasPresharedKey, true);
    assert.equal(after.endpoint, before.endpoint);
    assert.equal(after.latestHandshake, before.latestHandshake, 'the same session');
    assert.ok(after.txBytes >= before.txBytes && after.rxBytes >= before.rxBytes, 'the same peer');
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    assert.ok(await lab.router.ping(gw1.inside.v4));
  }));
