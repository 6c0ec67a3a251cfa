#!/usr/bin/env node
// Which mutations of our sources no test notices, by Stryker, which is installed into .cache and nowhere else:
//   npm run mutate -- PATH…      src/selector/round.ts, say, or a folder; default: src/selector, src/sntp, src/netlink
// What is mutated is the compiled JavaScript, in a copy; each mutation is tried with the unit tests of its part (of src/netlink:
// test/unit/netlink-*). Every test file is a process, so a folder takes hours. The report in JSON lies in .cache/mutate.
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { npmWork } from './setup/npm.mjs';
import { cache, root } from './setup/paths.mjs';
import { attempt, run } from './setup/process.mjs';
import { carryOut, takeYes } from './setup/work.mjs';

/** The last release that runs on Node 20. */
const VERSION = '9.6.1';
const tools = `${cache}/mutate/tools`;
const work = `${cache}/mutate/work`;

/** @param {string} text */
const say = (text) => void process.stdout.write(`${text}\n`);

/** The tests of a part of src. @param {string} path @returns {Promise<string[]>} */
async function testsOf(path) {
  const part = path.split('/')[1] ?? '';
  const names = await readdir(`${root}/dist/test/unit`, { recursive: true });
  const tests = names.filter(
    (name) => name.endsWith('.test.js') && (name.startsWith(`${part}/`) || name.startsWith(`${part}-`)),
  );
  if (tests.length === 0) throw new Error(`${path}: there are no unit tests of its own for that part`);
  return tests.sort().map((name) => `dist/test/unit/${name}`);
}

/** @param {string} path a file or folder of src @returns {Promise<number | null>} */
async function mutate(path) {
  const name = path.replace(/\W+/g, '-');
  const compiled = `dist/${path.replace(/\/$/, '').replace(/\.ts$/, '.js')}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(`${work}/test`, { recursive: true });
  await cp(`${root}/dist`, `${work}/dist`, { recursive: true });
  await cp(`${root}/test/fixtures`, `${work}/test/fixtures`, { recursive: true });
  await cp(`${root}/package.json`, `${work}/package.json`);
  await symlink(`${root}/node_modules`, `${work}/node_modules`);
  const settings = {
    inPlace: true, // of the copy
    packageManager: 'npm',
    plugins: [`${tools}/node_modules/@stryker-mutator/tap-runner/dist/src/index.js`],
    testRunner: 'tap',
    tap: {
      testFiles: await testsOf(path),
      nodeArgs: ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
      forceBail: true,
    },
    mutate: [compiled.endsWith('.js') ? compiled : `${compiled}/**/*.js`],
    coverageAnalysis: 'perTest',
    concurrency: 1,
    timeoutMS: 60_000,
    tempDirName: `${cache}/mutate/temporary`,
    reporters: ['clear-text', 'json'],
    jsonReporter: { fileName: `${cache}/mutate/${name}.json` },
    clearTextReporter: { logTests: false, reportTests: false },
  };
  await writeFile(`${work}/settings.json`, JSON.stringify(settings));
  const stryker = `${tools}/node_modules/@stryker-mutator/core/bin/stryker.js`;
  const { status } = await attempt([process.execPath, stryker, 'run', 'settings.json'], {
    cwd: work,
    show: true,
  });
  return status;
}

try {
  const paths = takeYes(process.argv.slice(2));
  const packages = ['core', 'tap-runner'].map((name) => `@stryker-mutator/${name}@${VERSION}`);
  const there = await readdir(`${tools}/node_modules/@stryker-mutator`).catch(() => []);
  const install = {
    what: `.cache/mutate: Stryker ${VERSION}, 176 npm packages (73 MB unpacked)`,
    carryOut: async () => {
      await mkdir(tools, { recursive: true });
      await writeFile(`${tools}/package.json`, '{"private":true}');
      await run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
        cwd: tools,
      });
    },
  };
  await carryOut([...(await npmWork()), ...(there.includes('tap-runner') ? [] : [install])], say);
  await run([`${root}/node_modules/.bin/tsc`, '-p', root]);
  setPriority(constants.priority.PRIORITY_LOW);
  for (const path of paths.length > 0 ? paths : ['src/selector', 'src/sntp', 'src/netlink']) {
    if ((await mutate(path)) !== 0) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
