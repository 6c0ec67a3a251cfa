// Debian's packages of a kernel, unpacked.
import { existsSync } from 'node:fs';
import { unpackAlone } from '../setup/apt.mjs';
import { run } from '../setup/process.mjs';

/**
 * Downloads and unpacks a kernel with its modules.
 *
 * @param {import('../setup/apt.mjs').Source | undefined} source undefined: what this machine has its packages from
 * @param {string} meta an empty package that depends on the kernel of the day: `linux-image-cloud-amd64`
 * @param {string[]} others packages that are to come along
 * @param {string} tree gets all of it
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<{ image: string, modules: string }>} the kernel's image, and the folder with its modules below its release
 */
export async function unpackKernelPackages(source, meta, others, tree, say) {
  const image = /^linux-image-(?=\d)/;
  let release = '';
  /** @param {(name: string) => Promise<string[]>} depends */
  const choose = async (depends) => {
    const name = (await depends(meta)).find((found) => image.test(found));
    if (name === undefined) {
      throw new Error(
        source === undefined
          ? `apt knows no package ${meta}; is this Debian?`
          : `Debian's ${source.suite} has no kernel of its own (${meta})`,
      );
    }
    release = name.replace(image, '');
    // Newer ones are in pieces.
    const pieces = (await depends(name)).filter((found) => /^linux-(base|binary|modules)-\d/.test(found));
    return [name, ...pieces, ...others];
  };
  await unpackAlone(source, choose, tree, say);
  const usr = existsSync(`${tree}/lib/modules`) ? tree : `${tree}/usr`;
  await run(['depmod', '-b', usr, release]);
  const usual = `${tree}/boot/vmlinuz-${release}`;
  // Newer ones have it beside the modules.
  const found = existsSync(usual) ? usual : `${usr}/lib/modules/${release}/vmlinuz`;
  return { image: found, modules: `${usr}/lib/modules` };
}
