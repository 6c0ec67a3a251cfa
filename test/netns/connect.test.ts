// Getting connected: which peer, which address, how soon.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deadOneFirst,
  inside,
  type Lab,
  type LogLine,
  ourProtocol,
  ourRoutes,
  underlay,
  until,
  wireguardPort,
  withLab,
} from './lab/index.js';

/** With the address, of how many it is, and the time that the handshake took. */
const inDetail = /info vpn (\S+): connected to (\S+?)( \(address \d of \d\))?, handshake after \d/;

/** What the kernel has: the peers' names, and the destinations of our routes. */
async function installed({ router, gateways }: Lab) {
  const peers = (await router.wg()).peers.map(
    ({ publicKey }) => gateways.find((gateway) => gateway.publicKey === publicKey)?.name ?? publicKey,
  );
  return { peers, routes: await ourRoutes({ router }) };
}

function nameIn(line: LogLine): string {
  return inDetail.exec(line.text)?.[1] ?? 'none';
}

test('connects to one of three gateways, installs its routes and nothing else', () =>
  withLab({ gateways: 3 }, async (lab) => {
    const daemon = await lab.startDaemon();
    const name = nameIn(await daemon.line(inDetail));
    assert.deepEqual(await installed(lab), { peers: [name], routes: [inside.v4, inside.v6] });
    assert.ok(await lab.router.ping(lab.gateway(name).inside.v4));
    assert.ok(await lab.router.ping(lab.gateway(name).inside.v6));
    const [peer] = (await lab.router.wg()).peers;
    assert.equal(peer?.persistentKeepalive, 0, 'what started the handshake is not left behind');
    assert.deepEqual(daemon.lines(/error|warning/), []);
  }));

test('dead peers first: all are tried once before any twice, then the living one holds', () =>
  withLab({ gateways: 4 }, async (lab) => {
    const [gw1, gw2, gw3, gw4] = lab.gateways;
    assert.ok(gw1 && gw2 && gw3 && gw4);
    for (const gateway of lab.gateways) await gateway.kill();
    const daemon = await lab.startDaemon({
      config: lab.config({ interface: { connect_timeout: 2 } }),
      args: ['-i', 'vpn', '-v'],
    });
    // Two whole rounds of dead gateways, and while one is tried no other is installed.
    const tried: string[] = [];
    while (tried.length < 8) {
      const line = await daemon.line(/debug vpn \S+: trying /);
      tried.push(/vpn (\S+):/.exec(line.text)?.[1] ?? '');
      assert.ok((await lab.router.wg()).peers.length <= 1);
    }
    for (const round of [tried.slice(0, 4), tried.slice(4)]) {
      assert.deepEqual([...round].sort(), ['gw1', 'gw2', 'gw3', 'gw4'], `order ${tried}`);
    }
    assert.notEqual(tried[4], tried[3], 'the one that has just failed is not the first of the next round');
    await gw3.revive();
    assert.equal(nameIn(await daemon.line(inDetail)), 'gw3');
    assert.deepEqual(await installed(lab), { peers: ['gw3'], routes: [inside.v4, inside.v6] });
  }));

test('a name with two addresses, one of them dead: the other is tried next', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const dead = '198.51.100.200';
    await lab.deadAddress(dead);
    await lab.dns.set('gw1.test', [dead, gw1.address.v4]);
    const endpoint = `gw1.test:${wireguardPort}`;
    const config = lab.config({
      peers: [{ gateway: gw1, options: { endpoint } }],
      interface: { connect_timeout: 10 },
    });
    await deadOneFirst(lab, gw1, config, `${dead}:${wireguardPort}`);
  }));

test('an IPv6 endpoint, a preshared key and a keepalive', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const presharedKey = await gw1.requirePresharedKey();
    const options = { endpoint: gw1.endpoint6, preshared_key: presharedKey, persistent_keepalive: 25 };
    const daemon = await lab.startDaemon({
      args: ['-i', 'vpn', '-v'],
      config: lab.config({ peers: [{ gateway: gw1, options }] }),
    });
    const line = await daemon.line(inDetail);
    assert.ok(line.text.includes(`connected to ${gw1.endpoint6}, `), line.text);
    const [peer] = (await lab.router.wg()).peers;
    assert.equal(peer?.persistentKeepalive, 25);
    assert.equal(peer?.hasPresharedKey, true);
    assert.ok(await lab.router.ping(gw1.inside.v6));
    assert.ok(!daemon.describe().includes(presharedKey), 'no secret in the log');
  }));

test('a link-local endpoint with a zone', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const addresses = JSON.parse(await gw1.exec(['ip', '-6', '-j', 'address', 'show', 'dev', 'up0']));
    const linkLocal = addresses[0].addr_info.find((entry: { scope: string }) => entry.scope === 'link').local;
    const endpoint = `[${linkLocal}%up0]:${wireguardPort}`;
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [{ gateway: gw1, options: { endpoint } }] }),
    });
    assert.ok((await daemon.line(inDetail)).text.includes(`connected to ${endpoint}, `));
  }));

test('an address that the kernel has no route to costs no time', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.router.loseIpv6();
    await lab.dns.set('gw1.test', ['2001:db8:1::1', '2001:db8:1::2', gw1.address.v4]);
    const options = { endpoint: `gw1.test:${wireguardPort}` };
    // With a connect timeout this long a try of an address without a way would not go unnoticed.
    const config = lab.config({ peers: [{ gateway: gw1, options }], interface: { connect_timeout: 600 } });
    const daemon = await lab.startDaemon({ config });
    await daemon.line(inDetail);
  }));

test('nothing is usable: pauses, and goes on as soon as a route appears', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.router.ip(`route delete ${underlay.v4} dev up0`);
    await lab.router.refuse(underlay.v4);
    const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '-v'] });
    await daemon.line(/no peer is usable, next try in .* or when the network changes/);
    // Until the pause is long enough that it cannot have ended by itself.
    await daemon.line(/no peer is usable, next try in (1[3-9]|[23]\d) s/);
    const before = performance.now();
    await lab.router.allow(underlay.v4);
    await lab.router.ip(`route add ${underlay.v4} dev up0`);
    await daemon.line(inDetail);
    assert.ok(performance.now() - before < 12_000, 'before the pause was over');
  }));

test('one process serves two interfaces, each with its own peers', () =>
  withLab({ gateways: 2, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const daemon = await lab.startDaemon({
      args: ['-i', 'vpn', '--interface', 'vpn2'],
      config:
        lab.config({ peers: [{ gateway: gw1, options: { allowed_ips: [gw1.inside.v4] } }] }) +
        lab.config({ peers: [{ gateway: gw2, options: { allowed_ips: [gw2.inside.v4] } }], ifname: 'vpn2' }),
    });
    await daemon.line(/info vpn gw1: connected/, { from: 'start' });
    await daemon.line(/info vpn2 gw2: connected/, { from: 'start' });
    assert.deepEqual(
      (await lab.router.wg('vpn')).peers.map(({ publicKey }) => publicKey),
      [gw1.publicKey],
    );
    assert.deepEqual(
      (await lab.router.wg('vpn2')).peers.map(({ publicKey }) => publicKey),
      [gw2.publicKey],
    );
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    for (const name of ['vpn', 'vpn2']) assert.deepEqual((await lab.router.wg(name)).peers, []);
  }));

test('routes go into the table and with the metric of the configuration', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const daemon = await lab.startDaemon({ config: lab.config({ interface: { table: 1234, metric: 77 } }) });
    await daemon.line(inDetail);
    const ours = (await lab.router.routes({ dev: 'vpn' })).filter(({ protocol }) => protocol === ourProtocol);
    assert.deepEqual(
      ours.map(({ dst, table, metric }) => [dst, table, metric]),
      [
        [inside.v4, 1234, 77],
        [inside.v6, 1234, 77],
      ],
    );
    await daemon.reload(lab.config({ interface: { table: 1235, metric: 78 } }));
    await until(
      async () => {
        const now = (await lab.router.routes({ dev: 'vpn' })).filter(
          ({ protocol }) => protocol === ourProtocol,
        );
        return now.length === 2 && now.every(({ table, metric }) => table === 1235 && metric === 78);
      },
      { what: 'the routes to move to the other table' },
    );
    daemon.signal('SIGTERM');
    await daemon.exit();
    assert.deepEqual(await installed(lab), { peers: [], routes: [] });
  }));

test('a routing table that nobody knows: not served, and a reload with it leaves the connection alone', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const unknown = lab.config({ interface: { table: 'no_such_table' } });
    const refused = await lab.startDaemon({ config: unknown });
    await refused.line(/option table: is 'no_such_table': expected a routing table/);
    await refused.line(/has settings for interface vpn with which it cannot be served/);
    assert.equal((await refused.exit()).code, 78);

    const daemon = await lab.startDaemon({ config: lab.config({ interface: { table: 1234 } }) });
    await daemon.line(inDetail);
    const before = await installed(lab);
    await daemon.reload(unknown);
    await daemon.line(/error vpn: .* is of no use for it; everything stays as it is/);
    await daemon.line(/configuration read again/);
    assert.deepEqual(await installed(lab), before);

    await daemon.reload(lab.config({ interface: { table: 'default' } }));
    await until(
      async () => (await lab.router.routes({ dev: 'vpn' })).filter(({ table }) => table === 253).length === 2,
      { what: 'the routes to move to the table of that name' },
    );
    daemon.signal('SIGTERM');
    await daemon.exit();
    assert.deepEqual(await installed(lab), { peers: [], routes: [] });
  }));
