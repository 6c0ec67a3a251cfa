// The router's program: built by scripts/build-router.mjs, and what src/platform does inside it beside what it does on Node.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.js';
import { needsRouter } from '../support/needs.js';
import { playPlatform, run } from '../support/play.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const scene = fileURLToPath(new URL('../support/platform-scene.js', import.meta.url));
const can = needsRouter();
let folder = '';

/** @returns the executable */
function build(name: string, entry?: string): string {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      `${root}scripts/build-router.mjs`,
      ...['--output', `${folder}/${name}`],
      ...(entry === undefined ? [] : ['--entry', entry]),
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return `${folder}/${name}/wgpeerselector`;
}

/** A program of a few lines; `native` is what quickjs.c makes. */
async function buildLines(name: string, lines: string): Promise<string> {
  await writeFile(`${folder}/${name}.js`, lines);
  return build(name, `${folder}/${name}.js`);
}

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/wgps-router-`);
});

after(() => rm(folder, { recursive: true, force: true }));

test('the whole program', can, async (t) => {
  const program = `${root}dist/router/wgpeerselector`;

  await t.test('compiles no regular expression when it starts', async () => {
    const chunk = await readFile(`${root}dist/router/chunk.js`, 'utf8');
    assert.match(chunk, /deprecatedTransitional: \/\^/);
    assert.doesNotMatch(chunk, /new RegExp/);
  });

  await t.test('--version, and a mistake on the command line', async () => {
    const version = { status: 0, signal: null, stdout: `wgpeerselector ${VERSION}\n`, stderr: '' };
    assert.deepEqual(await run(program, '--version'), version);
    const mistake = await run(program, '--bogus');
    assert.deepEqual(mistake, await run(`${root}dist/bundle/wgpeerselector.js`, '--bogus'));
    assert.equal(mistake.status, 64);
  });

  await t.test('check, with a kernel or a socket to ask', async () => {
    const dir = `${folder}/config`;
    await mkdir(dir);
    const peer = `config peer 'a'\n\toption ifname 'wgps-none'\n\toption public_key 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0='\n\toption endpoint '192.0.2.1:51820'\n\tlist allowed_ips '10.0.0.0/8'\n\toption colour 'red'\n`;
    await writeFile(`${dir}/wgpeerselector`, peer);
    const args = ['check', '--config-dir', dir];
    const checked = await run(program, ...args);
    assert.deepEqual(checked, await run(`${root}dist/bundle/wgpeerselector.js`, ...args));
    assert.match(checked.stdout, /colour/);
  });
});

test('an error that nobody catches ends it with a trace', can, async () => {
  const program = await buildLines(
    'uncaught',
    "const inner = () => { throw new TypeError('of ours') }; native.startTimer(() => inner(), 1); native.startTimer(() => {}, 60000)",
  );
  const { status, stderr } = await run(program);
  assert.equal(status, 70);
  assert.match(stderr, /^uncaught: TypeError: of ours\n {4}at /);
});

test('a promise that nobody watches, an endless recursion', can, async () => {
  const rejected = await buildLines(
    'rejected',
    "Promise.reject(new Error('alone')); native.startTimer(() => {}, 60000)",
  );
  assert.deepEqual(await run(rejected).then(({ status, stderr }) => [status, stderr.split('\n')[0]]), [
    70,
    'uncaught: Error: alone',
  ]);
  const deep = await buildLines('deep', 'const f = (n) => f(n + 1) + 1; f(0)');
  const { status, stderr } = await run(deep);
  assert.equal(status, 70);
  assert.match(stderr, /^uncaught: \w*Error: \D*stack/);
  assert.ok(stderr.split('\n').length < 20, 'a short trace');
});

test('what it may allocate is bounded, and an end beyond it is told', can, async () => {
  const program = await buildLines(
    'greedy',
    'const all = []; const more = () => { try { for (;;) all.push(new Uint8Array(65536)) } catch { more() } }; more()',
  );
  const { status, stderr } = await run(program);
  assert.equal(status, 70);
  assert.match(stderr, /^error: out of memory: \d+ bytes more would be beyond the limit of \d+ KiB\n$/);
});

test('the platform does the same on Node and inside QuickJS', can, async () => {
  const onNode = await playPlatform(process.execPath, scene);
  const inside = await playPlatform(build('scene', `${root}test/support/platform-scene.ts`));
  assert.deepEqual(inside.stdout.split('\n'), onNode.stdout.split('\n'));
  assert.deepEqual({ ...inside, stdout: '' }, { ...onNode, stdout: '' });
  assert.equal(inside.status, 3);
  assert.deepEqual(inside.told, ['READY=1 STATUS=ä', 'STOPPING=1']);
  assert.match(inside.stdout, /^kept alive$/m);
  assert.doesNotMatch(inside.stdout, /^(?:never|look-ups take too long)$/m);
});
