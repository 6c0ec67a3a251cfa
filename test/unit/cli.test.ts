// The program itself, as far as it comes without a kernel that has WireGuard.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../src/cli/commands.js';
import { ExitError, exitCodeOf } from '../../src/cli/exit.js';
import { parseOptions } from '../../src/cli/options.js';
import { ConfigFileError } from '../../src/config/index.js';
import { StartError } from '../../src/daemon/start-error.js';
import { VERSION } from '../../src/version.js';
import { refusal } from '../support/refusing-node.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const publicKey = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('--help and --version go to standard output and end with 0', () => {
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: wgpeerselector /);
  assert.deepEqual(run('--version'), { status: 0, stdout: `wgpeerselector ${VERSION}\n`, stderr: '' });
});

test('--version is the version of the package', async () => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  assert.equal(VERSION, JSON.parse(text).version);
});

test('a wrong command line: 64, one line that says what is wrong', () => {
  for (const [args, reason] of [
    [['-i', 'vpn', '--names-from', '/dev/null'], /with -i, or a file .* with --names-from: not both/],
    [['--netifd', 'vpn_peerselector'], /--netifd needs one -i/],
    [['-i', 'vpn', '-i', 'vpn2', '--netifd', 'vpn_peerselector'], /--netifd needs one -i/],
    [['-i', 'vpn', '--nonsense'], /nonsense/],
    [['-i', 'a name with spaces'], /cannot be the name of an interface/],
    [['-i', 'sixteen-bytes-xx'], /cannot be the name of an interface: 1 to 15 bytes/],
    [['-i', 'vpn', '--group', ''], /--group needs a value/],
    [['-i', 'vpn', 'more'], /more/],
    [['-i', 'vpn', '--group', 'no such group'], /--group no such group: there is no such group/],
    [['-i', 'vpn', '--group', '99999999999'], /--group 99999999999: there is no such group/],
  ] as const) {
    const { status, stdout, stderr } = run(...args);
    assert.equal(status, 64, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, reason);
  }
});

test('--group with a Node that refuses to change it: the same answers', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-cli-`);
  const preload = `${folder}/refusing.cjs`;
  try {
    await writeFile(preload, refusal);
    for (const group of ['no such group', '99999999999', '4294967295', 'x'.repeat(300)]) {
      const args = ['-r', preload, main, '-i', 'vpn', '--group', group];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.equal(stderr, `error: --group ${group}: there is no such group\n`);
      assert.equal(status, 64);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a wrong command line: what was probably meant', async () => {
  for (const [args, reason] of [
    [['chekc'], /^'chekc' is no command: did you mean check\? \(see wgpeerselector --help\)/],
    [['CHECK', '--config-dir', '/etc'], /did you mean check\?/],
    [['statsu'], /^'statsu' is no command: did you mean status\?/],
    [['vpn'], /'vpn' is no command: expected one of status, peers, .*, and an interface is named by -i NAME/],
    [['help', 'chekc'], /'chekc' is no command: did you mean check\?/],
    [['-i', 'vpn', 'vpn2'], /'vpn2' is no command/],
    [['status', 'vpn'], /'vpn' does not belong here: an interface is named by -i NAME/],
    [['select'], /name the peer/],
    [['select', 'a', 'b'], /'b' is one too many/],
    [['-i', 'vpn', 'check'], /check has to be the first word: wgpeerselector check \[options\]/],
    [['--interfcae', 'vpn'], /there is no option --interfcae: did you mean --interface\?/],
    [['-i', 'vpn', '--verb'], /there is no option --verb: did you mean --verbose\?/],
    [['-i', 'vpn', '-x'], /there is no option -x \(see/],
    [['-i'], /^-i needs a value \(see/],
    [['-i', '-v'], /-i needs a value, and -v looks like an option \(if it is none: --interface=-v\)/],
    [['-i=vpn'], /-i=vpn: expected -i vpn or --interface=vpn/],
    [['-i', 'vpn', '--verbose=yes'], /--verbose takes no value, and has 'yes'/],
    [['-i', 'vpn,vpn2'], /'vpn,vpn2' cannot be the name of an interface: one -i for each interface/],
    [['-i', 'vpn vpn2'], /one -i for each interface/],
    [['-i', '..'], /'\.\.' cannot be the name of an interface/],
    [
      ['check', 'vpn'],
      /'vpn' does not belong here: an interface is named by -i NAME \(see wgpeerselector check/,
    ],
    [['check', '--config-dri', '/etc'], /there is no option --config-dri: did you mean --config-dir\?/],
    [['check', '-i', 'vpn,vpn2'], /one -i for each interface \(see wgpeerselector check --help\)/],
  ] as const) {
    const [first, ...rest] = args;
    const parsing = async () => (first.startsWith('-') ? parseOptions(args) : await runCommand(first, rest));
    await assert.rejects(parsing, (error: unknown) => {
      assert.ok(error instanceof ExitError);
      assert.equal(error.code, 64);
      assert.match(error.message, reason);
      assert.match(error.message, / \(see wgpeerselector( \w+)? --help\)$/);
      return true;
    });
  }
});

test('standard output that cannot be written: 74, one line; a reader that has left: silence', () => {
  const shell = (redirected: string) =>
    spawnSync('sh', ['-c', `"$0" "$@" ${redirected}`, process.execPath, main, '--help'], {
      encoding: 'utf8',
    });
  const full = shell('>/dev/full');
  assert.equal(
    full.stderr,
    'error: standard output cannot be written: ENOSPC: no space left on device, write\n',
  );
  assert.equal(full.status, 74);
  const check = spawnSync('sh', ['-c', '"$0" "$1" check --config-dir / >/dev/full', process.execPath, main]);
  assert.equal(check.status, 74);
  // The reader hangs up long before Node is there to write.
  assert.equal(shell('| { exec <&-; cat /dev/null; }').stderr, '');
});

test('the code says what the daemon failed at, and a fault of the program has none of its own', () => {
  for (const [failure, code] of [
    ['no-wireguard', 69],
    ['no-socket', 69],
    ['locked', 75],
    ['not-permitted', 77],
    ['no-peer', 78],
  ] as const) {
    assert.equal(exitCodeOf(new StartError(failure, '')), code);
  }
  assert.equal(exitCodeOf(new ConfigFileError('f', 'missing', '')), 78);
  assert.equal(exitCodeOf(new ExitError(64, '')), 64);
  assert.equal(exitCodeOf(new TypeError('x')), undefined);
});

test('signals that come while it starts: SIGHUP does not kill it, SIGTERM ends it with 0', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-cli-`);
  try {
    // Reading the configuration lasts until somebody has written it.
    const pipe = `${folder}/wgpeerselector`;
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const child = spawn(process.execPath, [main, '-i', 'wgps-none', '--config-dir', folder], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    const file = await open(pipe, 'w'); // as soon as it is read
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    await file.write(
      `config peer 'a'\n\toption enabled 1\n\toption ifname wgps-none\n\toption public_key ${publicKey}\n\toption endpoint 192.0.2.1:1\n`,
    );
    await file.close();
    // Whether it could have started here, or not: it was asked to end.
    assert.deepEqual(await ended, [0, null]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('no configuration: 78, and what to do', async () => {
  const { status, stderr } = run('-i', 'vpn', '--config-dir', '/nonexistent');
  assert.equal(status, 78);
  assert.match(stderr, /^error: \/nonexistent\/wgpeerselector: does not exist: create it with [^\n]+\n$/);
});

test('the file itself for --config-dir: 78, and that it is no directory', () => {
  const { status, stderr } = run('-i', 'vpn', '--config-dir', main);
  assert.equal(status, 78);
  assert.equal(
    stderr,
    `error: ${main}/wgpeerselector: does not exist: ${main} is no directory: expected the one that holds the file\n`,
  );
});

test('a configuration without a usable peer: 78, with the reasons', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-cli-`);
  try {
    await writeFile(
      `${folder}/wgpeerselector`,
      "config peer 'a'\n\toption enabled 1\n\toption ifname vpn\n\toption public_key short\n\toption endpoint h:1\n",
    );
    const { status, stderr } = run('-i', 'vpn', '--config-dir', folder);
    assert.equal(status, 78);
    assert.match(stderr, /^error: .*wgpeerselector:4: peer 'a', option public_key: /);
    assert.match(stderr, /has no usable peer for interface vpn/);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace for a mistake in a file');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the options of the field', () => {
  const options = parseOptions([
    '-i',
    'vpn',
    '--interface',
    'vpn2',
    '-i',
    'vpn',
    '-v',
    '-p',
    '/run/pid',
    '--group',
    'mesh',
  ]);
  assert.deepEqual(options, {
    interfaces: ['vpn', 'vpn2'],
    namesFrom: undefined,
    netifd: undefined,
    verbose: true,
    group: 'mesh',
    pidFile: '/run/pid',
    configDir: '/etc/config',
    ubusSocket: undefined,
    print: undefined,
  });
});
