// What the tests of a feed of OpenWrt ask of a package before they build it, for the packages in openwrt/.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../openwrt/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  statSync(folder + name).isFile(),
);
const textOf = (name: string) => readFileSync(folder + name, 'utf8');
const makefiles = files.filter((name) => /(^|\/)Makefile$/.test(name));

/** Values of the variables at the left margin, by name. */
function variablesOf(makefile: string): ReadonlyMap<string, string> {
  const found = textOf(makefile).matchAll(/^(\w+):=(.*)$/gm);
  return new Map([...found].map(([, name = '', value = '']) => [name, value]));
}

interface Block {
  /** `Package/wgpeerselector/install`. */
  readonly name: string;
  readonly lines: readonly string[];
}

/** What stands between `define` and `endef`. */
function blocksOf(makefile: string): Block[] {
  const found = textOf(makefile).matchAll(/^define (\S+)\n((?:(?!endef$).*\n)*)endef$/gm);
  return [...found].map(([, name = '', text = '']) => ({ name, lines: text.split('\n').slice(0, -1) }));
}

test('every file ends with a newline, and has neither carriage returns nor blanks at the end of a line', () => {
  for (const name of files) {
    const text = textOf(name);
    assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'), name);
    assert.doesNotMatch(text, /\r|[ \t]$/m, name);
  }
});

test('every package has a maintainer with an address, a license, and the same version', () => {
  assert.equal(makefiles.length, 3);
  const version = variablesOf('Makefile').get('PKG_VERSION');
  for (const makefile of makefiles) {
    const variables = variablesOf(makefile);
    const maintainer = variables.get('PKG_MAINTAINER') ?? variables.get('LUCI_MAINTAINER') ?? '';
    assert.match(maintainer, /^\S.* <[^@<> ]+@[^@<> ]+>$/, makefile);
    assert.equal(variables.get('PKG_LICENSE'), 'MIT', makefile);
    assert.equal(variables.get('PKG_VERSION'), version, makefile);
    // A blank behind the sign would be a part of the value; `=` is for what is worked out anew each time.
    assert.doesNotMatch(textOf(makefile), /:=[ \t]+\S/, makefile);
    assert.doesNotMatch(textOf(makefile), /^ *[A-Z_]+ *=(?!=)/m, makefile);
  }
  const variables = variablesOf('Makefile');
  assert.equal(variables.get('PKG_LICENSE_FILES'), 'LICENSE');
  assert.match(variables.get('PKG_RELEASE') ?? '', /^[1-9]\d*$/);
  assert.match(textOf('Makefile'), /^ {2}HASH:=[0-9a-f]{64}$/m);
});

test('names of packages are written out, and each block is indented as what it becomes', () => {
  for (const makefile of makefiles) {
    assert.doesNotMatch(textOf(makefile), /\b(?:define|call|eval)\b.*\$\(PKG_NAME\)/, makefile);
    for (const { name, lines } of blocksOf(makefile)) {
      let indented = /^ {2}\S/;
      if (/^Build\/|\/install$/.test(name)) indented = /^\t/;
      else if (/\/(?:conffiles|preinst|postinst|prerm|postrm)$/.test(name)) indented = /^\S/;
      for (const line of lines) assert.match(line, indented, `${makefile}: ${name}`);
    }
  }
});

test('what a user changes is a conffile, and so is the folder of the keys, which the package does not bring', () => {
  const blocks = blocksOf('Makefile');
  const linesOf = (name: string) => blocks.find((block) => block.name === name)?.lines ?? [];
  const conffiles = linesOf('Package/wgpeerselector/conffiles');
  assert.deepEqual(conffiles, ['/etc/config/wgpeerselector', '/etc/wgpeerselector/']);
  const bringsConfiguration = blocks.filter(({ lines }) =>
    lines.some((line) => line.includes('INSTALL_CONF')),
  );
  assert.deepEqual(
    bringsConfiguration.map(({ name }) => name),
    ['Package/wgpeerselector/install'],
  );
});

test('no file is given to a user or group without a number: the build knows none but root by name', () => {
  const text = textOf('Makefile');
  const [, users = ''] = /USERID:=(.*)/.exec(text) ?? [];
  const numbered = users.split(/[ :]/).flatMap((user) => (user.includes('=') ? [user.split('=')[0]] : []));
  for (const [, owners = ''] of text.matchAll(/FILE_MODES:=(.*)/g))
    for (const [, user, group] of owners.matchAll(/\/[^: ]*:([^:]*):([^:]*):/g))
      for (const name of [user, group])
        assert.ok(['root', ...numbered].includes(name), `${name} in ${owners}`);
});

test("services are procd's, and the test of the package shows what it has found", () => {
  for (const name of files.filter((path) => path.startsWith('files/etc/init.d/'))) {
    const text = textOf(name);
    assert.ok(text.startsWith('#!/bin/sh /etc/rc.common\n'), name);
    assert.match(text, /^USE_PROCD=1$/m, name);
    assert.match(text, /^start_service\(\)/m, name);
  }
  assert.doesNotMatch(textOf('test.sh'), /grep\b.* (?:-\w*q|--quiet|--silent)/);
});
