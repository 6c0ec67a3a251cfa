// What others build and install from: the source tarball, the OpenWrt package that is built from it, the Debian package.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { VERSION } from '../../src/version.js';
import { limits } from '../support/limits.js';
import { needsRouter } from '../support/needs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/wgps-dist-`);
after(() => rmSync(folder, { recursive: true }));

/** Runs a program that has to end well, and returns what it wrote. */
function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

/** The source of QuickJS that the router's program was built from. */
function quickjs(): string {
  const given = process.env.QUICKJS;
  if (given) return given;
  const [release] = readdirSync(`${root}.cache/quickjs`);
  return `${root}.cache/quickjs/${release}`;
}

test('two builds of the source tarball are the same bytes, and nothing in it needs Node', () => {
  for (const place of ['one', 'other'])
    run(process.execPath, `${root}scripts/dist.mjs`, '--output', `${folder}/${place}`);
  const name = `wgpeerselector-${VERSION}.tar.gz`;
  assert.deepEqual(readFileSync(`${folder}/one/${name}`), readFileSync(`${folder}/other/${name}`));
  const members = run('tar', '-tzf', `${folder}/one/${name}`).trim().split('\n');
  assert.ok(members.every((member) => member.startsWith(`wgpeerselector-${VERSION}/`)));
  const files = members.map((member) => member.slice(member.indexOf('/') + 1));
  for (const file of [
    'Makefile',
    'LICENSE',
    'README.md',
    'wgpeerselector.js',
    'commands.js',
    'main.c',
    'native.h',
  ])
    assert.ok(files.includes(file), file);
  assert.ok(!files.includes('node.c'));
});

test('without git the sources are as old as package.json: what is built twice is the same twice', () => {
  const { SOURCE_DATE_EPOCH: _, ...env } = process.env;
  const ask = `import { sourceTime } from '${root}scripts/setup/epoch.mjs'; console.log(await sourceTime());`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', ask], {
    encoding: 'utf8',
    env: { ...env, PATH: folder },
  });
  assert.equal(Number(stdout), Math.floor(statSync(`${root}package.json`).mtimeMs / 1000));
});

/** As much of OpenWrt's build root as our Makefile sees of it. */
const buildRoot = {
  'rules.mk': 'INCLUDE_DIR:=$(TOPDIR)/include\n',
  'include/package.mk': `PKG_BUILD_DIR:=$(TOPDIR)/build/$(PKG_NAME)-$(PKG_VERSION)
DL_DIR:=$(TOPDIR)/dl
HOSTCC_NOCACHE:=cc
TARGET_CC:=cc
TARGET_CFLAGS:=-O0
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
Download:=
all:
built:
	$(call Build/Prepare)
	$(call Build/Compile)
define BuildPackage
all: $(1)
$(1): built
	$(call Package/$(1)/install,$(TOPDIR)/installed)
endef
`,
};

test("the router's program is within its bounds of size", needsRouter(), () => {
  const program = readFileSync(`${root}dist/router/wgpeerselector`);
  const compressed = gzipSync(program, { level: 9 }).length;
  assert.ok(program.length <= limits.executable, `${program.length} bytes`);
  assert.ok(compressed <= limits.compressed, `${compressed} bytes compressed`);
});

test(
  'the OpenWrt package is built from the tarball by a C compiler, QuickJS and nothing else',
  needsRouter(),
  () => {
    for (const [file, text] of Object.entries(buildRoot)) {
      mkdirSync(dirname(`${folder}/root/${file}`), { recursive: true });
      writeFileSync(`${folder}/root/${file}`, text);
    }
    // A checkout, with a tarball that `npm run dist` has made.
    mkdirSync(`${folder}/checkout/dist`, { recursive: true });
    writeFileSync(`${folder}/checkout/package.json`, '{}');
    cpSync(`${root}openwrt`, `${folder}/checkout/openwrt`, { recursive: true });
    run(process.execPath, `${root}scripts/dist.mjs`, '--output', `${folder}/checkout/dist`);
    // The archive that the package names, whichever release is here.
    const makefile = readFileSync(`${root}openwrt/Makefile`, 'utf8');
    const release = /^QUICKJS_VERSION:=(.*)$/m.exec(makefile)?.[1] ?? '';
    mkdirSync(`${folder}/root/dl`);
    cpSync(quickjs(), `${folder}/quickjs-${release}`, { recursive: true });
    run('tar', '-C', folder, '-cJf', `${folder}/root/dl/quickjs-${release}-2.tar.xz`, `quickjs-${release}`);
    // Neither Node nor npm within reach.
    const bin = `${folder}/bin`;
    mkdirSync(bin);
    const tools = [
      'sh',
      'make',
      'cc',
      'as',
      'ld',
      'tar',
      'gzip',
      'xz',
      'xzcat',
      'mkdir',
      'test',
      'cat',
      'tail',
      'mv',
      'rm',
      'sed',
      'install',
      'true',
      'echo',
    ];
    const paths = run('which', ...tools.filter((tool) => tool !== 'echo' && tool !== 'test'))
      .trim()
      .split('\n');
    for (const path of paths) run('ln', '-s', path, `${bin}/`);
    // By which a compiler that was unpacked and not installed finds its parts.
    const settings = ['LD_LIBRARY_PATH', 'C_INCLUDE_PATH', 'LIBRARY_PATH'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [`${name}=${value}`];
    });
    run(
      'env',
      '-i',
      `PATH=${bin}`,
      ...settings,
      'make',
      '-C',
      `${folder}/checkout/openwrt`,
      `TOPDIR=${folder}/root`,
      'PKG_JOBS=-j2',
    );
    const installed = `${folder}/root/installed`;
    assert.equal(run(`${installed}/usr/bin/wgpeerselector`, '--version'), `wgpeerselector ${VERSION}\n`);
    // The package's test for a feed, which looks for the program and its configuration where a router has them.
    const router = `${folder}/router`;
    mkdirSync(router);
    writeFileSync(
      `${router}/wgpeerselector`,
      `#!/bin/sh\nexec ${installed}/usr/bin/wgpeerselector "$@" $([ "$1" != check ] || echo --config-dir ${installed}/etc/config)\n`,
      { mode: 0o755 },
    );
    const passes = (version: string): boolean => {
      const env = { PATH: `${router}:${process.env.PATH}` };
      const argv = [`${root}openwrt/test.sh`, 'wgpeerselector', version];
      return spawnSync('sh', argv, { env, encoding: 'utf8' }).status === 0;
    };
    assert.deepEqual([passes(VERSION), passes('9.9.9')], [true, false]);
    assert.match(readFileSync(`${installed}/etc/init.d/wgpeerselector`, 'utf8'), /^#!\/bin\/sh/);
    assert.ok(existsSync(`${installed}/usr/share/ucode/node-exporter/lib/wgpeerselector.uc`));
  },
);

test('the tarball is built with QuickJS as a library, and its compiler found by PATH', needsRouter(), () => {
  // As Debian's packages libquickjs and quickjs have them, of what the build root before has made.
  const found = (name: string) => run('find', `${folder}/root/build`, '-name', name).trim().split('\n');
  const [qjsc = ''] = found('qjsc');
  const place = `${folder}/library`;
  mkdirSync(place);
  run('ar', 'rcs', `${place}/libquickjs.a`, ...found('engine-*.o'));
  cpSync(`${quickjs()}/quickjs.h`, `${place}/quickjs.h`);
  run(process.execPath, `${root}scripts/dist.mjs`, '--output', place);
  run('tar', '-C', place, '-xzf', `${place}/wgpeerselector-${VERSION}.tar.gz`);
  const library = [`QUICKJS_CFLAGS=-isystem ${place}`, `QUICKJS_LIBS=${place}/libquickjs.a`, 'QJSC=qjsc'];
  const unpacked = `${place}/wgpeerselector-${VERSION}`;
  run('env', `PATH=${dirname(qjsc)}:${process.env.PATH}`, 'make', '-C', unpacked, 'CFLAGS=-O0', ...library);
  assert.equal(run(`${unpacked}/build/wgpeerselector`, '--version'), `wgpeerselector ${VERSION}\n`);
});

test('the Debian package holds program, manual page, unit and documents', needsRouter(), () => {
  run(process.execPath, `${root}scripts/package-deb.mjs`, '--output', `${folder}/deb`);
  const [deb] = readdirSync(`${folder}/deb`);
  run('dpkg-deb', '--extract', `${folder}/deb/${deb}`, `${folder}/unpacked`);
  assert.equal(run(`${folder}/unpacked/usr/sbin/wgpeerselector`, '--version'), `wgpeerselector ${VERSION}\n`);
  const page = run('sh', '-c', `zcat ${folder}/unpacked/usr/share/man/man8/wgpeerselector.8.gz`);
  assert.match(page, /^\.TH WGPEERSELECTOR 8 /m);
  assert.match(page, /\\-\\-interface\\fR \\fINAME/);
  for (const path of [
    'man/man5/wgpeerselector.conf.5.gz',
    'bash-completion/completions/wgpeerselector',
    'zsh/vendor-completions/_wgpeerselector',
    'fish/vendor_completions.d/wgpeerselector.fish',
  ])
    assert.ok(statSync(`${folder}/unpacked/usr/share/${path}`).size > 0, path);
  for (const path of [
    'systemd/system/wgpeerselector@.service',
    'sysusers.d/wgpeerselector.conf',
    'tmpfiles.d/wgpeerselector.conf',
  ]) {
    const installed = readFileSync(`${folder}/unpacked/usr/lib/${path}`, 'utf8');
    assert.equal(installed, readFileSync(`${root}systemd/usr/lib/${path}`, 'utf8'));
    assert.equal(statSync(`${folder}/unpacked/usr/lib/${path}`).mode & 0o777, 0o644, path);
  }
  run('dpkg-deb', '--control', `${folder}/deb/${deb}`, `${folder}/control`);
  for (const script of ['postinst', 'prerm', 'postrm']) {
    assert.equal(statSync(`${folder}/control/${script}`).mode & 0o777, 0o755, script);
    run('sh', '-n', `${folder}/control/${script}`);
  }
  assert.match(run('dpkg-deb', '--field', `${folder}/deb/${deb}`, 'Depends'), /^libc6 \(>= [\d.]+\)\n$/);
});
