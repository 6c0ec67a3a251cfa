// The tables of the program, as it reads them itself: its options and its commands.
import { build } from 'esbuild';
import { onPlatform } from '../bundle/platform.mjs';
import { root } from '../setup/paths.mjs';

/**
 * @returns {Promise<{
 *   options: typeof import('../../src/config/options.js'),
 *   commands: typeof import('../../src/cli/commands.js'),
 *   exits: typeof import('../../src/cli/commands/exit-texts.js'),
 * }>}
 */
export async function loadTables() {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * as options from './src/config/options.ts'; export * as commands from './src/cli/commands.ts';
export * as exits from './src/cli/commands/exit-texts.ts';`,
      resolveDir: root,
    },
    bundle: true,
    plugins: [onPlatform('node')],
    platform: 'node',
    format: 'esm',
    // Of what the tables stand on; a module that came from a text has no path.
    banner: { js: `const bundleUrl=${JSON.stringify(import.meta.url)};` },
    define: { 'import.meta.url': 'bundleUrl', WGPEERSELECTOR_BUILD_TIME: '0' },
    write: false,
    logLevel: 'warning',
  });
  const code = Buffer.from(outputFiles[0]?.text ?? '').toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}
