// node_modules as package-lock.json wants it.
import { readFile } from 'node:fs/promises';
import { root } from './paths.mjs';
import { run } from './process.mjs';

/**
 * Installs the npm packages of the lock file, unless they are there already.
 *
 * @returns {Promise<import('./work.mjs').Work[]>} nothing, or one piece of work
 */
export async function npmWork() {
  if (await installed()) return [];
  return [
    {
      what: 'node_modules: the npm packages of package-lock.json, by npm ci (about 140 MB unpacked)',
      carryOut: async () => {
        await run(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: root });
      },
    },
  ];
}

/** npm writes what it has installed to node_modules/.package-lock.json, in the form of the lock file. */
async function installed() {
  const wanted = await packages(`${root}/package-lock.json`);
  const present = await packages(`${root}/node_modules/.package-lock.json`);
  if (wanted === undefined) throw new Error('package-lock.json is missing or unreadable');
  if (present === undefined) return false;
  for (const [path, entry] of Object.entries(present)) {
    if (wanted[path]?.version !== entry.version || wanted[path]?.integrity !== entry.integrity) return false;
  }
  // Packages for other platforms are optional and rightly absent.
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional === true || path in present,
  );
}

/**
 * @param {string} file
 * @returns {Promise<Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined>}
 */
async function packages(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
