#!/usr/bin/env node
// Which mutations of our sources no test notices, by Stryker, which is installed into .cache and nowhere else:
//   npm run mutate -- PATH…          src/selector/round.ts, say, or a folder; default: src/selector, src/sntp, src/netlink
//   npm run mutate -- --own PATH…    with no other tests than those that import the file itself, or have its name
// What is mutated is the compiled JavaScript, in a copy; each mutation is tried with the unit tests of its part (of src/netlink:
// test/unit/netlink-*) that come by it. The tests of src/selector run one by one in one process; elsewhere every test file is a process for each
// mutation, so a folder takes hours. The report in JSON lies in .cache/mutate.
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import { parseArguments } from './setup/arguments.mjs';
import { npmWork } from './setup/npm.mjs';
import { cache, root } from './setup/paths.mjs';
import { attempt, run } from './setup/process.mjs';
import { carryOut, takeYes } from './setup/work.mjs';

/** The last release that runs on Node 20. */
const VERSION = '9.6.1';
/** Parts whose tests have a clock, a network and a kernel of their own making, and nothing else. */
const fake = ['selector'];
const tools = `${cache}/mutate/tools`;
const work = `${cache}/mutate/work`;

/** @param {string} text */
const say = (text) => void process.stdout.write(`${text}\n`);

/** The compiled tests of a part of src. @param {string} part @returns {Promise<string[]>} */
async function testsOf(part) {
  const names = await readdir(`${root}/dist/test/unit`, { recursive: true });
  const tests = names.filter(
    (name) => name.endsWith('.test.js') && (name.startsWith(`${part}/`) || name.startsWith(`${part}-`)),
  );
  if (tests.length === 0) throw new Error(`src/${part}: there are no unit tests of its own for that part`);
  return tests.sort().map((name) => `dist/test/unit/${name}`);
}

/** The compiled files that a path of src means. @param {string} path @returns {Promise<string[]>} */
async function filesOf(path) {
  const compiled = `dist/${path.replace(/\/$/, '').replace(/\.ts$/, '.js')}`;
  if (compiled.endsWith('.js')) return [compiled];
  const names = await readdir(`${root}/${compiled}`, { recursive: true });
  return names.filter((name) => name.endsWith('.js')).map((name) => `${compiled}/${name}`);
}

/**
 * Leaves of tests those that import one of the files or have its name, and of the files those that have such a test. Whoever has none is told.
 *
 * @param {string[]} files
 * @param {string[]} tests
 */
async function own(files, tests) {
  const texts = await Promise.all(
    tests.map(async (test) => /** @type {const} */ ([test, await readFile(`${root}/${test}`, 'utf8')])),
  );
  /** @param {string} file @returns {(test: readonly [string, string]) => boolean} */
  const isOf =
    (file) =>
    ([test, text]) =>
      text.includes(`/${file.replace('dist/', '')}';`) || test.endsWith(`/${basename(file, '.js')}.test.js`);
  const tested = files.filter((file) => texts.some(isOf(file)));
  const others = files.filter((file) => !tested.includes(file));
  if (tested.length === 0) throw new Error(`no test imports ${others.join(', ')}`);
  if (others.length > 0) say(`left out, since no test imports them: ${others.join(', ')}`);
  const testFiles = texts.filter((test) => tested.some((file) => isOf(file)(test))).map(([test]) => test);
  return { files: tested, testFiles };
}

/**
 * How tests are run: those of the parts whose worlds are fake in one process, which takes a replacement of node:test.
 *
 * @param {string} part
 * @param {string[]} testFiles
 */
async function runnerFor(part, testFiles) {
  if (!fake.includes(part)) {
    const nodeArgs = ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'];
    return {
      plugins: [`${tools}/node_modules/@stryker-mutator/tap-runner/dist/src/index.js`],
      testRunner: 'tap',
      tap: { testFiles, nodeArgs, forceBail: true },
    };
  }
  for (const file of testFiles) {
    const text = await readFile(`${work}/${file}`, 'utf8');
    await writeFile(`${work}/${file}`, text.replace("'node:test'", `'${root}/scripts/mutate/node-test.mjs'`));
  }
  return {
    plugins: [`${root}/scripts/mutate/runner.mjs`],
    testRunner: 'in-process',
    inProcess: { testFiles },
  };
}

/**
 * Mutates files of one part.
 *
 * @param {string} part
 * @param {string} name of the report
 * @param {string[]} files
 * @param {string[]} testFiles
 * @returns {Promise<number | null>}
 */
async function mutate(part, name, files, testFiles) {
  await rm(work, { recursive: true, force: true });
  await mkdir(`${work}/test`, { recursive: true });
  await cp(`${root}/dist`, `${work}/dist`, { recursive: true });
  await cp(`${root}/test/fixtures`, `${work}/test/fixtures`, { recursive: true });
  await cp(`${root}/package.json`, `${work}/package.json`);
  await symlink(`${root}/node_modules`, `${work}/node_modules`);
  const settings = {
    inPlace: true, // of the copy
    packageManager: 'npm',
    ...(await runnerFor(part, testFiles)),
    mutate: files,
    coverageAnalysis: 'perTest',
    concurrency: 1,
    timeoutMS: 300_000, // of the clock: the machine may be busy
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
  const { values, positionals } = parseArguments({
    args: takeYes(process.argv.slice(2)),
    allowPositionals: true,
    options: { own: { type: 'boolean', default: false } },
  });
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
  const paths = positionals.length > 0 ? positionals : ['src/selector', 'src/sntp', 'src/netlink'];
  for (const part of new Set(paths.map((path) => path.split('/')[1] ?? ''))) {
    const ofPart = paths.filter((path) => path.split('/')[1] === part);
    const all = { files: (await Promise.all(ofPart.map(filesOf))).flat(), testFiles: await testsOf(part) };
    const { files, testFiles } = values.own ? await own(all.files, all.testFiles) : all;
    const name = ofPart.length === 1 ? `${ofPart[0]}`.replace(/\W+/g, '-') : part;
    if ((await mutate(part, values.own ? `${name}-own` : name, files, testFiles)) !== 0) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
