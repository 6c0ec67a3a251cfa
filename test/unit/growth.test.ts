// Days of the selector without growth, on both hosts. A leak on purpose shows that the measure would see one.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needsRouter } from '../support/needs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const scene = fileURLToPath(new URL('../support/day-scene.js', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/wgps-growth-`);
after(() => rmSync(folder, { recursive: true }));

/** After so many days everything has happened that ever does, and a heap has its size. */
const WARM_UP = 2;
const DAYS = 4;

/**
 * Bytes that may be more after the last day than after the warm-up. Measured: the router's program needs one page more in a day or two, and
 * none in the nineteen after them; Node's heap 1 KiB. The leak on purpose, some 600 small objects a day, makes 210 KiB of it, and 45.
 */
const LIMITS = { node: 16 * 1024, router: 32 * 1024 };

/** What a scene tells after each day. */
async function days(
  command: readonly string[],
  ...more: string[]
): Promise<{ bytes: number; line: string }[]> {
  const [program = '', ...args] = [...command, String(DAYS), ...more];
  const { stdout } = await promisify(execFile)(program, args);
  const told = stdout.trim().split('\n');
  assert.equal(told.length, DAYS);
  return told.map((line) => ({ bytes: Number.parseInt(line, 10), line }));
}

async function compare(command: readonly string[], limit: number): Promise<void> {
  const [honest, leaking] = await Promise.all([days(command), days(command, 'leak')]);
  for (const { line } of honest) assert.match(line, /; timers [0-9],/, 'what is waited for does not heap up');
  const told = honest.map(({ line }) => line).join('\n');
  for (const type of ['connected', 'kept', 'lost', 'failed', 'interface-missing', 'routes-restored'])
    assert.match(told, new RegExp(`\\b${type} [1-9]`), 'it happens in these days');
  const growth = (told: typeof honest) => (told.at(-1)?.bytes ?? 0) - (told[WARM_UP - 1]?.bytes ?? 0);
  const all = honest.map(({ bytes }) => bytes).join(', ');
  assert.ok(growth(honest) < limit, `${growth(honest)} bytes more: ${all}`);
  assert.ok(growth(leaking) > limit, `the measure does not see a leak: ${growth(leaking)} bytes`);
}

test('days of connecting, losing and reloading need no more memory: Node', async () => {
  // Without its compilers, and with all bytecode kept, the heap holds what the program holds.
  const options = ['--expose-gc', '--no-opt', '--no-sparkplug', '--no-flush-bytecode'];
  await compare([process.execPath, ...options, scene], LIMITS.node);
});

test(
  "days of connecting, losing and reloading need no more memory: the router's program",
  needsRouter(),
  async () => {
    const args = [`${root}scripts/build-router.mjs`, '--entry', scene, '--output', folder];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    await compare([`${folder}/wgpeerselector`], LIMITS.router);
  },
);
