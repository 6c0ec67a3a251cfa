// The bundle that a router gets: made by scripts/bundle.mjs, run where no node_modules can be reached.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';
let program = '';

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/wgps-bundle-`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [`${root}scripts/bundle.mjs`, '--no-figures', '--output', `${folder}/lib`],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  // As the package has it: a link in a folder of PATH.
  await mkdir(`${folder}/bin`);
  program = `${folder}/bin/wgpeerselector`;
  await symlink('../lib/wgpeerselector.js', program);
});

after(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  // Not by naming node: the file has to be executable and say what runs it.
  const { PATH = '' } = process.env;
  const env = { PATH, NODE_PATH: '' };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: '/', env });
  return { status, stdout, stderr };
}

/** A folder with a configuration of one peer, enabled or not. */
async function configDir(enabled: 0 | 1): Promise<string> {
  const dir = await mkdtemp(`${folder}/config-`);
  const peer = `config peer 'a'\n\toption enabled '${enabled}'\n\toption ifname 'wgps-none'\n\toption public_key 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0='\n\toption endpoint '192.0.2.1:51820'\n\tlist allowed_ips '10.0.0.0/8'\n`;
  await writeFile(`${dir}/wgpeerselector`, peer);
  await writeFile(`${dir}/system`, "config timeserver 'ntp'\n\tlist server '192.0.2.123'\n");
  return dir;
}

test('it is one file, with the native parts beside it', async () => {
  assert.deepEqual((await readdir(`${folder}/lib`)).sort(), [
    'clock.node',
    'lock-holder.node',
    'name-lookup.node',
    'netlink-socket.node',
    'package.json',
    'wgpeerselector.js',
  ]);
});

test('--version, from anywhere, through a link', () => {
  assert.deepEqual(run('--version'), { status: 0, stdout: `wgpeerselector ${VERSION}\n`, stderr: '' });
});

test('check reads a configuration and says what is wrong', async () => {
  const dir = await configDir(0);
  const { status, stdout, stderr } = run('check', '--config-dir', dir);
  assert.equal(stderr, '');
  assert.match(stdout, /^error .*\/wgpeerselector: has no usable peer: [^\n]*\n1 error, no warnings\n$/);
  assert.equal(status, 78);
});

test('it speaks to the kernel through the native part beside it', async () => {
  const { status, stdout, stderr } = run('check', '--config-dir', await configDir(1));
  // No WireGuard in this kernel, no right to ask, or no such interface: the kernel has answered in each case.
  assert.equal(stderr, '');
  assert.match(stdout, /has no WireGuard \(find generic netlink family|there is no interface wgps-none now/);
  assert.equal(status, 78);
});

test('without the native part: which file is missing, instead of which module', async () => {
  await rename(`${folder}/lib/netlink-socket.node`, `${folder}/netlink-socket.node`);
  try {
    const { status, stdout } = run('check', '--config-dir', await configDir(1));
    assert.equal(status, 78);
    assert.match(
      stdout,
      /netlink-socket\.node, which belongs beside file:.*, is missing or was built for another machine: install the package again/,
    );
    const daemon = run('-i', 'wgps-none', '--config-dir', await configDir(1));
    assert.match(
      daemon.stderr,
      /^error: netlink-socket\.node, which belongs beside [^\n]*: install the package again\n$/,
    );
    assert.equal(daemon.status, 69);
  } finally {
    await rename(`${folder}/netlink-socket.node`, `${folder}/lib/netlink-socket.node`);
  }
});

test('it holds the licences, and needs nothing but Node', async () => {
  const text = await readFile(`${folder}/lib/wgpeerselector.js`, 'utf8');
  // Not by assert.match, which would print all of it.
  assert.ok(text.includes('MIT License') && text.includes('Contains ipaddr.js:'), 'licences');
  assert.deepEqual(text.match(/require\("(?!node:)[^"]*"\)/g), null);
  assert.ok(!text.includes('netlink/dist'), 'no way to the npm package netlink');
});
