#!/usr/bin/env node
// Tests of a checkout, from nothing:
//   node scripts/test.mjs                 set-up, types, lint, unit tests, tests on a real kernel
//   node scripts/test.mjs unit [FILE…]    set-up, types, unit tests: all, or those whose path contains FILE
//   node scripts/test.mjs netns [NAME…]   set-up, types, test/netns: all, or those whose path contains NAME
// The last line is `N passed, N failed`. A phase that fails counts as one failed. What this world cannot run is listed before.
import { cache, root } from './setup/paths.mjs';
import { attempt } from './setup/process.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { add, noCounts, runNetnsTests, runsOf, runUnitTests, testFiles } from './test/suites.mjs';

const total = noCounts();
const [only, ...names] = takeYes(process.argv.slice(2));
process.chdir(root);

/**
 * Runs one phase under a header, with its duration; a phase that throws has failed.
 *
 * @param {string} title
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} whether it got to its end
 */
async function phase(title, work) {
  process.stdout.write(`== ${title}\n`);
  const start = performance.now();
  try {
    await work();
    return true;
  } catch (error) {
    total.failed += 1;
    process.stdout.write(`  FAILED  ${error instanceof Error ? error.message : error}\n`);
    return false;
  } finally {
    process.stdout.write(`   ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  }
}

/** @param {string} file */
const named = (file) => names.length === 0 || names.some((name) => file.includes(plain(name)));

/** @param {string} name as a person types it: with or without `test/unit/`, `.test.ts`… */
const plain = (name) => name.replace(/^.*test\/(unit|netns)\//, '').replace(/(\.test)?\.[jt]s$/, '');

/** Why there is no router's program, if there is none. @type {string | undefined} */
let missing;
const ready =
  (await phase('set-up', () => setUp((text) => process.stdout.write(`   ${text}\n`)))) &&
  (await phase('types and build', build)) &&
  (await phase("the router's program", async () => {
    missing = await buildRouter();
    if (missing !== undefined) process.stdout.write(`   ${missing}\n`);
  }));
if (ready && only === undefined) {
  await phase('lint', async () => {
    const argv = ['biome', 'ci', '--colors=off', '--error-on-warnings', '.'];
    const { status } = await attempt([`${root}/node_modules/.bin/${argv[0]}`, ...argv.slice(1)], {
      cwd: root,
      show: true,
      env: { ...process.env, XDG_CACHE_HOME: cache }, // it makes itself a folder there
    });
    if (status !== 0) throw new Error('biome found something; `npm run format` mends what can be mended');
  });
}
if (ready && only !== 'netns') {
  await phase('unit tests', async () =>
    add(total, await runUnitTests((await testFiles('unit')).filter(named))),
  );
}
if (ready && only !== 'unit') {
  await phase('tests on a real kernel (test/netns), with both programs', async () => {
    const all = names.length > 0 || missing !== undefined;
    const runs = runsOf((await testFiles('netns')).filter(named), all);
    const possible = runs.filter(({ program }) => program === 'node' || missing === undefined);
    for (const { file } of runs.filter((run) => !possible.includes(run)))
      total.listed.push({ file, name: "with the router's program", reason: missing ?? '' });
    add(total, await runNetnsTests(possible));
  });
}

if (total.listed.length > 0) {
  const lines = total.listed.map(({ file, name, reason }) => `   ${file}: ${name}\n      ${reason}\n`);
  process.stdout.write(`== not run, since this world cannot\n${lines.join('')}`);
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
