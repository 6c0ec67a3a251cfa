// What is made of the tables that the program reads: manual pages, completion, and the tables of docs/configuration.md.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import type { DescribedCommand } from '../../src/cli/commands/command.js';
import { COMMANDS, DAEMON_COMMAND } from '../../src/cli/commands.js';
import { INTERFACE_OPTIONS, PEER_OPTIONS } from '../../src/config/options.js';
import { root } from '../support/documents.js';

const folder = mkdtempSync(`${tmpdir()}/wgps-man-`);
after(() => rmSync(folder, { recursive: true }));

/** Runs lines of a module of the scripts, and gives what they print as JSON. */
function inScripts(lines: string): unknown {
  const args = ['--input-type=module', '--eval', lines];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: root });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

function read(path: string): string {
  return readFileSync(`${folder}/${path}`, 'utf8');
}

const made = spawnSync(process.execPath, [`${root}scripts/man.mjs`, '--output', folder], {
  encoding: 'utf8',
});
const commands: [name: string, command: DescribedCommand][] = Object.entries(COMMANDS).map(
  ([name, { command }]) => [name, command],
);

test('the tables of docs/configuration.md are those of the parser, with the words of the manual page', () => {
  const expected = inScripts(`
    import { loadTables } from './scripts/man/load.mjs';
    import { optionRows } from './scripts/man/option-text.mjs';
    import { interfaceTexts, peerTexts } from './scripts/man/options.mjs';
    const { options } = await loadTables();
    const tables = [optionRows(options.PEER_OPTIONS, peerTexts), optionRows(options.INTERFACE_OPTIONS, interfaceTexts)];
    console.log(JSON.stringify(tables));`);
  const document = readFileSync(`${root}docs/configuration.md`, 'utf8');
  const tables = [...document.matchAll(/^\| option .*\n\|.*\n((?:\|.*\n)+)/gm)].map(([, rows = '']) =>
    rows
      .trim()
      .split('\n')
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .map(([name = '', ...rest]) => [name.replaceAll('`', ''), ...rest]),
  );
  assert.deepEqual(tables, expected);
});

test('an option without words, and words without an option, make no page', () => {
  const attempt = (options: string, texts: string) =>
    inScripts(`
      import { optionRows } from './scripts/man/option-text.mjs';
      let said = 'nothing';
      try { optionRows(${options}, ${texts}) } catch (error) { said = error.message }
      console.log(JSON.stringify(said));`);
  assert.match(String(attempt('{ a: { kind: { type: "text" } } }', '{}')), /nothing is said of option a/);
  assert.match(String(attempt('{}', '{ b: { text: "" } }')), /there is no option b/);
});

test('the manual pages have every option of the parser, and every command with its options', () => {
  assert.equal(made.status, 0, made.stderr);
  const bold = (text: string) => `\\fB${text.replaceAll('-', '\\-')}\\fR`;
  const config = read('man/wgpeerselector.conf.5');
  for (const option of [...Object.keys(PEER_OPTIONS), ...Object.keys(INTERFACE_OPTIONS)])
    assert.ok(config.includes(`.TP\n${bold(option)}\n`), option);
  const page = read('man/wgpeerselector.8');
  for (const [name, { options }] of commands) {
    const part = page.split('\n.SS ').find((text) => text.startsWith(name));
    for (const option of Object.keys(options))
      assert.ok(part?.includes(bold(`--${option}`)), `${name} ${option}`);
  }
  const [daemon = ''] = page.split('.SH COMMANDS');
  for (const option of Object.keys(DAEMON_COMMAND.options))
    assert.ok(daemon.includes(bold(`--${option}`)), option);
  for (const text of [config, page]) {
    assert.match(text, /^\.\\" .*\n\.TH \S+ [58] "\d{4}-\d\d-\d\d" "wgpeerselector \d/);
    // Nothing of a text is taken for a request.
    const requests = new Set([...text.matchAll(/^['.](\S+)/gm)].map(([, request]) => request));
    for (const known of ['\\"', 'TH', 'SH', 'SS', 'TP', 'PP', 'B', 'BR', 'IR', 'RS', 'RE', 'nf', 'fi', 'br'])
      requests.delete(known);
    assert.deepEqual([...requests], []);
  }
});

/** Completes a command line as bash would. */
function complete(...words: string[]): string[] {
  const script = `
    PATH=${folder}/bin:$PATH
    . ${folder}/completion/wgpeerselector.bash
    COMP_WORDS=(wgpeerselector "$@")
    COMP_CWORD=$#
    _wgpeerselector
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, ''], words.join(' '));
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, their options, peers as the daemon tells them, interfaces and folders', () => {
  assert.deepEqual(complete('s'), ['status', 'select']);
  assert.deepEqual(complete(''), [...daemonFlags(), ...commands.map(([name]) => name)]);
  assert.deepEqual(complete('status', '--j'), ['--json']);
  assert.deepEqual(complete('ntp', '--config-dir', '/et'), ['/etc']);
  assert.ok(complete('status', '-i', 'l').includes('lo'));
  assert.ok(complete('help', '').includes('reload'));
  assert.deepEqual(complete('import', `${folder}/comp`), [`${folder}/completion`]);
  assert.deepEqual(complete('import', '--inter'), ['--interface']);
  spawnSync('mkdir', [`${folder}/bin`]);
  // A name that must not be taken for a command.
  const fake = "#!/bin/sh\nprintf '%s\\n' sn01 '$(id)' sn02\n";
  writeFileSync(`${folder}/bin/wgpeerselector`, fake, { mode: 0o755 });
  assert.deepEqual(complete('select', 'sn'), ['sn01', 'sn02']);
  assert.deepEqual(complete('select', '$'), ['$(id)']);
});

function daemonFlags(): string[] {
  return Object.entries(DAEMON_COMMAND.options).flatMap(([name, { short }]) => [
    ...(short === undefined ? [] : [`-${short}`]),
    `--${name}`,
  ]);
}

test('the scripts for all three shells name every command and option', () => {
  const lint = spawnSync('shellcheck', ['--severity=style', `${folder}/completion/wgpeerselector.bash`], {
    encoding: 'utf8',
  });
  assert.equal(lint.status, 0, lint.stdout);
  const zsh = read('completion/_wgpeerselector');
  const fish = read('completion/wgpeerselector.fish');
  for (const [name, { options }] of commands) {
    const inZsh = zsh.split(`\n    ${name})\n`)[1]?.split(';;')[0] ?? '';
    for (const option of Object.keys(options)) {
      assert.ok(inZsh.includes(`--${option}`), `zsh: ${name} --${option}`);
      assert.ok(
        fish.split('\n').some((line) => line.includes(`from ${name}'`) && line.includes(` -l ${option} `)),
        `fish: ${name} --${option}`,
      );
    }
  }
});
