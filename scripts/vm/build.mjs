// The parts of the virtual machine: Debian's kernel for clouds, its modules, and an initial RAM disk.
// They are made once and kept in .cache/vm; nothing is installed over the machine's own kernel.
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dependency, downloadOne } from '../setup/apt.mjs';
import { find, toolsWork, vmPackages } from '../setup/debian.mjs';
import { cache } from '../setup/paths.mjs';
import { run } from '../setup/process.mjs';
import { carryOut } from '../setup/work.mjs';

/**
 * @typedef {object} VmParts
 * @property {string} kernel the kernel's image
 * @property {string} initrd the initial RAM disk
 * @property {string} modules the folder that becomes the guest's /lib/modules
 */

/** What the first program needs before it can reach the shared root folder; the rest comes by modprobe. */
const earlyModules = ['virtio_pci', 'virtiofs', 'overlay'];

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
  const own = await readFile(new URL(import.meta.url));
  const key = createHash('sha256').update(init).update(own).digest('hex').slice(0, 12);
  const folder = `${cache}/vm/${key}`;
  /** @type {VmParts} */
  const parts = { kernel: `${folder}/vmlinuz`, initrd: `${folder}/initrd`, modules: `${folder}/modules` };
  return { init, folder, parts, complete: await exists(`${folder}/complete`) };
}

/**
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<import('../setup/work.mjs').Work[]>} nothing, or one piece of work, that needs the tools in vmPackages
 */
export async function kernelWork(say) {
  const { init, folder, complete } = await cached();
  if (complete) return [];
  return [
    {
      what: ".cache/vm: Debian's kernel for the virtual machine, as this one has no WireGuard (about 30 MB to download, 110 MB unpacked)",
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
          if (!(await exists(`${folder}/complete`))) throw error;
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
  // The package linux-image-cloud-amd64 is empty and depends on the kernel of the day.
  const name = await dependency('linux-image-cloud-amd64', /^linux-image-\d/, say);
  const packageFile = await downloadOne(name, work, say);
  await run(['dpkg-deb', '--extract', packageFile, `${work}/unpacked`]);
  await rm(packageFile);
  const release = name.replace('linux-image-', '');
  const tree = (await exists(`${work}/unpacked/lib/modules`)) ? 'unpacked/lib' : 'unpacked/usr/lib';
  await run(['depmod', '-b', `${work}/${tree === 'unpacked/lib' ? 'unpacked' : 'unpacked/usr'}`, release]);
  await rename(`${work}/${tree}/modules`, `${work}/modules`);
  await rename(`${work}/unpacked/boot/vmlinuz-${release}`, `${work}/vmlinuz`);
  await rm(`${work}/unpacked`, { recursive: true });
}

/**
 * @param {string} work holds `modules`; `initrd` is written there
 * @param {Buffer} init the first program
 */
async function makeInitrd(work, init) {
  const tree = `${work}/ramdisk`;
  await mkdir(`${tree}/bin`, { recursive: true });
  await mkdir(`${tree}/modules`);
  const busybox = find('busybox') ?? 'busybox';
  await copyFile(busybox, `${tree}/bin/busybox`);
  await writeFile(`${tree}/init`, init, { mode: 0o755 });
  const [release = ''] = await readdir(`${work}/modules`);
  const files = await withDependencies(`${work}/modules/${release}`, earlyModules);
  const names = [];
  for (const file of files) {
    const base = file.slice(file.lastIndexOf('/') + 1);
    await copyFile(`${work}/modules/${release}/${file}`, `${tree}/modules/${base}`);
    if (base.endsWith('.xz')) await run([busybox, 'unxz', `${tree}/modules/${base}`]);
    names.push(base.replace(/\.xz$/, ''));
  }
  await writeFile(`${tree}/modules/order`, names.map((name) => `${name}\n`).join(''));
  await run(['sh', '-c', 'find . | "$0" cpio -o -H newc >../initrd', busybox], { cwd: tree });
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

/** @param {string} path */
async function exists(path) {
  return await readFile(path).then(
    () => true,
    (error) => error.code === 'EISDIR',
  );
}
