// LuCI's import of wg-quick's files: the result of `wgpeerselector import`, and what the dialog makes of it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { importFiles, type WgQuickFile } from '../../src/cli/import/import.js';
import { formatProblem, parseUci } from '../../src/config/index.js';
import { parseWgQuick, WG_QUICK_KEYS, WgQuickError } from '../../src/wg-quick/wg-quick.js';
import { root } from '../support/documents.js';
import { openPage } from '../support/luci/page.js';
import { routerOf } from '../support/luci/router.js';

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const folder = `${root}test/fixtures/wg-quick`;
const fixtures = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(`${folder}/${name}`, 'utf8'),
}));

const network = "config interface 'vpn'\n\toption proto 'wireguard'\n";
const page = await openPage('wgpeerselector/config', routerOf([], { network }));
after(() => page.close());

interface File {
  readonly name: string;
  readonly text: string;
}

interface Result {
  readonly peers: readonly { readonly name: string; readonly options: Record<string, unknown> }[];
  readonly fullTunnel: boolean;
  readonly said: readonly string[];
}

/** In LuCI there is no output. */
function withoutOutput(said: string): string {
  return said.replace(', whose the output has', ': expected one set of addresses, which the interface has');
}

/** What `wgpeerselector import` makes of files. */
function byCommand(files: readonly File[], ifname: string): Result {
  const errors: string[] = [];
  const read = files.flatMap(({ name, text }): WgQuickFile[] => {
    try {
      return [{ path: name, sections: parseWgQuick(text, { file: name }) }];
    } catch (error) {
      if (!(error instanceof WgQuickError)) throw error;
      errors.push(`error ${error.message}`);
      return [];
    }
  });
  const { text, problems } = importFiles(read, ifname);
  const { sections } = parseUci(text);
  return {
    peers: sections
      .filter(({ type }) => type === 'peer')
      .map(({ name, options }) => ({
        name,
        options: Object.fromEntries([...options].map(([option, { value }]) => [option, value])),
      })),
    fullTunnel: sections.some(({ options }) => options.get('full_tunnel')?.value === '1'),
    said: [...errors, ...problems.map((one) => withoutOutput(`${one.severity} ${formatProblem(one)}`))],
  };
}

/** What LuCI makes of them, in a configuration where there is nothing yet. */
function byLuci(files: readonly File[], ifname: string): Promise<Result> {
  return page.run(
    async ({ require }, all, name) => {
      const { peers, fullTunnel, problems } = (await require('wgpeerselector.importer')).importFiles(
        all,
        name,
        [],
        () => false,
      );
      const told = problems.map(
        (one: {
          severity: string;
          file: string;
          line: number | null;
          key: string | null;
          message: string;
        }) => {
          const place = one.line === null ? one.file : `${one.file}:${one.line}`;
          const shown = one.key !== null && one.key.length > 80 ? `${one.key.slice(0, 80)}...` : one.key;
          return `${one.severity} ${[place, shown, one.message].filter((part) => part !== null).join(': ')}`;
        },
      );
      return { peers, fullTunnel, said: told };
    },
    files,
    ifname,
  );
}

test('every fixture, alone and with all others, is imported as the command does', async () => {
  for (const files of [...fixtures.map((one) => [one]), fixtures, [...fixtures].reverse()]) {
    for (const ifname of ['vpn', 'wg-vpn', 'home_office']) {
      const result = await byLuci(files, ifname);
      assert.deepEqual(result, byCommand(files, ifname));
      assert.equal(result.peers.length, files.length);
    }
  }
});

test('and so is what no provider would write', async () => {
  const value = fc.oneof(
    fc.constantFrom(
      KEY,
      KEY.slice(1),
      'gw:1',
      'gw:1, gw2:2',
      '[fe80::0001]:0001',
      '0.0.0.0/0',
      '10.0.0.0/8, ::/0',
    ),
    fc.constantFrom(
      'off',
      '25',
      '0x10',
      'auto',
      '',
      '10.0.0.1/24,fd00::1',
      '10.0.0.1/33',
      "a'b",
      '# none',
      '::/00',
    ),
    fc.string({ maxLength: 5 }),
  );
  const key = fc.constantFrom(
    ...WG_QUICK_KEYS.Interface,
    ...WG_QUICK_KEYS.Peer,
    'jc',
    'public key',
    'constructor',
  );
  const entry = fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`);
  const peer = fc
    .tuple(fc.boolean(), fc.array(entry, { maxLength: 4 }))
    .map(([good, more]) => [
      '[Peer]',
      ...(good ? [`PublicKey=${KEY}`, 'Endpoint = [fe80::1]:1', 'AllowedIPs = ::/0'] : []),
      ...more,
    ]);
  const text = fc
    .tuple(fc.array(entry, { maxLength: 4 }), fc.array(peer, { maxLength: 3 }))
    .map(([own, peers]) => ['[ INTERFACE ]', ...own, ...peers.flat()].join('\n'));
  const name = fc.constantFrom('a.conf', 'b/a.CONF', '--.conf', 'ü 1.conf', 'vpn.conf', 'a\u200b');
  const files = fc.array(fc.record({ name, text }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(files, async (all) => {
      // A file of each name, as in a folder.
      const each = [...new Map(all.map((file) => [file.name, file])).values()];
      assert.deepEqual(await byLuci(each, 'vpn'), byCommand(each, 'vpn'));
    }),
  );
});

test('what is no such file is told with its line, and the others are imported', async () => {
  const [first] = fixtures;
  assert.ok(first);
  const broken = [
    'PublicKey = x',
    '[Interface]\n\nhello',
    '[Peers]',
    `[Interface]\n${KEY}`,
    '[Interface]\nMTU=1\0',
  ];
  for (const text of broken) {
    const files: File[] = [{ name: 'f', text }, first];
    const result = await byLuci(files, 'vpn');
    assert.deepEqual(result, byCommand(files, 'vpn'));
    assert.match(result.said[0] ?? '', /^error f:\d: /);
  }
});

test('the dialog: files that fall into it are shown as what they become, and added when that is asked for', async () => {
  const dialog = await openPage('wgpeerselector/config', routerOf([], { network, wgpeerselector: '' }));
  assert.ok(await dialog.press('Import files of wg-quick…'));
  assert.ok(!(await dialog.press('Add peers')));
  const chosen = fixtures.filter(({ name }) => /^(mullvad|home)/.test(name));
  await dialog.drop(chosen);
  await dialog.sees('Peers to add: home_office, mullvad_se_got_wg_001, mullvad_se_got_wg_002');
  await dialog.sees('All traffic is meant to go through the tunnel');
  await dialog.sees('mullvad-se-got-wg-001.conf:5: DNS: is left out');
  assert.ok(await dialog.press('Add peers'));
  const added = await dialog.run(async ({ require }) => {
    const uci = await require('uci');
    const all = [...uci.sections('wgpeerselector', 'peer'), ...uci.sections('wgpeerselector', 'interface')];
    return all.map(({ '.name': name, enabled, ifname, full_tunnel }) => [name, enabled, ifname, full_tunnel]);
  });
  assert.deepEqual(
    added.map((one) => one.filter((each: unknown) => each !== null && each !== undefined)),
    [
      ...['home_office', 'mullvad_se_got_wg_001', 'mullvad_se_got_wg_002'].map((name) => [name, '1', 'vpn']),
      ['vpn', '1'],
    ],
  );
  await dialog.close();
});

test('what is there already keeps its name, and its key is told', async () => {
  const [first] = fixtures.filter(({ name }) => name.startsWith('ivpn'));
  assert.ok(first);
  const key = byCommand([first], 'vpn').peers[0]?.options.public_key;
  const wgpeerselector = `config peer 'ivpn_nl3'\n\toption ifname 'vpn'\n\toption public_key '${key}'\n`;
  const again = await openPage('wgpeerselector/config', routerOf([], { network, wgpeerselector }));
  assert.ok(await again.press('Import files of wg-quick…'));
  await again.drop([first]);
  await again.sees('Peers to add: ivpn_nl3_2');
  await again.sees("is also the key of peer 'ivpn_nl3'");
  await again.close();
});
