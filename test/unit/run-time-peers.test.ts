// Peers that are given at run time, and which interfaces are served, by what files say.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { Config, parseUci } from '../../src/config/index.js';
import { KeptPeers } from '../../src/daemon/kept-peers.js';
import { RunTimePeers } from '../../src/daemon/run-time-peers.js';
import { peersTable } from '../../src/daemon/status.js';
import { wantedInterfaces } from '../../src/daemon/wanted.js';
import type { Table } from '../../src/ubus/index.js';

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const OTHER = 'hXnDyTzSH2nUhLPxlUUVNpQsVzN4qWYTeKYQEtsP/iI=';
const PSK = 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=';

const FILE = `
config peer 'sn01'
	option enabled '1'
	option ifname 'vpn'
	option public_key '${KEY}'
	option endpoint 'sn01.example.org:51820'
	list allowed_ips '10.0.0.0/8'
config peer 'old'
	option enabled '0'
	option ifname 'vpn'
	option public_key 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
	option endpoint 'old.example.org:51820'
	list allowed_ips '10.0.0.0/8'
`;

const EXPECTING = `
config interface 'vpn'
	option run_time_peers 'expect'
`;

const GW9 = {
  name: 'gw9',
  public_key: OTHER,
  endpoint: '192.0.2.9:51820',
  allowed_ips: ['10.0.0.0/8', 'fd00::/64'],
};

function read(text: string): Config {
  return new Config(parseUci(text, { file: 'FILE' }), 'FILE');
}

/** A daemon's peers, with a folder for those that are kept. */
function open(t: TestContext, text: string) {
  const folder = mkdtempSync(`${tmpdir()}/wgps-kept-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let config = read(text);
  let changes = 0;
  const log: string[] = [];
  const start = () =>
    new RunTimePeers(
      {
        config: () => config,
        changed: () => {
          changes += 1;
        },
        log: { write: (level, subject, line) => log.push(`${level} ${subject}: ${line}`) },
      },
      new KeptPeers(folder),
    );
  const reload = (now: string): void => {
    config = read(now);
  };
  return { peers: start(), folder, log, start, reload, changes: () => changes };
}

const names = (config: Config) => config.peers('vpn').map(({ name }) => name);

test('one is added, changed, removed; it is what a section of the file would be', (t) => {
  const { peers, changes } = open(t, FILE);
  assert.deepEqual(peers.add('vpn', { ...GW9, ubus_rpc_session: 'x' }), []);
  assert.deepEqual(names(peers.config), ['sn01', 'gw9']);
  const section = `config peer 'gw9'
	option enabled '1'
	option ifname 'vpn'
	option public_key '${OTHER}'
	option endpoint '192.0.2.9:51820'
	list allowed_ips '10.0.0.0/8'
	list allowed_ips 'fd00::/64'
`;
  const [, ours] = peers.config.peers('vpn');
  const [theirs] = read(section).peers('vpn');
  assert.deepEqual({ ...ours, line: 1 }, theirs);
  assert.ok(peers.config.ownKeys('vpn').has(OTHER));
  peers.add('vpn', { ...GW9, persistent_keepalive: 25, weight: '3', enabled: true });
  assert.deepEqual(
    peers.config.peers('vpn').map(({ persistentKeepalive, weight }) => [persistentKeepalive, weight]),
    [
      [0, 1],
      [25, 3],
    ],
  );
  peers.add('other', { ...GW9, ifname: 'other' });
  peers.remove('vpn', 'gw9');
  assert.deepEqual(names(peers.config), ['sn01']);
  assert.equal(peers.config.ownKeys('vpn').has(OTHER), false);
  assert.equal(peers.config.peers('other').length, 1);
  assert.equal(changes(), 4);
});

test('`peers` tells them from those of the file, which come first', (t) => {
  const { peers } = open(t, FILE);
  peers.add('vpn', GW9);
  const { peers: table } = peersTable(peers.config, 'vpn') as { peers: Map<string, { run_time: boolean }> };
  assert.deepEqual(
    [...table].map(([name, { run_time }]) => [name, run_time]),
    [
      ['sn01', false],
      ['old', false],
      ['gw9', true],
    ],
  );
});

test('all are set at once, and those that were set before are no more', (t) => {
  const { peers } = open(t, FILE);
  peers.set('vpn', [GW9, { ...GW9, name: 'gw8', public_key: PSK }]);
  assert.deepEqual(names(peers.config), ['sn01', 'gw9', 'gw8']);
  peers.set('vpn', [{ ...GW9, name: 'gw7' }]);
  assert.deepEqual(names(peers.config), ['sn01', 'gw7']);
  peers.set('vpn', []);
  assert.deepEqual(names(peers.config), ['sn01']);
});

test('what is wrong is said as of the file, and then nothing is changed', (t) => {
  const { peers, changes } = open(t, FILE);
  const cases: readonly [Table, RegExp][] = [
    [
      { ...GW9, public_key: `${KEY.slice(0, -1)}` },
      /^vpn: peer 'gw9', option public_key: lacks the = at its end: expected/,
    ],
    [{ name: 'gw9' }, /public_key: is missing: expected .*; peer 'gw9', option endpoint: is missing/],
    [{ ...GW9, weight: 1000 }, /option weight: is '1000': expected a weight, a whole number from 1 to 100/],
    [{ ...GW9, endpoint: [] }, /endpoint: is missing/],
    [{ ...GW9, name: 'sn01' }, /^FILE has a peer sn01: expected another name/],
    [{ ...GW9, name: 'old' }, /^FILE has a peer old/],
    [{ ...GW9, name: 'a b' }, /^name: expected the name of the peer/],
    [{ ...GW9, name: 'x'.repeat(65) }, /^name: expected/],
    [{ public_key: KEY }, /^name: expected/],
    [{ ...GW9, ifname: 'other' }, /^peer gw9, vpn: expected no other ifname/],
    [{ ...GW9, endpoint: { host: 'x' } }, /^option endpoint: expected a text, a number, or a list/],
    [{ ...GW9, "x'\nconfig": '1' }, /^peer gw9: expected options of letters, digits and _ only/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => peers.add('vpn', value), { status: 'INVALID_ARGUMENT', message });
    assert.throws(() => peers.set('vpn', [{ ...GW9, name: 'good' }, value]), { status: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => peers.set('vpn', [GW9, GW9]), { message: 'there are two peers gw9' });
  assert.throws(() => peers.set('vpn', ['gw9']), { message: /^expected a table for each peer/ });
  const many = Array.from({ length: 1001 }, (_, place) => ({ ...GW9, name: `gw${place}` }));
  assert.throws(() => peers.set('vpn', many), { message: /at most 1000/ });
  assert.throws(() => peers.remove('vpn', 'gw9'), { status: 'NOT_FOUND', message: /and is not there/ });
  assert.throws(() => peers.remove('vpn', 'sn01'), {
    status: 'NOT_FOUND',
    message: /is in FILE: change that/,
  });
  assert.equal(changes(), 0);
  assert.deepEqual(names(peers.config), ['sn01']);
});

test('what may not be meant is said, of the one that is added alone', (t) => {
  const { peers } = open(t, FILE);
  const { allowed_ips: _, ...bare } = GW9;
  const [warning, ...more] = peers.add('vpn', { ...bare, endpont: 'x' });
  assert.match(
    warning ?? '',
    /^peer 'gw9', option endpont: is not known and has no effect: did you mean endpoint\?$/,
  );
  assert.match(more.join(), /^peer 'gw9', option allowed_ips: is missing: nothing will go through this peer/);
  assert.deepEqual(peers.add('vpn', { ...GW9, name: 'gw8', public_key: PSK }), []);
  const [twin] = peers.add('vpn', { ...GW9, name: 'gw7' });
  assert.match(
    twin ?? '',
    /^peer 'gw7', option public_key: is also the key of peer 'gw9': expected a key of its own/,
  );
});

test("a name that the file has taken since is the file's", (t) => {
  const { peers, reload, log } = open(t, FILE);
  peers.set('vpn', [GW9, { ...GW9, name: 'gw8', public_key: PSK }]);
  reload(FILE.replace('sn01', 'gw9'));
  peers.restore([]);
  assert.deepEqual(names(peers.config), ['gw9', 'gw8']);
  assert.equal(peers.config.peers('vpn')[0]?.publicKey, KEY);
  assert.deepEqual(log, [
    'warning vpn: peer gw9, given at run time, is dropped: FILE has a peer of that name now',
  ]);
});

test("a name of one that was kept is the file's, too, if it has one now", (t) => {
  const { peers, start, reload, log } = open(t, EXPECTING.replace('expect', 'keep'));
  peers.set('vpn', [GW9, { ...GW9, name: 'gw8', public_key: PSK }]);
  reload(`${EXPECTING.replace('expect', 'keep')}\n${FILE.replace('sn01', 'gw9')}`);
  const again = start();
  again.restore(['vpn']);
  assert.deepEqual(names(again.config), ['gw9', 'gw8']);
  assert.equal(again.config.peers('vpn')[0]?.publicKey, KEY);
  assert.match(log.join('\n'), /^warning vpn: peer gw9, given at run time, is dropped: /);
});

test('kept: another process finds them, and nobody else may read the file', (t) => {
  const { peers, start, folder, log } = open(t, EXPECTING.replace('expect', 'keep'));
  const secret = { ...GW9, preshared_key: PSK, endpoint: ["[fe80::1%it's]:51820", 'gw9.example.org:51820'] };
  peers.add('vpn', secret);
  peers.add('vpn', { ...GW9, name: 'gw8', public_key: KEY });
  assert.equal(statSync(`${folder}/vpn.peers`).mode & 0o777, 0o600);
  const again = start();
  again.restore(['vpn', 'other']);
  assert.deepEqual(again.config.peers('vpn'), peers.config.peers('vpn'));
  peers.remove('vpn', 'gw9');
  peers.remove('vpn', 'gw8');
  assert.equal(readFileSync(`${folder}/vpn.peers`, 'utf8'), '');
  assert.deepEqual(log, []);
});

test('what was kept and is useless now is told of, and does not stop anything', (t) => {
  const { start, folder, log } = open(t, EXPECTING.replace('expect', 'keep'));
  for (const [text, why] of [
    [
      "config peer 'gw9'\n\toption enabled '1'\n",
      /no peers of an earlier run: vpn: peer 'gw9', option ifname: is missing/,
    ],
    ["config peer 'gw9\n", /no peers of an earlier run: .*vpn\.peers:/],
  ] as const) {
    writeFileSync(`${folder}/vpn.peers`, text);
    const peers = start();
    peers.restore(['vpn']);
    assert.deepEqual(peers.config.peers('vpn'), []);
    assert.match(log.splice(0).join('\n'), why);
  }
  rmSync(`${folder}/vpn.peers`);
  mkdirSync(`${folder}/vpn.peers`);
  const peers = start();
  peers.restore(['vpn']);
  assert.match(log.splice(0).join('\n'), /no peers of an earlier run: .*vpn\.peers/);
  peers.add('vpn', GW9); // used all the same
  assert.deepEqual(names(peers.config), ['gw9']);
  assert.match(log.splice(0).join('\n'), /^warning vpn: peers given at run time are not kept: .*vpn\.peers/);
});

test('without the option nothing is written', (t) => {
  const { peers, folder, log, start } = open(t, FILE);
  chmodSync(folder, 0o500);
  peers.add('vpn', GW9);
  const again = start();
  again.restore(['vpn']);
  assert.deepEqual(names(again.config), ['sn01']);
  assert.deepEqual(log, []);
});

test('which interfaces are served: those named, those in a file, or all that may have peers', (t) => {
  const { folder } = open(t, FILE);
  const log: string[] = [];
  const wanted = (
    options: { interfaces?: string[]; namesFrom?: string },
    text: string,
    served: string[] = [],
  ) => {
    const { interfaces = [], namesFrom } = options;
    const told = { write: (...line: string[]) => void log.push(line.join(' ')) };
    return wantedInterfaces(
      { interfaces, namesFrom },
      read(text),
      new Map(served.map((name) => [name, 1])),
      told,
    );
  };
  const three =
    FILE + FILE.replaceAll("'vpn'", "'b'").replace('sn01', 'sn02') + EXPECTING.replace('vpn', 'c');
  assert.deepEqual(wanted({ interfaces: ['x', 'vpn'] }, three), ['x', 'vpn']);
  assert.deepEqual(wanted({}, three), ['vpn', 'b', 'c']);
  assert.deepEqual(read(three).problems, []);
  assert.deepEqual(wanted({}, FILE.replace("enabled '1'", "enabled '0'")), []);
  // With a fault in its settings one that works goes on; another does not begin.
  const faulty = `${FILE}\nconfig interface 'vpn'\n\toption table 'x y'\n`;
  assert.deepEqual(wanted({}, faulty), []);
  assert.deepEqual(wanted({}, faulty, ['vpn', 'b']), ['vpn']);
  const names = `${folder}/names`;
  writeFileSync(names, 'vpn wg-b\nvpn\n a/b \n');
  assert.deepEqual(wanted({ namesFrom: names }, FILE), ['vpn', 'wg-b']);
  assert.deepEqual(log, [`error  ${names}: 'a/b' cannot be the name of an interface: passed over`]);
  writeFileSync(names, '\n');
  assert.deepEqual(wanted({ namesFrom: names }, FILE), []);
  assert.throws(() => wanted({ namesFrom: `${names}-none` }, FILE), {
    message: `${names}-none: does not exist: write the names of the interfaces to serve into it, or name another directory with --config-dir`,
  });
});
