// The Debian packages that the tests and the virtual machine need.
import { accessSync, constants, readdirSync } from 'node:fs';
import { run } from './process.mjs';

/**
 * @typedef {object} Need
 * @property {string} name the Debian package
 * @property {string[]} files the package is there when one of these is: a program's name, or an absolute path
 */

/**
 * What the tests use wherever they run. Only chrony starts a service when it is installed, where systemd runs: in the place of
 * systemd-timesyncd.
 * @type {Need[]}
 */
export const labPackages = [
  { name: 'iproute2', files: ['ip'] },
  { name: 'iputils-ping', files: ['ping'] },
  { name: 'wireguard-tools', files: ['wg'] },
  { name: 'dnsmasq-base', files: ['dnsmasq'] },
  { name: 'nftables', files: ['nft'] },
  { name: 'chrony', files: ['chronyd'] },
  { name: 'strace', files: ['strace'] },
  { name: 'shellcheck', files: ['shellcheck'] },
  { name: 'busybox-static', files: ['busybox'] },
  // For the native parts; they may be missing on a router, but the tests are about them too.
  { name: 'gcc', files: ['cc', 'gcc'] },
  { name: 'libc6-dev', files: ['/usr/include/stdio.h'] },
];

/** What the virtual machine needs besides. @type {Need[]} */
export const vmPackages = [
  { name: 'qemu-system-x86', files: ['qemu-system-x86_64'] },
  { name: 'qemu-system-common', files: ['/usr/lib/qemu/virtiofsd'] },
  { name: 'busybox-static', files: ['busybox'] },
  { name: 'cpio', files: ['cpio'] },
  { name: 'kmod', files: ['depmod'] },
];

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @param {string} file a program's name or an absolute path */
function present(file) {
  const places = file.startsWith('/') ? [file] : folders.map((folder) => `${folder}/${file}`);
  return places.some((place) => {
    try {
      accessSync(place, file.endsWith('.h') ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Installs what is missing of these packages; as root only.
 *
 * @param {Need[]} needs
 * @param {(text: string) => void} say told before anything slow
 * @throws {Error} that says what to install, if we may not
 */
export async function ensureDebianPackages(needs, say) {
  const missing = needs.filter((need) => !need.files.some(present)).map((need) => need.name);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !present('apt-get')) {
    throw new Error(`These programs are missing. On Debian, as root: ${command}`);
  }
  say(command);
  await apt(['install', '--yes', '--no-install-recommends', ...missing], say);
  const still = needs.filter((need) => !need.files.some(present));
  if (still.length > 0) {
    const names = still.map((need) => `${need.name} (${need.files.join(' or ')})`).join(', ');
    throw new Error(`apt-get was content, but these are still missing: ${names}`);
  }
}

/**
 * apt-get with the answers that a machine without a person needs. When it fails, once more with fresh
 * package lists: old ones name versions that the mirrors no longer have.
 *
 * @param {string[]} args
 * @param {(text: string) => void} say
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<string>} what it wrote
 */
export async function apt(args, say, options = {}) {
  const argv = ['apt-get', '--quiet', '-o', 'APT::Sandbox::User=root', ...args];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const update = async () => {
    if (process.getuid?.() !== 0) return;
    say('apt-get update');
    await run(['apt-get', '--quiet', 'update'], { env });
  };
  if (!haveLists()) await update();
  try {
    return await run(argv, { ...options, env });
  } catch {
    await update();
    return await run(argv, { ...options, env });
  }
}

function haveLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
