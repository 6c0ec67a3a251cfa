import { root } from '../setup/paths.mjs';

/**
 * Chooses the host of a bundle: `#platform/NAME.js` is the file of that name in its folder of src/platform.
 *
 * @param {'node' | 'quickjs'} host
 * @returns {import('esbuild').Plugin}
 */
export function onPlatform(host) {
  return {
    name: 'platform',
    setup({ onResolve }) {
      onResolve({ filter: /^#platform\// }, ({ path }) => {
        const file = path.replace(/^#platform\/(.*)\.js$/, '$1.ts');
        return { path: `${root}/src/platform/${host}/${file}` };
      });
    },
  };
}
