// The commands for people, run as they are by a shell, against an interface that is served by nobody: on a bus, and at the control socket.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenerOwner } from '#platform/stream.js';
import { COMMAND_NAMES } from '../../src/cli/options.js';
import { Bus } from '../../src/daemon/bus.js';
import { Control } from '../../src/daemon/control.js';
import { controlName, padded } from '../../src/daemon/control-name.js';
import { TestBus, until } from '../support/bus.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';
import { NtpServer } from '../support/ntp-server.js';
import { readMetrics } from '../support/open-metrics.js';
import { type Ran, run } from '../support/play.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const router = `${root}dist/router/wgpeerselector`;
const programs = [
  [process.execPath, `${root}dist/bundle/wgpeerselector.js`],
  ...(existsSync(router) ? [[router]] : []),
] as const;

let number = 0;

/** An interface that is served, and the options by which a command finds it: nothing else of this machine is looked at. */
interface Scene {
  readonly service: FakeService;
  readonly options: readonly string[];
}

/** On a bus of its own. */
async function onBus(t: TestContext, services = [new FakeService(`b${process.pid % 1e6}n${number++}`)]) {
  const bus = await TestBus.start(t);
  const published = new Bus({ path: bus.path, log: { write() {} }, owner: new FakeOwner() });
  t.after(() => published.close());
  const client = await bus.connect();
  for (const service of services) {
    published.serve(service);
    await client.waitFor(`wgpeerselector.${service.name}`);
  }
  const names = services.flatMap(({ name }) => ['-i', name]);
  const [service] = services;
  assert.ok(service);
  return { service, options: [...names, '--ubus-socket', bus.path] } satisfies Scene;
}

/** At its control socket; undefined where this process could not serve an interface, so that no command believes it. */
async function atSocket(t: TestContext): Promise<Scene | undefined> {
  const service = new FakeService(`s${process.pid % 1e6}n${number++}`);
  const control = new Control({ write() {} }, new FakeOwner());
  await control.serve(service);
  t.after(() => control.close());
  const owner = listenerOwner(Buffer.from(padded(controlName(service.name)), 'latin1'));
  assert.equal(owner?.errno, 0);
  const options = ['-i', service.name, '--ubus-socket', '/nonexistent'];
  return owner.netAdmin ? { service, options } : undefined;
}

/** Plays with each program on the bus, and with one of them at the socket. */
async function each(
  t: TestContext,
  play: (
    scene: Scene,
    command: (word: string, ...args: string[]) => Promise<Ran>,
    program: readonly string[],
  ) => Promise<void>,
): Promise<void> {
  for (const [open, some] of [[onBus, programs] as const, [atSocket, programs.slice(-1)] as const]) {
    const scene = await open(t);
    if (scene === undefined) continue;
    for (const words of some) {
      const [program = '', ...first] = words;
      const command = (word: string, ...args: string[]): Promise<Ran> =>
        run(program, ...first, word, ...scene.options, ...args);
      await play(scene, command, words);
    }
  }
}

/** What `status` says of {@link FakeService}. */
function statusOf({ name }: FakeService): string {
  return `interface: ${name}
  state: connected for 60 min
  peer: sn01
  public key: mADOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=
  endpoint: 192.0.2.1:51820
  latest handshake: 61 s ago
  latest sign of life: 4.0 s ago
  transfer: 8192.00 TiB received, 2.00 KiB sent
  routes: 10.0.0.0/8
  full tunnel: IPv4 and IPv6, by table 51887, around it with mark 51887
  version: 0.1.0, up for 60 min
  no route: fd00::/8: taken
  latest failures:
    0 s ago: sn02: no such \\u{1b}[1mname
`;
}

test('status: a person reads it, a script gets 0 or 3', (t) =>
  each(t, async ({ service }, command) => {
    service.connected = true;
    assert.deepEqual(await command('status'), {
      status: 0,
      signal: null,
      stdout: statusOf(service),
      stderr: '',
    });
    service.connected = false;
    const trying = await command('status');
    assert.equal(trying.status, 3);
    assert.match(trying.stdout, /^ {2}state: connecting for 60 min \(1 tried, 1 to go\)$/m);
    const json = await command('status', '--json');
    assert.equal(json.status, 3);
    assert.equal(JSON.parse(json.stdout)[service.name].state, 'connecting');
  }));

test('peers: a table, names alone, JSON', (t) =>
  each(t, async ({ service }, command) => {
    service.connected = true;
    const { stdout, status } = await command('peers');
    assert.equal(status, 0);
    assert.deepEqual(
      stdout.split('\n').map((line) => line.trimEnd()),
      [
        `interface: ${service.name}`,
        '  peer  state                 priority  weight  endpoints        public key',
        '  sn01  connected for 60 min  0         1       192.0.2.1:51820  mADOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=',
        '  sn02  ready                 1         1       192.0.2.2:51820  mBDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=',
        '  old   not enabled           2         1       192.0.2.3:51820  mCDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=',
        '',
      ],
    );
    assert.equal((await command('peers', '--names')).stdout, 'sn01\nsn02\n');
    const json = await command('peers', '--json');
    assert.equal(JSON.parse(json.stdout)[service.name].peers.old.enabled, false);
    const given = {
      enabled: true,
      priority: 0,
      weight: 1,
      endpoints: ['a:1'],
      public_key: 'k',
      run_time: true,
    };
    const { peers } = service;
    service.peers = () => ({ peers: { sn01: given, sn02: given } });
    const table = (await command('peers')).stdout;
    service.peers = peers; // for the other ways to ask
    assert.match(table, /^ {2}sn01 {2}connected for 60 min, given at run time {2}/m);
    assert.match(table, /^ {2}sn02 {2}ready, given at run time {2}/m);
  }));

test('select, next, reload do what they say; a peer that is not there is a mistake, with what was meant', (t) =>
  each(t, async ({ service }, command) => {
    service.told.length = 0;
    assert.deepEqual(await command('select', 'sn02'), {
      status: 0,
      signal: null,
      stdout: `${service.name}: sn02 is asked for\n`,
      stderr: '',
    });
    assert.equal((await command('next')).status, 0);
    assert.equal((await command('reload')).status, 0);
    assert.deepEqual(service.told, ['select sn02', 'next']);
    const wrong = await command('select', 'snn02');
    assert.equal(wrong.status, 64);
    assert.match(wrong.stderr, /^error: there is no enabled peer 'snn02': did you mean sn02\?/);
    assert.equal((await command('select', 'old')).status, 64);
  }));

test('metrics: what Prometheus reads, in two formats', (t) =>
  each(t, async ({ service }, command) => {
    service.connected = true;
    for (const older of [false, true]) {
      const { status, stdout, stderr } = await command('metrics', ...(older ? ['--prometheus'] : []));
      assert.deepEqual([status, stderr], [0, '']);
      const connected = readMetrics(stdout, older).get('wgpeerselector_connected')?.samples;
      assert.deepEqual(
        connected?.map(({ labels, value }) => [labels, value]),
        [[{ interface: service.name }, 1]],
      );
    }
  }));

test('events: a line each, as JSON too; who reads no more ends it', (t) =>
  each(t, async ({ service, options }, _, [program = '', ...first]) => {
    for (const json of [false, true]) {
      const args = [...first, 'events', ...options, ...(json ? ['--json'] : [])];
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let heard = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        heard += text;
      });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await until(() => {
        service.connect();
        return heard.includes('\n');
      }, 'an event');
      const [line = ''] = heard.split('\n');
      if (json) {
        const { time, ...event } = JSON.parse(line);
        assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
        assert.deepEqual(event, {
          interface: service.name,
          state: 'established',
          peer: 'sn01',
          remote_address: '192.0.2.1:51820',
          handshake_ms: 35,
        });
      } else {
        const text = `${service.name} sn01 connected to 192.0.2.1:51820, handshake after 35 ms`;
        assert.match(line, new RegExp(`^\\d\\d:\\d\\d:\\d\\d ${text}$`));
      }
      child.stdout.destroy();
      let over = false;
      void ended.then(() => {
        over = true;
      });
      await until(() => {
        service.connect();
        return over;
      }, 'its end');
    }
  }));

test('one name on two interfaces: which one has to be said', async (t) => {
  const services = ['a', 'b'].map((letter) => new FakeService(`${letter}${process.pid % 1e6}`));
  const { options } = await onBus(t, services);
  for (const [program = '', ...first] of programs) {
    const { status, stderr } = await run(program, ...first, 'select', ...options, 'sn01');
    assert.equal(status, 64);
    assert.match(stderr, /^error: a\d+ and b\d+ have a peer 'sn01' each: name one of them with -i/);
  }
  assert.deepEqual(
    services.flatMap(({ told }) => told),
    [],
  );
});

test('nobody serves it: 69, and what is served', async (t) => {
  const { options } = await onBus(t);
  for (const [program = '', ...first] of programs) {
    for (const word of ['status', 'events']) {
      const { status, stdout, stderr } = await run(program, ...first, word, ...options, '-i', 'wgps-none');
      assert.deepEqual([status, stdout], [69, ''], word);
      assert.match(stderr, /^error: interface wgps-none is served by no daemon \(served: [^\n]*\)\n$/);
    }
  }
});

test('on a terminal it is coloured, unless NO_COLOR says no; --watch is ended by Control-C with 0', async (t) => {
  const { service, options } = await onBus(t);
  for (const program of programs) {
    const line = [...program, 'status', ...options].map((word) => `'${word}'`).join(' ');
    // A shell that stays, as dash does, would be ended by Control-C itself, and its end be told.
    const argv = (variables = '', option = '') => [
      '-qec',
      `exec env ${variables} ${line} ${option}`,
      '/dev/null',
    ];
    const terminal = (variables?: string) => run('script', ...argv(variables));
    const coloured = await terminal();
    assert.ok(coloured.stdout.startsWith('\x1b[32m\x1b[1minterface\x1b[0m\x1b[0m: '), coloured.stdout);
    const plain = await terminal('NO_COLOR=1');
    assert.equal(plain.stdout.replaceAll('\r', ''), statusOf(service));
    assert.ok((await terminal('NO_COLOR=')).stdout.includes('\x1b[32m'));
    assert.ok(!(await terminal('TERM=dumb')).stdout.includes('\x1b'));

    const child = spawn('script', argv('NO_COLOR=1', '--watch'));
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await until(() => shown.split('\x1b[H').length > 3, 'it to be drawn twice');
    child.stdin.write('\x03');
    assert.equal(await ended, 0);
    assert.ok(
      shown.startsWith('\x1b[?25l\x1b[?7l\x1b[H\x1b[J'),
      'the cursor is hidden, and the screen empty',
    );
    assert.ok(shown.trimEnd().endsWith('\x1b[?7h\x1b[?25h'), 'and the cursor is back');
    const [, , first = ''] = shown.split('\x1b[H');
    const lines = ['\x1b[K', '\x1b[J', '\r'].reduce((text, code) => text.replaceAll(code, ''), first);
    assert.equal(lines, statusOf(service));
  }
});

test('ntp: each server by itself, and what a majority says; it sets nothing', async (t) => {
  const servers = await Promise.all([
    NtpServer.start({ behaviour: { shift: 3600 } }),
    NtpServer.start(),
    NtpServer.start({ behaviour: { silent: true } }),
    NtpServer.start(),
  ]);
  t.after(() => Promise.all(servers.map((server) => server.close())));
  const [liar = '', good = '', silent = '', other = ''] = servers.map(({ spec }) => spec);
  const folder = await mkdtemp(`${tmpdir()}/wgps-ntp-`);
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(`${folder}/system`, "config timeserver 'ntp'\n\tlist server '127.0.0.77'\n");
  for (const [program = '', ...first] of programs) {
    const command = (...args: string[]) => run(program, ...first, 'ntp', ...args);
    const three = await command(liar, good, other, '--json');
    assert.equal(three.status, 0, three.stderr);
    const { servers: told, needed, votes, offset } = JSON.parse(three.stdout);
    assert.deepEqual([needed, votes], [2, 2]);
    assert.ok(Math.abs(offset) < 1, offset);
    assert.deepEqual(
      told.map(({ server, agrees }: { server: string; agrees: boolean }) => [server, agrees]),
      [
        [liar, false],
        [good, true],
        [other, true],
      ],
    );
    assert.ok(Math.abs(told[0].offset - 3600) < 1);
    // These two take as long as servers may.
    const [configured, none] = await Promise.all([command('--config-dir', folder), command(good, silent)]);
    assert.match(configured.stdout, /^127\.0\.0\.77 .* no answer from 127\.0\.0\.77\nno majority: 1 of 1 /m);
    assert.equal(none.status, 3);
    assert.match(none.stdout, /no answer from 127\.0\.0\.1\nno majority: 2 of 2 have to agree\n$/);
    const nobody = await command('--config-dir', '/nonexistent');
    assert.deepEqual([nobody.status, nobody.stdout], [78, '']);
    assert.match(nobody.stderr, /^error: no servers to ask \(\/nonexistent\/system does not exist: /);
  }
});

test('every command has a help of its own', async () => {
  const [program = '', ...first] = programs.at(-1) ?? [];
  const all = (await run(program, ...first, 'help')).stdout;
  for (const [one = '', ...rest] of programs) assert.equal((await run(one, ...rest, '--help')).stdout, all);
  for (const word of COMMAND_NAMES) {
    const help = await run(program, ...first, 'help', word);
    assert.match(help.stdout, new RegExp(`^usage: wgpeerselector ${word} `));
    assert.deepEqual(await run(program, ...first, word, '--help'), help);
    assert.ok(
      help.stdout.split('\n').every((line) => line.length < 80),
      word,
    );
  }
});
