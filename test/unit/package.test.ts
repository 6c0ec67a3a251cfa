// What npm does with a checkout: packs it built, and hands command lines to the scripts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('npm pack of a checkout that was never built gives a package with code, and without tests', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-pack-`);
  try {
    const parts = ['package.json', 'package-lock.json', 'tsconfig.json', 'LICENSE', 'scripts', 'src', 'test'];
    for (const part of parts) await cp(`${root}${part}`, `${folder}/${part}`, { recursive: true });
    await symlink(`${root}node_modules`, `${folder}/node_modules`);
    const env = { ...process.env, npm_config_cache: `${folder}/cache`, npm_config_offline: 'true' };
    const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path);
    for (const file of ['src/netlink/index.js', 'src/netlink/index.d.ts', 'bundle/wgpeerselector.js']) {
      assert.ok(paths.includes(`dist/${file}`), `dist/${file} is not in the package: ${paths}`);
    }
    assert.deepEqual(
      paths.filter((path) => /^(dist\/test|scripts|src)\//.test(path ?? '')),
      [],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('--ignore-scripts builds nothing, whatever npm makes of it', () => {
  const env = { ...process.env, npm_command: 'pack', npm_config_ignore_scripts: 'true' };
  const before = statSync(`${root}dist/src`).ino;
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${root}scripts/prepare.mjs`], {
    env,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  assert.equal(statSync(`${root}dist/src`).ino, before);
});

test('npm run vm: options before the command are ours, those behind it are its own', async () => {
  type Parse = (options: object, args: readonly string[]) => { values: object; command: string[] };
  const { parseBeforeCommand }: { parseBeforeCommand: Parse } = await import(
    `${root}scripts/setup/arguments.mjs`
  );
  const options = { timeout: { type: 'string' }, terminal: { type: 'boolean' } };
  const parse = (...args: string[]) => {
    const { values, command } = parseBeforeCommand(options, args);
    return [{ ...values }, command];
  };
  assert.deepEqual(parse(), [{}, []]);
  assert.deepEqual(parse('uname', '-r'), [{}, ['uname', '-r']]);
  assert.deepEqual(parse('--timeout', '5', '--terminal', 'node', '--test', 'x'), [
    { timeout: '5', terminal: true },
    ['node', '--test', 'x'],
  ]);
  assert.deepEqual(parse('--timeout=5', '--', '-v', '--', 'y'), [{ timeout: '5' }, ['-v', '--', 'y']]);
});

test('a script that does not know an option says so in a line', () => {
  for (const script of ['vm/run.mjs', 'bundle.mjs', 'build-native.mjs', 'bench.mjs', 'fresh.mjs']) {
    const { status, stderr } = spawnSync(process.execPath, [`${root}scripts/${script}`, '--nonsense'], {
      encoding: 'utf8',
    });
    assert.equal(status, 64, script);
    assert.match(stderr, /^Unknown option '--nonsense'[^\n]*\n$/);
  }
});
