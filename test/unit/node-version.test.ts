// Every npm script begins by saying that a Node is too old, in what old ones can read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const check = `${root}scripts/node-version.cjs`;

test('each script of package.json begins with the check', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const commands = Object.entries<string>(scripts);
  assert.ok(commands.length > 0);
  for (const [name, command] of commands) {
    assert.match(command, /^node -r \.\/scripts\/node-version\.cjs /, name);
  }
});

for (const [version, status] of [
  ['12.22.12', 1],
  ['18.20.8', 1],
  ['20.0.0', 0],
  ['26.1.0', 0],
] as const) {
  test(`Node ${version}: exit status ${status}`, () => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
    const env = { ...process.env, npm_lifecycle_event: 'demo' };
    const argv = ['-e', `${pretend} require(${JSON.stringify(check)});`];
    const ran = spawnSync(process.execPath, argv, { encoding: 'utf8', env });
    assert.equal(ran.status, status, ran.stderr);
    if (status === 0) assert.equal(ran.stderr, '');
    else assert.match(ran.stderr, /needs Node 20 or newer[\s\S]*npx --package=node@22 npm run demo\n$/);
  });
}

test('the check is written in what Node 12 can read', () => {
  const text = readFileSync(check, 'utf8');
  const written = (target: string) => transformSync(text, { target }).code;
  assert.equal(written('node12'), written('esnext'));
});
