// Debian's packages, downloaded and unpacked by an ordinary user: apt is asked what is needed, with state and cache of our own, so
// that nothing is installed and nothing of the machine's changes.
import { accessSync, constants, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, readdir, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { cache } from './paths.mjs';
import { attempt, run } from './process.mjs';

const folder = `${cache}/apt`;

/** Whether we have fetched lists of our own, because the machine has none or old ones. */
let ownLists = false;

/** @returns {string[]} */
const options = () => [
  ...['-o', `Dir::Cache=${folder}/cache`, '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root'],
  ...['-o', 'Acquire::Languages=none', '-o', 'Acquire::GzipIndexes=true'],
  ...(ownLists ? ['-o', `Dir::State::Lists=${folder}/lists`] : []),
];

// What is read in apt's answers is English.
const env = () => ({ ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' });

/** What `dpkg-deb --extract` does, but leaves a link to a folder alone where the package has that folder. */
const extract =
  'dpkg-deb --fsys-tarfile "$0" | tar --extract --keep-directory-symlink --no-same-owner --directory "$1" ' +
  ['doc', 'info', 'lintian', 'locale', 'man'].map((name) => `--exclude=./usr/share/${name}`).join(' ');

/**
 * @typedef {object} Source of packages
 * @property {string} suite of Debian's: `trixie-backports`
 * @property {string} [architecture] by Debian's name; the machine's own when not given
 */

/** @param {Source} source */
const folderOf = ({ suite, architecture }) =>
  `${folder}/${suite}${architecture === undefined ? '' : `-${architecture}`}`;

/**
 * What apt needs to see one source and nothing else.
 *
 * @param {Source} source
 */
const optionsOf = (source) => [
  ...['-o', `Dir::Etc::SourceList=${folderOf(source)}/sources.list`, '-o', 'Dir::Etc::SourceParts=-'],
  ...['-o', `Dir::State::Lists=${folderOf(source)}/lists`],
  ...(source.architecture === undefined
    ? []
    : [
        ...['-o', `APT::Architecture=${source.architecture}`],
        ...['-o', `APT::Architectures::=${source.architecture}`],
      ]),
];

/** Whether this machine has apt, as Debian and its kin do. */
export function haveApt() {
  try {
    accessSync('/usr/bin/apt-get', constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @typedef {object} Plan
 * @property {string[]} names the packages that were asked for
 * @property {number} count how many packages come with them, themselves included
 * @property {string} cost to be shown: `95.1 MB to download, 407 MB unpacked`
 */

/**
 * What these packages bring along on this machine.
 *
 * @param {string[]} names
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<Plan>}
 */
export async function plan(names, say) {
  const text = await fresh(say, () =>
    apt('apt-get', ['install', '--print-uris', '--yes', '--no-install-recommends', ...names]),
  );
  const download = /Need to get ([\d.,]+ \w+)/.exec(text)?.[1] ?? '0 B';
  const unpacked = /After this operation, ([\d.,]+ \w+) of additional/.exec(text)?.[1] ?? 'as much';
  const count = text.split('\n').filter((line) => line.startsWith("'")).length;
  return { names, count, cost: `${download} to download, ${unpacked} unpacked` };
}

/**
 * Downloads packages with all that they need and this machine has not, and unpacks them.
 *
 * @param {string[]} names
 * @param {string} tree an empty folder, that gets `usr` and no more
 * @param {(text: string) => void} say told before anything slow
 */
export async function unpackWithNeeds(names, tree, say) {
  const archives = `${folder}/cache/archives`;
  await rm(archives, { recursive: true, force: true });
  await fresh(say, () =>
    apt('apt-get', ['install', '--download-only', '--yes', '--no-install-recommends', ...names]),
  );
  // Debian's packages may still name /bin, /lib and /sbin, which are links into usr.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(`${tree}/usr/${name}`, { recursive: true });
    await symlink(`usr/${name}`, `${tree}/${name}`);
  }
  for (const file of (await readdir(archives)).sort()) {
    // A C library beside the machine's own, for which the machine's loader is not made, would let no program start.
    if (!file.endsWith('.deb') || /^(libc6|libc-bin)_/.test(file)) continue;
    await run(['sh', '-c', extract, `${archives}/${file}`, tree]);
  }
  await rm(archives, { recursive: true });
  await makeLinksStay(tree, `${tree}/usr`);
  for (const name of await readdir(tree))
    if (name !== 'usr') await rm(`${tree}/${name}`, { recursive: true });
}

/**
 * Makes links relative that name a file of the tree by the place that it would have when installed.
 *
 * @param {string} tree
 * @param {string} folder in it
 */
async function makeLinksStay(tree, folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) await makeLinksStay(tree, path);
    if (!entry.isSymbolicLink()) continue;
    const target = await readlink(path);
    // Not whether it can be followed: it may be such a link itself.
    if (!target.startsWith('/') || lstatSync(tree + target, { throwIfNoEntry: false }) === undefined)
      continue;
    await rm(path);
    await symlink(
      join(relative(await realpath(folder), await realpath(dirname(tree + target))), basename(target)),
      path,
    );
  }
}

/** The mirror of Debian that this machine uses; undefined where apt does not tell. */
export async function debianMirror() {
  const format = '$(ORIGIN) $(LABEL) $(REPO_URI)';
  const { stdout } = await attempt(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages']);
  return /^Debian Debian (\S+)$/m.exec(stdout)?.[1];
}

/**
 * Downloads packages, and unpacks them, without those that they need.
 *
 * @param {Source | undefined} source undefined: what this machine has its packages from
 * @param {(depends: (name: string) => Promise<string[]>) => Promise<string[]>} choose names them; it may ask what a package depends on
 * @param {string} tree gets what is in them
 * @param {(text: string) => void} say told before anything slow
 */
export async function unpackAlone(source, choose, tree, say) {
  const archives = `${source === undefined ? `${folder}/alone` : folderOf(source)}/archives`;
  const more = source === undefined ? [] : optionsOf(source);
  const download = async () => {
    await rm(archives, { recursive: true, force: true });
    await mkdir(archives, { recursive: true });
    const names = await choose(async (name) =>
      dependsOf(await apt('apt-cache', ['depends', name], { more })),
    );
    await apt('apt-get', ['download', ...names], { cwd: archives, more });
  };
  if (source === undefined) await fresh(say, download);
  else {
    await fetchLists(source, say);
    await download();
  }
  for (const file of await readdir(archives)) {
    await run(['dpkg-deb', '--extract', `${archives}/${file}`, tree]);
  }
  await rm(archives, { recursive: true });
}

/**
 * @param {Source} source
 * @param {(text: string) => void} say
 */
async function fetchLists(source, say) {
  const { suite, architecture } = source;
  say(
    `fetching the package lists of Debian's ${suite}${architecture === undefined ? '' : ` for ${architecture}`}, into .cache/apt`,
  );
  await mkdir(`${folderOf(source)}/lists/partial`, { recursive: true });
  const mirror = (await debianMirror()) ?? 'http://deb.debian.org/debian/';
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(`${folderOf(source)}/sources.list`, `deb [signed-by=${keys}] ${mirror} ${suite} main\n`);
  await apt('apt-get', ['--quiet', 'update'], { more: optionsOf(source) });
}

/** @param {string} text what `apt-cache depends` has said */
function dependsOf(text) {
  return [...text.matchAll(/Depends: (\S+)/g)].map(([, other]) => other ?? '');
}

/**
 * Which of these packages apt can install: Debian's releases differ.
 *
 * @param {string[]} names
 * @param {(text: string) => void} say told before anything slow
 */
export async function firstKnown(names, say) {
  return await fresh(say, async () => {
    for (const name of names) {
      const text = await apt('apt-cache', ['policy', name]);
      if (/Candidate: (?!\(none\))/.test(text)) return name;
    }
    throw new Error(`apt knows no package ${names.join(' or ')}; is this Debian?`);
  });
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, more?: string[] }} [how] `more`: options besides
 */
async function apt(program, args, { cwd, more = [] } = {}) {
  mkdirSync(`${folder}/cache/archives/partial`, { recursive: true });
  const argv = [program, ...options(), ...more, ...args];
  return await run(argv, { env: env(), ...(cwd === undefined ? {} : { cwd }) });
}

/**
 * Does something with the package lists that the machine has; when it has none, or when this fails because they name versions that
 * the mirrors no longer have, with lists of our own.
 *
 * @template T
 * @param {(text: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function fresh(say, work) {
  if (ownLists) return await work();
  if (haveLists()) {
    try {
      return await work();
    } catch {
      // Once more, below.
    }
  }
  ownLists = true;
  say("fetching Debian's package lists, into .cache/apt");
  mkdirSync(`${folder}/lists/partial`, { recursive: true });
  // One source that fails does not matter as long as the others have what is wanted.
  const { stderr } = await attempt(['apt-get', ...options(), '--quiet', 'update'], { env: env() });
  try {
    return await work();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\napt-get update had said: ${stderr}`);
  }
}

function haveLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
