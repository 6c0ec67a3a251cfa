// A machine with another processor and Debian's kernel for it, emulated, in which the daemon connects to a gateway: guest-init says how.
import { copyFile, cp, mkdir, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { find } from '../setup/debian.mjs';
import { attempt } from '../setup/process.mjs';
import { unpackKernelPackages } from '../vm/kernel-packages.mjs';
import { makeRamDisk } from '../vm/ram-disk.mjs';

/**
 * By the targets of scripts/build-router.mjs: what is started, Debian's name of the architecture, and its package of a kernel. Debian 12 is the
 * last release for mipsel; for big-endian MIPS there is none.
 */
const machines = {
  arm64: {
    argv: ['qemu-system-aarch64', '-M', 'virt', '-cpu', 'cortex-a57'],
    architecture: 'arm64',
    meta: 'linux-image-arm64',
    console: 'ttyAMA0',
  },
  mipsel: {
    argv: ['qemu-system-mipsel', '-M', 'malta', '-cpu', '24Kf', '-vga', 'none'],
    architecture: 'mipsel',
    meta: 'linux-image-4kc-malta',
    console: 'ttyS0',
  },
};
const suite = 'bookworm';

/** In seconds: an emulated machine takes twenty, and a busy one many times that. */
const patience = 600;

/**
 * What the daemon does on a target's own kernel, as lines `ok WHAT` and others.
 *
 * @param {string} target
 * @param {string} program the router's, made for it
 * @param {string} folder for what is made
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<{ missing: string } | { lines: string[] } | undefined>} undefined: no machine is known for it
 */
export async function onOwnKernel(target, program, folder, say) {
  const machine = new Map(Object.entries(machines)).get(target);
  if (machine === undefined) return undefined;
  const { argv, architecture, meta, console } = machine;
  for (const tool of [argv[0] ?? '', 'depmod', 'busybox'])
    if (find(tool) === undefined) return { missing: tool };
  const unpacked = `${folder}/${target}-debian`;
  const packages = ['busybox-static', 'libc6', 'wireguard-tools'];
  const kernel = await unpackKernelPackages({ suite, architecture }, meta, packages, unpacked, say);
  const initrd = await makeInitrd(`${folder}/${target}-ramdisk`, unpacked, kernel.modules, program);
  const { stdout, stderr } = await attempt([
    ...['timeout', '--signal=KILL', String(patience), ...argv],
    ...['-m', '256', '-nic', 'none', '-no-reboot'],
    ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ...['-kernel', kernel.image, '-initrd', initrd, '-append', `console=${console} rdinit=/init quiet`],
  ]);
  return { lines: `${stdout}${stderr}`.split(/\r?\n/) };
}

/**
 * @param {string} tree is made
 * @param {string} debian the packages, unpacked
 * @param {string} modules of one kernel
 * @param {string} program
 * @returns {Promise<string>} the initial RAM disk
 */
async function makeInitrd(tree, debian, modules, program) {
  await mkdir(`${tree}/bin`, { recursive: true });
  await copyFile(fileURLToPath(new URL('guest-init', import.meta.url)), `${tree}/init`);
  await copyFile(program, `${tree}/wgpeerselector`);
  await copyFile(`${debian}/bin/busybox`, `${tree}/bin/busybox`);
  await copyFile(`${debian}/usr/bin/wg`, `${tree}/bin/wg`);
  // The C library, for wg.
  const libraries = (await readdir(`${debian}/lib`)).filter((name) => name !== 'modules');
  for (const name of libraries)
    await cp(`${debian}/lib/${name}`, `${tree}/lib/${name}`, { recursive: true, verbatimSymlinks: true });
  const initrd = `${tree}.cpio`;
  await makeRamDisk(tree, modules, ['wireguard'], initrd);
  return initrd;
}
