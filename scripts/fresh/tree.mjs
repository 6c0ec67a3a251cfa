// A minimal Debian in a folder, with a bare clone of this checkout, as somebody has it who tries this for the first time.
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianMirror } from '../setup/apt.mjs';
import { find } from '../setup/debian.mjs';
import { cache, root } from '../setup/paths.mjs';
import { attempt, run } from '../setup/process.mjs';

/** Releases of Debian whose own Node is new enough. The others get theirs from npm's package `node`. */
const withNode = ['trixie', 'forky', 'testing', 'sid'];

/**
 * @typedef {object} Case
 * @property {string} release of Debian: `bookworm`
 * @property {string} who `root` or `user`
 * @property {string | undefined} node a version for npm's package `node`; undefined: Debian's, or else 20
 * @property {boolean} kernel whether it will run on a kernel of Debian's, in a virtual machine
 */

/**
 * @typedef {object} Tree
 * @property {string} folder
 * @property {string} home its user's
 * @property {(command: string) => string[]} command the argv of a shell's command line in the clone, as that user, to be started inside
 * @property {(argv: string[]) => string[]} inside the argv that runs another with the tree as its root folder
 * @property {() => Promise<void>} remove
 */

/** As setpriv starts a program: dead when we are. */
const entrance = [
  ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh'],
  fileURLToPath(new URL('enter.sh', import.meta.url)),
];

/**
 * @param {Case} wanted
 * @param {(text: string) => void} say
 * @returns {Promise<Tree>}
 */
export async function makeTree({ release, who, node, kernel }, say) {
  const base = await minimal(release, say);
  const folder = await mkdtemp(`${process.env.TMPDIR ?? '/var/tmp'}/wgps-fresh-`);
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await chmod(folder, 0o755);
    // Device files are the machine's, mounted.
    await run(['tar', '--extract', '--file', base, '--directory', folder, '--exclude=./dev/*']);
    await copyFile('/etc/resolv.conf', `${folder}/etc/resolv.conf`);
    // Debian's installer makes it, no package.
    await writeFile(`${folder}/etc/hosts`, '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n');
    const inside = (/** @type {string[]} */ argv) => [...entrance, folder, ...argv];
    const packages = [
      ...(node === undefined && withNode.includes(release) ? ['nodejs'] : []),
      ...(node !== undefined ? ['libatomic1'] : []), // which the builds from Node 25 on want
      ...(kernel ? ['kmod'] : []), // which every Debian with a kernel of its own has
    ];
    if (packages.length > 0) {
      const install = `apt-get update && apt-get install --yes --no-install-recommends ${packages.join(' ')} && apt-get clean`;
      await run(inside(['env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-c', install]));
      await rm(`${folder}/var/lib/apt/lists`, { recursive: true });
    }
    const env = await npmSettings(folder);
    const versions = packages.includes('nodejs') ? [] : [`node@${node ?? 20}`];
    // The newest npm that runs on Node 18 too.
    await run(['npm', 'install', '--global', '--prefix', `${folder}/usr/local`, ...versions, 'npm@10']);

    const home = who === 'root' ? '/root' : `/home/${who}`;
    if (who !== 'root') await run(inside(['useradd', '--create-home', '--shell', '/bin/bash', who]));
    await chmod(folder + home, 0o700);
    const clone = `${folder}${home}/wgpeerselector`;
    await run(['git', 'clone', '--quiet', '--no-hardlinks', root, clone]);
    await run(inside(['chown', '--recursive', `${who}:${who}`, `${home}/wgpeerselector`]));
    return {
      folder,
      home,
      inside,
      remove,
      command: (text) => [
        ...['setpriv', '--reuid', who, '--regid', who, '--init-groups', '--reset-env', 'env', 'LANG=C.UTF-8'],
        ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
        ...['sh', '-c', `cd ${home}/wgpeerselector && ${text}`],
      ],
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * The archive of a minimal Debian, made once, with apt's settings as the machine has them.
 *
 * @param {string} release
 * @param {(text: string) => void} say
 */
async function minimal(release, say) {
  const archive = `${cache}/fresh/${release}.tar`;
  if ((await attempt(['test', '-e', archive])).status === 0) return archive;
  if (find('mmdebstrap') === undefined) {
    throw new Error('mmdebstrap is missing. On Debian: apt-get install --no-install-recommends mmdebstrap');
  }
  say(`making a minimal Debian (${release}), in .cache/fresh`);
  await mkdir(dirname(archive), { recursive: true });
  const mirror = await debianMirror();
  const settings = (await run(['apt-config', 'dump']))
    .split('\n')
    .filter((line) => /^Acquire::(https?::.*Proxy|Check)/.test(line));
  const argv = [
    ...['mmdebstrap', '--quiet', '--variant=minbase', '--format=tar'],
    ...settings.map((line) => `--aptopt=${line}`),
    ...[release, `${archive}.new`, ...(mirror === undefined ? [] : [mirror])],
  ];
  await run(argv);
  await rename(`${archive}.new`, archive);
  return archive;
}

/**
 * npm's way to its registry, as this machine has it.
 *
 * @param {string} folder gets the certificates
 * @returns {Promise<Record<string, string>>}
 */
async function npmSettings(folder) {
  /** @type {Record<string, string>} */
  const env = {};
  for (const name of ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy']) {
    const value = (await run(['npm', 'config', 'get', name], { cwd: '/' })).trim();
    if (value !== '' && value !== 'null' && value !== 'undefined')
      env[`npm_config_${name.replace('-', '_')}`] = value;
  }
  for (const file of [env.npm_config_cafile, process.env.NODE_EXTRA_CA_CERTS]) {
    if (file === undefined) continue;
    await mkdir(dirname(folder + file), { recursive: true });
    await copyFile(file, folder + file);
  }
  if (process.env.NODE_EXTRA_CA_CERTS !== undefined)
    env.NODE_EXTRA_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS;
  return env;
}
