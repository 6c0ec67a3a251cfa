// Files of wg-quick: how they are read and written, what providers' become, and the way there and back.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { importFiles } from '../../src/cli/import/import.js';
import {
  Config,
  formatProblem,
  type PeerConfig,
  parseUci,
  readPrivateKey,
  samePeer,
} from '../../src/config/index.js';
import {
  formatWgQuick,
  parseWgQuick,
  WG_QUICK_KEYS,
  WgQuickError,
  type WgQuickSection,
} from '../../src/wg-quick/wg-quick.js';
import { root } from '../support/documents.js';
import { run } from '../support/play.js';

const folder = mkdtempSync(`${tmpdir()}/wgps-wg-quick-`);
after(() => rmSync(folder, { recursive: true }));

const fixtures = `${root}test/fixtures/wg-quick`;
const router = `${root}dist/router/wgpeerselector`;
const programs = [
  [process.execPath, `${root}dist/bundle/wgpeerselector.js`],
  ...(existsSync(router) ? [[router]] : []),
] as const;

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
const PRIVATE = 'IAZqWHYfEMtKpbbuqSRXAc9xL4bzR/DPfBOR9oGyN1Q=';
const PRESHARED = 'huhsbtkmgWltci4gEhsDoL/0akf8HnfVk+y8eLB/cHE=';

function read(path: string) {
  return { path, sections: parseWgQuick(readFileSync(path), { file: path }) };
}

/** The fixtures of a provider. */
function ofProvider(provider: string): string[] {
  const names = readdirSync(fixtures).filter((name) => name.startsWith(provider));
  assert.ok(names.length > 0, provider);
  return names.sort().map((name) => `${fixtures}/${name}`);
}

/** A file as text, imported alone. */
function imported(text: string, path = 'a.conf') {
  const { problems, ...texts } = importFiles([{ path, sections: parseWgQuick(text) }], 'vpn');
  return { ...texts, said: problems.map((one) => `${one.severity} ${formatProblem(one)}`) };
}

/** The peers of a text for /etc/config/wgpeerselector, which has no fault. */
function peersOf(text: string, ifname = 'vpn'): readonly PeerConfig[] {
  const config = new Config(parseUci(text), 'made');
  assert.deepEqual(config.problems.map(formatProblem), []);
  assert.deepEqual(config.peers(ifname), config.allPeers);
  return config.allPeers;
}

/** Sections without places. */
function content(sections: readonly WgQuickSection[]): unknown {
  return sections.map(({ type, entries }) => [type, entries.map(({ key, value }) => [key, value])]);
}

test('what wg-quick takes is read: capitals, spaces, comments, line ends, several lines of a key', () => {
  const [, peer, ...more] = parseWgQuick(
    `\ufeff# head\r\n [ interface ] # us\r\nprivatekey=${PRIVATE}\r\n[Peer]\nPUBLIC KEY = ${KEY}# theirs\n\tAllowedIPs = 10.0.0.0/8 , fd00::/8\nallowedips=\nJc = 4`,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(peer, {
    type: 'Peer',
    line: 4,
    entries: [
      { key: 'PublicKey', value: KEY, line: 5 },
      { key: 'AllowedIPs', value: '10.0.0.0/8 , fd00::/8', line: 6 },
      { key: 'AllowedIPs', value: '', line: 7 },
      { key: 'Jc', value: '4', line: 8 },
    ],
  });
});

test('what is no line of such a file is an error with file and line, and without what may be a key', () => {
  for (const [text, message] of [
    ['PublicKey = x', 'f:1: stands before the first section: expected [Interface] above it'],
    ['[Interface]\n\nhello', 'f:3: expected [Interface], [Peer], or Key = value'],
    ['[Interface]\n[Peers]', 'f:2: expected [Interface], [Peer], or Key = value'],
    [`[Interface]\n${PRIVATE}`, 'f:2: expected [Interface], [Peer], or Key = value'],
    // Without a + or a / it looks like a name.
    [`[Interface]\n${PRIVATE.replaceAll(/[+/]/g, 'a')}`, 'f:2: expected [Interface], [Peer], or Key = value'],
    ['[Interface]\nMTU = 1\0', 'f:2: a NUL byte: expected a text file'],
  ] as const) {
    assert.throws(
      () => parseWgQuick(text, { file: 'f' }),
      (error) => error instanceof WgQuickError && error.message === message,
      text,
    );
  }
});

test('what is written is read as the same', () => {
  const value = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[#\n\0]/g, '').trim());
  const key = fc.oneof(
    fc.constantFrom(...WG_QUICK_KEYS.Interface, ...WG_QUICK_KEYS.Peer),
    fc.stringMatching(/^[A-Za-z0-9]{1,32}$/),
  );
  const section = fc.record({
    type: fc.constantFrom('Interface' as const, 'Peer' as const),
    entries: fc.array(fc.record({ key, value })),
  });
  fc.assert(
    fc.property(fc.array(section), (sections) => {
      const first = parseWgQuick(formatWgQuick(sections));
      assert.deepEqual(content(parseWgQuick(formatWgQuick(first))), content(first));
      const written = sections.map(({ entries }) => entries.map((entry) => entry.value));
      assert.deepEqual(
        first.map(({ entries }) => entries.map((entry) => entry.value)),
        written,
      );
    }),
  );
});

test("each provider's files become peers without a fault, and what does not fit is told with its line", () => {
  const told = (provider: string) => {
    const { text, problems } = importFiles(ofProvider(provider).map(read), 'vpn');
    const said = problems.map((one) => formatProblem({ ...one, file: one.file.replace(/^.*\//, '') }));
    const peers = peersOf(text).map(({ name, endpoints, allowedIps }) =>
      [name, endpoints[0]?.host, ...allowedIps].join(' '),
    );
    return { peers, said: said.map((line) => line.replace(/ (is|leads|has|belongs) .*?(?= \(and|$)/, '')) };
  };
  assert.deepEqual(told('mullvad'), {
    peers: [
      'mullvad_se_got_wg_001 192.0.2.10 0.0.0.0/0 ::/0',
      'mullvad_se_got_wg_002 192.0.2.11 0.0.0.0/0 ::/0',
    ],
    said: ['mullvad-se-got-wg-001.conf:5: DNS: (and in 1 more file)'],
  });
  assert.deepEqual(told('proton'), {
    peers: ['proton_CH_7 192.0.2.21 0.0.0.0/0 ::/0', 'proton_NL_256 192.0.2.20 0.0.0.0/0 ::/0'],
    said: ['proton-CH-7.conf:10: DNS: (and in 1 more file)', 'proton-NL-256.conf:8: PrivateKey:'],
  });
  assert.deepEqual(told('ivpn'), {
    peers: ['ivpn_nl3 nl3.wg.example.net 0.0.0.0/0 ::/0'],
    said: ['ivpn-nl3.conf:4: DNS:', 'ivpn-nl3.conf:5: ListenPort:'],
  });
  assert.deepEqual(told('home'), {
    peers: ['home_office 2001:db8::7 10.0.0.0/8 fd00::/8'],
    said: [5, 6, 7, 8].map(
      (line, place) => `home office.conf:${line}: ${['MTU', 'Table', 'PostUp', 'SaveConfig'][place]}:`,
    ),
  });
});

test('all that is of a peer gets there', () => {
  const [peer] = peersOf(importFiles(ofProvider('home').map(read), 'vpn').text);
  assert.equal(peer?.publicKey, 'Y+andys9PSIssb7i5x4bwPh8E9fhYdoQiyQ1Ul4S/MY=');
  assert.equal(peer?.presharedKey?.reveal(), PRESHARED);
  assert.deepEqual([peer?.enabled, peer?.persistentKeepalive, peer?.endpoints[0]?.port], [true, 0, 51820]);
});

test('names are those of the files, as UCI takes them, and each once; the interface keeps its own', () => {
  const sections = parseWgQuick(`[Peer]\nPublicKey=${KEY}\nEndpoint=192.0.2.1:1\nAllowedIPs=10.0.0.0/8`);
  const paths = ['a/vpn.conf', 'b/vpn.CONF', 'wg-1.conf', 'wg 1.conf', '--.conf', 'ümlaut', "it's.conf"];
  const { text, problems } = importFiles(
    paths.map((path) => ({ path, sections })),
    'wg-vpn',
  );
  const config = new Config(parseUci(text), 'made');
  const names = config.peers('wg-vpn').map(({ name }) => name);
  assert.deepEqual(names, ['vpn', 'vpn_2', 'wg_1', 'wg_1_2', 'peer', 'mlaut', 'it_s']);
  assert.equal(problems.at(0)?.message, "is also the key of peer 'vpn' (and in 5 more files)");
  const taken = importFiles([{ path: 'vpn.conf', sections }], 'vpn').text;
  assert.deepEqual(
    peersOf(taken).map(({ name }) => name),
    ['vpn_2'],
  );
});

test('a peer that cannot be used is left out, and an error tells why; others stay', () => {
  const peer = `[Peer]\nPublicKey = ${KEY}\nEndpoint = 192.0.2.1:51820\nAllowedIPs = 10.0.0.0/8\n`;
  const broken = peer.replace(KEY, KEY.slice(0, -1)).replace(':51820', '');
  const { text, said } = imported(`${broken}${peer}constructor = 1\n`);
  assert.equal(peersOf(text).length, 1);
  assert.deepEqual(said, [
    'warning a.conf:5: [Peer]: is not the only one in the file, and wgpeerselector holds one peer at a time: expected servers that do the same',
    'error a.conf:2: PublicKey: lacks the = at its end: expected 32 bytes in base64, 44 characters of which the last is =',
    "error a.conf:3: Endpoint: is '192.0.2.1', without a port: expected host:port, as in gw.example.org:51820",
    'warning a.conf:9: constructor: is not known to wg-quick, and left out: expected one of PublicKey, PresharedKey, Endpoint, AllowedIPs, PersistentKeepalive',
  ]);
  assert.deepEqual(imported('[Interface]\n[Peer]\nPublicKey =\n'), {
    text: '',
    shown: '',
    said: [
      'error a.conf:2: PublicKey: is missing: expected the public key of the peer, 44 characters',
      "error a.conf:2: Endpoint: is missing: expected host:port, as in option endpoint 'gw.example.org:51820'",
    ],
  });
  assert.deepEqual(imported('[Interface]\n').said, [
    'error a.conf: has no [Peer]: expected the server that it is for',
  ]);
});

test('peers to which everything goes make a full tunnel of the interface, unless the file has a table for it', () => {
  const full = (allowedIps: string, table = ''): boolean =>
    imported(
      `[Interface]\n${table}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 192.0.2.1:1\nAllowedIPs = ${allowedIps}\n`,
    ).text.includes("\toption full_tunnel '1'\n");
  for (const all of ['0.0.0.0/0', '10.0.0.0/8, ::/0']) assert.ok(full(all), all);
  for (const some of ['10.0.0.0/8', '0.0.0.0/01', 'fd00::/8']) assert.ok(!full(some), some);
  assert.ok(full('::/0', 'Table = auto'));
  for (const table of ['off', '1234']) assert.ok(!full('::/0', `Table = ${table}`));
});

test('nothing that is no address gets into a command', () => {
  const peer = `[Peer]\nPublicKey = ${KEY}\nEndpoint = 192.0.2.1:51820\nAllowedIPs = ::/0\n`;
  const { text, said } = imported(
    `[Interface]\nFwMark = 0xca6c\nAddress = $(reboot), 10.0.0.2\nMTU = 1;reboot\nTable = auto\n${peer}`,
    '-a $(reboot).conf',
  );
  assert.deepEqual(said, [
    'warning -a $(reboot).conf:2: FwMark: belongs to the interface: expected it where that is made',
    'warning -a $(reboot).conf:3: Address: holds what is no address, which is left out',
    'warning -a $(reboot).conf:4: MTU: is no number, and left out',
  ]);
  assert.deepEqual(
    text.split('\n').filter((line) => line.includes('reboot')),
    ["config peer 'a_reboot'"],
  );
  assert.match(text, /^# {3}ip address add 10\.0\.0\.2 dev vpn$/m);
  assert.match(text, /^# {3}wg set vpn fwmark 0xca6c$/m);
  assert.match(text, /^# {3}uci set network\.vpn\.fwmark='0xca6c'$/m);
});

test('the command that the output has for the private key finds it in its file', () => {
  const lines = [`PrivateKey = ${PRIVATE}`, `private key=${PRIVATE}# ours`, `\t PRIVATEKEY =\t${PRIVATE} \r`];
  for (const [number, line] of lines.entries()) {
    const path = `${folder}/it's ${number}.conf`;
    writeFileSync(
      path,
      `[Interface]\n# PrivateKey = no\n${line}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = h:1\nAllowedIPs = fd00::/8\n`,
    );
    const { text } = importFiles([read(path)], 'vpn');
    assert.ok(!text.includes(PRIVATE));
    const commands = [...text.matchAll(/(?:^# {3}|\$\()(sed .*?)(?: \| wg .*|\)")$/gm)];
    assert.equal(commands.length, 2);
    for (const [, command = ''] of commands) {
      const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
      assert.deepEqual([stdout, stderr], [`${PRIVATE}\n`, ''], command);
    }
  }
});

test('with --create the daemon makes the interface: its settings are options, and a command takes its key into a file', async () => {
  const path = `${folder}/made.conf`;
  writeFileSync(
    path,
    `[Interface]\nPrivateKey = ${PRIVATE}\nAddress = 10.0.0.2/24, fd00::2\nMTU = 1380\nFwMark = 0x10\nListenPort = 0\n[Peer]\nPublicKey = ${KEY}\nEndpoint = h:1\nAllowedIPs = fd00::/8\n`,
  );
  for (const [program = '', ...first] of programs) {
    const { status, stdout, stderr } = await run(
      program,
      ...first,
      'import',
      '--create',
      '-i',
      'wg-vpn',
      path,
    );
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(!stdout.includes(PRIVATE));
    const config = new Config(parseUci(stdout), 'made');
    assert.deepEqual(config.problems.map(formatProblem), []);
    assert.deepEqual(config.interface('wg-vpn').creation, {
      privateKeyFile: '/etc/wgpeerselector/wg-vpn.key',
      addresses: [
        { address: '10.0.0.2', prefixLength: 24 },
        { address: 'fd00::2', prefixLength: 128 },
      ],
      ...{ mtu: 1380, listenPort: undefined, fwmark: 16 },
    });
    const [, command = ''] = /^# {3}(\(umask 027; .*\))$/m.exec(stdout) ?? [];
    const here = command.replaceAll('/etc/wgpeerselector', `${folder}/keys`);
    const done = spawnSync('sh', ['-c', here], { encoding: 'utf8' });
    assert.deepEqual([done.stdout, done.stderr], ['', '']);
    assert.equal(readPrivateKey(`${folder}/keys/wg-vpn.key`).reveal(), PRIVATE);
    assert.equal(statSync(`${folder}/keys/wg-vpn.key`).mode & 0o777, 0o640);
  }
});

test('import, export and import again give the same peers', async () => {
  const before = readdirSync(fixtures).map((name) => `${fixtures}/${name}`);
  // Each start of Node takes a while, and there are many.
  for (const [program = '', ...first] of programs.slice(-1)) {
    const made = await run(program, ...first, 'import', ...before);
    assert.equal(made.status, 0, made.stderr);
    writeFileSync(`${folder}/wgpeerselector`, made.stdout);
    const peers = peersOf(made.stdout);
    assert.equal(peers.length, before.length);
    const exported: string[] = [];
    for (const { name } of peers) {
      const { status, stdout } = await run(program, ...first, 'export', name, '--config-dir', folder);
      assert.equal(status, 0);
      exported.push(`${folder}/${name}.conf`);
      writeFileSync(`${folder}/${name}.conf`, stdout);
    }
    const again = await run(program, ...first, 'import', ...exported);
    assert.equal(again.status, 0, again.stderr);
    const after = peersOf(again.stdout);
    for (const [place, peer] of peers.entries()) {
      const other = after[place];
      assert.ok(other && samePeer(peer, other), peer.name);
    }
  }
});

test('a file that cannot be used is named, the others are taken, and the exit code says so', async () => {
  const [good = ''] = ofProvider('mullvad');
  const bad = `${folder}/bad.conf`;
  writeFileSync(bad, '[Interface]\n?\n');
  for (const [program = '', ...first] of programs) {
    const { status, stdout, stderr } = await run(
      program,
      ...first,
      'import',
      bad,
      good,
      `${folder}/none.conf`,
    );
    assert.equal(status, 78);
    assert.equal(peersOf(stdout).length, 1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
    assert.equal(errors[0], `error ${bad}:2: expected [Interface], [Peer], or Key = value`);
    assert.match(errors[1] ?? '', /^error \S*none\.conf: cannot be read: .*ENOENT/);
    assert.equal(errors.length, 2);
    const nothing = await run(program, ...first, 'import');
    assert.deepEqual([nothing.status, nothing.stdout], [64, '']);
    writeFileSync(`${folder}/wgpeerselector`, stdout);
    const wrong = await run(program, ...first, 'export', 'mullvad_se_got_wg_01', '--config-dir', folder);
    assert.equal(wrong.status, 64);
    assert.match(wrong.stderr, /has no peer 'mullvad_se_got_wg_01' .*: did you mean mullvad_se_got_wg_001\?/);
  }
});

test('no key but a public one is shown on a terminal, and what stands in its place is no key', async () => {
  const [home = ''] = ofProvider('home');
  const copy = `${folder}/home.conf`;
  writeFileSync(copy, readFileSync(home));
  writeFileSync(`${folder}/wgpeerselector`, importFiles([read(copy)], 'vpn').text);
  for (const program of programs) {
    for (const args of [`import ${copy}`, `export home --config-dir ${folder}`]) {
      const line = `exec ${program.join(' ')} ${args}`;
      const { stdout, status } = await run('script', '-qec', line, '/dev/null');
      assert.equal(status, 0, stdout);
      assert.ok(stdout.includes('Y+andys9PSIssb7i5x4bwPh8E9fhYdoQiyQ1Ul4S/MY='), stdout);
      assert.ok(!stdout.includes(PRESHARED) && !stdout.includes('PrivateKey = I'), stdout);
      if (!args.startsWith('import')) continue;
      assert.match(stdout, /^preshared keys are not shown on a terminal/m);
      const shown = stdout.replaceAll('\r', '').replaceAll(/^(warning|preshared keys) .*$/gm, '');
      const [problem] = new Config(parseUci(shown), 'made').problems;
      assert.deepEqual([problem?.option, problem?.severity], ['preshared_key', 'error']);
    }
  }
});
