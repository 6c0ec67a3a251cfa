// What the daemon thinks is in the kernel, and what is: whatever somebody changes, told or untold, heals within a few looks.
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

/** The gateway that the daemon is connected to. */
async function connection(lab: Lab) {
  const daemon = await lab.startDaemon();
  const name = await nextConnection(daemon);
  return { daemon, gateway: lab.gateway(name) };
}

async function routesAre(lab: Lab, wanted: readonly string[]): Promise<void> {
  await until(async () => `${await ourRoutes(lab)}` === `${wanted}`, { what: `the routes to be ${wanted}` });
}

const both = [inside.v4, inside.v6];

test('an IPv6 default route for one source only, as DHCPv6 gives it: its endpoints are tried, and connect', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const far = '2001:db8:99::1';
    await gw1.ip(`address add ${far}/128 dev up0 nodad`);
    // The way there by the default route alone; the router's own prefix is the source that it is for.
    const way = `from 2001:db8::/64 via ${gw1.address.v6} dev up0 metric 512`;
    await lab.router.exec(['ip', '-6', 'route', 'add', 'default', ...way.split(' ')]);
    const options = { endpoint: `[${far}]:${wireguardPort}` };
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [{ gateway: gw1, options }] }),
      args: ['-i', 'vpn', '-v'],
    });
    await daemon.line(connected);
    assert.deepEqual(daemon.lines(/no route|tried all the same/), []);
  }));

test("a peer with the interface's own key is named, and paused for; the others are used", () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    const [vpn] = lab.router.interfaces;
    assert.ok(gw1 && vpn);
    const own = { gateway: gw1, name: 'own', options: { public_key: vpn.keys.publicKey } };
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [own] }) });
    await daemon.line(/vpn own: .*it has the public key of vpn itself/);
    await daemon.line(/no peer is usable, next try in/);
    await daemon.reload(lab.config({ peers: [own, gw1] }));
    await daemon.line(connected);
    assert.ok(daemon.log.length < 20, daemon.describe());
  }));

test('the last IPv4 address is replaced: the kernel flushes routes without a word, and they come back', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    const address = lab.router.interfaces[0]?.address.v4;
    await lab.router.ip(`address del ${address}/32 dev vpn`, `address add ${address}/32 dev vpn`);
    await daemon.line(/routes put back: 10\.78\.0\.0\/24/);
    await routesAre(lab, both);
  }));

test('IPv6 is disabled on the interface, and enabled again: its routes come back', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    const sysctl = async (value: 0 | 1) =>
      await lab.router.exec(['sh', '-c', `echo ${value} >/proc/sys/net/ipv6/conf/vpn/disable_ipv6`]);
    await sysctl(1);
    await daemon.line(/no route to fd78::\/64: .*EACCES/);
    await sysctl(0);
    await routesAre(lab, both);
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));

test('the MTU is too small for IPv6: said, and its routes come back when it is not', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    await lab.router.ip('link set vpn mtu 1200');
    await daemon.line(/no route to fd78::\/64: .*ENODEV\): .*its MTU has to be 1280/);
    await lab.router.ip('link set vpn mtu 1420');
    await routesAre(lab, both);
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));

test("another's route in our way: ours comes when that one goes", () =>
  withLab({ gateways: 1 }, async (lab) => {
    await lab.router.ip(`route add ${inside.v4} dev up0`);
    const { daemon } = await connection(lab);
    await daemon.line(/no route to 10\.78\.0\.0\/24: .*through up0, not ours/, { from: 'start' });
    assert.deepEqual(await ourRoutes(lab), [inside.v6]);
    await lab.router.ip(`route del ${inside.v4} dev up0`);
    await routesAre(lab, both);
  }));

test("our route is replaced by another's: told once, and ours again when that one goes", () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    await lab.router.ip(`route replace ${inside.v4} dev up0`);
    await daemon.line(/no route to 10\.78\.0\.0\/24: .*through up0, not ours/);
    await lab.router.ip(`route del ${inside.v4} dev up0`);
    await routesAre(lab, both);
    assert.equal(daemon.lines(/no route to/).length, 1);
  }));

test('routes that are flushed, one by one or all at once, come back while packets flow', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    for (let times = 0; times < 3; times++) {
      await lab.router.exec(['ip', 'route', 'flush', 'dev', 'vpn']);
      await lab.router.exec(['ip', '-6', 'route', 'flush', 'dev', 'vpn', 'proto', String(ourProtocol)]);
      await routesAre(lab, both);
    }
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));

test('a second peer of ours that somebody installs by hand is removed, and what it took is given back', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const { daemon, gateway } = await connection(lab);
    const other = lab.gateways.find((each) => each !== gateway);
    assert.ok(other);
    await lab.router.wgSet('vpn', [
      ...['peer', other.publicKey, 'endpoint', other.endpoint],
      ...['allowed-ips', `${inside.v4},${inside.v6}`, 'persistent-keepalive', '1'],
    ]);
    await until(
      async () => {
        const { peers } = await lab.router.wg();
        const [peer] = peers;
        return peers.length === 1 && peer?.publicKey === gateway.publicKey && peer.allowedIps.length === 2;
      },
      { what: 'one peer with its allowed IPs' },
    );
    assert.ok(await lab.router.ping(gateway.inside.v4));
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));

test('allowed IPs, keepalive and preshared key that somebody changes are set again', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { gateway } = await connection(lab);
    const set = ['peer', gateway.publicKey, 'allowed-ips', '192.0.2.0/24', 'persistent-keepalive', '7'];
    await lab.router.wgSet('vpn', [...set, 'preshared-key', 'SECRET'], `${'A'.repeat(42)}E=`);
    await until(
      async () => {
        const [peer] = (await lab.router.wg()).peers;
        return (
          peer !== undefined &&
          !peer.hasPresharedKey &&
          peer.persistentKeepalive === 0 &&
          `${[...peer.allowedIps].sort()}` === `${both}`
        );
      },
      { what: 'the peer to be as configured' },
    );
  }));

test('SIGHUP restores routes', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { daemon } = await connection(lab);
    await lab.router.exec(['ip', 'route', 'flush', 'dev', 'vpn']);
    daemon.signal('SIGHUP');
    await routesAre(lab, both);
  }));

test('allowed IPs that swallow the endpoint: named, the uplink is left alone, and it is hardly tried again', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const far = '203.0.113.1';
    await gw1.ip(`address add ${far}/32 dev up0`);
    await lab.router.ip(`route add default via ${gw1.address.v4} dev up0 metric 100`);
    const peer = {
      gateway: gw1,
      options: { endpoint: `${far}:${wireguardPort}`, allowed_ips: ['0.0.0.0/0'] },
    };
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [peer] }),
      args: ['-i', 'vpn', '-v'],
    });
    await daemon.line(
      /gw1: .*lead the way to its own endpoint 203\.0\.113\.1 into vpn: expected option full_tunnel '1' for vpn, or option fwmark/,
    );
    for (let rounds = 0; rounds < 3; rounds++) await daemon.line(/next try in/);
    await routesAre(lab, []);
    await until(async () => await lab.router.ping(far), { what: 'the uplink to be as it was' });
    // With a mark and a rule for it the same configuration works, without a word to the daemon.
    await lab.router.exec(['wg', 'set', 'vpn', 'fwmark', '51']);
    await lab.router.ip(
      'route add default via 198.51.100.11 dev up0 table 51',
      'rule add fwmark 51 table 51',
    );
    await daemon.line(connected);
    assert.ok(await lab.router.ping(gw1.inside.v4));
  }));
