import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { onPlatform } from '../bundle/platform.mjs';
import { buildTime } from '../setup/epoch.mjs';
import { root } from '../setup/paths.mjs';

/** What is loaded when it is asked for, by import(). */
const parts = [
  'cli/commands',
  'daemon/netifd',
  'daemon/own-interface',
  'daemon/run-time-peers',
  'daemon/service-manager',
];

/**
 * Makes everything that the program begins with something that each part stands on: then it lies in `chunk.js`, whose bytecode takes no memory
 * of its own (see src/platform/native/Makefile).
 *
 * @param {string} entry the file that begins
 * @returns {import('esbuild').Plugin}
 */
const allInChunk = (entry) => ({
  name: 'all-in-chunk',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`/src/(?:${parts.join('|')})\\.ts$`) }, async ({ path }) => {
      const begins = (await readFile(entry, 'utf8')).matchAll(/^import (?!type\b)(?:[^;]* from )?'(.*)';$/gm);
      const names = Array.from(begins, ([, name = '']) =>
        name.startsWith('.') ? resolve(dirname(entry), name) : name,
      );
      const imports = names.map((name) => `import '${name}';\n`).join('');
      return { contents: `${await readFile(path, 'utf8')}\n${imports}`, loader: 'ts' };
    });
  },
});

/**
 * ipaddr.js, made for the start: a module of its own instead of one of CommonJS, which each file that imports it wraps anew, and its regular
 * expressions as literals. QuickJS compiles these when the program is built, and what `new RegExp` is given at each start.
 *
 * @type {import('esbuild').Plugin}
 */
const quickAddresses = {
  name: 'quick-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /\/ipaddr\.js\/lib\/ipaddr\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const parts = Array.from(text.matchAll(/const \w+ = '.*';/g), ([part]) => part).join('');
      const literal = text.replace(/new RegExp\((?:`.*`|zoneIndex), 'i'\)/g, (made) =>
        String(runInNewContext(parts + made)),
      );
      return { contents: `const module = { exports: {} };\n${literal}\nexport default module.exports;\n` };
    });
  },
};

/**
 * Makes readable JavaScript files that run inside QuickJS: `wgpeerselector.js`, which begins, and, where it imports parts by import(), each of
 * these, which is not loaded before it is asked for, and `chunk.js`, on which all stand.
 *
 * @param {string} entry the file that begins
 * @returns {Promise<Map<string, string>>} texts by their names
 */
export async function bundleForQuickJS(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { wgpeerselector: entry },
    outdir: '/',
    chunkNames: '[name]',
    bundle: true,
    splitting: true,
    plugins: [onPlatform('quickjs'), allInChunk(resolve(root, entry)), quickAddresses],
    inject: ['src/platform/quickjs/globals.ts'],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2023',
    // Modules: their own names are found by their place; those of a function around everything would be searched one by one at the start.
    format: 'esm',
    charset: 'utf8',
    legalComments: 'inline',
    define: { WGPEERSELECTOR_BUILD_TIME: String(buildTime()) },
    write: false,
    logLevel: 'warning',
  });
  const licence = await readFile(`${root}/LICENSE`, 'utf8');
  const texts = outputFiles.map(({ path, text }) => {
    // QuickJS finds what import() names by the name of the importing file, which is stripped from bytecode.
    const code = text
      .replace(/^#!.*\n/, '')
      .replace(/\bimport\("\.\/([\w-]+)\.js"\)/g, 'native.importPart("$1")');
    return /** @type {const} */ ([path.replace(/^\/+/, ''), `/*\n${licence.trim()}\n*/\n${code}`]);
  });
  return new Map(texts);
}
