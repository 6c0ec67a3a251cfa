import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { mostText } from '#platform/files.js';
import {
  Config,
  ConfigFileError,
  formatProblem,
  loadConfig,
  loadNtpServers,
  type PeerConfig,
  parseUci,
  samePeer,
  UciError,
} from '../../src/config/index.js';

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const OTHER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
const PSK = 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=';

/** A peer section; an option given as '' is left out. */
function peer(name: string, options: Record<string, string> = {}): string {
  const all: Record<string, string> = {
    enabled: '1',
    ifname: 'vpn',
    public_key: KEY,
    endpoint: 'gw.example.org:51820',
    allowed_ips: '10.0.0.0/8',
    ...options,
  };
  const lines = Object.entries(all).map(([key, value]) => `\toption ${key} '${value}'\n`);
  return `config peer '${name}'\n${lines.join('')}`;
}

function check(text: string): Config {
  return new Config(parseUci(text), 'wgps');
}

function complaints(config: Config): string[] {
  return config.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
}

/** Runs with a directory that is gone afterwards. */
async function withDir(files: Record<string, string>, run: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'wgps-config-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    await run(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function only(config: Config): PeerConfig {
  const [first, ...rest] = config.peers('vpn');
  assert.ok(first !== undefined && rest.length === 0);
  return first;
}

test("the field's existing configuration works unchanged", async () => {
  const dir = new URL('../../../test/fixtures/config/field/', import.meta.url).pathname;
  const config = loadConfig(dir);
  assert.deepEqual(config.problems, []);
  assert.deepEqual(config.interfaceNames, ['vpn']);
  assert.deepEqual(config.peers('vpn'), [
    {
      name: 'test_unknown_a',
      line: 1,
      enabled: true,
      ifname: 'vpn',
      publicKey: KEY,
      presharedKey: undefined,
      endpoints: [{ host: 'hostname.example.com', port: 51820, kind: 'name' }],
      allowedIps: ['fe80::1/128'],
      persistentKeepalive: 0,
      priority: 0,
      weight: 1,
    },
  ]);
});

test('a peer with everything', () => {
  const options = {
    endpoint: '[2001:db8::1]:1',
    allowed_ips: ' 10.1.2.3/8  fd00::1/64\t10.0.0.0/8 ',
    persistent_keepalive: '25',
    preshared_key: PSK,
    priority: '65535',
    weight: '100',
  };
  const config = check(peer('a', options));
  assert.deepEqual(config.problems, []);
  const { presharedKey, ...rest } = only(config);
  assert.equal(presharedKey?.reveal(), PSK);
  assert.deepEqual(rest, {
    name: 'a',
    line: 1,
    enabled: true,
    ifname: 'vpn',
    publicKey: KEY,
    endpoints: [{ host: '2001:db8::1', port: 1, kind: 'ipv6' }],
    allowedIps: ['10.0.0.0/8', 'fd00::/64'],
    persistentKeepalive: 25,
    priority: 65535,
    weight: 100,
  });
});

test('an anonymous peer has the name that uci gives it', () => {
  const config = check(peer('').replace(" ''", ''));
  assert.equal(only(config).name, 'cfg013511');
});

test('peers come in the order of the file, and by interface', () => {
  const config = check(
    peer('b') +
      peer('x', { ifname: 'other' }) +
      peer('a', { public_key: OTHER }) +
      peer('off', { ifname: 'third', enabled: '0' }),
  );
  assert.deepEqual(
    config.peers('vpn').map((p) => p.name),
    ['b', 'a'],
  );
  assert.deepEqual(config.interfaceNames, ['vpn', 'other']);
  assert.deepEqual(config.peers('third'), []);
  assert.deepEqual(
    config.disabledPeers('third').map((p) => p.name),
    ['off'],
  );
  assert.deepEqual(config.peers('nothing'), []);
  assert.deepEqual([...config.ownKeys('nothing')], []);
});

test('one bad peer does not stop the others, and its key stays ours', () => {
  const config = check(
    peer('good') +
      peer('bad', { public_key: OTHER, endpoint: '2001:db8::1:51820' }) +
      peer('worse', {
        public_key: 'x',
        allowed_ips: '10.0.0.0/8 nonsense fd00::/200',
        persistent_keepalive: '70000',
      }),
  );
  assert.equal(only(config).name, 'good');
  assert.deepEqual([...config.ownKeys('vpn')], [KEY, OTHER]);
  const key = 'expected 32 bytes in base64, 44 characters of which the last is =';
  const cidr = 'expected address or address/prefix, as in 10.0.0.0/8 or fd00::/64';
  assert.deepEqual(complaints(config), [
    "error wgps:11: peer 'bad', option endpoint: is '2001:db8::1:51820': expected an IPv6 address in brackets, as in [2001:db8::1]:51820",
    `error wgps:16: peer 'worse', option public_key: has length 1: ${key}`,
    `error wgps:18: peer 'worse', option allowed_ips: 'nonsense' is no address: ${cidr}`,
    "error wgps:18: peer 'worse', option allowed_ips: 'fd00::/200' has no usable prefix: expected a number from 0 to 128 behind the /",
    "error wgps:19: peer 'worse', option persistent_keepalive: is '70000': expected 0 for off, or seconds, a whole number from 1 to 65535",
  ]);
  assert.ok(config.problems.every((problem) => problem.ifname === 'vpn'));
});

test('a fault in a list names the line of the item', () => {
  const config = check(`${peer('a')}\tlist allowed_ips 'fd00::/64'\n\tlist allowed_ips 'bad'\n`);
  assert.deepEqual(
    config.problems.map((problem) => problem.line),
    [8],
  );
  assert.deepEqual(config.peers('vpn'), []);
});

test('what is missing is named with what is expected', () => {
  const config = check("config peer 'a'\n\toption enabled '1'\n");
  assert.deepEqual(complaints(config), [
    "error wgps:1: peer 'a', option ifname: is missing: expected the WireGuard interface, as in option ifname 'vpn'",
    "error wgps:1: peer 'a', option public_key: is missing: expected the public key of the peer, 44 characters",
    "error wgps:1: peer 'a', option endpoint: is missing: expected host:port, as in option endpoint 'gw.example.org:51820'",
  ]);
});

test('a peer that is not enabled takes no part; its faults are warnings; its key is ours', () => {
  const config = check(
    peer('off', { enabled: 'no' }) + peer('default', { enabled: '', public_key: OTHER, endpoint: 'x' }),
  );
  assert.deepEqual(config.peers('vpn'), []);
  assert.deepEqual(
    config.disabledPeers('vpn').map((p) => [p.name, p.enabled]),
    [['off', false]],
  );
  assert.deepEqual([...config.ownKeys('vpn')], [KEY, OTHER]);
  assert.deepEqual(complaints(config), [
    "warning wgps:7: peer 'default', option enabled: is missing, so this peer is not used: expected option enabled '1' (or '0')",
    "warning wgps:11: peer 'default', option endpoint: is 'x', without a port: expected host:port, as in gw.example.org:51820",
  ]);
});

test('enabled that is neither yes nor no is an error, not a no', () => {
  const config = check(peer('a', { enabled: 'maybe' }));
  assert.deepEqual(config.peers('vpn'), []);
  assert.deepEqual(complaints(config), [
    "error wgps:2: peer 'a', option enabled: is 'maybe': expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)",
  ]);
});

test('a list where one value belongs is an error', () => {
  const config = check(`${peer('a')}\tlist ifname 'wan'\n`);
  assert.deepEqual(config.peers('vpn'), []);
  assert.deepEqual(complaints(config), [
    "error wgps:3: peer 'a', option ifname: is a list: expected one value, as in option ifname '...'",
  ]);
});

test('commas where a list has spaces are named', () => {
  const expected = 'expected spaces between entries, or a list line for each';
  for (const [options, complaint] of [
    [{ allowed_ips: '10.0.0.0/8,fd00::/64' }, `allowed_ips: '10.0.0.0/8,fd00::/64' has a comma: ${expected}`],
    [{ allowed_ips: '10.0.0.1, 10.0.0.2' }, `allowed_ips: '10.0.0.1,' has a comma: ${expected}`],
    [{ allowed_ips: '10.0.0.1;10.0.0.2' }, `allowed_ips: '10.0.0.1;10.0.0.2' has a semicolon: ${expected}`],
    [{ endpoint: 'a:1, b:1' }, `endpoint: 'a:1,' has a comma: ${expected}`],
  ] as const) {
    const [only, ...more] = complaints(check(peer('a', options)));
    assert.deepEqual(more, []);
    assert.equal(only?.replace(/^error wgps:\d+: peer 'a', option /, ''), complaint);
  }
});

test('a bad preshared key takes its peer out, rather than leaving it without one', () => {
  const config = check(peer('a', { preshared_key: PSK.slice(1) }));
  assert.deepEqual(config.peers('vpn'), []);
  assert.deepEqual(complaints(config), [
    "error wgps:7: peer 'a', option preshared_key: has length 43: expected 32 bytes in base64, 44 characters of which the last is =",
  ]);
});

test('unknown options and sections are warnings, with the known name', () => {
  const config = check(
    `${peer('a', { publickey: KEY, colour: 'x' })}config peers 'b'\nconfig globals 'c'\nconfig interface 'vpn'\n\toption ntp_time '3'\n`,
  );
  assert.equal(only(config).name, 'a');
  assert.deepEqual(complaints(config), [
    "warning wgps:7: peer 'a', option publickey: is not known and has no effect: did you mean public_key?",
    "warning wgps:8: peer 'a', option colour: is not known and has no effect: expected one of enabled, ifname, public_key, endpoint, allowed_ips, persistent_keepalive, preshared_key, priority, weight",
    "warning wgps:9: section 'b': its type 'peers' is not known, and it has no effect: did you mean peer?",
    "warning wgps:10: section 'c': its type 'globals' is not known, and it has no effect: expected config peer or config interface",
    "warning wgps:12: interface 'vpn', option ntp_time: is not known and has no effect: expected one of ifname, connect_timeout, check_interval, dead_peer_timeout, strategy, metric, table, ntp, ntp_timeout, probe_interval, probe_timeout, probe_address, check_address, failback_interval, max_age, block_when_lost, full_tunnel, create, private_key_file, addresses, mtu, listen_port, fwmark, run_time_peers",
  ]);
});

test('two enabled peers with one key on one interface are a warning', () => {
  const config = check(
    peer('a') +
      peer('b') +
      peer('c', { ifname: 'other' }) +
      peer('d', { enabled: '0' }) +
      peer('e', { public_key: OTHER }),
  );
  assert.deepEqual(complaints(config), [
    "warning wgps:10: peer 'b', option public_key: is also the key of peer 'a' in line 1: expected a key of its own for each peer of vpn",
  ]);
  assert.equal(config.peers('vpn').length, 3);
});

test('a peer that can carry nothing, or that may be on any link, is a warning', () => {
  const config = check(peer('a', { allowed_ips: '', endpoint: '[fe80::1]:7' }));
  assert.equal(only(config).allowedIps.length, 0);
  assert.deepEqual(complaints(config), [
    "warning wgps:1: peer 'a', option allowed_ips: is missing: nothing will go through this peer; expected list allowed_ips 'ADDRESS/PREFIX'",
    "warning wgps:5: peer 'a', option endpoint: is a link-local address without a zone: expected the interface too, as in [fe80::1%eth0]:7",
  ]);
});

const DEFAULTS = {
  connectTimeout: 5,
  checkInterval: 5,
  deadPeerTimeout: 150,
  routeMetric: undefined,
  routeTable: undefined,
  ntp: true,
  ntpTimeout: 5,
  strategy: 'random',
  probeInterval: 15,
  probeTimeout: 20,
  probeAddress: undefined,
  checkAddress: undefined,
  failbackInterval: 300,
  maxAge: 0,
  blockWhenLost: false,
  fullTunnel: false,
  creation: undefined,
  runTimePeers: 'add',
};

test('an interface without a section has the defaults', () => {
  assert.deepEqual(check('').interface('vpn'), { name: 'vpn', ...DEFAULTS });
});

test('an interface with everything', () => {
  const text = `config interface 'vpn'
	option connect_timeout '3'
	option check_interval '1'
	option dead_peer_timeout '180'
	option strategy 'fastest'
	option metric '0'
	option table '4294967295'
	option ntp 'off'
	option ntp_timeout '9'
	option probe_interval '3600'
	option probe_timeout '11'
	option probe_address '10.1.2.3'
	option check_address '10.255.255.254'
	option failback_interval '10'
	option max_age '31536000'
	option block_when_lost 'yes'
	option full_tunnel 'on'
	option create 'true'
	option private_key_file '/etc/vpn.key'
	option run_time_peers 'keep'
	option addresses '10.0.0.2'
	option mtu '68'
	option listen_port '1'
	option fwmark '4294967295'
`;
  const config = check(text + peer('a'));
  assert.deepEqual(config.problems, []);
  assert.deepEqual(config.interface('vpn'), {
    name: 'vpn',
    connectTimeout: 3,
    checkInterval: 1,
    deadPeerTimeout: 180,
    routeMetric: 0,
    routeTable: 4294967295,
    ntp: false,
    ntpTimeout: 9,
    strategy: 'fastest',
    probeInterval: 3600,
    probeTimeout: 11,
    probeAddress: '10.1.2.3',
    checkAddress: '10.255.255.254',
    failbackInterval: 10,
    maxAge: 31536000,
    blockWhenLost: true,
    fullTunnel: true,
    creation: {
      privateKeyFile: '/etc/vpn.key',
      addresses: [{ address: '10.0.0.2', prefixLength: 32 }],
      mtu: 68,
      listenPort: 1,
      fwmark: 4294967295,
    },
    runTimePeers: 'keep',
  });
});

test('routes that cannot go where they should do not go elsewhere: the interface is not served', () => {
  for (const [options, complaint] of [
    ["	option metric '-1'", "metric: is '-1': expected a route metric, a whole number from 0 to 4294967295"],
    [
      "	option table 'vpn'",
      "table: is 'vpn': expected a routing table, a number from 1 to 4294967295 or a name from /etc/iproute2/rt_tables",
    ],
    ["	list table '100'", "table: is a list: expected one value, as in option table '...'"],
    [
      "	option full_tunnel 'maybe'",
      "full_tunnel: is 'maybe': expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)",
    ],
  ] as const) {
    const text = `config interface 'vpn'\n${options}\n\toption connect_timeout '3'\n`;
    const config = new Config(
      parseUci(text + peer('a') + peer('b', { ifname: 'other' }), { file: 'wgps' }),
      'wgps',
      () => undefined,
    );
    const option = complaint.slice(0, complaint.indexOf(':'));
    assert.deepEqual(complaints(config), [
      `error wgps:1: interface 'vpn': is not served, because option ${option} cannot be used: its routes would go elsewhere`,
      `error wgps:2: interface 'vpn', option ${complaint}`,
    ]);
    assert.ok(config.problems.every(({ ifname }) => ifname === 'vpn'));
    assert.deepEqual(config.peers('vpn'), []);
    assert.deepEqual([...config.unserved], ['vpn']);
    assert.deepEqual(config.interfaceNames, ['other'], 'others are');
    assert.deepEqual([...config.ownKeys('vpn')], [KEY], 'and its peers stay ours');
  }
});

test('a full tunnel has a table of its own: the one that is configured, or ours, and none of those that the kernel names', () => {
  const read = (...options: string[]) => {
    const text = `config interface 'vpn'\n${options.map((option) => `\toption ${option}\n`).join('')}`;
    const config = check(text + peer('a'));
    return { config, complaints: complaints(config) };
  };
  assert.equal(read("full_tunnel '1'").config.interface('vpn').routeTable, 51887);
  assert.equal(read("full_tunnel '1'", "table '100'").config.interface('vpn').routeTable, 100);
  assert.equal(read("full_tunnel '0'").config.interface('vpn').routeTable, undefined);
  for (const table of ['main', '255', 'default']) {
    const { config, complaints } = read("full_tunnel '1'", `table '${table}'`);
    assert.deepEqual(complaints, [
      "error wgps:3: interface 'vpn', option table: is one of the kernel's own, so vpn is not served: expected a table of its own for full_tunnel, or none: it is 51887 then",
    ]);
    assert.deepEqual(config.peers('vpn'), []);
    assert.ok(config.unserved.has('vpn'));
  }
  // A faulty table is not ours instead: nor is what it was to be known.
  const { config, complaints: faults } = read("full_tunnel '1'", "table 'nowhere'");
  assert.ok(config.unserved.has('vpn'));
  assert.equal(faults.length, 2);
});

test('a routing table by its name', () => {
  const text = "config interface 'vpn'\n\toption table 'vpn'\n";
  const names: string[] = [];
  const config = new Config(parseUci(text + peer('a'), { file: 'wgps' }), 'wgps', (name) => {
    names.push(name);
    return 77;
  });
  assert.deepEqual(config.problems, []);
  assert.equal(config.interface('vpn').routeTable, 77);
  assert.deepEqual(names, ['vpn']);
  only(config);
});

test("what wg(8) and netifd's protocol take is taken, or named with what to write", () => {
  const taken = (options: Record<string, string>): PeerConfig => {
    const config = check(peer('a', options));
    assert.deepEqual(complaints(config), []);
    return only(config);
  };
  assert.equal(taken({ persistent_keepalive: 'off' }).persistentKeepalive, 0);
  assert.equal(taken({ persistent_keepalive: 'Off' }).persistentKeepalive, 0);
  assert.equal(taken({ persistent_keepalive: ' 25 ' }).persistentKeepalive, 25);
  assert.equal(taken({ public_key: `${KEY}\n` }).publicKey, KEY);
  assert.equal(taken({ endpoint: ' GW.Example.org.:51820' }).endpoints[0]?.host, 'GW.Example.org.');
  assert.equal(taken({ endpoint: '127.0.0.1:51820' }).endpoints[0]?.host, '127.0.0.1');
  assert.deepEqual(taken({ allowed_ips: ' 10.0.0.0/8 \tfd00::/64' }).allowedIps, ['10.0.0.0/8', 'fd00::/64']);
  taken({ description: 'the one in the cellar' });

  const named = (options: Record<string, string>): string[] =>
    complaints(check(peer('a', options))).map((text) => text.replace(/wgps:\d+: peer 'a', option /, ''));
  const key = 'expected 32 bytes in base64, 44 characters of which the last is =';
  assert.deepEqual(named({ public_key: Buffer.from(KEY, 'base64').toString('hex') }), [
    `error public_key: is in hexadecimal digits: ${key}`,
  ]);
  assert.deepEqual(named({ allowed_ips: 'any' }), [
    "error allowed_ips: 'any' is no address: expected 0.0.0.0/0 for all of IPv4, ::/0 for all of IPv6",
  ]);
  assert.deepEqual(named({ endpoint: 'gw.example.org:wireguard' }), [
    "error endpoint: is 'gw.example.org:wireguard': expected a port from 1 to 65535 behind the last colon",
  ]);
  assert.deepEqual(named({ endpoint: '', endpoint_host: '2001:db8::1' }), [
    "error endpoint: is missing: expected host:port, as in option endpoint 'gw.example.org:51820'",
    "warning endpoint_host: has no effect here: expected both in one, option endpoint '[2001:db8::1]:51820'",
  ]);
  assert.deepEqual(named({ endpoint_host: 'gw.example.org', endpoint_port: '7' }), [
    "warning endpoint_host: has no effect here: expected both in one, option endpoint 'gw.example.org:7'",
    "warning endpoint_port: has no effect here: expected both in one, option endpoint 'gw.example.org:7'",
  ]);
  assert.deepEqual(named({ disabled: '1' }), [
    "warning disabled: has no effect here: expected option enabled '0' for a peer that is not to be used",
  ]);
  assert.deepEqual(named({ route_allowed_ips: '0' }), [
    'warning route_allowed_ips: has no effect here: the routes of allowed_ips are always installed',
  ]);
  assert.deepEqual(named({ AllowedIPs: '10.0.0.0/8' }), [
    'warning AllowedIPs: is not known and has no effect: did you mean allowed_ips?',
  ]);
  assert.deepEqual(named({ peer_psk: PSK }), [
    'warning peer_psk: has no effect here: expected option preshared_key',
  ]);
  assert.equal(named({ private_key: PSK }).length, 1);
  assert.ok(!named({ private_key: PSK }).join().includes(PSK), 'and not shown');
});

test("settings of netifd's interface are named with where they belong", () => {
  const text =
    "config interface 'vpn'\n\toption fwmark '1'\n\toption ip4table 'vpn'\n\toption constructor '1'\n";
  const warnings = complaints(check(text + peer('a'))).map((line) => line.replace(/^.*?option /, ''));
  assert.deepEqual(warnings, [
    "fwmark: has no effect without option create '1': expected it in /etc/config/network, or wherever the interface is made",
    'ip4table: has no effect here: expected option table, for routes of both families',
    'constructor: is not known and has no effect: expected one of ifname, connect_timeout, check_interval, dead_peer_timeout, strategy, metric, table, ntp, ntp_timeout, probe_interval, probe_timeout, probe_address, check_address, failback_interval, max_age, block_when_lost, full_tunnel, create, private_key_file, addresses, mtu, listen_port, fwmark, run_time_peers',
  ]);
});

test('a faulty setting keeps its default and leaves the others alone', () => {
  const text = `config interface 'vpn'
	option connect_timeout '0'
	option check_interval '2'
	option dead_peer_timeout '9'
	option strategy 'quickest'
	option ntp '2'
	option ntp_timeout '5s'
`;
  const config = check(text + peer('a'));
  assert.deepEqual(config.interface('vpn'), { name: 'vpn', ...DEFAULTS, checkInterval: 2 });
  assert.deepEqual(complaints(config), [
    "error wgps:2: interface 'vpn', option connect_timeout: is '0': expected seconds, a whole number from 1 to 3600",
    "error wgps:4: interface 'vpn', option dead_peer_timeout: is '9': expected seconds, a whole number from 10 to 86400",
    "error wgps:5: interface 'vpn', option strategy: is 'quickest': expected random or fastest",
    "error wgps:6: interface 'vpn', option ntp: is '2': expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)",
    "error wgps:7: interface 'vpn', option ntp_timeout: is '5s': expected seconds, a whole number from 1 to 3600",
  ]);
});

test('several endpoints: as a list, or as one option with spaces; each once', () => {
  const expected = [
    { host: 'gw.example.org', port: 51820, kind: 'name' },
    { host: '192.0.2.1', port: 443, kind: 'ipv4' },
    { host: 'fe80::1', port: 53, kind: 'ipv6', zone: 'eth0' },
  ];
  const list = "\tlist endpoint '192.0.2.1:443'\n\tlist endpoint '[fe80::1%eth0]:53 192.0.2.1:443'\n";
  for (const text of [
    peer('a') + list,
    peer('a', { endpoint: ' gw.example.org:51820 192.0.2.1:443\t[fe80:0::1%eth0]:53 ' }),
  ]) {
    const config = check(text);
    assert.deepEqual(complaints(config), []);
    assert.deepEqual(only(config).endpoints, expected);
  }
});

test('a fault in one of several endpoints names it, with its line', () => {
  const config = check(`${peer('a', { endpoint: '[fe80::1]:1' })}\tlist endpoint 'gw\tlist'\n`);
  assert.deepEqual(config.peers('vpn'), []);
  assert.deepEqual(complaints(config), [
    "error wgps:7: peer 'a', option endpoint: is 'gw', without a port: expected host:port, as in gw.example.org:51820",
    "error wgps:7: peer 'a', option endpoint: is 'list', without a port: expected host:port, as in gw.example.org:51820",
  ]);
  const blank = check(peer('a', { endpoint: '  ' }));
  assert.deepEqual(complaints(blank), [
    "error wgps:5: peer 'a', option endpoint: is missing: expected host:port, as in option endpoint 'gw.example.org:51820'",
  ]);
});

test('every link-local endpoint without a zone is named', () => {
  const config = check(peer('a', { endpoint: '[fe80::1]:1 192.0.2.1:1 [fe80::2]:2' }));
  assert.deepEqual(complaints(config), [
    "warning wgps:5: peer 'a', option endpoint: is a link-local address without a zone: expected the interface too, as in [fe80::1%eth0]:1",
    "warning wgps:5: peer 'a', option endpoint: is a link-local address without a zone: expected the interface too, as in [fe80::2%eth0]:2",
  ]);
});

test('priority and weight have their limits', () => {
  const config = check(
    peer('a', { priority: '65536', weight: '0' }) + peer('b', { priority: '-1', weight: '101' }),
  );
  assert.deepEqual(complaints(config), [
    "error wgps:7: peer 'a', option priority: is '65536': expected a priority (smaller is better), a whole number from 0 to 65535",
    "error wgps:8: peer 'a', option weight: is '0': expected a weight, a whole number from 1 to 100",
    "error wgps:15: peer 'b', option priority: is '-1': expected a priority (smaller is better), a whole number from 0 to 65535",
    "error wgps:16: peer 'b', option weight: is '101': expected a weight, a whole number from 1 to 100",
  ]);
});

test('what can be turned off is off with 0 and with the word', () => {
  for (const off of ['0', '00', 'off', 'Off']) {
    const names = ['probe_interval', 'probe_timeout', 'failback_interval', 'max_age'];
    const config = check(
      `config interface 'vpn'\n${names.map((name) => `\toption ${name} '${off}'\n`).join('')}${peer('a')}`,
    );
    assert.deepEqual(complaints(config), []);
    const { probeInterval, probeTimeout, failbackInterval, maxAge } = config.interface('vpn');
    assert.deepEqual([probeInterval, probeTimeout, failbackInterval, maxAge], [0, 0, 0, 0]);
  }
});

test('times that are not off have their limits', () => {
  const text = `config interface 'vpn'
	option probe_interval '3601'
	option probe_timeout '4'
	option failback_interval '9'
	option max_age '59'
	option block_when_lost 'maybe'
`;
  const config = check(text + peer('a'));
  assert.deepEqual(config.interface('vpn'), { name: 'vpn', ...DEFAULTS });
  const range = (least: number, most: number) =>
    `expected 0 for off, or seconds, a whole number from ${least} to ${most}`;
  assert.deepEqual(complaints(config), [
    `error wgps:2: interface 'vpn', option probe_interval: is '3601': ${range(1, 3600)}`,
    `error wgps:3: interface 'vpn', option probe_timeout: is '4': ${range(5, 3600)}`,
    `error wgps:4: interface 'vpn', option failback_interval: is '9': ${range(10, 86400)}`,
    `error wgps:5: interface 'vpn', option max_age: is '59': ${range(60, 31536000)}`,
    "error wgps:6: interface 'vpn', option block_when_lost: is 'maybe': expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)",
  ]);
});

test('times that do not go together are named', () => {
  const warnings = (...options: string[]): string[] =>
    complaints(
      check(`config interface 'vpn'\n${options.map((o) => `\toption ${o}\n`).join('')}${peer('a')}`),
    ).map((text) => text.replace(/^warning wgps:\d+: interface 'vpn', option /, ''));
  assert.deepEqual(warnings("probe_timeout '10'"), [
    'probe_timeout: is not above 10 s, the time that WireGuard may take for an answer: living peers will be put to the test in vain; expected 20',
  ]);
  assert.deepEqual(warnings("probe_timeout '11'"), []);
  assert.deepEqual(warnings("probe_timeout '149'"), []);
  assert.deepEqual(warnings("probe_timeout '150'"), [
    'probe_timeout: is not below dead_peer_timeout, 150 s, and has no effect: expected 20, or 0 if nothing is to be tested',
  ]);
  assert.deepEqual(warnings("probe_timeout '0'", "check_address '10.0.0.1'"), [
    'check_address: has no effect with probe_timeout 0, the time that it has for an answer',
  ]);
});

test('addresses inside the tunnel are addresses, in canonical form', () => {
  const read = (address: string) => {
    const config = check(
      `config interface 'vpn'\n\toption probe_address '${address}'\n${peer('a', { allowed_ips: '0.0.0.0/0 ::/0' })}`,
    );
    return [config.interface('vpn').probeAddress, ...complaints(config)];
  };
  assert.deepEqual(read('FE80:0::1'), ['fe80::1']);
  assert.deepEqual(read(' 192.0.2.1 '), ['192.0.2.1']);
  const expected = 'expected an IPv4 or IPv6 address inside the tunnel, without prefix, port and zone';
  for (const text of ['gw.example', '192.0.2.1/32', '[fe80::1]', 'fe80::1%vpn', '192.0.2.1:1', '10.1']) {
    assert.deepEqual(read(text), [
      undefined,
      `error wgps:2: interface 'vpn', option probe_address: is '${text}': ${expected}`,
    ]);
  }
  for (const [text, what] of [
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::ffff:192.0.2.1', 'mapped'],
  ] as const) {
    assert.deepEqual(read(text), [
      undefined,
      `error wgps:2: interface 'vpn', option probe_address: is '${text}' (${what}): expected the address of a host inside the tunnel`,
    ]);
  }
});

test('an address inside the tunnel that no packet through a peer gets to is named, with the peer', () => {
  const peers =
    peer('a') +
    peer('b', { public_key: OTHER, allowed_ips: '10.1.2.0/24 fd00::/8' }) +
    peer('off', { enabled: '0', public_key: PSK, allowed_ips: 'fd00::/8' }) +
    peer('c', { ifname: 'other', allowed_ips: 'fd00::/8' });
  const warnings = (options: string): string[] =>
    complaints(check(`config interface 'vpn'\n${options}${peers}`));
  assert.deepEqual(warnings("\toption probe_address '10.1.2.3'\n\toption check_address '10.1.2.4'\n"), []);
  assert.deepEqual(warnings("\toption probe_address '10.1.3.3'\n\toption check_address '2001:db8::1'\n"), [
    "warning wgps:2: interface 'vpn', option probe_address: is 10.1.3.3, which the allowed IPs of peer 'b' do not hold: expected an address behind every peer of vpn",
    "warning wgps:3: interface 'vpn', option check_address: is 2001:db8::1, which the allowed IPs of peer 'a' and 1 more do not hold: expected an address behind every peer of vpn",
  ]);
});

test('an interface whose name UCI does not allow is named by an option', () => {
  const text = "config interface\n\toption ifname 'wg-vpn'\n\toption connect_timeout '2'\n";
  const config = check(text + peer('a', { ifname: 'wg-vpn' }));
  assert.deepEqual(config.problems, []);
  assert.equal(config.interface('wg-vpn').connectTimeout, 2);
});

test('settings that can have no effect are named', () => {
  const long = 'a'.repeat(16);
  const text = `config interface
config interface 'nobody'
config interface '${long}'
config interface 'x'
	option ifname 'vpn'
config interface 'vpn'
	option connect_timeout '2'
	option dead_peer_timeout '120'
`;
  const config = check(text + peer('a'));
  assert.equal(config.interface('vpn').connectTimeout, 5);
  assert.deepEqual(complaints(config), [
    "error wgps:1: interface 'cfg016d96': has no name: expected config interface 'IFNAME', or an option ifname",
    "warning wgps:2: interface 'nobody': has settings, but no peer has option ifname 'nobody'",
    `error wgps:3: interface '${long}': its name is '${long}': expected the name of an interface, 1 to 15 characters, without spaces, / and :`,
    "warning wgps:6: interface 'vpn': interface vpn has settings already: these have no effect",
    "warning wgps:8: interface 'vpn', option dead_peer_timeout: is not above 120 s, the age at which WireGuard renews a handshake: living peers will be put to the test again and again; expected 150",
  ]);
});

test('a preshared key shows nowhere', () => {
  const config = check(
    peer('a', { preshared_key: PSK }) + peer('b', { endpoint: PSK, ifname: PSK, preshared_key: KEY + PSK }),
  );
  const shown = [
    inspect(config, { depth: null, showHidden: true, getters: true }),
    inspect(config.peers('vpn'), { depth: null, showHidden: true }),
    inspect(config.peers('vpn')[0]?.presharedKey, { customInspect: false, showHidden: true }),
    JSON.stringify(config.peers('vpn')),
    JSON.stringify(config),
    `${config.peers('vpn')[0]?.presharedKey}`,
    complaints(config).join('\n'),
  ].join('\n');
  assert.match(shown, /\[secret\]/);
  for (let i = 0; i + 8 <= PSK.length; i += 4) assert.ok(!shown.includes(PSK.slice(i, i + 8)), shown);
});

test('samePeer: everything but the line and the order of lists counts', () => {
  const options = {
    preshared_key: PSK,
    allowed_ips: '10.0.0.0/8 fd00::/64',
    endpoint: '[fe80::1%eth0]:1 192.0.2.1:1',
  };
  const a = only(check(peer('a', options)));
  const reordered = { allowed_ips: 'fd00::/64 10.0.0.0/8', endpoint: '192.0.2.1:1 [fe80::1%eth0]:1' };
  assert.ok(samePeer(a, only(check(`\n\n${peer('a', { ...options, ...reordered })}`))));
  const others: Record<string, string>[] = [
    { public_key: OTHER },
    { preshared_key: OTHER },
    { preshared_key: '' },
    { allowed_ips: '10.0.0.0/8' },
    { allowed_ips: '10.0.0.0/8 fd00::/65' },
    { allowed_ips: '10.0.0.0/8 fd00::/64 ::1' },
    { endpoint: '[fe80::1%eth1]:1 192.0.2.1:1' },
    { endpoint: '[fe80::1%eth0]:2 192.0.2.1:1' },
    { endpoint: '[fe80::2%eth0]:1 192.0.2.1:1' },
    { endpoint: '[fe80::1%eth0]:1' },
    { endpoint: '[fe80::1%eth0]:1 192.0.2.1:1 192.0.2.1:2' },
    { persistent_keepalive: '1' },
    { priority: '1' },
    { weight: '2' },
  ];
  for (const change of others) {
    const b = only(check(peer('a', { ...options, ...change })));
    assert.ok(!samePeer(a, b) && !samePeer(b, a), JSON.stringify(change));
  }
  assert.ok(!samePeer(a, only(check(peer('b', options)))));
  assert.ok(!samePeer(a, { ...a, enabled: false }));
  assert.ok(!samePeer(a, { ...a, ifname: 'other' }));
});

test('property: whatever the options say, the good peer beside them stays', () => {
  const names = [
    'enabled',
    'ifname',
    'public_key',
    'endpoint',
    'allowed_ips',
    'preshared_key',
    'persistent_keepalive',
    'priority',
    'weight',
  ];
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('1', '0', 'vpn', KEY, 'a:1', '[::1]:1', '::/0'),
  );
  const option = fc.tuple(fc.constantFrom('option', 'list'), fc.constantFrom(...names), value);
  fc.assert(
    fc.property(fc.array(option, { maxLength: 8 }), (options) => {
      let text = "config peer 'odd'\n";
      for (const [command, name, v] of options) {
        text += `\t${command} ${name} '${v.replaceAll('\0', '').replaceAll("'", "'\\''")}'\n`;
      }
      const config = check(text + peer('good', { public_key: OTHER, ifname: 'mine' }));
      assert.ok(config.peers('mine').some((p) => p.name === 'good'));
      for (const problem of config.problems) assert.ok(!/[\n\r]/.test(formatProblem(problem)));
    }),
    { numRuns: 500 },
  );
});

test('a missing file, a directory in its place and a syntax error are told apart', async () => {
  await withDir({}, async (dir) => {
    const file = join(dir, 'wgpeerselector');
    assert.throws(
      () => loadConfig(dir),
      (error: unknown) => {
        assert.ok(error instanceof ConfigFileError);
        assert.equal(error.kind, 'missing');
        assert.equal(error.file, file);
        const advice =
          'create it with a section "config peer" for each gateway, or name another directory with --config-dir';
        assert.equal(error.message, `${file}: does not exist: ${advice}`);
        return true;
      },
    );
    mkdirSync(file);
    assert.throws(
      () => loadConfig(dir),
      (error: unknown) => {
        assert.ok(error instanceof ConfigFileError);
        assert.equal(error.kind, 'unreadable');
        assert.equal(error.message, `${file}: cannot be read (EISDIR): expected a file, not a directory`);
        return true;
      },
    );
  });
  await withDir({ wgpeerselector: 'config peer a\nnonsense\n' }, async (dir) => {
    assert.throws(
      () => loadConfig(dir),
      (error: unknown) => {
        assert.ok(error instanceof UciError);
        const file = join(dir, 'wgpeerselector');
        const reason = 'unknown keyword nonsense: expected config, option, list or package';
        assert.equal(error.message, `${file}:2:1: ${reason}`);
        return true;
      },
    );
  });
});

test('a file that is too large to be taken apart is refused before it is', () =>
  withDir({ wgpeerselector: '#'.repeat(mostText + 1) }, async (dir) => {
    assert.throws(() => loadConfig(dir), {
      name: 'ConfigFileError',
      kind: 'unreadable',
      message: `${join(dir, 'wgpeerselector')}: cannot be read (EFBIG): expected at most ${mostText / 1024} KiB`,
    });
    writeFileSync(join(dir, 'wgpeerselector'), '#'.repeat(mostText));
    assert.deepEqual(loadConfig(dir).problems, []);
  }));

test('10 MB of faults are some 200 lines, none of them long, and the errors are among them', () => {
  const warnings = 'config pear\n'.repeat(400_000);
  const long = `config ${'p'.repeat(100_000)} ${'x'.repeat(100_000)}\n`;
  const errors = 'config peer\noption enabled 1\n'.repeat(200_000);
  const { problems } = new Config(parseUci(long + warnings + errors), 'f');
  assert.ok(problems.length <= 202, String(problems.length));
  for (const problem of problems) assert.ok(formatProblem(problem).length < 400);
  assert.equal(problems.filter(({ severity }) => severity === 'error').length, 101);
  // Three of each peer are missing (ifname, public_key, endpoint), and allowed_ips is a warning only of one without fault.
  assert.deepEqual(problems.slice(-2).map(formatProblem), [
    'f: has 599900 more errors like these',
    'f: has 399901 more warnings like these',
  ]);
});

test('a peer with 100,000 allowed IPs is compared with itself after a reload', () => {
  const all = Array.from({ length: 100_000 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
  const text = peer('x', {}) + all.map((address) => `list allowed_ips '${address}'\n`).join('');
  const [one, other] = [text, text].map((file) => new Config(parseUci(file), 'f').peers('vpn')[0]);
  assert.ok(one && other && one.allowedIps.length >= 100_000);
  assert.ok(samePeer(one, other));
});

test('the NTP servers of OpenWrt', async () => {
  const dir = new URL('../../../test/fixtures/config/field/', import.meta.url).pathname;
  const { servers, enabled, problems } = loadNtpServers(dir);
  assert.deepEqual(servers, [
    '0.openwrt.pool.ntp.org',
    '1.openwrt.pool.ntp.org',
    '2001:db8::123',
    '192.0.2.123',
  ]);
  assert.equal(enabled, true);
  assert.deepEqual(problems, []);
});

test('NTP: whatever is wrong, the rest is taken, and nothing throws', async () => {
  const cases: [string, { servers: string[]; enabled: boolean; problems: string[] }][] = [
    [
      "config timeserver 'ntp'\n\toption server 'a,b'\n",
      {
        servers: [],
        enabled: true,
        problems: [
          "FILE:1: timeserver 'ntp': names no usable server: expected list server 'HOST'",
          "FILE:2: timeserver 'ntp', option server: 'a,b' has a comma: expected spaces between entries, or a list line for each",
        ],
      },
    ],
    [
      "config timeserver 'ntp'\n\toption enabled '0'\n\tlist server 'a b'\n\tlist server 'x_-'\n\tlist server 'a'\n",
      {
        servers: ['a', 'b'],
        enabled: false,
        problems: [
          "FILE:4: timeserver 'ntp', option server: 'x_-' is no host name: expected no - next to a dot or at the ends",
        ],
      },
    ],
    [
      'config system\n',
      {
        servers: [],
        enabled: true,
        problems: ["FILE: has no NTP servers: expected config timeserver 'ntp' with list server"],
      },
    ],
    [
      "\nconfig timeserver 'ntp'\n",
      {
        servers: [],
        enabled: true,
        problems: ["FILE:2: timeserver 'ntp': names no usable server: expected list server 'HOST'"],
      },
    ],
    [
      'config system\nnonsense\n',
      {
        servers: [],
        enabled: true,
        problems: ['FILE:2: unknown keyword nonsense: expected config, option, list or package'],
      },
    ],
  ];
  for (const [text, expected] of cases) {
    await withDir({ system: text }, async (dir) => {
      const { servers, enabled, problems } = loadNtpServers(dir);
      const shown = problems.map((problem) => formatProblem(problem).replace(join(dir, 'system'), 'FILE'));
      assert.deepEqual({ servers, enabled, problems: shown }, expected);
      assert.ok(problems.every((problem) => problem.severity === 'warning'));
    });
  }
  await withDir({}, async (dir) => {
    const { servers, problems } = loadNtpServers(dir);
    assert.deepEqual(servers, []);
    const advice =
      "create it with the NTP servers, or give the interface option ntp '0', or name another directory with --config-dir";
    assert.deepEqual(problems.map(formatProblem), [`${join(dir, 'system')}: does not exist: ${advice}`]);
  });
});
