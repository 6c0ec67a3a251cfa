// The documents against what is true: every block of code is run by a test or listed with the reason, what is shown is what is
// printed, what is named is there.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { check } from '../../src/check/check.js';
import { helpOf } from '../../src/cli/commands/help.js';
import { COMMANDS, programHelp } from '../../src/cli/commands.js';
import { EXIT } from '../../src/cli/exit.js';
import { formatProblem, loadConfig, loadNtpServers, parseUci } from '../../src/config/index.js';
import { methodsOf } from '../../src/daemon/methods.js';
import { block, blocksOf, documents, root } from '../support/documents.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';
import { blocksFor, runners } from '../support/pasted.js';
import { manifest } from '../support/project.js';
import { settings, unitText } from '../support/service-unit.js';

const ran = new Set<string>();
/** A directory of configuration. */
let configDir = '';

/** A block of this file's; its name is noted. */
function take(name: string) {
  ran.add(name);
  return block(name);
}

before(async () => {
  configDir = await mkdtemp(`${tmpdir()}/wgps-documents-`);
});

after(() => rm(configDir, { recursive: true, force: true }));

test('every block of code is run by a test, or is listed with the reason why not', () => {
  const found = documents.flatMap(blocksOf).map(({ name }) => name);
  assert.deepEqual([...found].sort(), Object.keys(runners).sort());
});

test('every configuration that is shown is without a fault', async () => {
  for (const name of [
    'docs/configuration.md, Configuration, 1',
    'docs/openwrt.md, Configuration with netifd, 2',
  ]) {
    await writeFile(`${configDir}/wgpeerselector`, take(name).text);
    const config = await loadConfig(configDir);
    assert.deepEqual(config.problems.map(formatProblem), [], name);
    assert.equal(config.peers('vpn').length, 1, name);
  }
  /** The settings of an interface as they are shown, behind a peer of it. */
  const settingsOf = async (name: string, ifname: string) => {
    const peer = block('docs/configuration.md, Configuration, 1').text.replaceAll("'vpn'", `'${ifname}'`);
    const settings = take(name).text;
    await writeFile(
      `${configDir}/wgpeerselector`,
      peer.slice(0, peer.indexOf('\nconfig interface')) + settings,
    );
    const config = await loadConfig(configDir);
    assert.deepEqual(config.problems.map(formatProblem), []);
    return config.interface(ifname);
  };
  const named = await settingsOf("docs/configuration.md, config interface 'IFNAME', 1", 'wg-vpn');
  assert.equal(named.routeMetric, 512);
  for (const name of [
    "docs/configuration.md, config interface 'IFNAME', 3",
    'docs/linux.md, The interface, 2',
  ]) {
    const made = await settingsOf(name, 'vpn');
    assert.equal(made.creation?.addresses.length, 2);
  }

  await writeFile(`${configDir}/system`, take('docs/configuration.md, NTP servers, 1').text);
  const { servers, problems } = await loadNtpServers(configDir);
  assert.deepEqual([servers.length, problems.map(formatProblem)], [2, []]);

  const network = parseUci(take('docs/openwrt.md, Configuration with netifd, 1').text).sections;
  assert.deepEqual(
    network.map(({ name, options }) => [name, options.get('proto')?.value, options.get('ifname')?.value]),
    [
      ['vpn', 'wireguard', undefined],
      ['vpn_peerselector', 'wgpeerselector', 'vpn'],
    ],
  );
});

test('the messages that are shown are those that are written', async () => {
  const key = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0';
  const peer = (name: string, lines: readonly string[]) =>
    `config peer '${name}'\n\toption enabled '1'\n\toption ifname 'vpn'\n${lines.map((line) => `\t${line}\n`).join('')}`;
  const good = [
    `option public_key '${key}='`,
    "option endpoint '192.0.2.1:51820'",
    "list allowed_ips '10.0.0.0/8'",
  ];
  /** Both sides without folder, and the shown lines as patterns in which … stands for anything. */
  const compare = (shown: string, written: readonly string[]) => {
    const lines = written.map((line) => line.replaceAll(`${configDir}/`, '/etc/config/'));
    for (const line of shown.trimEnd().split('\n')) {
      const pattern = line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*');
      assert.ok(
        lines.some((each) => new RegExp(`^${pattern}$`).test(each)),
        `${line}\nis none of\n${lines.join('\n')}`,
      );
    }
  };

  const twisted = [`option public_key '${key}'`, '', "option endpoint '2001:db8::1:51820'"];
  await writeFile(`${configDir}/wgpeerselector`, `${peer('sn01', good)}\n\n\n\n${peer('sn02', twisted)}`);
  const config = await loadConfig(configDir);
  compare(
    take('docs/configuration.md, What happens with a mistake, 1').text,
    config.problems.map(formatProblem),
  );

  await writeFile(`${configDir}/system`, 'config system\n');
  const absent = {
    wireguard: { device: () => Promise.reject(new Error('not asked')) },
    rtnetlink: { link: async () => undefined, routes: async () => [] },
    reversePathFilters: () => new Map<string, number>(),
    resolve: async () => [],
    close: () => {},
  };
  const findings = [];
  // One without the end of its key, and one without fault, because the kernel is asked only about those.
  for (const text of [peer('gw1', [`option public_key '${key}'`]), peer('gw1', good)]) {
    await writeFile(`${configDir}/wgpeerselector`, text);
    findings.push(...(await check({ configDir, openKernel: async () => absent })));
  }
  compare(
    take('docs/openwrt.md, What is wrong, 2').text,
    findings.map((one) => `${one.severity} ${formatProblem(one)}`),
  );
});

test('the options that README lists are those of --help, and the exit codes are those that there are', async () => {
  const options = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^ +(-\w, )?--/.test(line))
      .map((line) => line.trim());
  const readme = take('README.md, Configuration and commands, 1').text;
  assert.deepEqual(options(readme), options(programHelp()));
  const codes = Object.values(EXIT);
  const text = await readFile(`${root}docs/architecture.md`, 'utf8');
  const listed = [...text.matchAll(/^\| (\d+) +\| /gm)].map(([, code]) => Number(code));
  assert.deepEqual(listed, codes);
  const helps = [programHelp(), ...Object.values(COMMANDS).map(({ command }) => helpOf(command))].join('');
  for (const code of codes) assert.ok(helps.includes(` ${code} `), `no help has ${code}`);
  for (const [name, { command }] of Object.entries(COMMANDS)) {
    const words = [name, command.operands].filter((word) => word !== undefined).join(' ');
    assert.ok(readme.includes(`\n${`  ${words}`.padEnd(25)}${command.summary}\n`), name);
  }
});

test('the request to the control socket that is shown is one', () => {
  const service = new FakeService('vpn');
  const { method, args } = JSON.parse(take('docs/commands.md, How they reach the daemon, 1').text);
  void methodsOf(service, new FakeOwner())[method]?.call(args);
  assert.deepEqual(service.told, ['select sn02']);
});

test("what is shown to be added to systemd's unit says it as the unit does", () => {
  const unit = unitText();
  const blocks = ['The clock', 'check_address', 'With Node'].map((name) => take(`docs/linux.md, ${name}, 1`));
  for (const { name, text } of blocks) {
    assert.match(text, /^\[Service\]\n(?:\w+=.*\n)+$/, name);
    for (const [, setting = ''] of text.matchAll(/^(\w+)=/gm))
      assert.ok(settings(unit, setting).length > 0, `${name}: ${setting}`);
  }
  const [, , node] = blocks;
  for (const command of ['ExecStart', 'ExecReload']) {
    const ours = settings(unit, command)[0]?.replace(/^\S+/, '');
    const shown = settings(node?.text ?? '', command)[1]?.replace(/^\S+ \S+/, '');
    assert.equal(shown, ours);
  }
});

test('what the documents name is there: links, headings, files, scripts', async () => {
  const anchor = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const wrong: string[] = [];
  for (const document of documents) {
    const text = await readFile(root + document, 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', fragment] = target.split('#');
      const path = file === '' ? root + document : join(root, dirname(document), file);
      if (!existsSync(path)) wrong.push(`${document}: link to ${target}`);
      else if (fragment !== undefined) {
        const headings = [...(await readFile(path, 'utf8')).matchAll(/^#+ (.*)$/gm)];
        if (!headings.some(([, heading = '']) => anchor(heading) === fragment)) {
          wrong.push(`${document}: heading #${fragment}`);
        }
      }
    }
    for (const [, path = ''] of text.matchAll(
      /(?<![\w/.-])((?:src|test|scripts|docs|openwrt|systemd)\/[\w./-]*\w|\.ci\/run)/g,
    )) {
      if (!existsSync(root + path)) wrong.push(`${document}: file ${path}`);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) {
      if (manifest.scripts[script] === undefined) wrong.push(`${document}: npm run ${script}`);
    }
    const titles = text.replaceAll(/^```[\s\S]*?^```$/gm, '').match(/^# .*$/gm) ?? [];
    if (titles.length !== 1) wrong.push(`${document}: ${titles.length} headings of the first level`);
    if (/^\s*(config|option|list|uci) .*…/m.test(text))
      wrong.push(`${document}: a … in what is to be pasted`);
  }
  assert.deepEqual(wrong, []);
});

test('every block that this file is to run was run', () => {
  assert.deepEqual([...ran].sort(), blocksFor('unit').sort());
});
