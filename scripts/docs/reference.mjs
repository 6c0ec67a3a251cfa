// The pages of the reference, docs/api, as the docstrings have them now.
import { readFileSync } from 'node:fs';
import { root } from '../setup/paths.mjs';
import { readLibraries } from './library.mjs';
import { pageOf } from './page.mjs';

/** The document that tells how a library is used, by the name behind `wgpeerselector/`. @type {Readonly<Record<string, string>>} */
const TOURS = {
  netlink: '../netlink.md',
  sntp: '../sntp.md',
  ubus: '../ubus.md',
  uci: '../../README.md#uci-files-from-node-wgpeerselectoruci',
};

/**
 * Makes all pages, one for each library that the package exports, of the declarations in dist.
 *
 * @returns {{ pages: Map<string, string>, faults: string[] }} pages by their paths in the checkout
 */
export function reference() {
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  /** @type {[entry: string, target: { types?: string }][]} */
  const exported = Object.entries(manifest.exports);
  const files = exported.flatMap(([entry, { types }]) => (types === undefined ? [] : [[entry, types]]));
  /** @type {Map<string, string>} */
  const pages = new Map();
  /** @type {string[]} */
  const faults = [];
  for (const library of readLibraries(Object.fromEntries(files))) {
    const name = library.name.replace('./', '');
    const tour = TOURS[name];
    if (tour === undefined) throw new Error(`no document tells how ${name} is used`);
    const page = pageOf({ ...library, name: `${manifest.name}/${name}` }, tour);
    pages.set(`docs/api/${name}.md`, page.text);
    faults.push(...page.faults.map((fault) => `${name}: ${fault}`));
  }
  return { pages, faults };
}
