import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { onPlatform } from '../bundle/platform.mjs';
import { root } from '../setup/paths.mjs';

/** As scripts/build-stamp.mjs has it. */
function buildTime() {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH);
  return process.env.SOURCE_DATE_EPOCH && Number.isFinite(epoch) ? epoch * 1000 : Date.now();
}

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
    format: 'iife',
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
