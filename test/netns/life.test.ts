// The daemon's own life: signals, restarts, reloads, mistakes, and what it needs.
import assert from 'node:assert/strict';
import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs';
import { chown, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chosenProgram, needs, routerOnly } from '../support/needs.js';
import { refusal } from '../support/refusing-node.js';
import {
  connected,
  inside,
  type Lab,
  nextConnection,
  ourProtocol,
  ourRoutes,
  section,
  until,
  withLab,
} from './lab/index.js';
import { daemonProgram, programs } from './lab/program.js';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal}: peer and routes are removed, exit code 0`, () =>
    withLab({ gateways: 1 }, async (lab) => {
      const pidFile = `${lab.folder}/pid`;
      const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '-p', pidFile] });
      await daemon.line(connected);
      assert.equal(await readFile(pidFile, 'latin1'), `${daemon.pid}\n`);
      daemon.signal(signal);
      const { code, duration } = await daemon.exit();
      assert.equal(code, 0);
      assert.deepEqual((await lab.router.wg()).peers, []);
      assert.deepEqual(await ourRoutes(lab), []);
      await assert.rejects(readFile(pidFile), { code: 'ENOENT' });
      process.stdout.write(`# ${signal} to exit: ${duration.toFixed(0)} ms\n`);
    }));
}

test('SIGTERM while names resolve and nobody answers', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.dns.mute();
    const options = { endpoint: 'gw1.test:51820' };
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [{ gateway: gw1, options }], interface: { connect_timeout: 3600 } }),
      args: ['-i', 'vpn', '-v', '-p', `${lab.folder}/pid`],
    });
    await until(() => readFile(`${lab.folder}/pid`).catch(() => undefined), { what: 'the daemon to run' });
    daemon.signal('SIGTERM');
    // The resolution would last an hour.
    assert.equal((await daemon.exit()).code, 0);
  }));

test('SIGKILL and restart: a working connection is kept without losing a packet, every other peer of ours goes', () =>
  withLab({ gateways: 3 }, async (lab) => {
    const config = lab.config({ interface: { metric: 5 } });
    const first = await lab.startDaemon({ config });
    const name = await nextConnection(first);
    const gateway = lab.gateway(name);
    const flow = await lab.flow(gateway, 20);
    first.signal('SIGKILL');
    await first.exit();
    // What a crash between two steps could have left: another peer of ours, and routes of ours that nobody wants.
    const other = lab.gateways.find((candidate) => candidate !== gateway);
    assert.ok(other);
    await lab.router.exec(['wg', 'set', 'vpn', 'peer', other.publicKey, 'endpoint', other.endpoint]);
    await lab.router.ip(
      `route add 10.50.0.0/16 dev vpn proto ${ourProtocol}`,
      'route add 10.51.0.0/16 dev vpn proto 4',
    );
    const second = await lab.startDaemon({ config });
    await second.line(new RegExp(`info vpn ${name}: still connected`));
    await flow.moves(20);
    const { sent, lost } = await flow.stop();
    assert.ok(sent > 40, `${sent} sent`);
    assert.equal(lost, 0);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gateway.publicKey],
    );
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    const foreign = (await lab.router.routes({ dev: 'vpn' })).filter(({ protocol }) => protocol === 4);
    assert.deepEqual(
      foreign.map(({ dst }) => dst),
      ['10.51.0.0/16'],
    );
    assert.equal(second.lines(/trying|connected to/).length, 0);
  }));

test('SIGKILL and restart with a dead gateway: what was left is removed, another is used', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const config = lab.config({ interface: { dead_peer_timeout: 10 } });
    const first = await lab.startDaemon({ config });
    const name = await nextConnection(first);
    first.signal('SIGKILL');
    await first.exit();
    await lab.gateway(name).kill();
    const handshake = (await lab.router.wg()).peers[0]?.latestHandshake ?? 0;
    await until(() => Date.now() / 1000 - handshake > 11, {
      what: 'the handshake to be older than the timeout',
    });
    const second = await lab.startDaemon({ config });
    await second.line(new RegExp(`info vpn ${name}: removed from the interface`));
    assert.notEqual(await nextConnection(second), name);
  }));

test('reload: an unchanged connection loses no packet, while the others come and go', () =>
  withLab({ gateways: 3 }, async (lab) => {
    const [gw1, gw2, gw3] = lab.gateways;
    assert.ok(gw1 && gw2 && gw3);
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [gw1] }) });
    await daemon.line(connected);
    const flow = await lab.flow(gw1, 20);
    await daemon.reload(lab.config({ peers: [gw2, gw1, gw3] }));
    await daemon.line(/configuration read again/);
    await flow.moves(30);
    const { lost } = await flow.stop();
    assert.equal(lost, 0);
    assert.equal(daemon.lines(connected).length, 1);

    await daemon.reload(lab.config({ peers: [gw2] }));
    await daemon.line(/gw1: connection ended after .*: it is no longer configured/);
    assert.match((await daemon.line(connected)).text, /vpn gw2:/);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw2.publicKey],
    );

    await daemon.reload(lab.config({ peers: [{ gateway: gw2, options: { persistent_keepalive: 20 } }] }));
    await daemon.line(/gw2: connection ended after .*: its configuration has changed/);
    await daemon.line(connected);
    assert.equal((await lab.router.wg()).peers[0]?.persistentKeepalive, 20);

    await daemon.reload("config peer 'x\n");
    await daemon.line(/error: .*wgpeerselector:\d+.*everything stays as it is/);
    assert.ok(daemon.running);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw2.publicKey],
    );
  }));

test('a bad peer among good ones is named, and does not stop them', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const bad = section('peer', 'bad', {
      enabled: 1,
      ifname: 'vpn',
      public_key: "x'; reboot; '".replaceAll("'", ''),
      endpoint: 'a:1',
    });
    const daemon = await lab.startDaemon({ config: `${bad}${lab.config()}` });
    await daemon.line(/error: .*wgpeerselector:\d+: peer 'bad', option public_key: /);
    await daemon.line(connected);
  }));

test('no usable peer, a broken file: one clear line, and the exit code of sysexits.h', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const disabled = await lab.startDaemon({ config: lab.config().replaceAll("enabled '1'", "enabled '0'") });
    assert.equal((await disabled.exit()).code, 78);
    await disabled.line(/error: .*has no usable peer for interface vpn: expected at least one section/);
    const broken = await lab.startDaemon({ config: 'config peer a b c' });
    assert.equal((await broken.exit()).code, 78);
    await broken.line(/error: .*wgpeerselector:1:\d+: more text than belongs here/);
  }));

test('a second daemon for the same interface stops and says who has it', () =>
  withLab({ gateways: 1, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const first = await lab.startDaemon();
    await first.line(connected);
    const second = await lab.startDaemon();
    assert.equal((await second.exit()).code, 75);
    await second.line(new RegExp(`error: interface vpn is served already by process ${first.pid}`));
    const other = await lab.startDaemon({
      args: ['-i', 'vpn2'],
      config: lab.config({ ifname: 'vpn2' }),
    });
    await other.line(/info vpn2 gw1: connected/);
    assert.ok(first.running);
    // The lock goes with its owner, however that ends.
    first.signal('SIGKILL');
    await first.exit();
    const third = await lab.startDaemon();
    await third.line(/still connected/);
  }));

test(
  'without CAP_NET_ADMIN: exit code 77; with nothing else: it works',
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const readable = { config: lab.config(), withinReach: true };
      await lab.router.exec(['chmod', '-R', 'a+rX', lab.folder]);
      const without = await lab.startDaemon({
        ...readable,
        under: [...user, '--inh-caps=-all', '--bounding-set=-all'],
      });
      assert.equal((await without.exit()).code, 77);
      await without.line(
        /error: not permitted to configure WireGuard \(.*EPERM.*\): run as root, or with CAP_NET_ADMIN/,
      );
      const only = [
        '--inh-caps=-all,+net_admin',
        '--ambient-caps=+net_admin',
        '--bounding-set=-all,+net_admin',
      ];
      const daemon = await lab.startDaemon({ ...readable, under: [...user, ...only] });
      await daemon.line(connected);
      const status = await readFile(`/proc/${daemon.pid}/status`, 'latin1');
      assert.match(status, /^CapEff:\s+0000000000001000$/m, 'CAP_NET_ADMIN and nothing else');
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
      assert.deepEqual((await lab.router.wg()).peers, []);
    }),
);

test(
  '--group changes the group, also with a Node that refuses to',
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const refusing = `${lab.folder}/refusing.cjs`;
      await writeFile(refusing, `${refusal}require(${JSON.stringify(programs.node[1])});`);
      const others = chosenProgram === 'node' ? [[process.execPath, refusing]] : [];
      for (const program of [daemonProgram, ...others]) {
        const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '--group', 'nogroup'], program });
        await daemon.line(connected);
        // All of its threads.
        for (const thread of await readdir(`/proc/${daemon.pid}/task`)) {
          const status = await readFile(`/proc/${daemon.pid}/task/${thread}/status`, 'latin1');
          assert.match(status, /^Gid:\s+65534\s+65534\s+65534\s+65534$/m, program.join(' '));
        }
        daemon.signal('SIGTERM');
        await daemon.exit();
      }
    }),
);

test('strace shows no program started but the daemon itself', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const trace = `${lab.folder}/trace`;
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.dns.set('gw1.test', [gw1.address.v4]);
    const daemon = await lab.startDaemon({
      // The filter spares the tracer all other calls; the length leaves no path cut off.
      under: [
        'strace',
        '-f',
        '--seccomp-bpf',
        '-qq',
        '-s',
        '4096',
        '-e',
        'trace=execve,execveat',
        '-o',
        trace,
      ],
      config: lab.config({ peers: [{ gateway: gw1, options: { endpoint: 'gw1.test:51820' } }] }),
      args: ['-i', 'vpn', '-p', `${lab.folder}/pid`],
    });
    await daemon.line(connected);
    await lab.router.linkDown();
    await daemon.line(/the interface is down/);
    await lab.router.linkUp();
    await daemon.line(/still connected/);
    const pid = (await readFile(`${lab.folder}/pid`, 'latin1')).trim();
    await daemon.reload(lab.config());
    process.kill(Number(pid), 'SIGHUP');
    await daemon.line(/configuration read again/);
    process.kill(Number(pid), 'SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes('exec'));
    assert.equal(calls.length, 1, calls.join('\n'));
    assert.ok(calls[0]?.includes(daemonProgram.at(-1) ?? ''), calls[0]);
  }));

test('the two programs respect and follow each other', routerOnly('another program to meet'), () =>
  withLab({ gateways: 1 }, async (lab) => {
    const { node, router } = programs;
    for (const [program, other] of [
      [node, router],
      [router, node],
    ] as const) {
      const first = await lab.startDaemon({ program });
      await first.line(connected);
      const second = await lab.startDaemon({ program: other });
      assert.equal((await second.exit()).code, 75);
      await second.line(new RegExp(`error: interface vpn is served already by process ${first.pid};`));
      first.signal('SIGKILL');
      await first.exit();
      const heir = await lab.startDaemon({ program: other });
      await heir.line(/still connected/);
      heir.signal('SIGTERM');
      assert.equal((await heir.exit()).code, 0);
    }
  }),
);

/** To be run by somebody who could not serve an interface. */
const powerless = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-all'];

/** Has somebody take a name of the lock in the router's namespace, and waits until they have it. */
async function takeLock(lab: Lab, how: string, name: string, under: readonly string[] = []) {
  const taker = fileURLToPath(new URL('../support/lock-taker.js', import.meta.url));
  const child = lab.router.run([...under, process.execPath, taker, how, name]);
  let told = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
  }
  await until(() => told.includes('taken'), { what: `${how} to take ${name}` });
  assert.equal(told, 'taken\n');
  return child;
}

test("whoever holds the lock's name, and could not serve the interface, does not keep the daemon from it", () =>
  withLab({ gateways: 1 }, async (lab) => {
    const taker = await takeLock(lab, 'listen', 'vpn', powerless);
    // All the capabilities there are, in a user namespace that has nothing to do with the interface.
    await takeLock(lab, 'listen', 'vpn/a', ['unshare', '--user', '--map-root-user']);
    await takeLock(lab, 'deaf', 'vpn/b');
    await takeLock(lab, 'orphan', 'vpn/c');
    const first = await lab.startDaemon();
    await first.line(
      /warning vpn: process \d+ of user \d+ and 2 more took the lock's name, but could not serve the interface: passed over/,
    );
    await first.line(connected);
    const second = await lab.startDaemon();
    assert.equal((await second.exit()).code, 75);
    await second.line(new RegExp(`error: interface vpn is served already by process ${first.pid};`));
    // The first name is free again: whoever takes it now finds the daemon at another.
    taker.kill('SIGKILL');
    await until(
      async () => !(await lab.router.exec(['cat', '/proc/net/unix'])).includes('@wgpeerselector/vpn@'),
      {
        what: 'the name to be free',
      },
    );
    const third = await lab.startDaemon();
    assert.equal((await third.exit()).code, 75);
    await third.line(new RegExp(`error: interface vpn is served already by process ${first.pid};`));
    first.signal('SIGKILL');
    await first.exit();
    await (await lab.startDaemon()).line(/still connected/);
  }));

test(
  'a program that becomes root after it has taken the name is passed over too',
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      await takeLock(lab, 'setuid', 'vpn');
      const daemon = await lab.startDaemon();
      await daemon.line(/warning vpn: process \d+ of user 65534 took the lock's name/);
      await daemon.line(connected);
    }),
);

test(
  "a daemon without root, to which /proc shows nobody else's processes, knows whom to pass over",
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      await lab.router.exec(['chmod', '-R', 'a+rX', lab.folder]);
      await takeLock(lab, 'listen', 'vpn', powerless);
      const hidden = ['sh', '-c', 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', 'sh'];
      const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const able = [
        '--inh-caps=-all,+net_admin',
        '--ambient-caps=+net_admin',
        '--bounding-set=-all,+net_admin',
      ];
      const options = { withinReach: true, under: [...hidden, ...user, ...able] };
      const daemon = await lab.startDaemon(options);
      await daemon.line(/warning vpn: process \d+ of user 0 took the lock's name/);
      await daemon.line(connected);
      const second = await lab.startDaemon({ ...options, under: [] });
      assert.equal((await second.exit()).code, 75);
      await second.line(new RegExp(`error: interface vpn is served already by process ${daemon.pid};`));
    }),
);

test('signals while the daemon starts: SIGHUP means a reload afterwards, SIGTERM the end with 0', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    // A configuration that keeps the daemon waiting until somebody writes it: a pipe, in the folder named last.
    const pipe = 'for dir; do :; done; rm "$dir/wgpeerselector"; mkfifo "$dir/wgpeerselector"; exec "$@"';
    const begin = async (args: readonly string[] = []) => {
      const daemon = await lab.startDaemon({
        under: ['sh', '-c', pipe, 'sh'],
        args: ['-i', 'vpn', ...args],
      });
      return { daemon, configure: await openPipe(`${daemon.configDir}/wgpeerselector`) };
    };
    const { daemon, configure } = await begin();
    daemon.signal('SIGHUP');
    // Another file by now, so that the two readings cannot become one.
    const file = `${daemon.configDir}/wgpeerselector`;
    await rm(file);
    await writeFile(file, lab.config({ peers: [gw2] }));
    configure(lab.config({ peers: [gw1] }));
    await daemon.line(/info: configuration read again/);
    await daemon.line(/vpn gw2: connected/);
    daemon.signal('SIGKILL');
    await daemon.exit();
    // What the last one left behind goes, too.
    const next = await begin(['-p', `${lab.folder}/pid`]);
    next.daemon.signal('SIGTERM');
    next.configure(lab.config());
    assert.equal((await next.daemon.exit()).code, 0);
    assert.deepEqual((await lab.router.wg()).peers, []);
    assert.deepEqual(await ourRoutes(lab), []);
    await assert.rejects(readFile(`${lab.folder}/pid`), { code: 'ENOENT' });
  }));

/** Waits until somebody reads a named pipe. @returns what writes a text into it, and closes it */
async function openPipe(path: string): Promise<(text: string) => void> {
  const descriptor = await until(
    () => {
      try {
        return lstatSync(path).isFIFO() && openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {
        return undefined;
      }
    },
    { what: `somebody to read ${path}` },
  );
  return (text) => {
    writeSync(descriptor, text);
    closeSync(descriptor);
  };
}

test('whoever reads the log goes, or the disk is full: the work goes on', () =>
  withLab({ gateways: 1, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const closed = await lab.startDaemon();
    await closed.line(connected);
    closed.hangUp();
    const full = await lab.startDaemon({
      under: ['sh', '-c', 'exec "$0" "$@" 2>/dev/full'],
      args: ['-i', 'vpn2'],
      config: lab.config({ ifname: 'vpn2', interface: { metric: 5 } }),
    });
    const up = async (ifname: string) =>
      (await lab.router.wg(ifname)).peers.some((peer) => peer.latestHandshake > 0);
    await until(() => up('vpn2'), { what: 'the connection of the daemon with a full disk' });
    for (const daemon of [closed, full]) daemon.signal('SIGHUP'); // something to be logged
    await lab.router.ip(`route delete ${inside.v4} dev vpn`);
    await until(async () => (await ourRoutes(lab)).includes(inside.v4), { what: 'the route to come back' });
    for (const daemon of [closed, full]) {
      assert.ok(daemon.running);
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
    }
    assert.deepEqual((await lab.router.wg()).peers, []);
  }));

test('a pid file that cannot be: 73, what stands in the way, and nothing was touched', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '-p', lab.folder] });
    assert.equal((await daemon.exit()).code, 73);
    await daemon.line(/^error: --pid-file \S+: it is no file$/);
    assert.deepEqual((await lab.router.wg()).peers, []);
  }));

test(
  "another user's pid file is replaced: its owner could write another number into it",
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const pidFile = `${lab.folder}/pid`;
      await writeFile(pidFile, '1\n');
      await chown(pidFile, 65534, 65534);
      const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '-p', pidFile] });
      await daemon.line(connected);
      assert.equal((await stat(pidFile)).uid, 0);
      assert.equal(await readFile(pidFile, 'latin1'), `${daemon.pid}\n`);
    }),
);
