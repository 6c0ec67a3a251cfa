import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { onPlatform } from '../bundle/platform.mjs';
import { buildTime } from '../setup/epoch.mjs';
import { root } from '../setup/paths.mjs';

/**
 * Makes one readable JavaScript file that runs inside QuickJS.
 *
 * @param {string} entry the file that begins
 * @returns {Promise<string>}
 */
export async function bundleForQuickJS(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: 'wgpeerselector.js',
    bundle: true,
    plugins: [onPlatform('quickjs')],
    inject: ['src/platform/quickjs/globals.ts'],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2023',
    // A module's own names are found by their place; those of a function around everything would be searched one by one at the start.
    format: 'esm',
    charset: 'utf8',
    legalComments: 'inline',
    define: { WGPEERSELECTOR_BUILD_TIME: String(buildTime()) },
    write: false,
    logLevel: 'warning',
  });
  const licence = await readFile(`${root}/LICENSE`, 'utf8');
  const code = (outputFiles[0]?.text ?? '').replace(/^#!.*\n/, '');
  return `/*\n${licence.trim()}\n*/\n${code}`;
}
