import { readFile } from 'node:fs/promises';
import { sourceTime } from '../setup/epoch.mjs';
import { root } from '../setup/paths.mjs';
import { bashCompletion, fishCompletion, zshCompletion } from './completion.mjs';
import { loadTables } from './load.mjs';
import { configPage, programPage } from './pages.mjs';

/**
 * Everything that is made of the program's tables for people, by its path below dist.
 * @returns {Promise<Map<string, string>>}
 */
export async function manuals() {
  const tables = await loadTables();
  /** @type {{ version: string }} */
  const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
  const edition = { version, date: new Date((await sourceTime()) * 1000) };
  return new Map([
    ['man/wgpeerselector.8', programPage(tables, edition)],
    ['man/wgpeerselector.conf.5', await configPage(tables, edition)],
    ['completion/wgpeerselector.bash', bashCompletion(tables.commands)],
    ['completion/_wgpeerselector', zshCompletion(tables.commands)],
    ['completion/wgpeerselector.fish', fishCompletion(tables.commands)],
  ]);
}
