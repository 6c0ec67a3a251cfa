// The files of the OpenWrt package, as far as they can be judged without running them; test/netns runs them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig, parseUci } from '../../src/config/index.js';

const fixtures = fileURLToPath(new URL('../../../test/fixtures/openwrt/', import.meta.url));
const folder = fileURLToPath(new URL('../../../openwrt/', import.meta.url));

async function filesOf(kind: RegExp): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => kind.test(name)).map((name) => folder + name);
}

/** Everything that starts like a script of the shell. */
async function scripts(): Promise<string[]> {
  const found = [];
  for (const file of await filesOf(/./)) {
    if ((await stat(file)).isFile() && (await readFile(file, 'latin1')).startsWith('#!/bin/sh'))
      found.push(file);
  }
  return found;
}

test('shellcheck and busybox ash accept every script, and each may be executed', async () => {
  const files = await scripts();
  assert.deepEqual(files.map((file) => file.slice(folder.length)).sort(), [
    'files/etc/init.d/wgpeerselector',
    'files/lib/netifd/proto/wgpeerselector.sh',
    'test.sh',
  ]);
  for (const file of files) {
    const check = spawnSync('shellcheck', ['--severity=style', file], { encoding: 'utf8' });
    assert.equal(check.status, 0, check.stdout + check.stderr);
    const syntax = spawnSync('busybox', ['ash', '-n', file], { encoding: 'utf8' });
    assert.equal(syntax.status, 0, syntax.stderr);
    assert.equal((await stat(file)).mode & 0o111, 0o111, file);
  }
});

test('every JSON file is JSON; the capabilities are the two that are needed, in all five sets', async () => {
  const files = await filesOf(/\.json$/);
  assert.equal(files.length, 5); // two of them are LuCI's
  for (const file of files) JSON.parse(await readFile(file, 'utf8'));
  const capabilities = JSON.parse(
    await readFile(`${folder}files/etc/capabilities/wgpeerselector.json`, 'utf8'),
  );
  const needed = ['CAP_NET_ADMIN', 'CAP_SYS_TIME'];
  assert.deepEqual(capabilities, {
    bounding: needed,
    effective: needed,
    ambient: needed,
    permitted: needed,
    inheritable: needed,
  });
});

test('the installed configuration is empty, and its examples are without a fault', async (t) => {
  const file = `${folder}files/etc/config/wgpeerselector`;
  const text = await readFile(file, 'utf8');
  assert.deepEqual(parseUci(text, { file }).sections, []);
  assert.deepEqual(loadConfig(`${folder}files/etc/config`).problems, []);
  const dir = await mkdtemp(`${tmpdir()}/wgps-openwrt-`);
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(`${dir}/wgpeerselector`, text.replaceAll(/^#(?=config|\t)/gm, ''));
  const config = loadConfig(dir);
  assert.deepEqual(config.problems, []);
  assert.deepEqual(
    config.peers('vpn').map(({ name }) => name),
    ['gateway1', 'gateway2'],
  );
});

test('the Makefile installs every file of the package, and its version is that of package.json', async () => {
  const makefile = await readFile(`${folder}Makefile`, 'utf8');
  const names = await readdir(`${folder}files`, { recursive: true });
  for (const name of names) {
    if ((await stat(`${folder}files/${name}`)).isFile())
      assert.ok(makefile.includes(`./files/${name} `), name);
  }
  const { version } = JSON.parse(await readFile(`${folder}../package.json`, 'utf8'));
  assert.match(makefile, new RegExp(`^PKG_VERSION:=${version.replaceAll('.', '\\.')}$`, 'm'));
});

/** What the service does to files of a router when it starts, run by busybox's ash with stand-ins for procd. */
async function startService(
  router: string,
  { group, real = false }: { group: string; real?: boolean },
): Promise<string[]> {
  const record = `${router}/record`;
  await writeFile(record, '');
  const { status, stdout, stderr } = spawnSync(
    'busybox',
    ['ash', `${fixtures}procd.sh`, `${folder}files/etc/init.d/wgpeerselector`, 'start'],
    {
      env: {
        PATH: process.env.PATH,
        RECORD: record,
        STATE: `${router}/state`,
        ROUTER: router,
        GROUP: group,
        MODES: real ? 'real' : '',
        PROGRAM_HERE: '/usr/bin/wgpeerselector',
      },
      encoding: 'utf8',
    },
  );
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  const calls = (await readFile(record, 'utf8')).split('\n').filter((call) => /^ch(grp|mod)\t/.test(call));
  return calls.filter((call) => !call.includes('/run/')).map((call) => call.replace(router, ''));
}

/** A router's files: preshared and private keys that only their owner may read, as they are when they are new. */
async function routerWithKeys(t: TestContext): Promise<string> {
  const router = await mkdtemp(`${tmpdir()}/wgps-openwrt-`);
  t.after(() => rm(router, { recursive: true }));
  for (const dir of ['state', 'etc/config', 'var/run', 'tmp'])
    await mkdir(`${router}/${dir}`, { recursive: true });
  await mkdir(`${router}/etc/wgpeerselector`, { mode: 0o700 });
  for (const [name, text] of [
    ['state/network.uci', ''],
    ['state/wgpeerselector.uci', "config peer\n\toption enabled '1'\n\toption ifname 'vpn'\n"],
    ['state/answers', '@.interface[@.proto="wgpeerselector" && @.dynamic=true].device\t\n'],
    ['state/ujail', ''],
    ['state/capabilities.json', '{}'],
    ['etc/config/wgpeerselector', ''],
    ['etc/wgpeerselector/vpn.key', ''],
  ] as const)
    await writeFile(`${router}/${name}`, text, { mode: name.startsWith('state') ? 0o755 : 0o600 });
  return router;
}

const KEPT_ON_FLASH = ['etc/config/wgpeerselector', 'etc/wgpeerselector', 'etc/wgpeerselector/vpn.key'];

const nameOf = (option: string) => spawnSync('id', [option], { encoding: 'utf8' }).stdout.trim();

test('a start of the service lets the daemon read its files, and the next one writes nothing to flash', async (t) => {
  const router = await routerWithKeys(t);
  const states = () =>
    Promise.all(
      KEPT_ON_FLASH.map(async (name) => {
        const { mode, ctimeNs } = await stat(`${router}/${name}`, { bigint: true });
        return { name, mode: (mode & 0o777n).toString(8), ctimeNs };
      }),
    );
  const group = nameOf('-gn');
  await startService(router, { group, real: true });
  const first = await states();
  assert.deepEqual(
    first.map(({ mode }) => mode),
    ['640', '750', '640'],
  );
  await startService(router, { group, real: true });
  assert.deepEqual(await states(), first);
});

test('the group is changed where it is another, as after uci commit, and nowhere else', async (t) => {
  const router = await routerWithKeys(t);
  const own = nameOf('-gn');
  const other = own === 'daemon' ? 'nogroup' : 'daemon';
  await startService(router, { group: own, real: true });
  assert.deepEqual(await startService(router, { group: own }), []);
  assert.deepEqual(
    await startService(router, { group: other }),
    KEPT_ON_FLASH.map((name) => `chgrp\t${other}\t/${name}`),
  );
  // Keys are for those alone who make interfaces of their own.
  await rm(`${router}/etc/wgpeerselector`, { recursive: true });
  assert.deepEqual(await startService(router, { group: own }), []);
});
