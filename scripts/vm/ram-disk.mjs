// An initial RAM disk, with modules of a kernel that its first program loads.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { find } from '../setup/debian.mjs';
import { run } from '../setup/process.mjs';

/**
 * Packs a tree. Before that it gets `modules`, with these modules and all that they need, and `modules/order`, their names as they are to be
 * loaded; afterwards it is gone.
 *
 * @param {string} tree what else is to be in it, `init` among it
 * @param {string} modules the folder of one kernel's modules, below its release
 * @param {string[]} wanted names of modules
 * @param {string} initrd the file that is made
 */
export async function makeRamDisk(tree, modules, wanted, initrd) {
  const busybox = find('busybox') ?? 'busybox';
  await mkdir(`${tree}/modules`);
  const [release = ''] = await readdir(modules);
  const names = [];
  for (const file of await withDependencies(`${modules}/${release}`, wanted)) {
    const base = file.slice(file.lastIndexOf('/') + 1);
    await copyFile(`${modules}/${release}/${file}`, `${tree}/modules/${base}`);
    if (base.endsWith('.xz')) await run([busybox, 'unxz', `${tree}/modules/${base}`]);
    names.push(base.replace(/\.xz$/, ''));
  }
  await writeFile(`${tree}/modules/order`, names.map((name) => `${name}\n`).join(''));
  await run(['sh', '-c', 'find . | "$0" cpio -o -H newc >"$1"', busybox, initrd], { cwd: tree });
  await rm(tree, { recursive: true });
}

/**
 * The files of these modules and of everything they need, in the order of loading.
 *
 * @param {string} folder of one kernel's modules
 * @param {string[]} wanted
 */
async function withDependencies(folder, wanted) {
  const lines = (await readFile(`${folder}/modules.dep`, 'utf8')).split('\n');
  // `path: needed needed …`, the deepest need last
  const needs = new Map(
    lines.filter(Boolean).map((line) => {
      const [file = '', rest = ''] = line.split(':');
      return [file, rest.split(' ').filter(Boolean).reverse()];
    }),
  );
  /** @type {Set<string>} */
  const ordered = new Set();
  for (const name of wanted) {
    const file = [...needs.keys()].find((path) => new RegExp(`/${name}\\.ko(\\.xz)?$`).test(path));
    if (file === undefined) continue; // built into this kernel
    for (const need of needs.get(file) ?? []) ordered.add(need);
    ordered.add(file);
  }
  return [...ordered];
}
