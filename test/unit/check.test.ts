// `wgpeerselector check`: every finding by its full text, against files and a kernel that the tests make up.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check } from '../../src/check/check.js';
import type { KernelView } from '../../src/check/kernel.js';
import { findLoop } from '../../src/check/loop.js';
import { formatProblem } from '../../src/config/index.js';
import {
  type Link,
  NetlinkError,
  NetlinkUnavailableError,
  type Route,
  type WireGuardDevice,
} from '../../src/netlink/index.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const KEY2 = 'hXnDyTzSH2nUhLPxlUUVNpQsVzN4qWYTeKYQEtsP/iI=';
const NTP = "config timeserver 'ntp'\n\tlist server '192.0.2.123'\n";

const good = {
  enabled: '1',
  ifname: 'vpn',
  public_key: KEY,
  endpoint: '192.0.2.1:51820',
  allowed_ips: '10.0.0.0/8',
};

/** A peer section of six lines, by default, with some options otherwise. */
function peer(name: string, options: Partial<typeof good> = {}): string {
  const all = Object.entries({ ...good, ...options });
  return `config peer '${name}'\n${all.map(([option, value]) => `\toption ${option} '${value}'\n`).join('')}`;
}

const link: Link = { index: 7, name: 'vpn', kind: 'wireguard', flags: 1, up: true, mtu: 1420, group: 0 };

/** A kernel in which nothing stands in the way, with some things otherwise. */
interface FakeKernel {
  readonly wireguard?: NetlinkError | NetlinkUnavailableError;
  readonly link?: Partial<Link> | undefined;
  readonly fwmark?: number | NetlinkError | Readonly<Record<string, number>>;
  readonly publicKey?: string;
  readonly routes?: readonly Pick<Route, 'destination' | 'metric' | 'interfaceIndex'>[];
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly filters?: Readonly<Record<string, number>>;
}

function fakeKernel(fake: FakeKernel): KernelView {
  return {
    wireguard: fake.wireguard ?? {
      device: async (name): Promise<WireGuardDevice> => {
        if (fake.fwmark instanceof NetlinkError) throw fake.fwmark;
        const { publicKey } = fake;
        const fwmark =
          typeof fake.fwmark === 'object' ? (fake.fwmark[String(name)] ?? 0) : (fake.fwmark ?? 0);
        const device = { index: 7, name: String(name), listenPort: 0, fwmark, peers: [] };
        return publicKey === undefined ? device : { ...device, publicKey };
      },
    },
    rtnetlink: {
      link: async () => ('link' in fake && fake.link === undefined ? undefined : { ...link, ...fake.link }),
      routes: async () =>
        (fake.routes ?? []).map((route) => ({
          source: undefined,
          gateway: undefined,
          table: 254,
          protocol: 3,
          type: 1,
          scope: 0,
          family: route.destination.includes(':') ? 6 : 4,
          ...route,
        })),
    },
    reversePathFilters: () => new Map(Object.entries(fake.filters ?? {})),
    resolve: async (name) => {
      const addresses = fake.names?.[name];
      if (addresses === undefined) throw new Error(`${name} does not exist (DNS server 192.0.2.53)`);
      return addresses;
    },
    close: () => {},
  };
}

async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/wgps-check-`);
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(`${folder}/${name}`, text);
  return folder;
}

/** The findings as lines, with DIR for the folder. */
async function findings(
  t: TestContext,
  wgpeerselector: string,
  kernel: FakeKernel = {},
  { system = NTP, interfaces }: { system?: string; interfaces?: readonly string[] } = {},
): Promise<string[]> {
  const folder = await folderOf(t, { wgpeerselector, system });
  const openKernel = async () => fakeKernel(kernel);
  const found = await check({ configDir: folder, interfaces, openKernel });
  return found.map((one) => `${one.severity} ${formatProblem(one)}`.replaceAll(folder, 'DIR'));
}

const UPLINK = { destination: '0.0.0.0/0', metric: 0, interfaceIndex: 2 };

test('an interface that the daemon makes need not be there; what is wrong with it is told with its first peer', async (t) => {
  const create = (file: string) =>
    `${peer('a')}config interface 'vpn'\n\toption create '1'\n\toption private_key_file '${file}'\n`;
  const folder = await folderOf(t, { key: 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=' });
  await chmod(`${folder}/key`, 0o600);
  assert.deepEqual(await findings(t, create(`${folder}/key`), { link: undefined }), []);
  const loops = `${create(`${folder}/key`).replace('10.0.0.0/8', '0.0.0.0/0')}`;
  const absent = { link: undefined, routes: [UPLINK] };
  assert.match(
    (await findings(t, loops, absent)).join(),
    /takes the way to the endpoint's own address|carries nothing beside/,
  );
  assert.deepEqual(await findings(t, `${loops}\toption fwmark '1'\n`, absent), []);
  const full = `${loops}\toption full_tunnel '1'\n`;
  assert.match((await findings(t, full, { ...absent, filters: { eth0: 1 } })).join(), /rp_filter/);
  const found = await findings(t, create('/no/key'), {});
  assert.deepEqual(
    found.map((line) => line.replace(/, so option create .*/, '')),
    [
      "warning DIR/wgpeerselector:1: peer 'a', option ifname: somebody else has made vpn",
      "error DIR/wgpeerselector:1: peer 'a', option ifname: /no/key: does not exist: expected the private key there, as wg genkey writes it",
    ],
  );
});

test('nothing to find', async (t) => {
  assert.deepEqual(await findings(t, peer('a'), { routes: [UPLINK] }), []);
});

test('a key, an endpoint, an option: as the daemon tells them, with file and line', async (t) => {
  const text = peer('a') + peer('b', { public_key: KEY2.slice(0, -1), endpoint: '2001:db8::1:51820' });
  assert.deepEqual(await findings(t, text), [
    "error DIR/wgpeerselector:10: peer 'b', option public_key: lacks the = at its end: expected 32 bytes in base64, 44 characters of which the last is =",
    "error DIR/wgpeerselector:11: peer 'b', option endpoint: is '2001:db8::1:51820': expected an IPv6 address in brackets, as in [2001:db8::1]:51820",
  ]);
});

test('two peers with one key', async (t) => {
  assert.deepEqual(await findings(t, peer('a') + peer('b')), [
    "warning DIR/wgpeerselector:10: peer 'b', option public_key: is also the key of peer 'a' in line 1: expected a key of its own for each peer of vpn",
  ]);
});

test('a peer without option enabled, which nobody else would speak of', async (t) => {
  const forgotten = peer('b', { public_key: KEY2 }).replace("\toption enabled '1'\n", '');
  assert.deepEqual(await findings(t, peer('a') + forgotten), [
    "warning DIR/wgpeerselector:7: peer 'b', option enabled: is missing, so this peer is not used: expected option enabled '1' (or '0')",
  ]);
  assert.deepEqual(
    await findings(t, peer('a') + forgotten.replace("'vpn'", "'other'"), {}, { interfaces: ['vpn'] }),
    [],
  );
});

test("Gluon's option preserve is nothing to speak of", async (t) => {
  assert.deepEqual(await findings(t, `${peer('a')}\toption preserve '1'\n`), []);
});

test('no usable peer', async (t) => {
  assert.deepEqual(await findings(t, peer('a', { enabled: '0' })), [
    "error DIR/wgpeerselector: has no usable peer: expected at least one section 'config peer' with option enabled '1' and without fault",
  ]);
  assert.deepEqual(await findings(t, peer('a'), {}, { interfaces: ['vpn', 'vpn2'] }), [
    "error DIR/wgpeerselector: has no usable peer for interface vpn2: expected at least one section 'config peer' with option enabled '1' and without fault",
  ]);
});

test('with -i only what concerns the interface', async (t) => {
  const text = peer('a') + peer('b', { ifname: 'other', endpoint: 'nonsense' });
  assert.deepEqual(await findings(t, text, {}, { interfaces: ['vpn'] }), []);
});

test('no configuration, and one that is not UCI', async (t) => {
  const empty = await folderOf(t, {});
  const [missing] = await check({ configDir: empty });
  assert.ok(missing);
  assert.equal(
    formatProblem(missing).replaceAll(empty, 'DIR'),
    'DIR/wgpeerselector: does not exist: create it with a section "config peer" for each gateway, or name another directory with --config-dir',
  );
  assert.deepEqual(await findings(t, "config peer 'a'\n\tnonsense\n"), [
    'error DIR/wgpeerselector:2: unknown keyword nonsense: expected config, option, list or package',
  ]);
});

test('NTP servers missing, unless nobody wants them', async (t) => {
  const system = "config system\n\toption hostname 'r'\n";
  assert.deepEqual(await findings(t, peer('a'), {}, { system }), [
    "warning DIR/system: has no NTP servers: expected config timeserver 'ntp' with list server",
  ]);
  assert.deepEqual(
    await findings(t, `${peer('a')}config interface 'vpn'\n\toption ntp '0'\n`, {}, { system }),
    [],
  );
  assert.deepEqual(await findings(t, peer('a'), {}, { system: "config timeserver 'ntp'\n" }), [
    "warning DIR/system:1: timeserver 'ntp': names no usable server: expected list server 'HOST'",
  ]);
});

test('a kernel without WireGuard', async (t) => {
  const wireguard = new NetlinkError(constants.errno.ENOENT, 'find generic netlink family wireguard');
  assert.deepEqual(await findings(t, peer('a', { enabled: '0' }) + peer('b'), { wireguard }), [
    "error DIR/wgpeerselector:7: peer 'b': this kernel has no WireGuard (find generic netlink family wireguard: no such file or directory (ENOENT)): load the module wireguard, or install it (OpenWrt: kmod-wireguard)",
  ]);
});

test('a kernel that cannot be asked', async (t) => {
  const wireguard = new NetlinkError(
    constants.errno.EBADF,
    'find it',
    'the netlink socket could not be opened',
  );
  assert.deepEqual(await findings(t, peer('a'), { wireguard }), [
    "error DIR/wgpeerselector:1: peer 'a': this kernel cannot be asked for WireGuard: find it: bad file descriptor (EBADF): the netlink socket could not be opened",
  ]);
});

test('a machine without a netlink socket', async (t) => {
  const wireguard = new NetlinkUnavailableError('native.node is missing: install it');
  assert.deepEqual(await findings(t, peer('a'), { wireguard }), [
    "error DIR/wgpeerselector:1: peer 'a': native.node is missing: install it",
  ]);
});

test('an interface that is not there, is something else, or is down', async (t) => {
  assert.deepEqual(await findings(t, peer('a') + peer('b', { public_key: KEY2 }), { link: undefined }), [
    "error DIR/wgpeerselector:1: peer 'a', option ifname: there is no interface vpn now: expected one of proto wireguard in /etc/config/network, or option create '1', or ip link add vpn type wireguard",
  ]);
  assert.deepEqual(await findings(t, peer('a'), { link: { kind: 'bridge' } }), [
    "error DIR/wgpeerselector:1: peer 'a', option ifname: vpn is there, but it is not a WireGuard interface",
  ]);
  assert.deepEqual(await findings(t, peer('a'), { link: { up: false } }), [
    "warning DIR/wgpeerselector:1: peer 'a', option ifname: vpn is down: no peer is tried before it is up",
  ]);
});

test('without the rights to look', async (t) => {
  const fwmark = new NetlinkError(
    constants.errno.EPERM,
    'get WireGuard device vpn',
    'this needs CAP_NET_ADMIN',
  );
  assert.deepEqual(await findings(t, peer('a'), { fwmark }), [
    "warning DIR/wgpeerselector:1: peer 'a', option ifname: vpn could not be looked into (get WireGuard device vpn: operation not permitted (EPERM): this needs CAP_NET_ADMIN): run the check as root, or with CAP_NET_ADMIN",
  ]);
});

test("a peer with the interface's own key", async (t) => {
  const [, publicKey = ''] = /public_key '(.*)'/.exec(peer('a')) ?? [];
  assert.deepEqual(await findings(t, peer('a'), { publicKey }), [
    "error DIR/wgpeerselector:1: peer 'a', option public_key: is the public key of vpn itself, so the kernel takes no notice of this peer: expected the key of the gateway",
  ]);
});

test('allowed IPs that take the way to the endpoint', async (t) => {
  const text = peer('a', { allowed_ips: '10.0.0.0/8 0.0.0.0/1 192.0.0.0/2' });
  assert.deepEqual(await findings(t, text, { routes: [UPLINK] }), [
    "error DIR/wgpeerselector:1: peer 'a', option allowed_ips: 192.0.0.0/2 takes the way to the endpoint's own address 192.0.2.1 into the tunnel: expected option full_tunnel '1' for vpn, or option fwmark for vpn in /etc/config/network with a rule for that mark, or allowed IPs without it",
  ]);
  assert.deepEqual(await findings(t, text, { routes: [UPLINK], fwmark: 1 }), [], 'a mark');
  const table = `${text}config interface 'vpn'\n\toption table '7'\n`;
  assert.deepEqual(await findings(t, table, { routes: [UPLINK] }), [], 'a table of their own');
  const own = { destination: '192.0.2.0/24', metric: 0, interfaceIndex: 2 };
  assert.deepEqual(await findings(t, text, { routes: [UPLINK, own] }), [], 'a more specific route');
  const tunnel = { ...own, interfaceIndex: 7 };
  assert.equal((await findings(t, text, { routes: [tunnel] })).length, 1, 'which leads into the tunnel');
});

test('the same for a name, which may not resolve', async (t) => {
  const text = peer('a', { endpoint: 'gw.example:51820', allowed_ips: '::/0' });
  const names = { 'gw.example': ['192.0.2.1', '2001:db8::1'] };
  const routes = [{ destination: '::/0', metric: 2048, interfaceIndex: 2 }];
  assert.deepEqual(await findings(t, text, { routes, names }), [
    "error DIR/wgpeerselector:1: peer 'a', option allowed_ips: ::/0 takes the way to the endpoint's own address 2001:db8::1 into the tunnel: expected option full_tunnel '1' for vpn, or option fwmark for vpn in /etc/config/network with a rule for that mark, or allowed IPs without it",
  ]);
  assert.deepEqual(await findings(t, text, {}), [
    "warning DIR/wgpeerselector:1: peer 'a', option endpoint: gw.example does not exist (DNS server 192.0.2.53)",
  ]);
});

const FULL = "config interface 'vpn'\n\toption full_tunnel '1'\n";

test('a default route that never gets its turn, where the way out is an option', async (t) => {
  const text = peer('a', { allowed_ips: '0.0.0.0/0 ::/0' });
  const found = (prefix: string) => [
    `warning DIR/wgpeerselector:1: peer 'a', option allowed_ips: ${prefix} carries nothing beside the default route that the main table has: expected option full_tunnel '1' for vpn, or allowed IPs without it`,
  ];
  assert.deepEqual(await findings(t, text, { routes: [UPLINK] }), found('0.0.0.0/0'));
  const uplink6 = { destination: '::/0', metric: 1024, interfaceIndex: 2 };
  assert.deepEqual(
    await findings(t, text, { routes: [{ ...UPLINK, metric: 1 }, uplink6], fwmark: 1 }),
    [],
    'a mark: whoever has set it will know',
  );
  const other = text.replace('192.0.2.1:51820', '[2001:db8::1]:51820');
  assert.deepEqual(await findings(t, other, { routes: [uplink6] }), found('::/0'));
  assert.deepEqual(await findings(t, text + FULL, { routes: [UPLINK, uplink6] }), []);
});

test('a full tunnel where the kernel drops what comes from another side than it would be answered to', async (t) => {
  const text = peer('a', { allowed_ips: '0.0.0.0/0' }) + FULL;
  const found = (which: string) => [
    `warning DIR/wgpeerselector:1: peer 'a', option ifname: the kernel drops what gateways answer on ${which}, where rp_filter is 1, since the way back leads into vpn: expected net.ipv4.conf.all.rp_filter 2`,
  ];
  const loose = { all: 0, default: 1, lo: 1, vpn: 1, eth0: 2, eth1: 0 };
  assert.deepEqual(await findings(t, text, { filters: loose }), []);
  assert.deepEqual(await findings(t, text, { filters: { ...loose, eth1: 1 } }), found('eth1'));
  assert.deepEqual(await findings(t, text, { filters: { ...loose, all: 1 } }), found('eth1'));
  assert.deepEqual(await findings(t, text, { filters: { ...loose, all: 2, eth1: 1 } }), []);
  const many = { all: 1, a1: 0, a2: 0, a3: 0, a4: 0 };
  assert.deepEqual(await findings(t, text, { filters: many }), found('a1, a2, a3 and others'));
  assert.deepEqual(
    await findings(t, text.replace('0.0.0.0/0', '::/0'), { filters: { all: 1, eth0: 1 } }),
    [],
  );
  assert.deepEqual(
    await findings(t, text.replace(FULL, ''), { fwmark: 1, filters: { all: 1, eth0: 1 } }),
    [],
  );
});

test('a full tunnel that refuses the questions for the only names of its gateways', async (t) => {
  const names = { 'gw.example': ['192.0.2.1'] };
  const block = `${FULL}\toption block_when_lost '1'\n`;
  const named = peer('a', { endpoint: 'gw.example:51820', allowed_ips: '0.0.0.0/0' });
  assert.deepEqual(await findings(t, named + block, { names }), [
    "warning DIR/wgpeerselector:1: peer 'a', option ifname: all endpoints are names, and while there is no connection block_when_lost refuses the questions of a resolver that asks outside of the local networks: expected an endpoint with an address, or a DNS server in a local network",
  ]);
  assert.deepEqual(await findings(t, named + FULL, { names }), []);
  assert.deepEqual(await findings(t, named + peer('b', { public_key: KEY2 }) + block, { names }), []);
});

test('two full tunnels: they have to have one mark, and one table if the configuration is to say who carries', async (t) => {
  const settings = (name: string, more = '') =>
    `config interface '${name}'\n\toption full_tunnel '1'\n${more}`;
  const peers =
    peer('a', { allowed_ips: '::/0' }) + peer('b', { ifname: 'vpn2', allowed_ips: '::/0', public_key: KEY2 });
  const both = peers + settings('vpn') + settings('vpn2');
  assert.deepEqual(await findings(t, both), []);
  assert.deepEqual(await findings(t, both, { fwmark: { vpn2: 51887 } }), []);
  const marks = (one: string, other: string) =>
    `${one} and ${other}, so each full tunnel takes WireGuard's own packets of the other: expected the same option fwmark for both in /etc/config/network, or none`;
  assert.deepEqual(await findings(t, both, { fwmark: { vpn2: 1 } }), [
    `error DIR/wgpeerselector:1: peer 'a', option ifname: vpn has the mark ${marks('51887', 'vpn2 the mark 1')}`,
    `error DIR/wgpeerselector:7: peer 'b', option ifname: vpn2 has the mark ${marks('1', 'vpn the mark 51887')}`,
  ]);
  const tables = (one: string, other: string) =>
    `the full tunnels ${one} and ${other} have tables of their own, so which of them carries is not for the configuration to say: expected the same option table for both, or none`;
  assert.deepEqual(await findings(t, peers + settings('vpn') + settings('vpn2', "\toption table '9'\n")), [
    `warning DIR/wgpeerselector:1: peer 'a', option ifname: ${tables('vpn', 'vpn2')}`,
    `warning DIR/wgpeerselector:7: peer 'b', option ifname: ${tables('vpn2', 'vpn')}`,
  ]);
});

test('which route wins: the longer prefix, then the lower metric', () => {
  const route = (destination: string, metric: number) => ({
    destination,
    metric,
    family: destination.includes(':') ? (6 as const) : (4 as const),
  });
  assert.equal(findLoop('192.0.2.1', ['0.0.0.0/0'], undefined, [route('0.0.0.0/0', 10)]), '0.0.0.0/0');
  assert.equal(findLoop('192.0.2.1', ['0.0.0.0/0'], 20, [route('0.0.0.0/0', 10)]), undefined);
  // Equal in everything: the kernel refuses ours.
  assert.equal(findLoop('192.0.2.1', ['0.0.0.0/0'], undefined, [route('0.0.0.0/0', 0)]), undefined);
  assert.equal(findLoop('2001:db8::1', ['::/0'], undefined, [route('::/0', 1024)]), undefined);
  assert.equal(findLoop('2001:db8::1', ['::/0'], 512, [route('::/0', 1024)]), '::/0');
  assert.equal(findLoop('192.0.2.1', ['::/0'], undefined, []), undefined);
  assert.equal(
    findLoop('192.0.2.1', ['192.0.2.1/32'], undefined, [route('192.0.2.0/24', 0)]),
    '192.0.2.1/32',
  );
});

test('the program: findings on standard output, a line that counts them, exit code', async (t) => {
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'check', ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const folder = await folderOf(t, { wgpeerselector: peer('a', { enabled: '0' }), system: NTP });
  const none = `error ${folder}/wgpeerselector: has no usable peer: expected at least one section 'config peer' with option enabled '1' and without fault\n`;
  assert.deepEqual(run('--config-dir', folder), {
    status: 78,
    stdout: `${none}1 error, no warnings\n`,
    stderr: '',
  });
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: wgpeerselector check /);
  const wrong = run('--nonsense');
  assert.equal(wrong.status, 64);
  assert.match(wrong.stderr, /^error: [^\n]*nonsense[^\n]* \(see wgpeerselector check --help\)\n$/);
});
