// The files of the OpenWrt package, as far as they can be judged without running them; test/netns runs them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig, parseUci } from '../../src/config/index.js';

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
