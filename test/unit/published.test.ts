// The package as it would be published, installed by npm into an empty folder: what is in it, its types, its program, and that of
// the examples in README which needs nothing but Node. (test/netns/documents.test.ts has the others.)
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { block, root, saidToPrint } from '../support/documents.js';
import { limits } from '../support/limits.js';
import { blocksFor } from '../support/pasted.js';
import { manifest, Project, tarball } from '../support/project.js';

const libraries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'object' ? [{ name: entry.replace('.', manifest.name), ...target }] : [],
);
let project: Project;
let bare: Project;

const ran = new Set<string>();

/** A block of this file's; its name is noted. */
function take(name: string) {
  ran.add(name);
  return block(name);
}

before(async () => {
  project = await Project.create();
  bare = await project.withoutCompiler();
});

after(() => Promise.all([project, bare].map((one) => one.remove())));

test('are the types wrong? Only who requires, or resolves as before Node 12.7, does not find them: there are ES modules alone', async () => {
  const data = new Uint8Array(readFileSync(project.tarball));
  const analysis = await checkPackage(createPackageFromTarballData(data));
  assert.ok('problems' in analysis);
  const found = analysis.problems.map((problem) =>
    'resolutionKind' in problem ? `${problem.kind} ${problem.resolutionKind}` : problem.kind,
  );
  assert.deepEqual([...new Set(found)].sort(), ['CJSResolvesToESM node16-cjs', 'NoResolution node10']);
});

test('publint has nothing to say, but for what is no import', async () => {
  const { buffer } = new Uint8Array(readFileSync(project.tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, level: 'suggestion', strict: true });
  // Of CommonJS, and run below; publint takes the words `import *.conf` of a help text for code.
  const wrong = messages.filter(({ code, path }) => code !== 'FILE_INVALID_FORMAT' || path[0] !== 'bin');
  assert.deepEqual(
    wrong.map((message) => formatMessage(message, pkg ?? {})),
    [],
  );
});

test('it is small: neither tests nor source maps, and no part of the program twice', () => {
  const size = statSync(project.tarball).size;
  assert.ok(size <= limits.tarball, `${size} bytes`);
  const parts = readdirSync(`${project.package}/dist/src`);
  assert.deepEqual(
    parts.filter((name) => ['cli', 'daemon', 'selector'].includes(name)),
    [],
  );
  const files = readdirSync(`${project.package}/dist`, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files.filter((name) => /\.map$|\.test\.|quickjs/.test(name)),
    [],
  );
});

test('each entry of exports can be imported, also where nothing was compiled', async () => {
  assert.ok(libraries.length >= 4);
  const code = libraries.map(({ name }) => `await import('${name}')`).join(', ');
  const counts = `console.log([${code}].map((names) => Object.keys(names).length > 0).join());`;
  for (const one of [project, bare]) {
    await writeFile(`${one.folder}/import.mjs`, counts);
    assert.equal(one.run(process.execPath, 'import.mjs'), `${libraries.map(() => true).join()}\n`);
  }
});

test('the types are whole: what uses each library compiles, with every declaration looked at', async () => {
  const lines = libraries.map(
    ({ name }, at) => `import * as library${at} from '${name}';\nconsole.log(library${at});\n`,
  );
  await writeFile(`${project.folder}/uses.mts`, lines.join(''));
  const types = ['--types', 'node', '--typeRoots', `${root}node_modules/@types`];
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023', ...types];
  const tsc = [process.execPath, `${root}node_modules/typescript/bin/tsc`, ...options];
  for (const module of [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ])
    assert.equal(project.run(...tsc, ...module, 'uses.mts'), '');
});

test('the program runs, and what README links to is there', () => {
  for (const one of [project, bare])
    assert.match(
      one.run(`${one.folder}/node_modules/.bin/${manifest.name}`, '--version'),
      /^wgpeerselector /,
    );
  const text = readFileSync(`${project.package}/README.md`, 'utf8');
  const missing = [...text.matchAll(/\]\((docs\/[^)#]+|LICENSE)/g)]
    .map(([, file = '']) => file)
    .filter((file) => !existsSync(`${project.package}/${file}`));
  assert.deepEqual(missing, []);
});

test('the line that installs the libraries names the file that npm pack makes', () => {
  const { text } = take('README.md, The libraries, 1');
  assert.equal(text, `npm install ../${manifest.name}/${tarball}\n`);
  assert.ok(existsSync(project.tarball));
});

test('UCI files from Node: prints what it says that it prints', async () => {
  const snippet = take('README.md, UCI files from Node: wgpeerselector/uci, 1');
  for (const one of [project, bare]) {
    await writeFile(`${one.folder}/snippet.mjs`, snippet.text);
    assert.deepEqual(one.run(process.execPath, 'snippet.mjs').trimEnd().split('\n'), saidToPrint(snippet));
  }
});

test('every block that this file is to run was run', () => {
  assert.deepEqual([...ran].sort(), blocksFor('published').sort());
});
