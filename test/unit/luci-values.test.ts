// What LuCI's forms say of a value: the very words of the daemon's own parser.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Config, parseUci } from '../../src/config/index.js';
import { INTERFACE_OPTIONS, PEER_OPTIONS } from '../../src/config/options.js';
import { uciWord } from '../../src/uci/write.js';
import { openPage } from '../support/luci/page.js';
import { routerOf } from '../support/luci/router.js';

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const page = await openPage('wgpeerselector/config', routerOf([]));
after(() => page.close());

type Case = readonly [section: 'peer' | 'interface', option: string, text: string];

/** What the daemon says of a value, or null. Whatever name a routing table has, it is there. */
function told([section, option, text]: Case): string | null {
  const others = { enabled: '1', ifname: 'vpn', public_key: KEY, endpoint: 'gw:1' };
  const options = { ...(section === 'peer' ? others : {}), [option]: text };
  const lines = Object.entries(options).map(([name, value]) => `\toption ${name} ${uciWord(value)}\n`);
  const uci = parseUci(`config ${section} 'one'\n${lines.join('')}`);
  const { problems } = new Config(uci, 'file', () => 1000);
  return problems.find((each) => each.option === option && each.severity === 'error')?.message ?? null;
}

/** What LuCI's forms say of values. */
function toldByLuci(cases: readonly Case[]): Promise<(string | null)[]> {
  return page.run(async ({ require }, all) => {
    const values = await require('wgpeerselector.values');
    return all.map(([section, option, text]) => values[section][option](text));
  }, cases);
}

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  ifname: ['vpn', 'wg-vpn', '.', '..', 'a/b', 'a:b', '1234567890123456', 'üüüüüüüü', 'a b'],
  key: [
    KEY,
    KEY.slice(0, -1),
    KEY.slice(1),
    `${'A'.repeat(43)}=`,
    KEY.replace('0=', '1='),
    KEY.replace('W0=', '===').slice(-44),
    'ab'.repeat(32),
    `${KEY} `,
    `-${KEY.slice(1)}`,
    `${KEY.slice(0, 42)}==`,
  ],
  endpoint: [
    ...['gw.example.org:51820', 'gw', 'gw:', 'gw:0', 'gw:65536', ':51820', '192.0.2.1:51820', '192.0.2.01:1'],
    ...[
      '[2001:db8::1]:51820',
      '2001:db8::1',
      '[2001:db8::1]',
      '[fe80::1%eth0]:51820',
      '[fe80::1%]:1',
      '[::1]:1',
    ],
    ...['[::ffff:192.0.2.1]:1', '[ff02::1]:1', '0.0.0.0:1', '0.1.2.3:1', '224.0.0.1:1', '255.255.255.255:1'],
    ...[
      'a..b:1',
      '-a:1',
      'a_b.c.:1',
      'ä.de:1',
      `${'a'.repeat(64)}:1`,
      `${'a.'.repeat(128)}:1`,
      'a.1:1',
      '1:1',
    ],
    ...['[::]:1', '[64:ff9b::7f00:1]:1', '[64:ff9b::]:1', 'gw:1,gw2:2', 'gw:1;', 'http://gw:1', `${KEY}:1`],
    ...[
      '[1:2:3:4:5:6:7::]:1',
      '[1::2::3]:1',
      '[1:2:3:4:5:6:7:8:9]:1',
      '[::1.2.3.4]:1',
      '[1:::2]:1',
      '[:1::2]:1',
    ],
    ...['[1:2:3:4:5:6:1.2.3.4]:1', '[1.2.3.4::]:1', '[12345::]:1', '[::1.2.3.04]:1', '[]:1', '[1::2]x', '[x'],
  ],
  allowed: [
    ...[
      '0.0.0.0/0',
      '::/0',
      '10.0.0.0/8',
      '10.1.2.3',
      'fd00::/64',
      'any',
      'ALL',
      'default',
      '10.0.0.0/33',
      '10/8',
    ],
    ...[
      '::/129',
      '::/',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      'fe80::1%eth0/64',
      '::0/0',
      '10.0.0.0/008',
      '1.2.3.4,::',
      'x',
    ],
  ],
  inner: [
    '10.0.0.1',
    'fd00::1',
    'fe80::1',
    '127.0.0.1',
    '::',
    '::1',
    '::2',
    '0.0.0.1',
    'fe80::1%wg',
    '10.0.0.1/8',
    'x',
    'ff02::1',
  ],
  number: [
    '0',
    '1',
    '4',
    '5',
    '9',
    '10',
    '59',
    '60',
    '100',
    '101',
    '3600',
    '3601',
    '65535',
    '65536',
    '86400',
    '86401',
    '4294967295',
  ],
  odd: [
    '4294967296',
    '31536000',
    '31536001',
    'off',
    'OFF',
    '-1',
    '1.5',
    '007',
    '000',
    '5s',
    '0x10',
    'x\u200by',
    '1e3',
    '9'.repeat(16),
  ],
  table: [
    'main',
    'default',
    'local',
    'mine',
    '254',
    '0',
    '0x64',
    '0xfg',
    '010',
    '+1',
    '-1',
    '1000',
    '4294967296',
    '99999999999',
  ],
};
const ALL = Object.values(EXAMPLES).flat();

/** The options that forms check by themselves; a yes or no and a choice cannot be wrong there. */
const OPTIONS = [
  ...Object.keys(PEER_OPTIONS).map((option) => ['peer', option] as const),
  ...Object.keys(INTERFACE_OPTIONS).map((option) => ['interface', option] as const),
];
const checked: (readonly ['peer' | 'interface', string])[] = [];
for (const [section, option] of OPTIONS) {
  const has = await page.run(
    async ({ require }, ...[of, name]) => Boolean((await require('wgpeerselector.values'))[of][name]),
    section,
    option,
  );
  if (has) checked.push([section, option]);
}

/**
 * Spaces separate the entries of a list, and a line ends a value; neither can be entered as part of one. ipaddr.js reads ::192.0.2.1, a form that
 * RFC 4291 gave up, as ::ffff:192.0.2.1.
 */
function usable(text: string): boolean {
  return text !== '' && !/[\s\0]|(?<![0-9a-f:])::[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/i.test(text);
}

test('of every example for every option LuCI says what check says', async () => {
  const cases = checked.flatMap(([section, option]) =>
    ALL.filter(usable).map((text): Case => [section, option, text]),
  );
  const said = await toldByLuci(cases);
  assert.deepEqual(
    cases.map((each, at) => [...each, said[at]]),
    cases.map((each) => [...each, told(each)]),
  );
  // Both say something of much, and nothing of much.
  assert.ok(said.filter((message) => message === null).length > 100);
  assert.ok(new Set(said).size > 300);
});

test('of values that nobody thought of, too', async () => {
  const example = fc.constantFrom(...ALL);
  const mutated = fc
    .tuple(example, fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }), fc.boolean())
    .map(([text, place, put, instead]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + put + text.slice(at + (instead ? 1 : 0));
    });
  const text = fc.oneof(
    mutated,
    fc.string({ unit: 'binary' }),
    fc.ipV6().map((ip) => `[${ip}]:1`),
    fc.ipV6(),
  );
  const one = fc.tuple(fc.constantFrom(...checked), text.filter(usable));
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 20, maxLength: 50 }), async (tuples) => {
      const cases = tuples.map(([[section, option], value]): Case => [section, option, value]);
      const said = await toldByLuci(cases);
      for (const [at, each] of cases.entries()) assert.deepEqual([...each, said[at]], [...each, told(each)]);
    }),
  );
});

test('a full tunnel in a table of the kernel is refused with the words of check', async () => {
  for (const table of ['254', '0xfd', 'main', 'local', '1000', 'mine']) {
    const uci = parseUci(`config interface 'vpn'\n\toption full_tunnel '1'\n\toption table '${table}'\n`);
    const { problems } = new Config(uci, 'file', () => 1000);
    const said = await page.run(
      async ({ require }, text) => (await require('wgpeerselector.values')).fullTunnelTable(text, 'vpn'),
      table,
    );
    assert.equal(said, problems.find(({ option }) => option === 'table')?.message ?? null, table);
  }
});
