// The parts of the virtual machine: Debian's kernel for clouds, its modules, and an initial RAM disk. The kernel is that of the machine's
// release, or, where WGPS_KERNEL names one, of another suite of Debian's.
// They are made once and kept in .cache/vm; nothing is installed over the machine's own kernel.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { find, toolsWork, vmPackages } from '../setup/debian.mjs';
import { cache } from '../setup/paths.mjs';
import { carryOut } from '../setup/work.mjs';
import { unpackKernelPackages } from './kernel-packages.mjs';
import { makeRamDisk } from './ram-disk.mjs';

/**
 * @typedef {object} VmParts
 * @property {string} kernel the kernel's image
 * @property {string} initrd the initial RAM disk
 * @property {string} modules the folder that becomes the guest's /lib/modules
 */

/** What the first program needs before it can reach the shared root folder; the rest comes by modprobe. */
const earlyModules = ['virtio_pci', 'virtiofs', 'overlay'];

/** The suite that the kernel is from; undefined: the machine's own. @throws {Error} for what can be none */
function suite() {
  const name = process.env.WGPS_KERNEL ?? '';
  if (/^([a-z][a-z-]*)?$/.test(name)) return name || undefined;
  throw new Error(`WGPS_KERNEL is '${name}': expected a suite of Debian's, as in trixie-backports`);
}

/** @throws {Error} where this machine cannot stand in for a kernel with WireGuard */
export function refuseWithoutVm() {
  if (process.arch === 'x64') return;
  throw new Error(
    `This kernel has no WireGuard, and the virtual machine that stands in for it is made for x64, not ` +
      `${process.arch}. Load the kernel's wireguard module (modprobe wireguard), or use a kernel that has one.`,
  );
}

/**
 * Makes the parts of the virtual machine unless the cache has them.
 *
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<VmParts>}
 */
export async function ensureVm(say) {
  refuseWithoutVm();
  await carryOut([...(await toolsWork(vmPackages, say)), ...(await kernelWork(say))], say);
  return (await cached()).parts;
}

/** Where the cache has the parts of the virtual machine that these scripts make, or will have them. */
async function cached() {
  const init = await readFile(new URL('guest/init', import.meta.url));
  const key = createHash('sha256').update(init);
  for (const part of ['build', 'kernel-packages', 'ram-disk'])
    key.update(await readFile(new URL(`${part}.mjs`, import.meta.url)));
  const other = suite();
  const folder = `${cache}/vm/${key.digest('hex').slice(0, 12)}${other === undefined ? '' : `-${other}`}`;
  /** @type {VmParts} */
  const parts = { kernel: `${folder}/vmlinuz`, initrd: `${folder}/initrd`, modules: `${folder}/modules` };
  return { init, folder, parts, complete: existsSync(`${folder}/complete`) };
}

/**
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<import('../setup/work.mjs').Work[]>} nothing, or one piece of work, that needs the tools in vmPackages
 */
export async function kernelWork(say) {
  const { init, folder, complete } = await cached();
  if (complete) return [];
  const of = suite() === undefined ? '' : ` of ${suite()}`;
  return [
    {
      what: `.cache/vm: Debian's kernel${of} for the virtual machine, as this one has no WireGuard (about 30 MB to download, 110 MB unpacked)`,
      carryOut: async () => {
        // Made beside its place and moved there whole, so that a broken or a second, simultaneous build does no harm.
        await mkdir(`${cache}/vm`, { recursive: true });
        const work = await mkdtemp(`${cache}/vm/building-`);
        try {
          await unpackKernel(work, say);
          await makeInitrd(work, init);
          await writeFile(`${work}/complete`, '');
          await chmod(work, 0o755);
          await rm(folder, { recursive: true, force: true });
          await rename(work, folder);
        } catch (error) {
          await rm(work, { recursive: true, force: true });
          if (!existsSync(`${folder}/complete`)) throw error;
        }
      },
    },
  ];
}

/**
 * @param {string} work
 * @param {(text: string) => void} say
 */
async function unpackKernel(work, say) {
  const unpacked = `${work}/unpacked`;
  const other = suite();
  const source = other === undefined ? undefined : { suite: other };
  const { image, modules } = await unpackKernelPackages(source, 'linux-image-cloud-amd64', [], unpacked, say);
  await rename(image, `${work}/vmlinuz`);
  await rename(modules, `${work}/modules`);
  await rm(unpacked, { recursive: true });
}

/**
 * @param {string} work holds `modules`; `initrd` is written there
 * @param {Buffer} init the first program
 */
async function makeInitrd(work, init) {
  const tree = `${work}/ramdisk`;
  await mkdir(`${tree}/bin`, { recursive: true });
  await copyFile(find('busybox') ?? 'busybox', `${tree}/bin/busybox`);
  await writeFile(`${tree}/init`, init, { mode: 0o755 });
  await makeRamDisk(tree, `${work}/modules`, earlyModules, `${work}/initrd`);
}
