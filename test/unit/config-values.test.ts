import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllowedIp } from '../../src/config/allowed-ips.js';
import { formatEndpoint, lacksZone, parseEndpoint } from '../../src/config/endpoint.js';
import { parseKey, parsePublicKey } from '../../src/config/key.js';
import { BadValue, formatProblem, nearest, quote } from '../../src/config/problem.js';
import { findTable, parseTable } from '../../src/config/routing-table.js';
import { parseBoolean, parseHostName, parseIfname, parseInteger } from '../../src/config/values.js';
import { specialAddress } from '../../src/special-address.js';

/** The message with which a parser refuses a text. */
function refusal(parse: (text: string) => unknown, text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BadValue, String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: `taken: ${JSON.stringify(text)}` });
}

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';

test('a key is taken as wg(8) writes it', () => {
  assert.equal(parseKey(KEY), KEY);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      assert.equal(parseKey(text), text);
    }),
  );
});

test('a key that is none: the message says why, and does not show it', () => {
  const expected = 'expected 32 bytes in base64, 44 characters of which the last is =';
  const cases: [string, string][] = [
    ['', `has length 0: ${expected}`],
    [KEY.slice(0, -1), `lacks the = at its end: ${expected}`],
    [KEY.slice(1), `has length 43: ${expected}`],
    [`${KEY}=`, `has length 45: ${expected}`],
    [`${KEY.slice(0, -1)}A`, `is not padded as 32 bytes are: ${expected}`],
    [`${KEY.slice(0, -2)}==`, `is not padded as 32 bytes are: ${expected}`],
    [KEY.replace('+', '-'), `has a character at place 14 that base64 does not have: ${expected}`],
    [` ${KEY}`, `has a character at place 1 that base64 does not have: ${expected}`],
    [
      KEY.replace('0=', '1='),
      'ends in 1=, which no key can: expected one of AEIMQUYcgkosw048 before the = (it was cut off or mistyped)',
    ],
  ];
  for (const [text, message] of cases) {
    assert.equal(refusal(parseKey, text), message);
    assert.ok(!message.includes(KEY.slice(4, 12)));
  }
});

test('a public key of zeros is refused; as a preshared key it is what the kernel calls none', () => {
  const zeros = `${'A'.repeat(43)}=`;
  assert.equal(refusal(parsePublicKey, zeros), 'is all zeros: expected the public key of a peer');
  assert.equal(parseKey(zeros), zeros);
});

test('endpoints in all their forms', () => {
  assert.deepEqual(parseEndpoint('gw.example.org:51820'), {
    host: 'gw.example.org',
    port: 51820,
    kind: 'name',
  });
  assert.deepEqual(parseEndpoint('gw_1.example.org.:1'), {
    host: 'gw_1.example.org.',
    port: 1,
    kind: 'name',
  });
  assert.deepEqual(parseEndpoint('localhost:65535'), { host: 'localhost', port: 65535, kind: 'name' });
  assert.deepEqual(parseEndpoint('192.0.2.1:51820'), { host: '192.0.2.1', port: 51820, kind: 'ipv4' });
  assert.deepEqual(parseEndpoint('[2001:DB8:0::1]:51820'), {
    host: '2001:db8::1',
    port: 51820,
    kind: 'ipv6',
  });
  assert.deepEqual(parseEndpoint('[fe80::1%eth0]:51820'), {
    host: 'fe80::1',
    port: 51820,
    kind: 'ipv6',
    zone: 'eth0',
  });
  for (const text of ['gw.example.org:51820', '192.0.2.1:1', '[2001:db8::1]:2', '[fe80::1%eth0.7]:3']) {
    assert.equal(formatEndpoint(parseEndpoint(text)), text);
  }
  assert.equal(lacksZone(parseEndpoint('[fe80::1]:1')), true);
  assert.equal(lacksZone(parseEndpoint('[fe80::1%2]:1')), false);
  assert.equal(lacksZone(parseEndpoint('[fd00::1]:1')), false);
});

test('an endpoint that is none: the message says what to write', () => {
  const cases: [string, string][] = [
    [
      '2001:db8::1:51820',
      "is '2001:db8::1:51820': expected an IPv6 address in brackets, as in [2001:db8::1]:51820",
    ],
    ['::1', "is '::1': expected an IPv6 address in brackets, as in [2001:db8::1]:51820"],
    ['gw.example.org', "is 'gw.example.org', without a port: expected host:port, as in gw.example.org:51820"],
    ['[2001:db8::1]', "is '[2001:db8::1]', without a port: expected host:port, as in gw.example.org:51820"],
    ['gw:0', "is 'gw:0': expected a port from 1 to 65535 behind the last colon"],
    ['gw:65536', "is 'gw:65536': expected a port from 1 to 65535 behind the last colon"],
    ['gw:', "is 'gw:': expected a port from 1 to 65535 behind the last colon"],
    ['gw:5182O', "is 'gw:5182O': expected a port from 1 to 65535 behind the last colon"],
    ['[::1]51820', "is '[::1]51820': expected a port from 1 to 65535 behind the last colon"],
    [':51820', "is ':51820': expected a host before the colon"],
    [
      '300.1.1.1:1',
      "'300.1.1.1' is no IPv4 address: expected four numbers from 0 to 255, without leading zeros",
    ],
    [
      '010.1.1.1:1',
      "'010.1.1.1' is no IPv4 address: expected four numbers from 0 to 255, without leading zeros",
    ],
    ['10.1.1:1', "'10.1.1' is no IPv4 address: expected four numbers from 0 to 255, without leading zeros"],
    ['0.0.0.0:1', "'0.0.0.0' stands for no host: expected the address of one"],
    ['0.1.2.3:1', "'0.1.2.3' stands for no host: expected the address of one"],
    ['[::]:1', "'::' stands for no host: expected the address of one"],
    ['255.255.255.255:1', "'255.255.255.255' stands for every host: expected the address of one"],
    ['[64:ff9b::]:1', "'64:ff9b::' stands for no host: expected the address of one"],
    ['224.0.0.1:1', "'224.0.0.1' stands for a group of hosts: expected the address of one"],
    ['[ff02::1]:1', "'ff02::1' stands for a group of hosts: expected the address of one"],
    ['[192.0.2.1]:1', "'192.0.2.1' is no IPv6 address: expected one between the brackets"],
    [
      '[::ffff:192.0.2.1]:1',
      "'::ffff:192.0.2.1' is an IPv4-mapped address: expected 192.0.2.1, without brackets",
    ],
    ['[fe80::1%]:1', "'fe80::1%' has no usable zone: expected an interface behind the %, as in fe80::1%eth0"],
    ['-gw.example.org:1', "'-gw.example.org' is no host name: expected no - next to a dot or at the ends"],
    ['gw..example.org:1', "'gw..example.org' is no host name: expected at least one character between dots"],
    ['gw;reboot:1', "'gw;reboot' is no host name: expected only letters, digits, - and dots"],
    ['bücher.example:1', "'bücher.example' is no host name: expected its ASCII form (xn--...)"],
  ];
  for (const [text, message] of cases) assert.equal(refusal(parseEndpoint, text), message);
});

test('addresses that can be no gateway are told, wherever they are hidden', () => {
  for (const [address, kind] of [
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['224.0.0.251', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:224.0.0.1', 'multicast'],
    ['::ffff:255.255.255.255', 'broadcast'],
    ['::ffff:192.0.2.1', 'mapped'],
    ['64:ff9b::', 'unspecified'],
    ['64:ff9b::7f00:1', 'loopback'],
  ] as const) {
    assert.equal(specialAddress(address), kind, address);
  }
  for (const address of [
    '192.0.2.1',
    '10.0.0.1',
    '169.254.1.1',
    '100.64.0.1',
    '198.18.0.1',
    '2001:db8::1',
    'fd00::1',
    'fe80::1',
    '64:ff9b::c000:201',
    '2002:c000:201::1',
    'no address',
  ]) {
    assert.equal(specialAddress(address), undefined, address);
  }
});

test('loopback may be written as an endpoint: udp2raw and its like listen there', () => {
  assert.equal(parseEndpoint('127.0.0.1:51820').host, '127.0.0.1');
  assert.equal(parseEndpoint('[::1]:51820').host, '::1');
});

test('host names have the lengths of DNS', () => {
  const label = 'a'.repeat(63);
  const longest = [label, label, label, 'a'.repeat(61)].join('.');
  assert.equal(parseHostName(longest), longest);
  assert.equal(parseHostName(`${longest}.`), `${longest}.`);
  assert.match(refusal(parseHostName, `${longest}a`), /expected at most 253 characters$/);
  assert.match(refusal(parseHostName, `${label}a.org`), /expected at most 63 characters between dots$/);
  assert.match(refusal(parseHostName, '.'), /expected at least one character between dots$/);
});

test('allowed IPs become canonical, host bits masked', () => {
  const cases: [string, string][] = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['10.1.2.3/032', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/31', '255.255.255.254/31'],
    ['::/0', '::/0'],
    ['FE80::1/128', 'fe80::1/128'],
    ['fd00:0:0:0::1', 'fd00::1/128'],
    ['fd00::1:2:3:4/65', 'fd00::/65'],
    ['::ffff:192.0.2.1', '::ffff:c000:201/128'],
  ];
  for (const [text, expected] of cases) assert.equal(parseAllowedIp(text), expected);
});

test('an allowed IP that is none: the message says what to write', () => {
  const address = 'is no address: expected address or address/prefix, as in 10.0.0.0/8 or fd00::/64';
  const cases: [string, string][] = [
    ['10.0.0/8', `'10.0.0/8' ${address}`],
    ['gw.example.org', `'gw.example.org' ${address}`],
    ['fe80::1%eth0/64', `'fe80::1%eth0/64' ${address}`],
    ['10.0.0.1-10.0.0.2', `'10.0.0.1-10.0.0.2' ${address}`],
    ['10.0.0.0/33', "'10.0.0.0/33' has no usable prefix: expected a number from 0 to 32 behind the /"],
    ['fd00::/129', "'fd00::/129' has no usable prefix: expected a number from 0 to 128 behind the /"],
    ['10.0.0.0/', "'10.0.0.0/' has no usable prefix: expected a number from 0 to 32 behind the /"],
    [
      '10.0.0.0/255.0.0.0',
      "'10.0.0.0/255.0.0.0' has no usable prefix: expected a number from 0 to 32 behind the /",
    ],
  ];
  for (const [text, message] of cases) assert.equal(refusal(parseAllowedIp, text), message);
});

test('property: a canonical allowed IP is canonical', () => {
  const entry = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(entry, ([address, prefix]) => {
      const once = parseAllowedIp(`${address}/${prefix}`);
      assert.equal(parseAllowedIp(once), once);
      assert.ok(once.endsWith(`/${prefix}`));
    }),
  );
});

test('property: no text makes a parser throw anything but BadValue', () => {
  const parsers = [
    parseKey,
    parsePublicKey,
    parseEndpoint,
    parseAllowedIp,
    parseBoolean,
    parseIfname,
    parseHostName,
  ];
  const pieces = fc.constantFrom('[', ']', ':', '::', '%', '/', '.', '1', '255', 'fe80', 'a', '-', ' ');
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 16 }).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom(...parsers), (input, parse) => {
      try {
        parse(input);
      } catch (error) {
        assert.ok(error instanceof BadValue, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("booleans are OpenWrt's", () => {
  for (const text of ['1', 'on', 'true', 'yes', 'enabled']) assert.equal(parseBoolean(text), true);
  for (const text of ['0', 'off', 'false', 'no', 'disabled']) assert.equal(parseBoolean(text), false);
  const expected = 'expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)';
  assert.equal(refusal(parseBoolean, 'Yes'), `is 'Yes': ${expected}`);
  assert.equal(refusal(parseBoolean, '2'), `is '2': ${expected}`);
});

test('numbers are whole, in range, and in digits only', () => {
  const parse = (text: string): number => parseInteger(text, 1, 3600, 'seconds');
  assert.equal(parse('1'), 1);
  assert.equal(parse('3600'), 3600);
  for (const text of ['0', '3601', '-1', '+1', '1.5', '1e2', '0x10', '5s', ' 5', '9'.repeat(30)]) {
    assert.equal(refusal(parse, text), `is '${text}': expected seconds, a whole number from 1 to 3600`);
  }
});

test('interface names are those that the kernel takes', () => {
  for (const text of ['vpn', 'wg-vpn', 'br0.7', 'a'.repeat(15), 'ü'.repeat(7)])
    assert.equal(parseIfname(text), text);
  const expected = 'expected the name of an interface, 1 to 15 characters, without spaces, / and :';
  for (const text of ['a'.repeat(16), 'ü'.repeat(8), '.', '..', 'a b', 'a/b', 'a:b', 'a\tb']) {
    assert.ok(refusal(parseIfname, text).endsWith(expected), text);
  }
});

test('a routing table is a number or a name', () => {
  const find = (name: string) => (name === 'vpn' ? 100 : undefined);
  for (const [text, table] of [
    ['1', 1],
    ['4294967295', 4294967295],
    ['0x64', 100],
    ['0XFFFFFFFF', 4294967295],
    ['main', 254],
    ['default', 253],
    ['local', 255],
    ['vpn', 100],
  ] as const) {
    assert.equal(parseTable(text, find), table);
  }
  const expected =
    'expected a routing table, a number from 1 to 4294967295 or a name from /etc/iproute2/rt_tables';
  for (const text of [
    '0',
    '0x0',
    '4294967296',
    '0x100000000',
    '010',
    '-1',
    '+1',
    '1.5',
    '100a',
    'VPN',
    'off',
    'constructor',
    '',
  ]) {
    assert.equal(
      refusal((each) => parseTable(each, find), text),
      `is '${text}': ${expected}`,
    );
  }
});

test("a routing table's name is looked up where iproute2 does", () => {
  const root = mkdtempSync(join(tmpdir(), 'wgps-tables-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  try {
    assert.equal(findTable('vpn', root), undefined, 'no file at all');
    write('usr/share/iproute2/rt_tables', '254 main\n7 vendor\n');
    write('usr/share/iproute2/rt_tables.d/a.conf', '8 vendor_more\n');
    assert.equal(findTable('vendor', root), 7);
    assert.equal(findTable('vendor_more', root), 8);
    write(
      'etc/iproute2/rt_tables',
      '# reserved\n255\tlocal\n#1 inr\n\n 100  vpn # mine\n0x65 hex\n5 twice\n6 twice\nnonsense\n0 zero\n-3 minus\n',
    );
    write('etc/iproute2/rt_tables.d/b.conf', '200 later');
    write('etc/iproute2/rt_tables.d/README', '300 readme\n');
    for (const [name, table] of [
      ['vpn', 100],
      ['hex', 101],
      ['twice', 5],
      ['later', 200],
      ['vendor_more', 8],
      ['vendor', undefined],
      ['inr', undefined],
      ['readme', undefined],
      ['zero', undefined],
      ['minus', undefined],
      ['', undefined],
    ] as const) {
      assert.equal(findTable(name, root), table, name);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a quoted value shows no key, forges no line and is not endless', () => {
  assert.equal(quote('plain "text"'), `'plain "text"'`);
  assert.equal(quote('a\nb\x1b\x9b\u2028\u202e'), "'a\\u{a}b\\u{1b}\\u{9b}\\u{2028}\\u{202e}'");
  assert.equal(quote(KEY), 'a value of 44 characters');
  assert.equal(quote('a.'.repeat(100)), `'${'a.'.repeat(40)}...'`);
});

test('a mistyped name finds the known one', () => {
  const known = ['enabled', 'ifname', 'public_key', 'preshared_key', 'ntp'];
  assert.equal(nearest('publickey', known), 'public_key');
  assert.equal(nearest('PublicKey', known), 'public_key');
  assert.equal(nearest('enable', known), 'enabled');
  assert.equal(nearest('preshard_key', known), 'preshared_key');
  assert.equal(nearest('NTP', known), 'ntp');
  assert.equal(nearest('mtp', known), undefined);
  assert.equal(nearest('description', known), undefined);
});

test('a problem is one line', () => {
  const place = {
    file: '/etc/config/wgpeerselector',
    line: 12,
    section: "peer 'sn01'",
    option: 'public_key',
  };
  const problem = {
    severity: 'error',
    ifname: 'vpn',
    message: 'is missing: expected a key',
    ...place,
  } as const;
  assert.equal(
    formatProblem(problem),
    "/etc/config/wgpeerselector:12: peer 'sn01', option public_key: is missing: expected a key",
  );
  assert.equal(
    formatProblem({ ...problem, option: undefined }),
    "/etc/config/wgpeerselector:12: peer 'sn01': is missing: expected a key",
  );
  assert.equal(
    formatProblem({ ...problem, line: undefined, section: undefined, option: undefined }),
    '/etc/config/wgpeerselector: is missing: expected a key',
  );
});
