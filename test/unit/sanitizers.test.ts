// The C of the router's program under AddressSanitizer, UndefinedBehaviorSanitizer and, since this build frees everything at its end,
// LeakSanitizer. A value of the engine's that nobody let go fails an assertion of QuickJS's.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsRouter } from '../support/needs.js';
import { playPlatform, type Ran, run } from '../support/play.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/wgps-sanitizers-`);
after(() => rmSync(folder, { recursive: true }));

/** The compiler has what it takes (gcc's libasan is a package of its own), and a leak detector may look at its own process here. */
function sanitizersWork(): boolean {
  const program = `${folder}/empty`;
  const args = ['-fsanitize=address,undefined', '-x', 'c', '-o', program, '-'];
  const { status } = spawnSync('cc', args, { input: 'int main(void) { return 0; }' });
  return status === 0 && spawnSync(program).status === 0;
}

/** What the tests need that build the C by themselves. */
const compiled = { skip: sanitizersWork() ? false : 'world unit has not: a compiler with sanitizers' };
const router = needsRouter();
const reason = 'program router has not: been built with sanitizers, which this compiler or machine lacks';
const can = router.skip === false ? { skip: sanitizersWork() ? false : reason } : router;

/** @returns the executable */
function build(name: string, ...entry: string[]): string {
  const args = [`${root}scripts/build-router.mjs`, '--sanitize', '--output', `${folder}/${name}`, ...entry];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return `${folder}/${name}/wgpeerselector`;
}

function ended({ status, signal, stderr }: Ran, code: number): void {
  assert.deepEqual({ status, signal }, { status: code, signal: null }, stderr);
  assert.doesNotMatch(stderr, /Sanitizer|runtime error|[Aa]ssertion/);
}

test('nothing is used wrongly or lost: the corpus of the fuzzer', compiled, () => {
  const program = `${folder}/native`;
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-g', '-O1', '-pthread', '-DREPLAY'];
  const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const built = spawnSync('cc', [...flags, ...sanitizers, '-o', program, `${root}test/fuzz/native.c`], {
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  const input = readFileSync(`${root}test/fixtures/fuzz/native.txt`, 'utf8');
  const { status, stdout, stderr } = spawnSync(program, { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${input.trim().split('\n').length} inputs\n`);
});

test('nothing is used wrongly or lost: all of the platform', can, async () => {
  const played = await playPlatform(build('platform', '--entry', `${root}test/support/platform-scene.ts`));
  ended(played, 3);
  assert.match(played.stdout, /^kept alive$/m);
});

test('nothing is used wrongly or lost: all of the libraries', can, async () => {
  const program = build('libraries', '--entry', `${root}test/support/fixtures-scene.ts`);
  ended(await run(program, `${root}test/fixtures`), 0);
});

test('nothing is used wrongly or lost: the program, however it ends', can, async () => {
  const program = build('program');
  ended(await run(program, '--version'), 0);
  ended(await run(program, '--bogus'), 64);
  ended(await run(program, 'check', '--config-dir', `${root}test/fixtures/config/field`), 78);
  ended(await run(program, '-i', 'vpn', '--config-dir', `${folder}/none`), 78);
});
