// Where QuickJS's source comes from: $QUICKJS, an unpacked release; or Debian's source package, which apt fetches and whose signature it
// checks, into .cache. It never goes into this repository.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { haveApt } from '../setup/apt.mjs';
import { cache } from '../setup/paths.mjs';
import { run } from '../setup/process.mjs';

/** The release of Debian that has it, and its version there. */
const suite = 'trixie';
const release = '2025.04.26';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** QuickJS cannot be had here. The message says what to do. */
export class NoQuickJS extends Error {}

/**
 * @param {(text: string) => void} say told before anything slow
 * @returns {Promise<string>} a folder with quickjs.c
 * @throws {NoQuickJS}
 */
export async function quickjsSource(say) {
  const given = process.env.QUICKJS;
  if (given) {
    if (existsSync(`${given}/quickjs.c`) && existsSync(`${given}/VERSION`)) return given;
    throw new NoQuickJS(
      `QUICKJS=${given} is no unpacked release of QuickJS: it has no quickjs.c and VERSION`,
    );
  }
  const folder = `${cache}/quickjs/${release}`;
  if (!existsSync(`${folder}/quickjs.c`)) await fetchSource(folder, say);
  return folder;
}

/**
 * @param {string} folder
 * @param {(text: string) => void} say
 */
async function fetchSource(folder, say) {
  const otherwise = 'Unpack a release of QuickJS (2025-04-26 or later) and name its folder in QUICKJS';
  if (!haveApt() || !existsSync(keyring)) {
    throw new NoQuickJS(`this machine has no apt with Debian's keyring to fetch QuickJS with. ${otherwise}`);
  }
  say(`fetching the source of QuickJS ${release} from Debian`);
  await mkdir(`${cache}/quickjs`, { recursive: true });
  // Made beside its place and moved there whole, so that a broken or a second, simultaneous build does no harm.
  const work = await mkdtemp(`${cache}/quickjs/fetching-`);
  try {
    await mkdir(`${work}/sources`);
    await mkdir(`${work}/lists/partial`, { recursive: true });
    await mkdir(`${work}/cache/archives/partial`, { recursive: true });
    const source = `Types: deb-src\nURIs: ${await mirror()}\nSuites: ${suite}\nComponents: main\nSigned-By: ${keyring}\n`;
    await writeFile(`${work}/sources/quickjs.sources`, source);
    const options = [
      ...['Dir::Etc::SourceList=/dev/null', `Dir::Etc::SourceParts=${work}/sources`],
      ...[`Dir::State::Lists=${work}/lists`, `Dir::Cache=${work}/cache`],
      ...['Debug::NoLocking=1', 'APT::Sandbox::User=root', 'Acquire::Languages=none'],
    ].flatMap((option) => ['-o', option]);
    const apt = (/** @type {string[]} */ ...args) =>
      run(['apt-get', '--quiet', ...options, ...args], { cwd: work, env: { ...process.env, LC_ALL: 'C' } });
    await apt('update');
    await apt('source', '--download-only', `quickjs/${suite}`);
    const archive = (await readdir(work)).find((name) => name.startsWith(`quickjs_${release}.orig.tar`));
    if (archive === undefined) throw new Error(`Debian ${suite} has another release than ${release} by now`);
    await mkdir(`${work}/unpacked`);
    await run(['tar', '-x', '-f', `${work}/${archive}`, '-C', `${work}/unpacked`, '--strip-components=1']);
    await rename(`${work}/unpacked`, folder);
  } catch (error) {
    if (existsSync(`${folder}/quickjs.c`)) return; // of another build meanwhile
    const reason = error instanceof Error ? error.message : error;
    throw new NoQuickJS(`the source of QuickJS cannot be fetched: ${reason}\n${otherwise}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where this machine has Debian's packages from. */
async function mirror() {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(await readdir(folder).catch(() => [])).map((name) => `${folder}/${name}`),
  ];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const uri = /^(?:URIs:|deb )[^#\n]*?(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (uri !== undefined) return uri;
  }
  return 'http://deb.debian.org/debian';
}
