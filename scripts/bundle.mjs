#!/usr/bin/env node
// Makes the program as a router gets it: dist/bundle/wgpeerselector.js, one file that needs no node_modules, with
// the native part, native.node, beside it. It is built from src, so nothing has to be compiled before.
//
//   npm run bundle                       bundle, native part, sizes, and what it costs against a bare node
//   node scripts/bundle.mjs --no-native  the JavaScript alone (a package feed compiles the native part itself)
//   node scripts/bundle.mjs --no-figures without measuring
//   --output DIR                         another folder than dist/bundle
//
// SOURCE_DATE_EPOCH (seconds), where set, is the time of the build.
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { figures } from './bundle/figures.mjs';
import { onPlatform } from './bundle/platform.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { buildTime } from './setup/epoch.mjs';
import { root } from './setup/paths.mjs';
import { run } from './setup/process.mjs';

const { values } = parseArguments({
  options: {
    output: { type: 'string' },
    native: { type: 'boolean', default: true },
    figures: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const folder = resolve(values.output ?? `${root}/dist/bundle`);
const program = `${folder}/wgpeerselector.js`;

/**
 * Modules of Node are loaded when they are first needed, not at the start: some never are, and each costs a millisecond.
 * esbuild gives them names of its own, by which they are found here.
 *
 * @param {string} code as esbuild writes it when it does not minify
 */
function lazily(code) {
  const names = new Map();
  return code
    .replace(
      /^var (import_node_\w+) = require\(("node:(?:crypto|dgram|dns|module|fs\/promises)")\);\n/gm,
      (_, name, module) => {
        names.set(name, module);
        return '';
      },
    )
    .replace(/\b(import_node_\w+)\b/g, (name) =>
      // In parentheses, so that it can stand behind `new`.
      names.has(name) ? `(require(${names.get(name)}))` : name,
    );
}

/**
 * The licences of what npm packages brought into the bundle, for the end of it: they are to go wherever the code goes.
 *
 * @param {Record<string, unknown>} inputs the files that went in
 * @returns {Promise<string>}
 */
async function licences(inputs) {
  const packages = Object.keys(inputs).flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  const texts = [...new Set(packages)].map(async (name) => {
    const text = await readFile(`${root}/node_modules/${name}/LICENSE`, 'utf8');
    return `Contains ${name}:\n\n${text.trim()}\n`;
  });
  const own = await readFile(`${root}/LICENSE`, 'utf8');
  return `/*\n${[`${own.trim()}\n`, ...(await Promise.all(texts))].join('\n')}*/\n`;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile: program,
  bundle: true,
  plugins: [onPlatform('node')],
  platform: 'node',
  target: 'node20',
  // CommonJS: Node reads it without the loader of ES modules.
  format: 'cjs',
  legalComments: 'inline',
  banner: { js: "const bundleUrl=require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': 'bundleUrl', WGPEERSELECTOR_BUILD_TIME: String(buildTime()) },
  metafile: true,
  write: false,
  logLevel: 'warning',
});
// The shorter the text the sooner it is read, and a third of it are names.
const { code } = await transform(lazily(outputFiles[0]?.text ?? ''), {
  target: 'node20',
  format: 'cjs',
  minify: true,
});
await writeFile(program, code + (await licences(metafile.inputs)));
await chmod(program, 0o755);
// Otherwise Node looks for one in the folders above, and this checkout's says that .js files are ES modules.
await writeFile(`${folder}/package.json`, '{"type":"commonjs"}\n');
if (values.native) {
  const said = await run([process.execPath, `${root}/scripts/build-native.mjs`, '--output', folder]);
  process.stdout.write(said.replaceAll(/^built .*\n/gm, '')); // what is lost without a compiler
}

for (const name of ['wgpeerselector.js', ...(values.native ? ['native.node'] : [])]) {
  const bytes = await stat(`${folder}/${name}`).then(
    ({ size }) => size,
    () => undefined,
  );
  const size = bytes === undefined ? 'not built' : `${(bytes / 1024).toFixed(1)} KiB`;
  process.stdout.write(`${relative(process.cwd(), `${folder}/${name}`).padEnd(40)} ${size.padStart(10)}\n`);
}
if (values.figures) process.stdout.write(await figures(program));
