// The programs that the tests and the virtual machine need. Those that the machine lacks are unpacked from Debian's packages into
// .cache/tools and found there by PATH and its like; nothing is installed, and no service of the machine's is touched.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { firstKnown, haveApt, plan, unpackWithNeeds } from './apt.mjs';
import { cache } from './paths.mjs';

/**
 * @typedef {object} Need
 * @property {string[]} names Debian's package; where releases differ, the names by which they may have it
 * @property {string[]} files it is there when one of these is: a program's name, or an absolute path
 */

/** What the tests use wherever they run. @type {Need[]} */
export const labPackages = [
  { names: ['iproute2'], files: ['ip'] },
  { names: ['iputils-ping'], files: ['ping'] },
  { names: ['wireguard-tools'], files: ['wg'] },
  { names: ['dnsmasq-base'], files: ['dnsmasq'] },
  { names: ['nftables'], files: ['nft'] },
  { names: ['chrony'], files: ['chronyd'] },
  { names: ['strace'], files: ['strace'] },
  { names: ['shellcheck'], files: ['shellcheck'] },
  { names: ['busybox-static'], files: ['busybox'] },
  { names: ['kmod'], files: ['modprobe'] },
  { names: ['perl-base'], files: ['perl'] },
  // For the native parts and the router's program. A router may lack them, but the tests are about them too.
  { names: ['gcc'], files: ['cc', 'gcc'] },
  { names: ['libc6-dev'], files: ['/usr/include/stdio.h'] },
  { names: ['make'], files: ['make'] },
  { names: ['xz-utils'], files: ['xz'] }, // QuickJS comes packed by it
];

/** Where Debian 12 and those after it have virtiofsd; the two are different programs. */
export const virtiofsd = { old: '/usr/lib/qemu/virtiofsd', current: '/usr/libexec/virtiofsd' };

/** What the virtual machine needs besides. @type {Need[]} */
export const vmPackages = [
  { names: ['qemu-system-x86'], files: ['qemu-system-x86_64'] },
  { names: ['virtiofsd', 'qemu-system-common'], files: [virtiofsd.current, virtiofsd.old] },
  { names: ['busybox-static'], files: ['busybox'] },
  { names: ['kmod'], files: ['depmod'] },
  { names: ['iproute2'], files: ['ip'] },
  { names: ['gcc'], files: ['cc', 'gcc'] }, // scripts/vm/no-groups.c
];

/** An ordinary user's PATH lacks those with `sbin`. */
const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Of this release of the system: the libraries of another would not go with its programs. */
const toolsFolder = `${cache}/tools/${release()}`;

function release() {
  try {
    const text = readFileSync('/etc/os-release', 'latin1');
    const value = (/** @type {string} */ name) =>
      new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(text)?.[1] ?? '';
    return `${value('ID')}-${value('VERSION_CODENAME')}${value('VERSION_ID')}`;
  } catch {
    return 'unknown';
  }
}

/** The folders `usr` of what was unpacked, if anything was. */
export function unpacked() {
  try {
    return readdirSync(toolsFolder)
      .filter((name) => existsSync(`${toolsFolder}/${name}/complete`))
      .map((name) => `${toolsFolder}/${name}/usr`);
  } catch {
    return [];
  }
}

/**
 * @param {string} file a program's name, or an absolute path
 * @returns {string | undefined} where it is, on the machine or among what was unpacked
 */
export function find(file) {
  const places = file.startsWith('/')
    ? [file, ...unpacked().map((usr) => usr + file.replace(/^\/usr/, ''))]
    : [...folders, ...unpacked().flatMap((usr) => [`${usr}/sbin`, `${usr}/bin`])].map(
        (folder) => `${folder}/${file}`,
      );
  return places.find((place) => {
    try {
      accessSync(place, /\.[ah]$/.test(file) ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Lets this process and all that it starts find what was unpacked, and what an ordinary user's PATH leaves out. */
export function useTools() {
  /** @param {string} name @param {string[]} values */
  const append = (name, values) => {
    const all = [...(process.env[name] ?? '').split(':'), ...values].filter((value) => value !== '');
    if (all.length > 0) process.env[name] = [...new Set(all)].join(':');
  };
  append('PATH', folders);
  for (const usr of unpacked()) {
    const libraries = readdirSync(`${usr}/lib`)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => `${usr}/lib/${name}`);
    append('PATH', [`${usr}/sbin`, `${usr}/bin`]);
    append('LD_LIBRARY_PATH', libraries);
    if (!existsSync(`${usr}/include/stdio.h`)) continue;
    append('C_INCLUDE_PATH', [
      `${usr}/include`,
      ...libraries.map((path) => path.replace('/lib/', '/include/')),
    ]);
    append('LIBRARY_PATH', libraries);
  }
}

/**
 * What is to be done so that these are there.
 *
 * @param {Need[]} needs
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<import('./work.mjs').Work[]>} nothing, or one piece of work
 * @throws {Error} that says what to install, on a system without apt
 */
export async function toolsWork(needs, say) {
  useTools();
  const missing = needs.filter((need) => !need.files.some((file) => find(file)));
  if (missing.length === 0) return [];
  const files = [...new Set(missing.map((need) => need.files[0]?.replace(/.*\//, '')))].join(', ');
  if (!haveApt()) {
    const names = missing.map((need) => need.names[0]).join(' ');
    throw new Error(`These programs are missing: ${files}. Debian has them in the packages ${names}.`);
  }
  const names = [];
  for (const need of missing) {
    names.push(need.names.length === 1 ? `${need.names[0]}` : await firstKnown(need.names, say));
  }
  const { count, cost } = await plan([...new Set(names)], say);
  return [
    {
      what: `.cache/tools: ${files}, unpacked from ${count} Debian packages and not installed (${cost})`,
      carryOut: async () => {
        await unpackTools([...new Set(names)], say);
        useTools();
        const still = missing.filter((need) => !need.files.some((file) => find(file)));
        if (still.length === 0) return;
        const list = still
          .map((need) => `${need.files.join(' or ')} of ${need.names.join(' or ')}`)
          .join(', ');
        throw new Error(`apt-get was content, but these are still missing: ${list}`);
      },
    },
  ];
}

/**
 * @param {string[]} names
 * @param {(text: string) => void} say
 */
async function unpackTools(names, say) {
  const key = createHash('sha256')
    .update([...names].sort().join())
    .digest('hex')
    .slice(0, 12);
  await mkdir(toolsFolder, { recursive: true });
  // Made beside its place and moved there whole, so that a broken or a second, simultaneous set-up does no harm.
  const work = await mkdtemp(`${toolsFolder}/unpacking-`);
  try {
    await unpackWithNeeds(names, work, say);
    await makeCompilerFindIts(`${work}/usr`);
    await writeFile(`${work}/complete`, '');
    await rm(`${toolsFolder}/${key}`, { recursive: true, force: true });
    await rename(work, `${toolsFolder}/${key}`);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(`${toolsFolder}/${key}/complete`)) throw error;
  }
}

/**
 * gcc finds its own parts wherever it is, and the rest by variables, but not `cc`, which is a link that installing makes, nor the
 * absolute paths in the texts that stand for libc.so and libm.so.
 *
 * @param {string} usr
 */
async function makeCompilerFindIts(usr) {
  if (existsSync(`${usr}/bin/gcc`)) await symlink('gcc', `${usr}/bin/cc`).catch(() => {});
  for (const folder of readdirSync(`${usr}/lib`).filter((name) => name.includes('-linux-gnu'))) {
    for (const name of ['libc.so', 'libm.so']) {
      const path = `${usr}/lib/${folder}/${name}`;
      const text = await readFile(path, 'latin1').catch(() => undefined);
      // The shared libraries are the machine's; what is linked in is here, and found by its name alone.
      if (text?.includes('GROUP')) {
        await writeFile(path, text.replaceAll(/\/\S+\/(\S+\.a)/g, '$1'), 'latin1');
      }
    }
  }
}
