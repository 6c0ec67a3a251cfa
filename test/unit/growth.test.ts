// Days of the selector without growth, on both hosts. A leak on purpose shows that the measure would see one.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needsRouter } from '../support/needs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const scene = fileURLToPath(new URL('../support/day-scene.js', import.meta.url));
const quiet = fileURLToPath(new URL('../support/quiet-scene.js', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/wgps-growth-`);
after(() => rmSync(folder, { recursive: true }));

/** After so many days everything has happened that ever does. */
const WARM_UP = 2;
/** Odd numbers of days after the warm-up, so that one day is in the middle. */
const DAYS = { honest: WARM_UP + 5, leaking: WARM_UP + 3 };

/**
 * Bytes that may be more after a day than before it, on the middle one of the days by their growth. What an allocator needs once, a page here,
 * a table twice as large there, comes on one day or two, sooner or later as code and heap happen to lie (measured: 50 KiB in ten days, then
 * none); what leaks does so each day. The leak on purpose, some 600 small objects a day, makes 70 KiB of it, and 18.
 */
const LIMITS = { node: 8 * 1024, router: 16 * 1024, quiet: 64 * 1024 };

/** What a scene tells after each day. */
async function days(
  command: readonly string[],
  number: number,
  ...more: string[]
): Promise<{ bytes: number; line: string }[]> {
  const [program = '', ...args] = [...command, String(number), ...more];
  const { stdout } = await promisify(execFile)(program, args);
  const told = stdout.trim().split('\n');
  assert.equal(told.length, number);
  return told.map((line) => ({ bytes: Number.parseInt(line, 10), line }));
}

/** Of the days after the warm-up, on the middle one by their growth. */
function growth(told: readonly { bytes: number }[]): number {
  const daily = told.map(({ bytes }, day) => bytes - (told[day - 1]?.bytes ?? 0)).slice(WARM_UP);
  return daily.sort((one, other) => one - other)[(daily.length - 1) / 2] ?? Number.NaN;
}

async function compare(command: readonly string[], limit: number): Promise<void> {
  const [honest, leaking] = await Promise.all([
    days(command, DAYS.honest),
    days(command, DAYS.leaking, 'leak'),
  ]);
  for (const { line } of honest) assert.match(line, /; timers [0-9],/, 'what is waited for does not heap up');
  const told = honest.map(({ line }) => line).join('\n');
  for (const type of ['connected', 'kept', 'lost', 'failed', 'interface-missing', 'routes-restored'])
    assert.match(told, new RegExp(`\\b${type} [1-9]`), 'it happens in these days');
  const all = honest.map(({ bytes }) => bytes).join(', ');
  assert.ok(growth(honest) < limit, `${growth(honest)} bytes more a day: ${all}`);
  assert.ok(growth(leaking) > limit, `the measure does not see a leak: ${growth(leaking)} bytes a day`);
}

test('days of connecting, losing and reloading need no more memory: Node', async () => {
  // Without its compilers, and with all bytecode kept, the heap holds what the program holds.
  const options = ['--expose-gc', '--no-opt', '--no-sparkplug', '--no-flush-bytecode'];
  await compare([process.execPath, ...options, scene], LIMITS.node);
});

/** Makes the router's program of a scene. @returns the file to run */
function built(entry: string): string {
  const output = `${folder}/${basename(entry)}`;
  const args = [`${root}scripts/build-router.mjs`, '--entry', entry, '--output', output];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return `${output}/wgpeerselector`;
}

test(
  "days of connecting, losing and reloading need no more memory: the router's program",
  needsRouter(),
  async () => {
    await compare([built(scene)], LIMITS.router);
  },
);

test(
  "what goes on while a connection is held leaves nothing for a collector: the router's program",
  needsRouter(),
  () => {
    const { stdout } = spawnSync(built(quiet), { encoding: 'utf8' });
    const told = stdout.match(/^(?:looks|questions) -?\d+$/gm) ?? [];
    assert.equal(told.length, 2, stdout);
    for (const line of told) assert.ok(Number(line.split(' ')[1]) <= LIMITS.quiet, line);
  },
);
