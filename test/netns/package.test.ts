// The Debian package, installed into a root folder of its own by dpkg, and what it holds at work.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.js';
import { routerOnly } from '../support/needs.js';
import { exec } from './lab/exec.js';
import { connected, withLab } from './lab/index.js';
import { programs } from './lab/program.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** What a program loads, its loader included. */
async function librariesOf(program: string): Promise<string[]> {
  return (await exec(['ldd', program])).match(/\/\S+/g) ?? [];
}

/** Everything but dpkg's own notes. */
async function filesIn(root: string): Promise<string[]> {
  const all = await readdir(root, { recursive: true });
  return all.filter((path) => !path.startsWith('var')).sort();
}

test(
  'the Debian package is installed, runs, and is removed without a trace',
  routerOnly('a package for Debian'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const [program] = programs.router;
      const packed = ['--program', program, '--output', lab.folder];
      await exec([process.execPath, `${checkout}scripts/package-deb.mjs`, ...packed]);
      const deb = (await readdir(lab.folder)).find((name) => name.endsWith('.deb'));
      // A machine with the C library, a shell for the package's scripts, and nothing else.
      const root = `${lab.folder}/root`;
      for (const file of ['/bin/sh', ...(await librariesOf('/bin/sh'))]) {
        await mkdir(`${root}${dirname(file)}`, { recursive: true });
        await copyFile(file, `${root}${file}`);
      }
      await mkdir(`${root}/var/lib/dpkg/info`, { recursive: true });
      await mkdir(`${root}/var/lib/dpkg/updates`);
      await writeFile(`${root}/var/lib/dpkg/status`, await exec(['dpkg-query', '--status', 'libc6']));
      const before = await filesIn(root);
      const dpkg = ['dpkg', `--root=${root}`, `--log=${lab.folder}/dpkg.log`];
      await exec([...dpkg, '--install', `${lab.folder}/${deb}`]);
      assert.match(await exec([...dpkg, '--status', 'wgpeerselector']), /^Status: install ok installed$/m);
      assert.equal(await exec([...dpkg, '--verify', 'wgpeerselector']), '');

      const installed = `${root}/usr/sbin/wgpeerselector`;
      assert.equal(await exec([installed, '--version']), `wgpeerselector ${VERSION}\n`);
      const daemon = await lab.startDaemon({ program: [installed] });
      await daemon.line(connected);
      assert.equal((await readFile(`/proc/${daemon.pid}/comm`, 'utf8')).trim(), 'wgpeerselector');
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);

      await exec([...dpkg, '--purge', 'wgpeerselector']);
      assert.deepEqual(await filesIn(root), before);
    }),
);
