// The recordings and properties of the libraries inside QuickJS: every line as Node tells it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsRouter } from '../support/needs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const scene = fileURLToPath(new URL('../support/fixtures-scene.js', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/wgps-fixtures-`);
after(() => rmSync(folder, { recursive: true }));

function linesOf(...command: readonly string[]): string[] {
  const [program = '', ...args] = [...command, `${root}test/fixtures`];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 24 });
  assert.equal(status, 0, stderr);
  return stdout.split('\n');
}

test('what the libraries read and write is the same inside QuickJS', needsRouter(), () => {
  const args = [`${root}scripts/build-router.mjs`, '--entry', scene, '--output', folder];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const expected = linesOf(process.execPath, scene);
  assert.ok(expected.length > 1000, String(expected.length));
  const found = linesOf(`${folder}/wgpeerselector`);
  for (const [at, line] of expected.entries()) assert.equal(found[at], line);
  assert.equal(found.length, expected.length);
});
