// What goes wrong while the daemon runs: gateways, interfaces, DNS and other people's routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connected,
  inside,
  type Lab,
  nextConnection,
  ourProtocol,
  ourRoutes,
  until,
  wireguardPort,
  withLab,
} from './lab/index.js';

test('a gateway dies: the loss is noticed, and another takes over', () =>
  withLab({ gateways: 2 }, async (lab) => {
    // WireGuard renews a handshake every 120 s at the soonest, so a timeout this short suits only a gateway that dies.
    const daemon = await lab.startDaemon({
      config: lab.config({ interface: { dead_peer_timeout: 10, check_interval: 1 } }),
    });
    const first = await nextConnection(daemon);
    await lab.gateway(first).kill();
    const lost = await daemon.line(/connection ended after .*: no handshake for 1\d s/);
    assert.ok(lost.text.includes(`vpn ${first}:`));
    await daemon.reload(lab.config()); // with the default timeout the other one stays while it is looked at
    const second = await nextConnection(daemon);
    assert.notEqual(second, first);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [lab.gateway(second).publicKey],
    );
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    assert.ok(await lab.router.ping(lab.gateway(second).inside.v4));
  }));

test('the interface is absent at start, is deleted and made again', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await lab.router.deleteInterface();
    const daemon = await lab.startDaemon();
    await daemon.line(/info vpn: there is no such interface, waiting for it/);
    await lab.router.createInterface();
    await daemon.line(connected);
    await lab.router.deleteInterface();
    await daemon.line(/gw1: connection ended after .*: the interface went down/);
    await daemon.line(/info vpn: there is no such interface, waiting for it/);
    await lab.router.createInterface();
    await daemon.line(connected);
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    assert.ok(await lab.router.ping(inside.v4.replace('0/24', '1')));
  }));

test('the interface goes down and up: the same peer goes on, and the routes come back', () =>
  withLab({ gateways: 3 }, async (lab) => {
    const daemon = await lab.startDaemon();
    const name = await nextConnection(daemon);
    await lab.router.linkDown();
    await daemon.line(/info vpn: the interface is down, waiting for it/);
    assert.deepEqual(await ourRoutes(lab), []);
    await lab.router.linkUp();
    await daemon.line(new RegExp(`info vpn ${name}: still connected, latest handshake`));
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    assert.ok(await lab.router.ping(lab.gateway(name).inside.v4));
    assert.ok(await lab.router.ping(lab.gateway(name).inside.v6));
  }));

test('DNS is dead: the peer that needs it waits, the others do not', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    await lab.dns.set('gw1.test', [gw1.address.v4]);
    await lab.dns.mute();
    const named = { gateway: gw1, options: { endpoint: `gw1.test:${wireguardPort}` } };
    // A resolution may take as long as a try, so with this timeout nothing that waits for DNS connects in time.
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [named, gw2], interface: { connect_timeout: 600 } }),
    });
    assert.match((await daemon.line(connected)).text, /vpn gw2:/);
  }));

for (const [how, die, live, timeout, reason] of [
  [
    'silent',
    (lab: Lab) => lab.dns.mute(),
    (lab: Lab) => lab.dns.unmute(),
    2,
    /gw1\.test does not resolve: no answer from DNS server 198\.51\.100\.2 within 2 s/,
  ],
  [
    'stopped',
    (lab: Lab) => lab.dns.stop(),
    (lab: Lab) => lab.dns.start(),
    600, // a refusal is told as one however late it comes
    /gw1\.test does not resolve: DNS server 198\.51\.100\.2 is not reachable/,
  ],
] as const) {
  test(`the DNS server is ${how}, then alive: connected without a restart`, () =>
    withLab({ gateways: 1 }, async (lab) => {
      const [gw1] = lab.gateways;
      assert.ok(gw1);
      await lab.dns.set('gw1.test', [gw1.address.v4]);
      await die(lab);
      const options = { endpoint: `gw1.test:${wireguardPort}` };
      const daemon = await lab.startDaemon({
        config: lab.config({ peers: [{ gateway: gw1, options }], interface: { connect_timeout: timeout } }),
      });
      await daemon.line(reason);
      await live(lab);
      await daemon.line(connected);
    }));
}

test('foreign peers and foreign routes are never touched', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const { router } = lab;
    // Somebody else's peer on the same interface, a route of theirs through it, and one that is in our way.
    await router.exec([
      'wg',
      'set',
      'vpn',
      'peer',
      gw2.publicKey,
      'endpoint',
      gw2.endpoint,
      'allowed-ips',
      '10.99.0.0/24',
    ]);
    await router.ip('route add 10.99.0.0/24 dev vpn', `route add ${inside.v4} dev up0`);
    const foreign = async () => ({
      peer: (await router.wg()).peers.find(({ publicKey }) => publicKey === gw2.publicKey)?.allowedIps,
      routes: (await router.routes()).filter(({ protocol, type }) => protocol !== ourProtocol && type === 1),
    });
    const before = await foreign();
    assert.equal(
      before.routes.some(({ dst }) => dst === '10.99.0.0/24'),
      true,
    );
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [gw1] }) });
    await daemon.line(connected);
    const warning = await daemon.line(/warning vpn gw1: no route to /, { from: 'start' });
    assert.ok(
      warning.text.includes(`${inside.v4}: there is one already through up0, not ours`),
      warning.text,
    );
    assert.deepEqual(await ourRoutes(lab), [inside.v6], 'the other route is there');
    assert.ok(await router.ping(gw1.inside.v6), 'and the connection stands');
    assert.deepEqual(await foreign(), before);
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    assert.deepEqual(await foreign(), before);
    assert.deepEqual((await router.wg()).peers.length, 1);
  }));

test('a route of ours that somebody deletes comes back', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    await lab.router.ip(`route delete ${inside.v4} dev vpn`);
    await daemon.line(new RegExp(`info vpn gw1: routes put back: ${inside.v4}`));
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
  }));

test('our peer is removed by somebody else: connected again', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const daemon = await lab.startDaemon({ config: lab.config({ interface: { check_interval: 1 } }) });
    await daemon.line(connected);
    await lab.router.exec(['wg', 'set', 'vpn', 'peer', gw1.publicKey, 'remove']);
    await daemon.line(/gw1: connection ended after .*: somebody else removed it from the interface/);
    await daemon.line(connected);
  }));

test('an interface of that name that is not WireGuard: said, and used when it is replaced', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await lab.router.deleteInterface();
    await lab.router.ip('link add vpn type veth peer name other', 'link set vpn up');
    const daemon = await lab.startDaemon();
    await daemon.line(/error vpn: .*not.*WireGuard/);
    await until(async () => daemon.running, { what: 'the daemon to go on' });
    await lab.router.deleteInterface();
    await lab.router.createInterface();
    await daemon.line(connected);
  }));
