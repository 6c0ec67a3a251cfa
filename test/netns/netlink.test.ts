// src/netlink against the kernel it runs on. Needs root and WireGuard; makes a network namespace of its own.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type InterfaceAddress,
  type Link,
  NetlinkError,
  type Route,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  Rtnetlink,
  RtnetlinkMonitor,
  type RuleSpec,
  SecretKey,
  WireGuard,
  type WireGuardPeerConfig,
} from '../../src/netlink/index.js';

import { anyProtocols, anyRoutes, type NamedRoute, routesOfIp } from './lab/any-routes.js';
import { rulesOfIp } from './lab/rules-of-ip.js';

const ENTERED = 'WGPS_TEST_NETNS_ENTERED';

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
}

/** Several commands of ip at once, e.g. `link add a type dummy`. */
function ip(...lines: string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Waits until `find` finds something; fails after two minutes, which is for machines that do much else besides. */
async function eventually<T>(
  what: string,
  find: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + 120_000;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    assert.ok(performance.now() < end, `${what}: not within two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function refusedWith(code: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof NetlinkError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

const keyOf = (seed: string): string => createHash('sha256').update(seed).digest('base64');
const sorted = (list: readonly string[] | undefined): string[] => [...(list ?? [])].sort();
/** What tells a route from all others here. */
const keyOfRoute = ({ destination, source, table, metric }: NamedRoute) =>
  `${destination} ${source} ${table} ${metric}`;
const newSecret = (): SecretKey => SecretKey.fromBytes(randomBytes(32));

if (process.env[ENTERED] === undefined) {
  // Everything below happens in a fresh network namespace, so that nothing is there but what it makes.
  test('in a network namespace of its own', () => {
    // Without the variable by which a test runner tells its children to speak its own protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(
      'unshare',
      ['--net', process.execPath, '--test', '--test-reporter=spec', fileURLToPath(import.meta.url)],
      { env: { ...env, [ENTERED]: '1' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    assert.equal(status, 0, stdout);
    assert.match(stdout, /skipped 0\n/);
  });
} else {
  describe('netlink', { concurrency: false }, suite);
}

function suite(): void {
  let wg: WireGuard;
  let rt: Rtnetlink;
  let index: number;

  before(async () => {
    // Enough for an emulated machine: adding a peer costs a curve operation.
    wg = await WireGuard.open({ timeout: 60_000 });
    rt = Rtnetlink.open({ timeout: 60_000 });
    ip('link set lo up', 'link add vpn type wireguard', 'link add other type dummy', 'link set other up');
    ip('link set vpn up');
    const link = await rt.link('vpn');
    assert.ok(link);
    index = link.index;
  });

  after(() => {
    wg.close();
    rt.close();
  });

  test('what is configured is what wg shows and what is read back', async () => {
    const privateKey = SecretKey.fromBase64(run('wg', 'genkey').trim());
    const presharedKey = newSecret();
    const linkLocal = await rt.link('other');
    assert.ok(linkLocal);
    const peers: WireGuardPeerConfig[] = [
      {
        publicKey: keyOf('a'),
        endpoint: { address: '192.0.2.1', port: 51820 },
        allowedIps: ['10.1.2.3/16', '10.2.0.1'],
      },
      {
        publicKey: keyOf('b'),
        presharedKey,
        endpoint: { address: '2001:db8::1', port: 1 },
        persistentKeepalive: 65535,
        allowedIps: ['::/0', '0.0.0.0/0'],
      },
      { publicKey: keyOf('c'), endpoint: { address: 'fe80::1', port: 65535, scopeId: linkLocal.index } },
      { publicKey: keyOf('d') },
    ];
    await wg.configure('vpn', { privateKey, listenPort: 5555, fwmark: 0xcafe, peers });
    const [first, ...lines] = run('wg', 'show', 'vpn', 'dump').trim().split('\n');
    assert.match(first ?? '', /\t5555\t0xcafe$/);
    assert.ok(first?.startsWith(privateKey.revealBase64()));
    const expected = [
      `${keyOf('a')}\t(none)\t192.0.2.1:51820\t10.1.0.0/16,10.2.0.1/32\t0\t0\t0\toff`,
      `${keyOf('b')}\t${presharedKey.revealBase64()}\t[2001:db8::1]:1\t::/0,0.0.0.0/0\t0\t0\t0\t65535`,
      `${keyOf('c')}\t(none)\t[fe80::1%other]:65535\t(none)\t0\t0\t0\toff`,
      `${keyOf('d')}\t(none)\t(none)\t(none)\t0\t0\t0\toff`,
    ];
    // The bytes sent to a peer with a keepalive are the kernel's business.
    const withoutSent = (line: string) => line.split('\t').toSpliced(6, 1).join('\t');
    assert.deepEqual(sorted(lines.map(withoutSent)), sorted(expected.map(withoutSent)));

    const device = await wg.device('vpn');
    assert.deepEqual({ ...(await wg.device(index)), peers: [] }, { ...device, peers: [] });
    assert.equal(device.index, index);
    assert.equal(device.listenPort, 5555);
    assert.equal(device.fwmark, 0xcafe);
    assert.ok(device.privateKey?.equals(privateKey));
    assert.equal(`${device.publicKey}\n`, run('wg', 'show', 'vpn', 'public-key'));
    const peer = (name: string) => device.peers.find(({ publicKey }) => publicKey === keyOf(name));
    assert.deepEqual(peer('a')?.allowedIps, ['10.1.0.0/16', '10.2.0.1/32']);
    assert.deepEqual(peer('c')?.endpoint, { address: 'fe80::1', port: 65535, scopeId: linkLocal.index });
    assert.ok(peer('b')?.presharedKey?.equals(presharedKey));
    assert.equal(peer('d')?.endpoint, undefined);
    assert.equal(peer('d')?.presharedKey, undefined);
  });

  test('a peer is changed, replaced, and removed as the kernel does it', async () => {
    const publicKey = keyOf('changing');
    const read = async () => (await wg.device('vpn')).peers.find((peer) => peer.publicKey === publicKey);
    const set = (peer: Omit<WireGuardPeerConfig, 'publicKey'>) =>
      wg.configure('vpn', { peers: [{ publicKey, ...peer }] });
    await set({ updateOnly: true, persistentKeepalive: 9 });
    assert.equal(await read(), undefined, 'an unknown peer is not made by updateOnly');
    await set({ remove: true });
    await set({ remove: true, persistentKeepalive: 9 });
    assert.equal(await read(), undefined, 'nor by removing it');
    await set({ presharedKey: newSecret(), allowedIps: ['10.3.0.0/24'] });
    await set({ updateOnly: true, allowedIps: ['10.3.1.0/24'] });
    assert.deepEqual((await read())?.allowedIps, ['10.3.0.0/24', '10.3.1.0/24']);
    await set({ presharedKey: null, replaceAllowedIps: true, allowedIps: ['10.3.2.0/24'] });
    assert.deepEqual((await read())?.allowedIps, ['10.3.2.0/24']);
    assert.equal((await read())?.presharedKey, undefined);
    // An allowed IP moves to the peer that is given it last.
    await wg.configure('vpn', { peers: [{ publicKey: keyOf('taker'), allowedIps: ['10.3.2.0/24'] }] });
    assert.deepEqual((await read())?.allowedIps, []);
    await set({ remove: true });
    assert.equal(await read(), undefined);
    await wg.configure('vpn', { privateKey: null, fwmark: 0, replacePeers: true });
    const device = await wg.device('vpn');
    assert.deepEqual(device.peers, []);
    assert.equal(device.privateKey, undefined);
    assert.equal(device.publicKey, undefined);
    assert.equal(device.fwmark, 0);
  });

  test('two thousand peers with three allowed IPs each', async () => {
    const peers = Array.from({ length: 2000 }, (_, i): WireGuardPeerConfig => {
      const subnet = `${i >> 8}.${i & 255}`;
      return {
        publicKey: keyOf(`peer ${i}`),
        endpoint:
          i % 2
            ? { address: `192.0.${subnet}`, port: i }
            : { address: `2001:db8::${(i + 1).toString(16)}`, port: i + 1 },
        allowedIps: [`10.${subnet}.0/24`, `11.${subnet}.0/24`, `fd00:${(i + 1).toString(16)}::/32`],
        ...(i % 5 === 0 && { presharedKey: SecretKey.fromBase64(keyOf(`psk ${i}`)) }),
      };
    });
    await wg.configure('vpn', { replacePeers: true, peers });
    const found = new Map((await wg.device('vpn')).peers.map((peer) => [peer.publicKey, peer]));
    assert.equal(found.size, peers.length);
    for (const [i, { publicKey, endpoint, allowedIps }] of peers.entries()) {
      const peer = found.get(publicKey);
      assert.deepEqual(peer?.endpoint, endpoint);
      assert.deepEqual(sorted(peer?.allowedIps), sorted(allowedIps));
      assert.equal(peer?.presharedKey?.revealBase64(), i % 5 === 0 ? keyOf(`psk ${i}`) : undefined);
    }
    assert.equal(run('wg', 'show', 'vpn', 'peers').trim().split('\n').length, peers.length);
  });

  test('five thousand allowed IPs of one peer', async () => {
    const allowedIps = Array.from({ length: 5000 }, (_, i) =>
      i % 2 ? `10.${i >> 8}.${i & 255}.0/24` : `fd00:${(i + 1).toString(16)}::/32`,
    );
    const peer = { publicKey: keyOf('many'), replaceAllowedIps: true as const, allowedIps };
    await wg.configure('vpn', { replacePeers: true, peers: [peer] });
    const shown = () => run('wg', 'show', 'vpn', 'allowed-ips').trim().split(/\s/).slice(1);
    assert.deepEqual(sorted((await wg.device('vpn')).peers[0]?.allowedIps), sorted(allowedIps));
    assert.deepEqual(sorted(shown()), sorted(allowedIps));
    await wg.configure('vpn', { peers: [{ ...peer, allowedIps: ['10.0.0.0/8'] }] });
    assert.deepEqual(shown(), ['10.0.0.0/8']);
    await wg.configure('vpn', { replacePeers: true });
  });

  test('dumps while somebody else changes the device are whole', async () => {
    const peers = Array.from({ length: 120 }, (_, i) => ({
      publicKey: keyOf(`whole ${i}`),
      allowedIps: [`10.9.${i}.0/24`],
    }));
    await wg.configure('vpn', { replacePeers: true, peers });
    const second = await WireGuard.open({ timeout: 60_000 });
    let stop = false;
    const changing = (async () => {
      for (let mark = 1; !stop; mark++) await second.configure('vpn', { fwmark: mark });
    })();
    try {
      for (let i = 0; i < 20; i++) {
        const device = await wg.device('vpn').catch((error: unknown) => {
          // What a dump says that is overtaken each time.
          assert.ok(error instanceof NetlinkError && error.code === 'EINTR', String(error));
        });
        if (device) assert.equal(device.peers.length, peers.length);
      }
    } finally {
      stop = true;
      await changing;
      second.close();
    }
    await wg.configure('vpn', { replacePeers: true, fwmark: 0 });
  });

  test('what is no WireGuard device', async () => {
    await assert.rejects(wg.device('absent'), refusedWith('ENODEV'));
    await assert.rejects(wg.device(4711), refusedWith('ENODEV'));
    await assert.rejects(wg.device('other'), refusedWith('EOPNOTSUPP'));
    await assert.rejects(wg.configure('other', { fwmark: 1 }), refusedWith('EOPNOTSUPP'));
    ip('link add vpn2 type wireguard', 'link set vpn2 up');
    const { listenPort } = await wg.device('vpn2');
    await assert.rejects(wg.configure('vpn', { listenPort }), refusedWith('EADDRINUSE'));
    ip('link del vpn2');
  });

  test('without CAP_NET_ADMIN', () => {
    const module = new URL('../../src/netlink/index.js', import.meta.url);
    const program = `
      import { Rtnetlink, WireGuard } from ${JSON.stringify(module.href)};
      const rt = Rtnetlink.open();
      const wg = await WireGuard.open();
      const say = (error) => console.log(error.message);
      await wg.device('vpn').catch(say);
      await wg.configure('vpn', { fwmark: 1 }).catch(say);
      await rt.addRoute({ destination: '10.0.0.0/8', interfaceIndex: ${index} }).catch(say);
      console.log((await rt.link('vpn')).kind);`;
    const said = run(
      'setpriv',
      '--bounding-set=-net_admin',
      '--inh-caps=-all',
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    );
    assert.match(said, /^get WireGuard device vpn: .*\(EPERM\): this needs CAP_NET_ADMIN$/m);
    assert.match(said, /^configure WireGuard device vpn: .*\(EPERM\)/m);
    assert.match(said, new RegExp(`^add route 10.0.0.0/8 on interface ${index}: .*\\(EPERM\\)`, 'm'));
    assert.match(said, /^wireguard$/m);
  });

  test('links by name and index', async () => {
    const { index: _, ...vpn } = (await rt.link('vpn')) ?? { index: 0 };
    assert.deepEqual(vpn, { name: 'vpn', kind: 'wireguard', flags: 0x100d1, up: true, mtu: 1420, group: 0 });
    assert.equal((await rt.link(index))?.name, 'vpn');
    assert.equal(await rt.link('absent'), undefined);
    assert.equal(await rt.link(4711), undefined);
    const list = JSON.parse(run('ip', '-j', 'link')) as { ifname: string }[];
    assert.deepEqual(
      (await rt.links()).map(({ name }) => name),
      list.map(({ ifname }) => ifname),
    );
  });

  test('routes come, are refused, are listed, and go', async () => {
    for (const [destination, canonical] of [
      ['10.78.0.1/24', '10.78.0.0/24'],
      ['fd00:78::1/64', 'fd00:78::/64'],
      ['0.0.0.0/0', '0.0.0.0/0'],
      ['::/0', '::/0'],
      ['10.78.1.1', '10.78.1.1/32'],
    ] as const) {
      for (const table of [254, 100, 70_000]) {
        const route = { destination, interfaceIndex: index, metric: 42, table };
        await assert.rejects(rt.removeRoute(route), refusedWith('ESRCH'));
        await rt.addRoute(route);
        await assert.rejects(rt.addRoute(route), refusedWith('EEXIST'));
        const [listed, ...more] = await rt.routes({ protocol: 87, table });
        assert.deepEqual(more, []);
        assert.deepEqual(
          [listed?.destination, listed?.interfaceIndex, listed?.metric, listed?.table, listed?.protocol],
          [canonical, index, 42, table, 87],
        );
        await assert.rejects(rt.removeRoute({ ...route, protocol: 99 }), refusedWith('ESRCH'));
        await assert.rejects(rt.removeRoute({ ...route, metric: 43 }), refusedWith('ESRCH'));
        await rt.removeRoute(route);
        assert.deepEqual(await rt.routes({ protocol: 87 }), []);
      }
    }
    await assert.rejects(
      rt.addRoute({ destination: '10.0.0.0/8', interfaceIndex: 4711 }),
      refusedWith('ENODEV'),
    );
    await rt.addRoute({ destination: 'fd00:79::/64', interfaceIndex: index });
    assert.equal(
      (await rt.routes({ protocol: 87 }))[0]?.metric,
      1024,
      'what the kernel gives an IPv6 route without metric',
    );
    await rt.removeRoute({ destination: 'fd00:79::/64', interfaceIndex: index });
    ip('link add low type dummy');
    const low = await rt.link('low');
    assert.ok(low);
    await assert.rejects(
      rt.addRoute({ destination: '10.0.0.0/8', interfaceIndex: low.index }),
      refusedWith('ENETDOWN'),
    );
    ip('link del low');
  });

  test('four hundred routes of all kinds, by chance, read as ip reads them', async () => {
    ip('address add 198.18.0.1/15 dev other', 'address add fd01::1/64 dev other nodad');
    const input = anyRoutes(400, 'other');
    spawnSync('ip', ['-force', '-batch', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] });
    const names = new Map((await rt.links()).map((link) => [link.index, link.name]));
    const ours = (await Promise.all(anyProtocols.map((protocol) => rt.routes({ protocol })))).flat();
    const told = ours.map(({ interfaceIndex, ...route }) => ({
      ...route,
      dev: names.get(interfaceIndex ?? 0),
    }));
    const shown = ([4, 6] as const).flatMap(routesOfIp);
    assert.ok(shown.length > 300, `only ${shown.length} routes`);
    const inOrder = (routes: readonly NamedRoute[]) =>
      new Map(routes.map((route) => [keyOfRoute(route), route]));
    assert.equal(inOrder(shown).size, shown.length);
    assert.equal(told.length, shown.length);
    assert.deepEqual(inOrder(told), inOrder(shown));
    for (const family of ['-4', '-6'])
      for (const protocol of anyProtocols)
        run('ip', family, 'route', 'flush', 'table', 'all', 'proto', `${protocol}`);
    ip('address delete 198.18.0.1/15 dev other', 'address delete fd01::1/64 dev other');
  });

  test('rules are read as ip reads them, and ip reads those that are made', async () => {
    ip(
      'rule add from 192.0.2.0/24 to 198.51.100.7 iif other table 70000 priority 7 protocol 201',
      'rule add not fwmark 0xca6c/0xffff table 300 priority 0x80000000 protocol 202',
      'rule add oif vpn unreachable priority 9 protocol 203',
      'rule add fwmark 0/1 blackhole priority 10',
      'rule add table main suppress_prefixlength 0 priority 11',
    );
    run('ip', ...'-6 rule add from 2001:db8::/32 prohibit priority 12'.split(' '));
    const same = async (): Promise<void> => {
      const shown = ([4, 6] as const).flatMap(rulesOfIp);
      assert.ok(shown.length >= 11, `only ${shown.length} rules`);
      assert.deepEqual(await rt.rules(), shown);
    };
    await same();
    const specs: readonly RuleSpec[] = ([4, 6] as const).flatMap((family) => [
      { family, priority: 32_000, table: 51_820, mark: { value: 0xca6c }, invert: true },
      { family, priority: 31_999, table: 254, suppressPrefixLength: 0 },
      { family, priority: 5, table: 87, mark: { value: 1, mask: 3 }, protocol: 99 },
    ]);
    for (const spec of specs) {
      await rt.addRule(spec);
      await assert.rejects(rt.addRule(spec), refusedWith('EEXIST'));
    }
    await same();
    assert.equal((await rt.rules({ protocol: 87 })).length, 4);
    assert.equal((await rt.rules({ protocol: 87, family: 6, table: 51_820 })).length, 1);
    for (const spec of specs) {
      await assert.rejects(rt.removeRule({ ...spec, table: 88 }), refusedWith('ENOENT'));
      await rt.removeRule(spec);
      await assert.rejects(rt.removeRule(spec), refusedWith('ENOENT'));
    }
    await same();
    assert.deepEqual(await rt.rules({ protocol: 87 }), []);
    await rt.addRule({ family: 4, table: 88 });
    const [before, ours] = await rt.rules({ family: 4 });
    assert.deepEqual([before?.priority, ours?.table], [0, 88], 'without a priority it is the first but one');
    await rt.removeRule({ family: 4, table: 88 });
    ip(...[7, 9, 10, 11].map((priority) => `rule delete priority ${priority}`));
    ip('rule delete priority 0x80000000');
    run('ip', ...'-6 rule delete priority 12'.split(' '));
  });

  test('a link comes into being with name, kind, MTU and group, is changed, has addresses, and goes', async () => {
    const spec = { name: 'made', kind: 'wireguard', mtu: 1300, group: 51887 };
    await rt.addLink(spec);
    await assert.rejects(rt.addLink(spec), refusedWith('EEXIST'));
    await assert.rejects(
      rt.addLink({ ...spec, name: 'none', kind: 'no-such-kind' }),
      refusedWith('EOPNOTSUPP'),
    );
    const link = await rt.link('made');
    assert.ok(link);
    const { flags: _, index: made, ...rest } = link;
    assert.deepEqual(rest, { ...spec, up: false });
    await rt.changeLink(made, { mtu: 1400, up: true });
    const [shown] = JSON.parse(run('ip', '-d', '-N', '-j', 'link', 'show', 'made'));
    assert.deepEqual([shown.mtu, shown.group, shown.linkinfo.info_kind], [1400, '51887', 'wireguard']);
    assert.ok(shown.flags.includes('UP'));
    const v4 = { interfaceIndex: made, address: '10.55.0.1', prefixLength: 24, protocol: 87 };
    const v6 = { interfaceIndex: made, address: 'fd55::1', prefixLength: 64, protocol: 87 };
    const addresses = [v4, v6];
    for (const address of addresses) {
      await rt.addAddress(address);
      await assert.rejects(rt.addAddress(address), refusedWith('EEXIST'));
    }
    ip('address add 10.56.0.1/32 dev made');
    const read = await rt.addresses({ interfaceIndex: made });
    const facts = ({
      address,
      prefixLength,
      protocol,
    }: Pick<InterfaceAddress, 'address' | 'prefixLength' | 'protocol'>) =>
      `${address}/${prefixLength} proto ${protocol}`;
    assert.deepEqual(
      read.filter(({ scope }) => scope === RT_SCOPE_UNIVERSE).map(facts),
      [v4, { address: '10.56.0.1', prefixLength: 32, protocol: 0 }, v6].map(facts),
    );
    for (const address of addresses) {
      await rt.removeAddress(address);
      await assert.rejects(rt.removeAddress(address), refusedWith('EADDRNOTAVAIL'));
    }
    await assert.rejects(
      rt.addAddress({ interfaceIndex: 0x7ffffff, address: '10.0.0.1', prefixLength: 8 }),
      refusedWith('ENODEV'),
    );
    await rt.removeLink(made);
    await assert.rejects(rt.removeLink(made), refusedWith('ENODEV'));
    await assert.rejects(rt.changeLink(made, { up: true }), refusedWith('ENODEV'));
    assert.equal(await rt.link('made'), undefined);
  });

  test('a thousand routes at once', async () => {
    const routes = Array.from({ length: 1000 }, (_, i) => ({
      destination: i % 2 ? `10.${i >> 8}.${i & 255}.0/24` : `fd00:${(i + 1).toString(16)}::/32`,
      interfaceIndex: index,
    }));
    await Promise.all(routes.map((route) => rt.addRoute(route)));
    const listed = await rt.routes({ protocol: 87, interfaceIndex: index });
    const destinations = (list: readonly { destination: string }[]) =>
      sorted(list.map((route) => route.destination));
    assert.deepEqual(destinations(listed), destinations(routes));
    await Promise.all(routes.map((route) => rt.removeRoute(route)));
    assert.deepEqual(await rt.routes({ protocol: 87 }), []);
  });

  test('which way an address goes', async () => {
    await assert.rejects(rt.lookup('198.51.100.1'), refusedWith('ENETUNREACH'));
    await assert.rejects(rt.lookup('2001:db8::1'), refusedWith('ENETUNREACH'));
    ip('addr add 10.50.0.1/24 dev other', 'addr add fd00:50::1/64 dev other nodad');
    ip('route add 198.51.100.0/24 via 10.50.0.2', 'route add 2001:db8::/32 via fd00:50::2');
    ip('route add unreachable 198.51.101.0/24', 'route add unreachable 2001:db8:1::/48');
    ip('route add prohibit 198.51.102.0/24', 'route add blackhole 198.51.103.0/24');
    ip('rule add fwmark 7 table 700', 'route add 198.51.100.0/24 dev vpn table 700');
    const other = await rt.link('other');
    const way4 = await rt.lookup('198.51.100.1');
    assert.deepEqual([way4.gateway, way4.interfaceIndex], ['10.50.0.2', other?.index]);
    const way6 = await rt.lookup('2001:db8::1');
    assert.deepEqual([way6.gateway, way6.interfaceIndex], ['fd00:50::2', other?.index]);
    assert.equal((await rt.lookup('198.51.100.1', { mark: 7 })).interfaceIndex, index);
    await assert.rejects(rt.lookup('198.51.101.1'), refusedWith('EHOSTUNREACH'));
    await assert.rejects(rt.lookup('2001:db8:1::1'), refusedWith('EHOSTUNREACH'));
    await assert.rejects(rt.lookup('198.51.102.1'), refusedWith('EACCES'));
    await assert.rejects(rt.lookup('198.51.103.1'), refusedWith('EINVAL'));
    assert.ok(other);
    assert.equal((await rt.lookup('fe80::1', { scopeId: other.index })).interfaceIndex, other.index);
    ip('rule del fwmark 7 table 700', 'addr flush dev other');
  });

  test('which way an address goes from a certain source', async () => {
    ip('link add wan type dummy', 'link set wan up', 'addr add 2001:db8:1::1/64 dev wan nodad');
    // As OpenWrt's DHCPv6 client has it.
    run('ip', ...'-6 route add default from 2001:db8:1::/64 via fe80::1 dev wan metric 512'.split(' '));
    const wan = await rt.link('wan');
    const target = '3fff:99::1';
    await assert.rejects(rt.lookup(target), refusedWith('ENETUNREACH'));
    await assert.rejects(rt.lookup(target, { interfaceIndex: wan?.index ?? 0 }), refusedWith('ENETUNREACH'));
    await assert.rejects(rt.lookup(target, { source: 'fd00::1' }), refusedWith('ENETUNREACH'));
    const [address, ...more] = (await rt.addresses({ family: 6, interfaceIndex: wan?.index ?? 0 })).filter(
      ({ scope }) => scope === RT_SCOPE_UNIVERSE,
    );
    assert.deepEqual([address?.address, address?.prefixLength, more], ['2001:db8:1::1', 64, []]);
    const source = address?.address ?? '';
    const way = await rt.lookup(target, { source });
    assert.deepEqual([way.interfaceIndex, way.gateway], [wan?.index, 'fe80::1']);
    const { destination, source: from, metric } = await rt.lookup(target, { source, fibMatch: true });
    assert.deepEqual([destination, from, metric], ['::/0', '2001:db8:1::/64', 512]);
    ip(
      'addr add 10.53.0.1/24 dev wan',
      'rule add fwmark 7 table 700',
      'route add 203.0.0.0/16 dev vpn table 700',
    );
    const marked = await rt.lookup('203.0.113.9', { mark: 7, fibMatch: true });
    assert.deepEqual([marked.destination, marked.table, marked.interfaceIndex], ['203.0.0.0/16', 700, index]);
    ip('rule del fwmark 7 table 700', 'link del wan');
  });

  test('addresses of interfaces', async () => {
    ip('link add ifa type dummy', 'link set ifa up');
    const ad = await rt.link('ifa');
    assert.ok(ad);
    const told: [string, InterfaceAddress][] = [];
    const monitor = RtnetlinkMonitor.open({
      address: (change, address) => {
        if (address.interfaceIndex === ad.index) told.push([change, address]);
      },
      lost: () => assert.fail('nothing was lost'),
    });
    ip(
      'addr add 10.54.0.1 peer 10.54.0.2/32 dev ifa',
      'addr add 169.254.9.1/16 scope link dev ifa',
      'addr add fd00:54::1/64 dev ifa preferred_lft 0 valid_lft 600',
    );
    await eventually('no duplicate of it', () =>
      told.some(([, { address, tentative }]) => address === 'fd00:54::1' && !tentative),
    );
    assert.ok(told.some(([, { address, tentative }]) => address === 'fd00:54::1' && tentative));
    const listed = (await rt.addresses({ interfaceIndex: ad.index })).filter(
      ({ family, scope }) => family === 4 || scope === RT_SCOPE_UNIVERSE,
    );
    assert.deepEqual(
      listed
        .map(({ address, prefixLength, scope, deprecated }) => [address, prefixLength, scope, deprecated])
        .sort(),
      [
        ['10.54.0.1', 32, 0, false],
        ['169.254.9.1', 16, RT_SCOPE_LINK, false],
        ['fd00:54::1', 64, 0, true],
      ],
    );
    const all = JSON.parse(run('ip', '-j', 'addr')) as { addr_info: { local: string }[] }[];
    assert.deepEqual(
      sorted((await rt.addresses()).map(({ address }) => address)),
      sorted(all.flatMap(({ addr_info }) => addr_info.map(({ local }) => local))),
    );
    assert.deepEqual(await rt.addresses({ interfaceIndex: 4711 }), []);
    ip('link del ifa');
    await eventually('the end', () =>
      ['10.54.0.1', 'fd00:54::1'].every((gone) =>
        told.some(([change, { address }]) => change === 'gone' && address === gone),
      ),
    );
    monitor.close();
  });

  test('a route may stand once for each interface, and one that replaces another is told as such', async () => {
    const other = (await rt.link('other'))?.index ?? 0;
    const told: [string, string, number | undefined, boolean][] = [];
    const monitor = RtnetlinkMonitor.open({
      route: (change, { destination, protocol }, replaced) =>
        told.push([change, destination, protocol, replaced]),
      lost: () => assert.fail('nothing was lost'),
    });
    for (const destination of ['fe80::7/128', '10.77.0.0/24']) {
      const through = async (): Promise<(number | undefined)[]> =>
        (await rt.routes({ protocol: 87 })).map(({ interfaceIndex }) => interfaceIndex);
      const route = { destination, interfaceIndex: index };
      await rt.addRoute(route, { append: true });
      await assert.rejects(rt.addRoute({ ...route, interfaceIndex: other }), refusedWith('EEXIST'));
      await rt.addRoute({ ...route, interfaceIndex: other }, { append: true });
      for (const interfaceIndex of [index, other]) {
        await assert.rejects(
          rt.addRoute({ ...route, interfaceIndex }, { append: true }),
          refusedWith('EEXIST'),
        );
      }
      assert.deepEqual(await through(), [index, other]);
      // Somebody else's takes the place of the first.
      const metric = destination.includes(':') ? ['metric', '1024'] : [];
      run('ip', 'route', 'replace', destination, 'dev', 'vpn', 'proto', 'static', ...metric);
      await eventually('the replacement', () =>
        told.some(([, found, protocol, replaced]) => found === destination && protocol === 4 && replaced),
      );
      assert.deepEqual(await through(), [other]);
      assert.ok(!told.some(([change, found]) => change === 'gone' && found === destination));
      assert.ok(
        !told.some(([, found, protocol, replaced]) => found === destination && protocol === 87 && replaced),
      );
      // An IPv6 route is the same whoever made it, an IPv4 route is not.
      if (destination.includes(':')) {
        await assert.rejects(rt.addRoute(route, { append: true }), refusedWith('EEXIST'));
      } else {
        await rt.addRoute(route, { append: true });
        await rt.removeRoute(route);
      }
      await rt.removeRoute({ ...route, interfaceIndex: other });
      run('ip', 'route', 'del', destination, 'dev', 'vpn');
    }
    monitor.close();
  });

  test('links and routes are told of as they come and go', async () => {
    const links: [string, Link][] = [];
    const routes: [string, Route][] = [];
    const monitor = RtnetlinkMonitor.open(
      {
        link: (change, link) => links.push([change, link]),
        route: (change, route) => routes.push([change, route]),
        lost: () => assert.fail('nothing was lost'),
      },
      { routes: { protocol: 87 } },
    );
    const seen = (what: string, test: (change: string, link: Link) => boolean) =>
      eventually(what, () => links.some(([change, link]) => test(change, link)));
    ip('link add ev type wireguard');
    await seen('the new link', (change, { name, up }) => change === 'new' && name === 'ev' && !up);
    ip('link set ev up');
    await seen('the link up', (_, { name, up }) => name === 'ev' && up);
    const link = await rt.link('ev');
    assert.ok(link);
    for (const destination of ['10.60.0.0/24', 'fd00:60::/64']) {
      const route = { destination, interfaceIndex: link.index };
      const told = (wanted: string) =>
        eventually(`${destination} ${wanted}`, () =>
          routes.some(([change, found]) => change === wanted && found.destination === destination),
        );
      await rt.addRoute(route);
      await told('new');
      await rt.removeRoute(route);
      await told('gone');
      await rt.addRoute(route);
    }
    ip('link set ev down');
    await eventually('the link down', () => links.at(-1)?.[1].up === false);
    assert.deepEqual(await rt.routes({ protocol: 87 }), [], 'the routes went with it');
    ip('link set ev name ev2');
    await seen('the new name', (_, found) => found.index === link.index && found.name === 'ev2');
    ip('link del ev2');
    await seen('the end', (change, found) => change === 'gone' && found.index === link.index);
    assert.ok(routes.every(([, { protocol }]) => protocol === 87));
    monitor.close();
  });

  test('a flood of route changes is survived, and ends with the order to read everything again', async () => {
    let lost = 0;
    const told: Route[] = [];
    const monitor = RtnetlinkMonitor.open(
      { route: (_, route) => told.push(route), lost: () => lost++ },
      { routes: { protocol: 87 } },
    );
    const file = join(tmpdir(), `netlink-flood-${process.pid}`);
    const lines = Array.from({ length: 4000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24 dev other`);
    writeFileSync(
      file,
      ['add', 'del'].flatMap((verb) => lines.map((line) => `route ${verb} ${line}\n`)).join(''),
    );
    const flood = spawn('ip', ['-batch', file], { stdio: 'inherit' });
    const [status] = await once(flood, 'exit');
    rmSync(file);
    assert.equal(status, 0);
    await eventually('the order', () => lost > 0);
    const route = { destination: '10.61.0.0/24', interfaceIndex: index };
    await eventually('events again', async () => {
      await rt.addRoute(route);
      await rt.removeRoute(route);
      return told.some(({ destination }) => destination === route.destination);
    });
    monitor.close();
  });

  test('a handshake is read to a fraction of a second', async () => {
    const mine = run('wg', 'genkey').trim();
    const theirs = run('wg', 'genkey').trim();
    const publicOf = (key: string) => execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }).trim();
    ip('link add gw type wireguard', 'link set gw up');
    await wg.configure('gw', {
      privateKey: SecretKey.fromBase64(theirs),
      listenPort: 7777,
      replacePeers: true,
      peers: [{ publicKey: publicOf(mine) }],
    });
    const endpoint = { address: '127.0.0.1', port: 7777 };
    await wg.configure('vpn', {
      privateKey: SecretKey.fromBase64(mine),
      replacePeers: true,
      peers: [{ publicKey: publicOf(theirs), endpoint, persistentKeepalive: 25 }],
    });
    const peer = await eventually('a handshake', async () => {
      const [found] = (await wg.device('vpn')).peers;
      return found !== undefined && found.lastHandshake > 0 && found;
    });
    assert.ok(Math.abs(peer.lastHandshake - Date.now()) < 60_000);
    assert.ok(peer.rxBytes >= 92n && peer.txBytes >= 148n);
    const shown = run('wg', 'show', 'vpn', 'latest-handshakes').trim().split('\t')[1];
    assert.equal(Math.floor(peer.lastHandshake / 1000), Number(shown));
    ip('link del gw');
  });
}
