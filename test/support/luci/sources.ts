/** The modules of our LuCI packages, as files. */
import { readdirSync, readFileSync } from 'node:fs';
import { root } from '../documents.js';

/** Our packages for LuCI, as folders. */
export const LUCI_PACKAGES = ['luci-app-wgpeerselector', 'luci-proto-wgpeerselector'].map(
  (name) => `${root}openwrt/${name}`,
);

/** A module: its name (`view.wgpeerselector.status`), its file, and what that says. */
export interface LuciModule {
  readonly name: string;
  readonly file: string;
  readonly source: string;
}

/** The modules of a package. */
export function modulesOf(folder: string): LuciModule[] {
  const resources = `${folder}/htdocs/luci-static/resources`;
  return readdirSync(resources, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .sort()
    .map((path) => {
      const file = `${resources}/${path}`;
      return { name: path.slice(0, -3).replaceAll('/', '.'), file, source: readFileSync(file, 'utf8') };
    });
}

/** What a module requires, and what it calls it. */
export function requiredBy(source: string): { readonly module: string; readonly as: string }[] {
  const [head = ''] = /^(?:'[^']*';\n)+/.exec(source) ?? [];
  return [...head.matchAll(/^'require (\S+?)(?: as (\w+))?';$/gm)].map(([, module = '', as]) => ({
    as: as ?? module.replaceAll(/\W/g, '_'),
    module,
  }));
}
