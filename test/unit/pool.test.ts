// The runner of test files: what becomes of a file that hangs, of one that Node does not end, and of one that tells nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const pool = fileURLToPath(new URL('../../../scripts/test/pool.mjs', import.meta.url));

/** Runs files of tests, given by their names and texts. @param seconds bounds of pool.mjs */
async function run(files: Record<string, string>, seconds: Record<string, string> = {}) {
  const folder = await mkdtemp(`${tmpdir()}/wgps-pool-`);
  try {
    for (const [name, text] of Object.entries(files))
      await writeFile(`${folder}/${name}`, `import { test } from 'node:test';\n${text}`);
    // Without the variable by which a test runner tells its children to speak its own protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(process.execPath, [pool, '2', ...Object.keys(files)], {
      cwd: folder,
      env: { ...env, ...seconds, WGPS_REPORT: `${folder}/report` },
      encoding: 'utf8',
    });
    const report = JSON.parse(await readFile(`${folder}/report`, 'utf8'));
    const counts = Object.keys(files).map((name) => [report[name].passed, report[name].failed]);
    return { status, stdout, counts };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('files that pass, that fail, that end before they tell anything', async () => {
  const { status, stdout, counts } = await run({
    'good.mjs': `test('one', () => {}); test('two', () => {});`,
    'bad.mjs': `test('one', () => {}); test('two', () => { throw new Error('no'); });`,
    'gone.mjs': `test('one', () => {}); process.exit(3);`,
  });
  assert.deepEqual(
    [status, counts],
    [
      1,
      [
        [2, 0],
        [1, 1],
        [0, 1],
      ],
    ],
  );
  assert.match(stdout, /FAILED {2}two\n/);
  assert.match(stdout, /FAILED {2}gone\.mjs ended with exit status 3\n/);
});

test('a file that hangs fails, and says in which test', async () => {
  const { status, stdout, counts } = await run(
    {
      'hangs.mjs': `test('one', () => {}); test('two', () => new Promise(() => setTimeout(() => {}, 1e9)));`,
    },
    { WGPS_FILE_DEADLINE: '2' },
  );
  assert.deepEqual([status, counts], [1, [[0, 1]]]);
  assert.match(stdout, /takes longer than 2 s: killed\n# {3}it hangs in: two\n/);
});

test('a file that Node does not end, though its tests are over, has passed or failed as they have', async () => {
  const hangs = `process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;
  const { status, stdout, counts } = await run(
    { 'one.mjs': `test('one', () => {}); ${hangs}`, 'two.mjs': `test('one', () => { throw 1; }); ${hangs}` },
    { WGPS_FILE_ENDING: '1' },
  );
  assert.deepEqual(
    [status, counts],
    [
      1,
      [
        [1, 0],
        [0, 1],
      ],
    ],
  );
  assert.equal(stdout.match(/its tests are over, and Node does not end: killed/g)?.length, 2);
});

test('a file in which Node stands still is run once more, which is said, with where it stood', async () => {
  // Its first run stands still for ever; a file tells the second that there was a first.
  const still = (times: number) => `
    import { appendFileSync, readFileSync } from 'node:fs';
    test('one', async () => {
      appendFileSync('runs', '.');
      await new Promise((resolve) => setTimeout(resolve, 6000));
      if (readFileSync('runs', 'utf8').length <= ${times}) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const once = await run({ 'one.mjs': still(1) }, { WGPS_FILE_STILL: '10' });
  assert.deepEqual([once.status, once.counts], [0, [[1, 0]]], once.stdout);
  assert.match(
    once.stdout,
    /^# one\.mjs: Node has stood still for 10 s: killed\n# {3}in: one\n(# {3}thread .*: S \(sleeping\), .*\n)+# one\.mjs: once more\n {2}one\.mjs: 1 passed/m,
  );
  const ever = await run({ 'one.mjs': still(9) }, { WGPS_FILE_STILL: '10' });
  assert.deepEqual([ever.status, ever.counts], [1, [[0, 1]]], ever.stdout);
  assert.match(ever.stdout, /FAILED {2}one\.mjs stood still twice\n/);
});
