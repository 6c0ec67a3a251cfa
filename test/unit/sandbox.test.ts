// The unit of systemd: what systemd-analyze says of it, and its filter of system calls without systemd, as far as that comes without WireGuard.
// test/netns/sandbox.test.ts has the daemon at its work in it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { block, root } from '../support/documents.js';
import { needsRouter } from '../support/needs.js';
import { playPlatform, run } from '../support/play.js';
import { allowedCalls, makeSandbox, settings, unitFile, unitText } from '../support/service-unit.js';

const scene = fileURLToPath(new URL('../support/sandbox-scene.js', import.meta.url));
const bundle = `${root}dist/bundle/wgpeerselector.js`;
let folder = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/wgps-sandbox-`);
});
after(() => rm(folder, { recursive: true, force: true }));

/** The first release of systemd that judges a file. */
const OFFLINE = 250;
const version = /^systemd (\d+)/.exec(
  spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)?.[1];
const analysis = {
  skip: Number(version ?? 0) >= OFFLINE ? false : 'world unit has not: systemd-analyze of systemd 250',
};

/** Node's program calls more than the router's: docs/linux.md has it as something to add to the unit. */
const ofNode = (): string[] => [...allowedCalls(unitText()), ...allowedCalls(nodeAddition())];
const nodeAddition = (): string => block('docs/linux.md, With Node, 1').text;

/** Listening at a path, which the daemon never does, makes a file that is removed. */
const forScene = ['unlink'];

test('systemd gives the unit 2.0 or better', analysis, () => {
  const args = ['security', '--offline=true', '--no-pager', '--threshold=20', root + unitFile];
  const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Overall exposure level .*: [012]\.\d/);
});

test('systemd understands the unit, and what docs/linux.md adds to it', analysis, async () => {
  const additions = ['The clock', 'check_address', 'With Node'].map(
    (name) => block(`docs/linux.md, ${name}, 1`).text,
  );
  for (const addition of ['', ...additions]) {
    // The programs are not installed here.
    const text = `${unitText().replaceAll('/usr/sbin/wgpeerselector', '/bin/true')}\n${addition}`;
    const file = `${folder}/wgpeerselector@.service`;
    await writeFile(file, text.replaceAll('/usr/bin/node', '/bin/true'));
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes('wgpeerselector')),
      [],
    );
  }
});

test('a call is listed once, and the drop-in for Node lists only what the unit has not', () => {
  assert.deepEqual(ofNode().sort(), [...new Set(ofNode())].sort());
});

test('the folder of peers that are kept is there, for the user of the unit alone, and outlives the daemon', () => {
  const unit = unitText();
  for (const [name, value] of [
    ['RuntimeDirectory', 'wgpeerselector'],
    ['RuntimeDirectoryMode', '0700'],
    ['RuntimeDirectoryPreserve', 'yes'],
  ] as const) {
    assert.deepEqual(settings(unit, name), [value], name);
  }
});

test('the sandbox ends who does what is not listed', async () => {
  const sandbox = makeSandbox(folder, allowedCalls(unitText()));
  assert.deepEqual((await run(sandbox, '/bin/echo', 'it lives')).stdout, 'it lives\n');
  for (const command of [
    ['/bin/mkdir', `${folder}/none`],
    ['/bin/ln', '-s', 'x', `${folder}/none`],
    ['/bin/chmod', '600', folder],
  ]) {
    assert.equal((await run(sandbox, ...command)).signal, 'SIGSYS', command.join(' '));
  }
});

/** The program's ways that come without WireGuard, and one that is asked to end before it has begun. */
async function ways(sandbox: string, ...program: string[]): Promise<void> {
  const peer = "config peer 'a'\n\toption enabled 1\n\toption ifname wgps-none\n";
  const key = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
  await writeFile(
    `${folder}/wgpeerselector`,
    `${peer}\toption public_key ${key}\n\toption endpoint localhost:1\n`,
  );
  const config = ['--config-dir', folder];
  const endings = [
    [['--version'], 0],
    [['reload', '-i', 'wgps-none', '--ubus-socket', `${folder}/none`], 69],
    [['check', ...config], 78],
    [['-i', 'wgps-none', '--config-dir', `${folder}/none`], 78],
  ] as const;
  for (const [args, status] of endings) {
    const ran = await run(sandbox, ...program, ...args);
    assert.deepEqual([ran.status, ran.signal], [status, null], `${args.join(' ')}: ${ran.stderr}`);
  }
  // Where there is WireGuard it serves until it is told to end; elsewhere, or without the right, it says so.
  const limit = ['--preserve-status', '--signal=TERM', '10'];
  const served = await run('timeout', ...limit, sandbox, ...program, '-i', 'wgps-none', ...config);
  assert.ok([0, 69, 77].includes(served.status ?? -1), `${served.status} ${served.signal} ${served.stderr}`);
}

test("the router's program needs no more than the unit lists", needsRouter(), async () => {
  const calls = allowedCalls(unitText());
  await ways(makeSandbox(folder, calls), `${root}dist/router/wgpeerselector`);
  const build = [`${root}scripts/build-router.mjs`, '--entry', `${root}test/support/sandbox-scene.ts`];
  const built = spawnSync(process.execPath, [...build, '--output', `${folder}/scene`], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  const sandbox = makeSandbox(folder, [...calls, ...forScene]);
  const played = await playPlatform(sandbox, `${folder}/scene/wgpeerselector`);
  assert.deepEqual([played.status, played.signal], [0, null], played.stderr);
  assert.match(played.stdout, /^the end$/m);
});

test("Node's program needs no more than the unit and its drop-in list", async () => {
  await ways(makeSandbox(folder, ofNode()), process.execPath, bundle);
  const sandbox = makeSandbox(folder, [...ofNode(), ...forScene]);
  const played = await playPlatform(sandbox, process.execPath, scene);
  assert.deepEqual([played.status, played.signal], [0, null], played.stderr);
  assert.match(played.stdout, /^the end$/m);
});
