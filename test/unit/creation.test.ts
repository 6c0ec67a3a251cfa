// An interface that the daemon is to make: what the configuration says of it, its key, and what `check` finds.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { checkCreation } from '../../src/check/creation.js';
import { Config, ConfigFileError, formatProblem, parseUci, readPrivateKey } from '../../src/config/index.js';
import type { Link } from '../../src/netlink/index.js';

const KEY = 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=';
const PEER = `config peer 'a'
	option enabled '1'
	option ifname 'vpn'
	option public_key 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0='
	option endpoint '192.0.2.1:51820'
	option allowed_ips '10.0.0.0/8'
`;

const folder = mkdtempSync(`${tmpdir()}/wgps-creation-`);
after(() => rmSync(folder, { recursive: true }));

/** A file of the folder, and its path. */
function file(name: string, text: string, mode = 0o600): string {
  const path = `${folder}/${name}`;
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function read(...options: string[]) {
  const text = `config interface 'vpn'\n${options.map((option) => `\t${option}\n`).join('')}${PEER}`;
  const config = new Config(parseUci(text), 'wgps');
  const complaints = config.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  return { creation: config.interface('vpn').creation, served: config.peers('vpn').length > 0, complaints };
}

const CREATE = ["option create '1'", "option private_key_file '/etc/vpn.key'"];

test('without option create nothing is made, with a key file all else has its default', () => {
  assert.equal(read().creation, undefined);
  assert.deepEqual(read(...CREATE), {
    creation: {
      privateKeyFile: '/etc/vpn.key',
      addresses: [],
      mtu: 1420,
      listenPort: undefined,
      fwmark: undefined,
    },
    served: true,
    complaints: [],
  });
});

test('addresses keep their host bits, have a prefix or stand alone; a mark is a number of either kind', () => {
  const { creation, complaints } = read(
    ...CREATE,
    "list addresses '10.1.2.3/24'",
    "list addresses '10.0.0.2 FD00:0::2/64'",
    "list addresses 'fe80::5'",
    "list addresses '10.0.0.2/32'", // again
    "option mtu '1280'",
    "option listen_port '51820'",
    "option fwmark '0xcaaf'",
  );
  assert.deepEqual(complaints, []);
  assert.deepEqual(creation?.addresses, [
    { address: '10.1.2.3', prefixLength: 24 },
    { address: '10.0.0.2', prefixLength: 32 },
    { address: 'fd00::2', prefixLength: 64 },
    { address: 'fe80::5', prefixLength: 128 },
  ]);
  assert.deepEqual([creation?.mtu, creation?.listenPort, creation?.fwmark], [1280, 51820, 51887]);
  assert.equal(read(...CREATE, "option fwmark 'off'").creation?.fwmark, 0);
});

for (const [what, option, complaint] of [
  ['a mark', "option fwmark '4294967296'", 'fwmark: is .4294967296.: expected a mark'],
  ['an MTU', "option mtu '67'", 'mtu: is .67.: expected bytes'],
  ['a port', "option listen_port '0'", 'listen_port: is .0.: expected a UDP port'],
  ['an address', "list addresses '10.0.0.2/33'", 'addresses: .10.0.0.2/33. has no usable prefix'],
  ['nobody’s address', "list addresses '127.0.0.1/8'", 'addresses: is .127.0.0.1.'],
  ['several in one', "option addresses '10.0.0.2,10.0.0.3'", 'addresses: .* has a comma'],
] as const) {
  test(`with ${what} that cannot be meant the interface is not served: it would be another`, () => {
    const { served, complaints } = read(...CREATE, option);
    assert.equal(served, false);
    assert.match(complaints.join('\n'), new RegExp(`option ${complaint}`));
    assert.match(
      complaints.join('\n'),
      /is not served, because option \w+ cannot be used: it would be made oth/,
    );
  });
}

test('without a key file, with a key instead of its path, or where it is not known whether, it is not served', () => {
  const missing = read("option create '1'");
  assert.equal(missing.served, false);
  assert.match(missing.complaints.join(), /private_key_file: is missing, which option create '1' needs/);
  const key = read("option create '1'", `option private_key_file '${KEY}'`);
  assert.equal(key.served, false);
  assert.match(key.complaints.join(), /private_key_file: is a value of 44 characters: expected the path/);
  assert.ok(!inspect(key).includes(KEY));
  const maybe = read("option create 'maybe'");
  assert.equal(maybe.served, false);
  assert.match(maybe.complaints.join(), /it is not known whether to make it/);
});

test('what belongs to it has no effect without it, and that is said', () => {
  const { served, complaints } = read(
    "option mtu '1400'",
    "list addresses '10.0.0.2'",
    "option private_key 'x'",
  );
  assert.equal(served, true);
  assert.equal(
    complaints.filter((line) => line.includes("has no effect without option create '1'")).length,
    2,
  );
  assert.match(complaints.join(), /option private_key: has no effect here: .*private_key_file/);
});

test('a private key is read as wg genkey writes it, and never shown', () => {
  assert.equal(readPrivateKey(file('good', `${KEY}\n`)).reveal(), KEY);
  assert.ok(!inspect(readPrivateKey(file('good', KEY))).includes(KEY));
  for (const [name, text, message] of [
    ['short', KEY.slice(1), /holds no private key: it has length 43/],
    ['hexadecimal', 'ab'.repeat(32), /holds no private key: it is in hexadecimal digits/],
    ['empty', '', /holds no private key: it has length 0/],
    ['zero', `${'A'.repeat(43)}=`, /holds no private key: it is all zeros/],
    ['two', `${KEY}\n${KEY}\n`, /holds no private key: it has a character at place 45/],
    ['long', KEY.repeat(1000), /cannot be read \(EFBIG\)/],
  ] as const) {
    const path = file(name, text);
    assert.throws(
      () => readPrivateKey(path),
      (error) =>
        error instanceof ConfigFileError &&
        error.message.startsWith(`${path}: `) &&
        message.test(error.message) &&
        !error.message.includes(KEY.slice(1)),
    );
  }
  assert.throws(
    () => readPrivateKey(`${folder}/none`),
    /none: does not exist: expected the private key there/,
  );
  assert.throws(() => readPrivateKey(folder), /cannot be read \(EISDIR\)/);
});

const link: Link = { index: 7, name: 'vpn', kind: 'wireguard', flags: 1, up: true, mtu: 1420, group: 51887 };

test('check: what keeps an interface from being made as it is meant', () => {
  const good = {
    privateKeyFile: file('checked', KEY),
    addresses: [{ address: 'fd00::2', prefixLength: 128 }],
    ...{ mtu: 1280, listenPort: undefined, fwmark: undefined },
  };
  const found = (change: Partial<typeof good> = {}, there: Link | undefined = undefined) =>
    checkCreation({ ...good, ...change }, there).map(({ severity, message }) => `${severity} ${message}`);
  assert.deepEqual(found(), []);
  assert.deepEqual(found({}, link), []);
  assert.match(
    found({}, { ...link, group: 0 }).join(),
    /^warning somebody else has made vpn, so option create/,
  );
  assert.match(found({ mtu: 1279 }).join(), /^error with an mtu of 1279 .* fd00::2/);
  assert.match(found({ privateKeyFile: `${folder}/none` }).join(), /^error .*none: does not exist/);
  const open = file('open', KEY, 0o644);
  assert.match(
    found({ privateKeyFile: open }).join(),
    /^warning the private key in .*open can be read by everybody/,
  );
  symlinkSync(good.privateKeyFile, `${folder}/link`);
  assert.deepEqual(found({ privateKeyFile: `${folder}/link` }), []);
});
