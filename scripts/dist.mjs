// Makes the source tarball that distributions build from, dist/wgpeerselector-VERSION.tar.gz: our code as readable JavaScript files,
// the C, and a Makefile; manual pages, and completion for shells. The same commit makes the same bytes.
//
//   npm run dist [-- --output DIR]
//
// SOURCE_DATE_EPOCH (seconds), where set, is its time; otherwise the commit's.
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { manuals } from './man/manuals.mjs';
import { bundleForQuickJS } from './router/bundle.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { sourceTime } from './setup/epoch.mjs';
import { root } from './setup/paths.mjs';
import { run } from './setup/process.mjs';

const { values } = parseArguments({ options: { output: { type: 'string' } } });
const folder = resolve(values.output ?? `${root}/dist`);
/** @type {{ version: string }} */
const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
const name = `wgpeerselector-${version}`;
const native = `${root}/src/platform/native`;

const seconds = await sourceTime();
process.env.SOURCE_DATE_EPOCH = String(seconds);
const work = await mkdtemp(`${tmpdir()}/wgps-dist-`);
try {
  const place = `${work}/${name}`;
  await mkdir(place);
  for (const [file, text] of await bundleForQuickJS('src/cli/main.ts'))
    await writeFile(`${place}/${file}`, text);
  // Node's front is of no use there.
  const sources = (await readdir(native)).filter(
    (file) => /^(.*\.[ch]|Makefile)$/.test(file) && file !== 'node.c',
  );
  for (const file of sources) await copyFile(`${native}/${file}`, `${place}/${file}`);
  for (const [path, text] of await manuals()) await writeFile(`${place}/${basename(path)}`, text);
  await copyFile(`${root}/LICENSE`, `${place}/LICENSE`);
  await copyFile(`${root}/scripts/tarball/README.md`, `${place}/README.md`);
  const files = (await readdir(place)).sort();
  for (const path of [place, ...files.map((file) => `${place}/${file}`)]) {
    await chmod(path, path === place ? 0o755 : 0o644);
    await utimes(path, seconds, seconds);
  }
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const members = [name, ...files.map((file) => `${name}/${file}`)];
  await run([
    'tar',
    '--format=ustar',
    '--no-recursion',
    ...owner,
    '-C',
    work,
    '-c',
    '-f',
    `${work}/tar`,
    ...members,
  ]);
  await mkdir(folder, { recursive: true });
  const output = `${folder}/${name}.tar.gz`;
  const bytes = gzipSync(await readFile(`${work}/tar`), { level: 9 });
  await writeFile(output, bytes);
  process.stdout.write(`${relative(process.cwd(), output)} ${(bytes.length / 1024).toFixed(1)} KiB\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}
