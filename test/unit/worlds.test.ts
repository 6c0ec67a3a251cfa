// What of test/netns runs in which world, and what the reporter makes of a test that does not run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../support/needs.js';

const reporter = fileURLToPath(new URL('../../../scripts/test/reporter.mjs', import.meta.url));

test('the virtual machine runs everything, root all that leaves the machine alone, a user what needs no other user', () => {
  const runs = (world: 'root' | 'user' | 'vm') =>
    (['a clock of its own', 'a kernel of its own', 'users and groups to change to'] as const).map(
      (what) => needs(what, world).skip === false,
    );
  assert.deepEqual(runs('vm'), [true, true, true]);
  assert.deepEqual(runs('root'), [false, false, true]);
  assert.deepEqual(runs('user'), [false, false, false]);
});

test('what a world has not is listed with the reason; every other skip is a failure', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-reporter-`);
  try {
    const reason = needs('a clock of its own', 'user').skip;
    const tests = `
      import { describe, test } from 'node:test';
      test('runs', () => {});
      test('cannot', { skip: ${JSON.stringify(reason)} }, () => {});
      test('forgotten', { skip: true }, () => {});
      test('excused', { skip: 'a bad day' }, () => {});
      test('to be done', { todo: true }, () => {});
      describe('a whole suite', { skip: 'hidden' }, () => { test('in it', () => {}); });`;
    await writeFile(`${folder}/some.test.mjs`, tests);
    // Without the variable by which a test runner tells its children to speak its own protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = spawnSync(
      process.execPath,
      ['--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', 'some.test.mjs'],
      { cwd: folder, env: { ...env, WGPS_REPORT: `${folder}/report` }, encoding: 'utf8' },
    );
    const { milliseconds: _time, ...counts } = JSON.parse(await readFile(`${folder}/report`, 'utf8'))[
      'some.test.mjs'
    ];
    const listed = [{ file: 'some.test.mjs', name: 'cannot', reason }];
    assert.deepEqual(counts, { passed: 1, failed: 4, listed });
    for (const name of ['forgotten', 'excused', 'to be done', 'a whole suite']) {
      assert.ok(stdout.includes(`FAILED  ${name}\n`), stdout);
    }
    assert.match(stdout, /some\.test\.mjs: 1 passed, 4 FAILED, 1 not here/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
