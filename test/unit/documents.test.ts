// The documents against what is true: every block of code is run by a test or listed with the reason, what is shown is what is
// printed, what is named is there. And the package as npm packs it, in a fresh folder: every entry of `exports`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { check } from '../../src/check/check.js';
import { helpOf } from '../../src/cli/commands/help.js';
import { COMMANDS, programHelp } from '../../src/cli/commands.js';
import { EXIT } from '../../src/cli/exit.js';
import { formatProblem, loadConfig, loadNtpServers, parseUci } from '../../src/config/index.js';
import { methodsOf } from '../../src/daemon/methods.js';
import { block, blocksOf, documents, root, saidToPrint } from '../support/documents.js';
import { FakeService } from '../support/fake-service.js';
import { blocksFor, runners } from '../support/pasted.js';
import { settings, unitText } from '../support/service-unit.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

const manifest: Manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8'));
const tarball = `${manifest.name}-${manifest.version}.tgz`;
const ran = new Set<string>();
/** A project of somebody's, with the package in its node_modules and its one dependency beside it. */
let project = '';

/** A block of this file's; its name is noted. */
function take(name: string) {
  ran.add(name);
  return block(name);
}

/** Runs a program in the project; gives what it wrote to standard output. */
function run(...argv: readonly string[]): string {
  const [program = '', ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, npm_config_cache: `${project}/cache`, npm_config_offline: 'true' },
  });
  assert.equal(status, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  project = await mkdtemp(`${tmpdir()}/wgps-project-`);
  // Without scripts: dist is there, and the tests that run beside this one need it as it is.
  run('npm', 'pack', '--ignore-scripts', '--pack-destination', project, root);
  await mkdir(`${project}/node_modules`);
  run('tar', '-xzf', tarball, '-C', 'node_modules');
  run('mv', 'node_modules/package', `node_modules/${manifest.name}`);
  await symlink(`${root}node_modules/ipaddr.js`, `${project}/node_modules/ipaddr.js`);
});

after(() => rm(project, { recursive: true, force: true }));

test('every block of code is run by a test, or is listed with the reason why not', () => {
  const found = documents.flatMap(blocksOf).map(({ name }) => name);
  assert.deepEqual([...found].sort(), Object.keys(runners).sort());
});

test('every entry of exports can be imported from the packed package, and has its types', async () => {
  const entries = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object');
  assert.ok(entries.length >= 4);
  for (const [entry, target] of entries) {
    const name = entry.replace('.', manifest.name);
    await writeFile(
      `${project}/import.mjs`,
      `const names = Object.keys(await import('${name}')); console.log(names.length > 0);`,
    );
    assert.equal(run(process.execPath, 'import.mjs'), 'true\n', name);
    const types = typeof target === 'object' ? target.types : '';
    assert.ok(existsSync(join(project, 'node_modules', manifest.name, types)), `${name}: ${types}`);
  }
});

test('the program is in the packed package, and so is what README links to there', async () => {
  const folder = `${project}/node_modules/${manifest.name}`;
  assert.match(
    run(process.execPath, `${folder}/dist/bundle/wgpeerselector.js`, '--version'),
    /^wgpeerselector /,
  );
  const text = await readFile(`${folder}/README.md`, 'utf8');
  const missing = [...text.matchAll(/\]\((docs\/[^)#]+|LICENSE)/g)]
    .map(([, file = '']) => file)
    .filter((file) => !existsSync(`${folder}/${file}`));
  assert.deepEqual(missing, []);
});

test('the line that installs the libraries names the file that npm pack makes', () => {
  const { text } = take('README.md, The libraries, 1');
  assert.equal(text, `npm install ../${manifest.name}/${tarball}\n`);
  assert.ok(existsSync(`${project}/${tarball}`));
});

test('UCI files from Node: prints what it says that it prints', async () => {
  const snippet = take('README.md, UCI files from Node: wgpeerselector/uci, 1');
  await writeFile(`${project}/snippet.mjs`, snippet.text);
  assert.deepEqual(run(process.execPath, 'snippet.mjs').trimEnd().split('\n'), saidToPrint(snippet));
});

test('every configuration that is shown is without a fault', async () => {
  for (const name of [
    'docs/configuration.md, Configuration, 1',
    'docs/openwrt.md, Configuration with netifd, 2',
  ]) {
    await writeFile(`${project}/wgpeerselector`, take(name).text);
    const config = await loadConfig(project);
    assert.deepEqual(config.problems.map(formatProblem), [], name);
    assert.equal(config.peers('vpn').length, 1, name);
  }
  const peer = block('docs/configuration.md, Configuration, 1').text.replaceAll("'vpn'", "'wg-vpn'");
  const settings = take("docs/configuration.md, config interface 'IFNAME', 1").text;
  await writeFile(`${project}/wgpeerselector`, peer.slice(0, peer.indexOf('\nconfig interface')) + settings);
  const config = await loadConfig(project);
  assert.deepEqual(config.problems.map(formatProblem), []);
  assert.equal(config.interface('wg-vpn').routeMetric, 512);

  await writeFile(`${project}/system`, take('docs/configuration.md, NTP servers, 1').text);
  const { servers, problems } = await loadNtpServers(project);
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
    const lines = written.map((line) => line.replaceAll(`${project}/`, '/etc/config/'));
    for (const line of shown.trimEnd().split('\n')) {
      const pattern = line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*');
      assert.ok(
        lines.some((each) => new RegExp(`^${pattern}$`).test(each)),
        `${line}\nis none of\n${lines.join('\n')}`,
      );
    }
  };

  const twisted = [`option public_key '${key}'`, '', "option endpoint '2001:db8::1:51820'"];
  await writeFile(`${project}/wgpeerselector`, `${peer('sn01', good)}\n\n\n\n${peer('sn02', twisted)}`);
  const config = await loadConfig(project);
  compare(
    take('docs/configuration.md, What happens with a mistake, 1').text,
    config.problems.map(formatProblem),
  );

  await writeFile(`${project}/system`, 'config system\n');
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
    await writeFile(`${project}/wgpeerselector`, text);
    findings.push(...(await check({ configDir: project, openKernel: async () => absent })));
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
  const readme = take('README.md, Command line, 1').text;
  assert.deepEqual(options(readme), options(programHelp()));
  const codes = Object.values(EXIT);
  for (const document of ['README.md', 'docs/architecture.md']) {
    const text = await readFile(root + document, 'utf8');
    const listed = [...text.matchAll(/^\| (\d+) +\| /gm)].map(([, code]) => Number(code));
    assert.deepEqual(listed, codes, document);
  }
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
  void methodsOf(service, () => {})[method]?.call(args);
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
