// LuCI's form of the peers and of the settings: which options it has, what it loads, and what it writes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { INTERFACE_OPTIONS, PEER_OPTIONS } from '../../src/config/options.js';
import { root } from '../support/documents.js';
import { openPage } from '../support/luci/page.js';
import { routerOf } from '../support/luci/router.js';

const network =
  "config interface 'vpn'\n\toption proto 'wireguard'\nconfig interface 'lan'\n\toption proto 'static'\n";
const wgpeerselector = `config peer 'one'
	option enabled 'on'
	option ifname 'vpn'
	option endpoint 'gw:1 gw2:2'
	list allowed_ips '10.0.0.0/8 fd00::/8'
	list allowed_ips '::/0'
config peer 'two'
	option ifname 'vpn'
config interface 'vpn'
	option ntp 'no'
	option full_tunnel 'yes'
`;
const page = await openPage('wgpeerselector/config', routerOf([], { network, wgpeerselector }));
after(() => page.close());

/** Options of the daemon that the form leaves as they are. */
const LEFT_OUT = {
  peer: [],
  // On OpenWrt it is netifd that makes the interface, and the form of its protocol WireGuard has these.
  interface: ['create', 'private_key_file', 'addresses', 'mtu', 'listen_port', 'fwmark'],
};

/** The options of a section of the form, with what stands in an empty field. */
function optionsOf(type: 'peer' | 'interface') {
  return page.run(({ map }, wanted) => {
    const section = map().children.find((each: { sectiontype: string }) => each.sectiontype === wanted);
    return section.children.map((each: { option: string; placeholder?: string; default?: string }) => ({
      option: each.option,
      placeholder: each.placeholder ?? null,
      preset: each.default ?? null,
    }));
  }, type) as Promise<{ option: string; placeholder: string | null; preset: string | null }[]>;
}

test('the form has every option of the daemon but those that are left out on purpose', async () => {
  for (const [type, table] of [
    ['peer', PEER_OPTIONS],
    ['interface', INTERFACE_OPTIONS],
  ] as const) {
    const options = (await optionsOf(type)).map(({ option }) => option);
    assert.deepEqual([...options, ...LEFT_OUT[type]].sort(), Object.keys(table).sort());
  }
});

test('an empty field shows what holds then', async () => {
  for (const [type, table] of [
    ['peer', PEER_OPTIONS],
    ['interface', INTERFACE_OPTIONS],
  ] as const) {
    for (const { option, placeholder, preset } of await optionsOf(type)) {
      const { kind, preset: value } = Object.entries(table).find(([name]) => name === option)?.[1] ?? {};
      if (kind?.type === 'boolean') assert.equal(preset, value === true ? '1' : '0', option);
      if (kind?.type === 'choice') assert.equal(preset, value, option);
      if (kind?.type === 'integer' && value !== undefined) assert.equal(placeholder, String(value), option);
    }
  }
});

/** What the form loads of an option. */
function loaded(option: string, name: string): Promise<unknown> {
  return page.run(
    async ({ map }, of, section) => {
      for (const { children } of map().children) {
        for (const each of children)
          if (each.option === of && each.section.sectiontype) return each.load(section);
      }
      return undefined;
    },
    option,
    name,
  );
}

test('what the daemon takes for yes or no is shown as that, and lists in one option are lists', async () => {
  assert.equal(await loaded('enabled', 'one'), '1');
  assert.equal(await loaded('enabled', 'two'), null);
  assert.equal(await loaded('ntp', 'vpn'), '0');
  assert.equal(await loaded('full_tunnel', 'vpn'), '1');
  assert.equal(await loaded('block_when_lost', 'vpn'), null);
  assert.deepEqual(await loaded('endpoint', 'one'), ['gw:1', 'gw2:2']);
  assert.deepEqual(await loaded('allowed_ips', 'one'), ['10.0.0.0/8', 'fd00::/8', '::/0']);
  assert.deepEqual(await loaded('allowed_ips', 'two'), []);
});

/** What the table shows of an option: its text, and how it breaks. */
function shown(option: string, name: string): Promise<unknown> {
  return page.run(
    ({ map }, of, section) => {
      const options = map().children.flatMap((each: { children: unknown[] }) => each.children);
      const node = options.find((each: { option: string }) => each.option === of).textvalue(section);
      return node && [node.textContent, node.style.overflowWrap];
    },
    option,
    name,
  );
}

test('long endpoints break anywhere in the table, so that it is no wider than the page', async () => {
  assert.deepEqual(await shown('endpoint', 'one'), ['gw:1 gw2:2', 'anywhere']);
  assert.deepEqual(await shown('allowed_ips', 'one'), ['10.0.0.0/8 fd00::/8 ::/0', 'anywhere']);
  assert.equal(await shown('allowed_ips', 'two'), null);
});

test('to save changes nothing of what nobody has changed', async () => {
  const read = () =>
    page.run(async ({ require }) => {
      const uci = await require('uci');
      return ['one', 'two'].map((name) => uci.get('wgpeerselector', name, 'enabled') ?? null);
    });
  assert.deepEqual(await read(), ['on', null]);
  await page.run(async ({ map }) => {
    await map().save(null, true);
  });
  assert.deepEqual(await read(), ['on', null]);
});

test('a peer that is made is enabled, and for the WireGuard interface that there is', async () => {
  const made = await page.run(async ({ map, require }) => {
    const uci = await require('uci');
    map().children[0].handleAdd(null, 'three');
    const { enabled, ifname } = uci.get('wgpeerselector', 'three');
    return [enabled, ifname];
  });
  assert.deepEqual(made, ['1', 'vpn']);
});

test('the form refuses what check calls an error, and takes an empty field', async () => {
  for (const [option, text, expected] of [
    [
      'priority',
      '70000',
      "is '70000': expected a priority (smaller is better), a whole number from 0 to 65535",
    ],
    ['priority', '', true],
    ['endpoint', 'gw', "is 'gw', without a port: expected host:port, as in gw.example.org:51820"],
    ['endpoint', 'gw:1', true],
    [
      'allowed_ips',
      '10.0.0.0/33',
      "'10.0.0.0/33' has no usable prefix: expected a number from 0 to 32 behind the /",
    ],
    ['max_age', '59', "is '59': expected 0 for off, or seconds, a whole number from 60 to 31536000"],
    [
      'table',
      'main',
      "is one of the kernel's own, so vpn is not served: expected a table of its own for full_tunnel, or none: it is 51887 then",
    ],
    ['table', '1000', true],
  ] as const) {
    const said = await page.run(
      ({ map }, of, value) => {
        const options = map().children.flatMap((section: { children: unknown[] }) => section.children);
        const known = options.find((each: { option: string }) => each.option === of);
        return known.validate('vpn', value);
      },
      option,
      text,
    );
    assert.equal(said, expected, `${option} ${text}`);
  }
});

test("the protocol's form has the options of its handler but those that are left out on purpose", async () => {
  const handler = readFileSync(`${root}openwrt/files/lib/netifd/proto/wgpeerselector.sh`, 'utf8');
  const known = [...handler.matchAll(/^\tproto_config_add_\w+ (\w+)$/gm)].map(([, option]) => option);
  const options = await page.run(async ({ require }) => {
    const made: string[] = [];
    const section = {
      taboption: (_tab: string, _type: unknown, name: string) => {
        made.push(name);
        return {};
      },
    };
    const protocol = await require('protocol.wgpeerselector');
    (protocol.prototype ?? protocol).renderFormOptions(section);
    return made;
  });
  // It has no effect.
  assert.deepEqual([...options, 'transitive'].sort(), known.sort());
});
