// Makes a Debian package of the router's program, for this machine: dist/wgpeerselector_VERSION_ARCHITECTURE.deb.
//
//   npm run package:deb [-- --output DIR] [--program FILE]
//
// --program: packs this executable, instead of building it first.
// What is in it: /usr/sbin/wgpeerselector, its manual pages, completion for shells, the unit of systemd with its user and folder (systemd/), and
// the documents. No interface is served, and nothing is configured: an example is among the documents. SOURCE_DATE_EPOCH (seconds), where
// set, is the time of its files.
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { manuals } from './man/manuals.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { sourceTime } from './setup/epoch.mjs';
import { root } from './setup/paths.mjs';
import { run, UNAVAILABLE } from './setup/process.mjs';
import { buildRouter } from './setup.mjs';

const { values } = parseArguments({ options: { output: { type: 'string' }, program: { type: 'string' } } });
const folder = resolve(values.output ?? `${root}/dist`);
/** @type {{ version: string }} */
const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
const name = 'wgpeerselector';
const authors = 'the wgpeerselector authors <wgpeerselector@example.org>';

const missing = values.program === undefined ? await buildRouter() : undefined;
if (missing !== undefined) {
  process.stderr.write(`${missing}\n`);
  process.exit(UNAVAILABLE);
}
const seconds = await sourceTime();
const date = new Date(seconds * 1000);
const architecture = (await run(['dpkg', '--print-architecture'])).trim();
const library = (await run(['dpkg-query', '--show', `--showformat=\${Version}`, 'libc6'])).replace(
  /[-+].*/,
  '',
);
const program = resolve(values.program ?? `${root}/dist/router/wgpeerselector`);
const work = await mkdtemp(`${tmpdir()}/wgps-deb-`);
try {
  const tree = `${work}/tree`;
  /** @param {string} path @param {string | Buffer} content @param {number} [mode] */
  const put = async (path, content, mode = 0o644) => {
    await mkdir(`${tree}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
    await writeFile(`${tree}/${path}`, content);
    await chmod(`${tree}/${path}`, mode);
  };
  /** @param {string} text */
  const packed = (text) => gzipSync(text, { level: 9 });
  const documents = `usr/share/doc/${name}`;
  await put(`usr/sbin/${name}`, await readFile(program), 0o755);
  /** Where each of scripts/man.mjs's files belongs. */
  const places = {
    'man/wgpeerselector.8': 'man/man8/wgpeerselector.8.gz',
    'man/wgpeerselector.conf.5': 'man/man5/wgpeerselector.conf.5.gz',
    'completion/wgpeerselector.bash': 'bash-completion/completions/wgpeerselector',
    'completion/_wgpeerselector': 'zsh/vendor-completions/_wgpeerselector',
    'completion/wgpeerselector.fish': 'fish/vendor_completions.d/wgpeerselector.fish',
  };
  const made = await manuals();
  for (const [from, to] of Object.entries(places)) {
    const text = made.get(from) ?? '';
    await put(`usr/share/${to}`, to.endsWith('.gz') ? packed(text) : text);
  }
  const licence = await readFile(`${root}/LICENSE`, 'utf8');
  await put(
    `${documents}/copyright`,
    `Upstream-Name: ${name}\n\n${licence}\nThe executable contains QuickJS, Copyright (c) Fabrice Bellard and Charlie Gordon,\nand ipaddr.js, Copyright (C) whitequark, under the same licence.\n`,
  );
  const rfc2822 = `${date.toUTCString().replace('GMT', '+0000')}`;
  const entry = `${name} (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- ${authors}  ${rfc2822}\n`;
  await put(`${documents}/changelog.gz`, packed(entry));
  await put(
    `${documents}/examples/wgpeerselector`,
    await readFile(`${root}/openwrt/files/etc/config/wgpeerselector`),
  );
  await cp(`${root}/systemd/usr`, `${tree}/usr`, { recursive: true });
  // What systemd is not there for is left out; at its next start it does it by itself.
  const scripts = {
    postinst: `if [ "$1" = configure ]; then
	if command -v systemd-sysusers >/dev/null; then systemd-sysusers ${name}.conf; fi
	if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create ${name}.conf; fi
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		if [ -n "$2" ]; then systemctl try-restart '${name}@*.service'; fi
	fi
fi`,
    prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl stop '${name}@*.service'; fi`,
    postrm: `if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then
	wants=/etc/systemd/system/multi-user.target.wants
	if [ -d $wants ]; then rm -f $wants/${name}@*.service; fi
	if [ -d /etc/${name} ]; then rmdir --ignore-fail-on-non-empty /etc/${name}; fi
fi`,
  };
  for (const [script, text] of Object.entries(scripts))
    await put(`DEBIAN/${script}`, `#!/bin/sh\nset -e\n${text}\n`, 0o755);
  const size = Math.ceil(Number((await run(['du', '-sk', `${tree}/usr`])).split('\t')[0]));
  await put(
    'DEBIAN/control',
    `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${authors}
Installed-Size: ${size}
Depends: libc6 (>= ${library})
Suggests: wireguard-tools
Section: net
Priority: optional
Description: keeps a WireGuard interface connected to one of several peers
 Takes one of the configured peers at random, waits for the handshake,
 installs the routes, and moves on to another peer when that one dies.
 It speaks netlink, ubus and NTP by itself and starts no other program.
`,
  );
  await run(['chmod', '-R', 'u=rwX,go=rX', tree]);
  const deb = `${work}/${name}_${version}_${architecture}.deb`;
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(seconds) };
  await run(['dpkg-deb', '--root-owner-group', '-Zxz', '--build', tree, deb], { env });
  await mkdir(folder, { recursive: true });
  const output = `${folder}/${name}_${version}_${architecture}.deb`;
  await copyFile(deb, output);
  process.stdout.write(
    `${relative(process.cwd(), output)} ${((await readFile(output)).length / 1024).toFixed(1)} KiB\n`,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}
