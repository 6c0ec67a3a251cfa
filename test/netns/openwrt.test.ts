// The scripts of the OpenWrt package, run by busybox's ash with stand-ins for what netifd and procd offer them. The stand-ins
// record what they are asked; what they are asked to run is run here, against the kernel.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../support/needs.js';
import { attempt, exec, start } from './lab/exec.js';
import { connected, type Daemon, type Lab, until, withLab } from './lab/index.js';
import { daemonProgram } from './lab/program.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const handler = `${root}openwrt/files/lib/netifd/proto/wgpeerselector.sh`;
const initScript = `${root}openwrt/files/etc/init.d/wgpeerselector`;
const standIns = `${root}test/fixtures/openwrt`;
const pidFile = '/var/run/wgpeerselector.vpn.pid';
const VPN = ['vpn_peerselector', 'vpn'];
/** Which interfaces the daemon is to serve, by the init script. */
const NAMES = '/var/run/wgpeerselector.interfaces';
/** Where the daemon keeps peers that it was given. */
const KEPT = '/var/run/wgpeerselector';

/** Runs a stand-in; gives what it recorded, a list of words for each call. */
async function run(
  argv: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string[][]> {
  const folder = await mkdtemp(`${tmpdir()}/wgps-record-`);
  const record = `${folder}/record`;
  await writeFile(record, '');
  const given = {
    RECORD: record,
    PROGRAM_HERE: '/usr/bin/wgpeerselector',
    ...variables,
  };
  await exec([
    'env',
    ...Object.entries(given).map(([name, value]) => `${name}=${value}`),
    ...['busybox', 'ash', ...argv],
  ]);
  const lines = (await readFile(record, 'utf8')).split('\n').slice(0, -1);
  await rm(folder, { recursive: true });
  return lines.map((line) => line.split('\t'));
}

const netifd = (args: readonly string[], variables?: Readonly<Record<string, string>>) =>
  run([`${standIns}/netifd.sh`, handler, ...args], variables);

/** The arguments of a recorded call. */
function argumentsOf(calls: readonly string[][], name: string): string[] {
  const call = calls.find(([first]) => first === name);
  assert.ok(call, `${name} was not called: ${JSON.stringify(calls)}`);
  return call.slice(1);
}

/** Does what netifd does after a setup: runs the command that it was given. */
async function startAsNetifd(lab: Lab, calls: readonly string[][]): Promise<Daemon> {
  const [, , ...args] = argumentsOf(calls, 'proto_run_command');
  return await lab.startDaemon({ args });
}

test('netifd: the protocol tells its options, and that it wants to know how the daemon ends', async () => {
  assert.deepEqual(await netifd(['dump']), [
    ['proto_config_add_string', 'unix_group'],
    ['proto_config_add_boolean', 'transitive'],
    ['proto_config_add_boolean', 'up_when_connected'],
    ['lasterror', '1'],
  ]);
});

test(
  'netifd: setup asks for the daemon, which connects; teardown ends it, and nothing is left',
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const calls = await netifd(['setup', ...VPN], { option_unix_group: 'nogroup' });
      const command = ['/usr/bin/wgpeerselector', '--interface', 'vpn', '--pid-file', pidFile];
      assert.deepEqual(calls, [
        ['proto_add_host_dependency', 'vpn_peerselector', '', 'vpn'],
        ['proto_init_update', 'vpn', '1'],
        ['proto_send_update', 'vpn_peerselector'],
        ['proto_run_command', 'vpn_peerselector', ...command, '--group', 'nogroup'],
      ]);
      assert.ok(existsSync(KEPT), 'the folder of peers that are kept');
      const daemon = await startAsNetifd(lab, calls);
      await daemon.line(connected);
      const nogroup = (await exec(['getent', 'group', 'nogroup'])).split(':')[2];
      assert.match(
        await readFile(`/proc/${daemon.pid}/status`, 'utf8'),
        new RegExp(`^Gid:\t${nogroup}\t`, 'm'),
      );
      assert.deepEqual(await netifd(['teardown', ...VPN]), [['proto_kill_command', 'vpn_peerselector']]);
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
      assert.deepEqual((await lab.router.wg()).peers, []);
      assert.equal(existsSync(pidFile), false);
    }),
);

test('netifd: without unix_group there is no --group', async () => {
  const calls = await netifd(['setup', ...VPN]);
  const [, ...command] = argumentsOf(calls, 'proto_run_command');
  assert.deepEqual(command, ['/usr/bin/wgpeerselector', '--interface', 'vpn', '--pid-file', pidFile]);
});

test('netifd: with up_when_connected the daemon is to tell the link, and setup does not', async () => {
  const calls = await netifd(['setup', ...VPN], { option_up_when_connected: '1' });
  assert.ok(!calls.some(([name]) => name === 'proto_send_update'));
  const [, ...command] = argumentsOf(calls, 'proto_run_command');
  const usual = ['/usr/bin/wgpeerselector', '--interface', 'vpn', '--pid-file', pidFile];
  assert.deepEqual(command, [...usual, '--netifd', 'vpn_peerselector']);
  const off = await netifd(['setup', ...VPN], { option_up_when_connected: '0' });
  assert.deepEqual(argumentsOf(off, 'proto_run_command').slice(1), usual);
});

test('netifd: an orphan of a netifd that died makes way, and its connection goes on without a lost packet', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gateway] = lab.gateways;
    assert.ok(gateway);
    const orphan = await startAsNetifd(lab, await netifd(['setup', ...VPN]));
    await orphan.line(connected);
    const flow = await lab.flow(gateway, 50);
    const calls = await netifd(['setup', ...VPN]);
    assert.equal((await orphan.exit()).signal, 'SIGKILL');
    const daemon = await startAsNetifd(lab, calls);
    await daemon.line(/info vpn gw1: still connected/);
    await flow.moves(10);
    assert.equal((await flow.stop()).lost, 0);
  }));

const sleeper = ['busybox', 'sh', '-c', 'read never', 'editor'];
for (const [what, argv] of [
  ['another process', ['sleep', '1000']],
  ['an editor of our configuration', [...sleeper, '/etc/config/wgpeerselector']],
  ['a daemon started by hand', [...sleeper, '/usr/bin/wgpeerselector', '--interface', 'vpn']],
  ['a search for our command line', [...sleeper, `--interface vpn --pid-file ${pidFile}`]],
] as const) {
  test(`a stale pid file that names ${what} by now does no harm: neither to setup nor to reload`, async () => {
    const other = start([...argv]);
    const commandLine = async () => await readFile(`/proc/${other.pid}/cmdline`, 'latin1');
    try {
      await until(async () => (await commandLine()).startsWith(argv[0]), { what: 'another process to run' });
      await writeFile(pidFile, `${other.pid}\n`);
      argumentsOf(await netifd(['setup', ...VPN]), 'proto_run_command');
      await procd('reload', { interfaces: [{ name: 'vpn_peerselector', device: 'vpn' }] });
      // That of a killed process is empty.
      assert.ok((await commandLine()).startsWith(argv[0]));
    } finally {
      other.kill();
      await rm(pidFile, { force: true });
    }
  });
}

for (const [what, options, state] of [
  ['serves', {}, 'up=true'],
  // It looks for a connection, and is not up yet.
  ['will follow', { option_up_when_connected: '1' }, 'pending=true && @.interface="vpn_peerselector"'],
] as const) {
  test(`netifd: a second interface on a device that another ${what} is told why it is not served, and the daemon of the first goes on`, () =>
    withLab({ gateways: 1 }, async (lab) => {
      const daemon = await startAsNetifd(lab, await netifd(['setup', ...VPN], options));
      await daemon.line(connected);
      const ours = '@.interface[@.proto="wgpeerselector" && @.device="vpn" && @.';
      const answers = `${lab.folder}/answers`;
      await writeFile(answers, `${ours}up=true].interface\t\n${ours}${state}].interface\tvpn_peerselector\n`);
      assert.deepEqual(await netifd(['setup', 'second', 'vpn'], { ANSWERS: answers }), [
        [
          'proto_notify_error',
          'second',
          'DEVICE_IN_USE',
          "vpn is served for interface 'vpn_peerselector' already: expected one interface of proto wgpeerselector for each device",
        ],
        ['proto_block_restart', 'second'],
      ]);
      assert.ok(await lab.router.ping(lab.gateways[0]?.inside.v4 ?? ''));
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
      // Itself is no other.
      argumentsOf(await netifd(['setup', ...VPN], { ANSWERS: answers }), 'proto_run_command');
    }));
}

test('netifd: unusable configuration is an error that netifd shows, and not tried again', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gateway] = lab.gateways;
    assert.ok(gateway);
    const [, , ...args] = argumentsOf(await netifd(['setup', ...VPN]), 'proto_run_command');
    const config = lab.config({ peers: [{ gateway, options: { endpoint: 'nonsense' } }] });
    const daemon = await lab.startDaemon({ args, config });
    const { code } = await daemon.exit();
    assert.equal(code, 78);
    const program = `${lab.folder}/wgpeerselector`;
    await writeFile(
      program,
      `#!/bin/sh\nexec ${daemonProgram.join(' ')} "$@" --config-dir ${daemon.configDir}\n`,
    );
    await chmod(program, 0o755);
    const calls = await netifd(['teardown', ...VPN], {
      ERROR: `${code}`,
      PROGRAM_HERE: program,
      PATIENCE: '120',
    });
    const file = `${daemon.configDir}/wgpeerselector`;
    const line = config.split('\n').findIndex((text) => text.includes('nonsense')) + 1;
    assert.deepEqual(calls, [
      ['proto_block_restart', 'vpn_peerselector'],
      ['proto_notify_error', 'vpn_peerselector', 'CONFIGURATION', 'see logread'],
      [
        'proto_notify_error',
        'vpn_peerselector',
        'CONFIGURATION',
        `error ${file}:${line}: peer 'gw1', option endpoint: is 'nonsense', without a port: expected host:port, as in gw.example.org:51820`,
      ],
      ['proto_kill_command', 'vpn_peerselector'],
    ]);
  }));

test('netifd: a check that takes longer than netifd waits does not keep the error from being told', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-slow-`);
  const program = `${folder}/wgpeerselector`;
  await writeFile(program, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
  const calls = await netifd(['teardown', ...VPN], { ERROR: '78', PROGRAM_HERE: program });
  await rm(folder, { recursive: true });
  assert.deepEqual(calls, [
    ['proto_block_restart', 'vpn_peerselector'],
    ['proto_notify_error', 'vpn_peerselector', 'CONFIGURATION', 'see logread'],
  ]);
});

test('netifd: after every other end the daemon is started again, but not at once', async () => {
  const kill = ['proto_kill_command', 'vpn_peerselector'];
  for (const [error, pause] of [
    ['0', '1'],
    ['70', '1'],
    ['75', '3'],
  ] as const) {
    assert.deepEqual(await netifd(['teardown', ...VPN], { ERROR: error }), [['sleep', pause], kill]);
  }
  assert.deepEqual(await netifd(['teardown', ...VPN], { ERROR: '73' }), [
    ['proto_notify_error', 'vpn_peerselector', 'NO_PID_FILE', 'see logread'],
    ['sleep', '3'],
    kill,
  ]);
  for (const [error, code] of [
    ['64', 'NOT_STARTED'],
    ['69', 'NO_WIREGUARD'],
    ['77', 'NOT_STARTED'],
  ] as const) {
    const variables = { ERROR: error, PROGRAM_HERE: '/bin/true' };
    assert.deepEqual(await netifd(['teardown', ...VPN], variables), [
      ['proto_block_restart', 'vpn_peerselector'],
      ['proto_notify_error', 'vpn_peerselector', code, 'see logread'],
      kill,
    ]);
  }
});

/** What netifd says of one of its interfaces. */
interface NetifdInterface {
  readonly name: string;
  readonly device: string;
  /** Another protocol has added it at run time. */
  readonly dynamic?: boolean;
  /** Which subsystem an error is of. */
  readonly error?: string;
}

/** What the init script finds on a router. */
interface RouterState {
  readonly network?: string;
  readonly wgpeerselector?: string;
  /** Those of our protocol. */
  readonly interfaces?: readonly NetifdInterface[];
  readonly jail?: boolean;
}

/** What jsonfilter answers to each expression that the script may ask. */
function answersOf({ interfaces = [] }: RouterState): string {
  const ours = '@.proto="wgpeerselector"';
  const dynamic = interfaces.filter((one) => one.dynamic === true);
  const answers: [string, readonly (string | undefined)[]][] = [
    [`@.interface[${ours} && @.dynamic=true].device`, dynamic.map(({ device }) => device)],
    [`@.interface[${ours}].interface`, interfaces.map(({ name }) => name)],
  ];
  for (const { name, device, error } of interfaces) {
    const one = `@.interface[${ours} && @.interface="${name}"]`;
    answers.push([`${one}.device`, [device]], [`${one}.errors[0].subsystem`, [error]]);
  }
  return answers
    .flatMap(([ask, values]) => ['', ...values].map((value) => `${ask}\t${value ?? ''}\n`))
    .join('');
}

/** The interfaces that the init script wants served. */
async function served(): Promise<string[]> {
  return (await readFile(NAMES, 'utf8')).trim().split('\n');
}

async function procd(action: string, state: RouterState): Promise<string[][]> {
  const folder = await mkdtemp(`${tmpdir()}/wgps-state-`);
  const files = {
    'network.uci': state.network ?? '',
    'wgpeerselector.uci': state.wgpeerselector ?? '',
    answers: answersOf(state),
    'capabilities.json': '{}',
    ...(state.jail === false ? {} : { ujail: '' }),
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(`${folder}/${name}`, text, { mode: 0o755 });
  const calls = await run([`${standIns}/procd.sh`, initScript, action], { STATE: folder });
  await rm(folder, { recursive: true });
  return calls.map((words) => words.map((word) => word.replace(folder, 'STATE')));
}

const escaped = (text: string) => text.replaceAll(/[^\w]/g, '\\$&');

const peer = (ifname: string, enabled = '1') =>
  `config peer\n\toption enabled '${enabled}'\n\toption ifname '${ifname}'\n`;

test('procd: one process for every interface with enabled peers that netifd does not serve', async () => {
  const calls = await procd('start', {
    network:
      "config interface 'a'\n\toption proto 'wgpeerselector'\n\toption ifname 'taken'\n" +
      "config interface 'b'\n\toption proto 'wgpeerselector'\n\toption device 'taken2'\n" +
      "config interface 'c'\n\toption proto 'wgpeerselector'\n\toption ifname 'vpn2'\n\toption disabled '1'\n" +
      "config interface 'vpn'\n\toption proto 'wireguard'\n",
    wgpeerselector:
      ['vpn', 'vpn', 'vpn2', 'taken', 'taken2', 'dynamic'].map((name) => peer(name)).join('') +
      peer('off', '0'),
    interfaces: [
      { name: 'x_peerselector', device: 'dynamic', dynamic: true },
      // Just deleted from the file, and netifd has not got so far yet.
      { name: 'y_peerselector', device: 'vpn' },
    ],
  });
  const set = (...words: string[]) => ['procd_set_param', ...words];
  assert.deepEqual(calls, [
    ['chmod', '0700', KEPT],
    ['procd_open_instance'],
    set('command', '/usr/bin/wgpeerselector', '--names-from', NAMES),
    set('file', '/etc/config/wgpeerselector', '/etc/config/system', NAMES),
    set('reload_signal', 'HUP'),
    set('respawn', '3600', '10', '0'),
    set('stderr', '1'),
    ['procd_add_jail', 'wgpeerselector'],
    set('capabilities', 'STATE/capabilities.json'),
    set('user', 'wgpeerselector'),
    set('group', 'wgpeerselector'),
    set('no_new_privs', '1'),
    ['chown', 'wgpeerselector:wgpeerselector', KEPT],
    ['procd_close_instance'],
  ]);
  assert.deepEqual(await served(), ['vpn', 'vpn2']);
});

test('procd: a peer whose interface cannot be one is named, and takes nobody down', async () => {
  const odd = ['this-name-is-too-long', 'two words', '*', ';', '-v', '', '.', 'a/b', 'a:b', '?pn'];
  const wgpeerselector = ['vpn', ...odd, 'wg-1.5_x', 'fifteen-bytes-x'].map((name) => peer(name)).join('');
  const calls = await procd('start', { wgpeerselector });
  assert.deepEqual(await served(), ['vpn', 'wg-1.5_x', 'fifteen-bytes-x']);
  const told = calls.filter(([name]) => name === 'logger').map((words) => words.at(-1) ?? '');
  assert.equal(told.length, odd.length);
  for (const [index, name] of odd.entries())
    assert.match(
      told[index] ?? '',
      new RegExp(`^peer 'cfg\\d+', option ifname: is '${escaped(name)}', which`),
    );
  const none = await procd('start', { wgpeerselector: peer('*') });
  assert.deepEqual(
    none.map(([name]) => name),
    ['logger'],
  );
  // A disabled one is nobody's business.
  assert.deepEqual(await procd('start', { wgpeerselector: peer('*', '0') }), []);
});

test('procd: what netifd serves by an alias is not served here', async () => {
  const network =
    "config interface 'vpn'\n\toption proto 'wireguard'\n" +
    "config interface 'tun'\n\toption proto 'static'\n\toption device 'vpn2'\n" +
    "config interface 'over'\n\toption proto 'static'\n\toption device '@tun'\n" +
    "config interface 'round'\n\toption proto 'static'\n\toption device '@round'\n" +
    ['@vpn', '@over', '@late', '@round', '@']
      .map((device) => `config interface\n\toption proto 'wgpeerselector'\n\toption device '${device}'\n`)
      .join('');
  const wgpeerselector = ['vpn', 'vpn2', 'late', 'tun', 'vpn3'].map((name) => peer(name)).join('');
  await procd('start', { network, wgpeerselector });
  assert.deepEqual(await served(), ['tun', 'vpn3']);
});

test('procd: interfaces that expect their peers at run time are served, too', async () => {
  const settings = (name: string, how: string) =>
    `config interface '${name}'\n\toption run_time_peers '${how}'\n`;
  const wgpeerselector =
    peer('vpn') +
    ['vpn', 'kept'].map((name) => settings(name, 'keep')).join('') +
    `${settings('vpn2', 'expect')}${settings('more', 'add')}${settings('taken', 'expect')}` +
    `${settings('other', 'expect')}\toption ifname 'wg-1.5'\n`;
  const network = "config interface 'a'\n\toption proto 'wgpeerselector'\n\toption ifname 'taken'\n";
  await procd('start', { network, wgpeerselector });
  assert.deepEqual(await served(), ['vpn', 'kept', 'vpn2', 'wg-1.5']);
});

test('procd: another interface is another file for the daemon, not another command', async () => {
  const command = async (wgpeerselector: string) =>
    argumentsOf(await procd('reload', { wgpeerselector }), 'procd_set_param');
  const one = await command(peer('vpn'));
  assert.deepEqual(await served(), ['vpn']);
  assert.deepEqual(await command(peer('vpn') + peer('vpn2')), one);
  assert.deepEqual(await served(), ['vpn', 'vpn2']);
  assert.deepEqual(await procd('reload', { wgpeerselector: '' }), []);
});

test('procd: nothing to serve, nothing runs; without ujail it runs as root; triggers', async () => {
  assert.deepEqual(await procd('start', { wgpeerselector: peer('vpn', '0') }), []);
  const calls = await procd('start', { wgpeerselector: peer('vpn'), jail: false });
  assert.equal(calls.filter(([, what]) => what === 'user' || what === 'capabilities').length, 0);
  assert.deepEqual(await procd('triggers', {}), [
    ['procd_add_reload_trigger', 'wgpeerselector', 'network', 'system'],
  ]);
});

test('procd: what it asks for connects', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const calls = await procd('start', { wgpeerselector: lab.config() });
    const [, , ...args] = argumentsOf(calls, 'procd_set_param');
    const daemon = await lab.startDaemon({ args });
    await daemon.line(connected);
    assert.ok(await lab.router.ping(lab.gateways[0]?.inside.v4 ?? ''));
  }));

test('procd: reload reaches the daemons of netifd, and wakes those that it has given up', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const daemon = await startAsNetifd(lab, await netifd(['setup', ...VPN]));
    await daemon.line(connected);
    const calls = await procd('reload', {
      interfaces: [
        { name: 'vpn_peerselector', device: 'vpn' },
        { name: 'given_up', device: 'vpn2', error: 'wgpeerselector' },
        { name: 'taken_down', device: 'vpn3' },
      ],
    });
    assert.deepEqual(calls, [['ubus', 'call', 'network.interface.given_up', 'up']]);
    await daemon.line(/configuration read again/);
  }));

test('check: what the kernel says', () =>
  withLab({ gateways: 1, interfaces: ['vpn'] }, async (lab) => {
    const [gateway] = lab.gateways;
    assert.ok(gateway);
    const dir = await mkdtemp(`${lab.folder}/check-`);
    await writeFile(`${dir}/system`, "config timeserver 'ntp'\n\tlist server '192.0.2.123'\n");
    const check = async (ifname: string, options = {}) => {
      await writeFile(`${dir}/wgpeerselector`, lab.config({ peers: [{ gateway, options }], ifname }));
      const argv = [...daemonProgram, 'check', '--config-dir', dir];
      const { code, stdout, stderr } = await attempt(['ip', 'netns', 'exec', lab.router.namespace, ...argv]);
      assert.equal(stderr, '');
      return { code, lines: stdout.replaceAll(dir, 'DIR').split('\n').slice(0, -1) };
    };
    assert.deepEqual(await check('vpn'), { code: 0, lines: ['no errors, no warnings'] });
    assert.deepEqual(await check('nothing'), {
      code: 78,
      lines: [
        "error DIR/wgpeerselector:1: peer 'gw1', option ifname: there is no interface nothing now: expected one of proto wireguard in /etc/config/network, or option create '1', or ip link add nothing type wireguard",
        '1 error, no warnings',
      ],
    });
    assert.deepEqual(await check('up0'), {
      code: 78,
      lines: [
        "error DIR/wgpeerselector:1: peer 'gw1', option ifname: up0 is there, but it is not a WireGuard interface",
        '1 error, no warnings',
      ],
    });
    await lab.router.linkDown();
    assert.deepEqual((await check('vpn')).lines, [
      "warning DIR/wgpeerselector:1: peer 'gw1', option ifname: vpn is down: no peer is tried before it is up",
      'no errors, 1 warning',
    ]);
    await lab.router.linkUp();
    const { v4 } = gateway.address;
    const around = { endpoint: `${v4}:51820`, allowed_ips: [`${v4}/32`] };
    assert.deepEqual(await check('vpn', around), {
      code: 78,
      lines: [
        `error DIR/wgpeerselector:1: peer 'gw1', option allowed_ips: ${v4}/32 takes the way to the endpoint's own address ${v4} into the tunnel: expected option full_tunnel '1' for vpn, or option fwmark for vpn in /etc/config/network with a rule for that mark, or allowed IPs without it`,
        '1 error, no warnings',
      ],
    });
    await lab.router.wgSet('vpn', ['fwmark', '1']);
    assert.equal((await check('vpn', around)).code, 0);
  }));
