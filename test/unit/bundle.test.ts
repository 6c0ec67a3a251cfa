// The bundle that a router gets: made by scripts/bundle.mjs, run where no node_modules can be reached.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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

const run = (...args: string[]) => runProgram(program, ...args);

/** No WireGuard in this kernel, or no such interface. */
const kernelHasAnswered =
  /has no WireGuard \(find generic netlink family|there is no interface wgps-none now/;

function runProgram(file: string, ...args: string[]) {
  // Not by naming node: the file has to be executable and say what runs it.
  const { PATH = '' } = process.env;
  const env = { PATH, NODE_PATH: '' };
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', cwd: '/', env });
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

test('it is one file, with the native part beside it', async () => {
  const files = ['native.node', 'package.json', 'wgpeerselector.js'];
  assert.deepEqual((await readdir(`${folder}/lib`)).sort(), files);
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
  assert.equal(stderr, '');
  assert.match(stdout, kernelHasAnswered);
  assert.equal(status, 78);
});

test('without a C compiler it is built all the same, and the npm package takes the place of the socket', async () => {
  const plain = `${folder}/plain`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}scripts/bundle.mjs`, '--no-figures', '--output', plain],
    { encoding: 'utf8', env: { ...process.env, CC: '/nonexistent' } },
  );
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^native\.node not built: there is no C compiler \('\/nonexistent' not found; set CC\)/m,
  );
  assert.deepEqual((await readdir(plain)).sort(), ['package.json', 'wgpeerselector.js']);
  const bundle = `${plain}/wgpeerselector.js`;

  // As on a router: no package within reach.
  const args = ['--interface', 'wgps-none', '--config-dir', await configDir(1)];
  const alone = runProgram(bundle, ...args);
  assert.equal(alone.status, 69);
  assert.match(
    alone.stderr,
    /^error: no netlink socket: native\.node, which belongs to file:\S+wgpeerselector\.js, is missing [^\n]*\n$/,
  );
  assert.match(runProgram(bundle, 'check', ...args).stdout, /no netlink socket: /);

  // As in a checkout.
  await symlink(`${root}node_modules`, `${plain}/node_modules`);
  const checked = runProgram(bundle, 'check', ...args);
  assert.match(checked.stdout, kernelHasAnswered);
  assert.equal(checked.stderr, '');
});

test('it holds the licences, and needs nothing but Node', async () => {
  const text = await readFile(`${folder}/lib/wgpeerselector.js`, 'utf8');
  // Not by assert.match, which would print all of it.
  assert.ok(text.includes('MIT License') && text.includes('Contains ipaddr.js:'), 'licences');
  assert.deepEqual(text.match(/require\("(?!node:)[^"]*"\)/g), null);
  assert.ok(!text.includes('node-gyp-build'), 'the npm package netlink is not in it');
});
