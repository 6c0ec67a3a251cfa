/**
 * Our library against the real ubusd and the real `ubus` command. Run by hand, as root:
 * `UBUSD=/path/ubusd UBUS_CLI=/path/ubus node --test dist/test/real/ubus-cli.test.js`
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { int64, type Ubus, UbusError } from '../../src/ubus/index.js';
import { TestBus, until } from '../support/bus.js';

const { UBUSD, UBUS_CLI } = process.env;
if (UBUSD === undefined || UBUS_CLI === undefined)
  throw new Error('UBUSD and UBUS_CLI must name the real programs');
const CLI = UBUS_CLI;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function ubus(bus: TestBus, args: readonly string[], user?: number): Promise<Ran> {
  const identity = user === undefined ? {} : { uid: user, gid: idOf('/etc/group', 'nogroup') };
  return new Promise((resolve) => {
    execFile(CLI, ['-s', bus.path, ...args], identity, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

function idOf(file: string, name: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  return Number(line?.split(':')[2]);
}

/** Starts the command and gathers what it prints. */
function watch(
  t: TestContext,
  bus: TestBus,
  args: readonly string[],
): { out: () => string; process: ChildProcess } {
  const process = spawn(CLI, ['-s', bus.path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  process.stdout.on('data', (chunk) => {
    out += chunk;
  });
  t.after(() => process.kill('SIGKILL'));
  return { out: () => out, process };
}

async function publish(client: Ubus) {
  return await client.publish('wgpeerselector.vpn', {
    status: { call: () => ({ peers: { sn01: false, sn02: { established: 1490 } } }) },
    select: {
      args: { peer: 'string' },
      call: ({ peer }) => {
        if (peer !== 'sn03') throw new UbusError('NOT_FOUND', 'no such peer');
        return {};
      },
    },
    echo: {
      args: {
        name: 'string',
        count: 'int32',
        on: 'bool',
        list: 'array',
        map: 'table',
        big: 'int64',
        ratio: 'double',
      },
      call: (_, { args }) => args,
    },
    whoami: { call: (_, { user = '', group = '' }) => ({ user, group }) },
    parts: { call: (_, invocation) => [1, 2].forEach((part) => void invocation.reply({ part })) },
    big: { call: () => ({ n: int64(-5), m: 2n ** 60n, f: 0.5, no: null }) },
    explode: {
      call: () => {
        throw new Error('inside');
      },
    },
  });
}

test('list, list -v', async (t) => {
  const bus = await TestBus.start(t);
  await publish(await bus.connect());
  assert.equal((await ubus(bus, ['list'])).out, 'wgpeerselector.vpn\n');
  const { out } = await ubus(bus, ['-v', 'list', 'wgpeerselector.*']);
  assert.match(out, /^'wgpeerselector\.vpn' @[0-9a-f]{8}$/m);
  assert.match(out, /^\t"status":\{\}$/m);
  assert.match(out, /^\t"select":\{"peer":"String"\}$/m);
  assert.match(
    out,
    /"echo":\{"name":"String","count":"Integer","on":"Boolean","list":"Array","map":"Table","big":"\(unknown\)"/,
  );
});

test('call, right and wrong', async (t) => {
  const bus = await TestBus.start(t);
  await publish(await bus.connect({ onWarning: () => undefined }));
  const call = (...args: string[]) => ubus(bus, ['call', 'wgpeerselector.vpn', ...args]);
  const answer = async (...args: string[]) => JSON.parse((await call(...args)).out);
  assert.deepEqual(await answer('status'), { peers: { sn01: false, sn02: { established: 1490 } } });
  const everything = {
    name: 'ü"\\',
    count: -7,
    on: true,
    list: [1, 'a', [], {}, 2.5],
    map: { deep: { er: [true] } },
    big: 1099511627776,
    ratio: 1,
    extra: 'kept',
  };
  assert.deepEqual(await answer('echo', JSON.stringify(everything)), everything);
  assert.deepEqual(JSON.parse((await call('big')).out.replace('1152921504606846976', '"m"')), {
    n: -5,
    m: 'm',
    f: 0.5,
    no: null,
  });
  assert.deepEqual(await answer('whoami'), { user: 'root', group: 'root' });
  assert.equal((await call('parts')).out.replaceAll(/\s/g, ''), '{"part":1}{"part":2}');
  assert.deepEqual(await answer('select', '{"peer":"sn03"}'), {});
  const failed = async (...args: string[]) => (await call(...args)).err;
  assert.match(await failed('select', '{"peer":"sn09"}'), /\(Not found\)/);
  assert.match(await failed('select', '{"peer":3}'), /\(Invalid argument\)/);
  assert.match(await failed('echo', '{"count":"x"}'), /\(Invalid argument\)/);
  assert.match(await failed('nope'), /\(Method not found\)/);
  assert.match(await failed('explode'), /\(Unknown error\)/);
});

test('send and listen', async (t) => {
  const bus = await TestBus.start(t);
  const client = await bus.connect();
  const listener = watch(t, bus, ['listen', 'wgpeerselector.*']);
  const heard: unknown[] = [];
  await client.listen('lab.*', (...event) => void heard.push(event));
  await until(async () => {
    await client.send('wgpeerselector.vpn', { state: 'established', peer: 'sn02' });
    return listener.out() !== '';
  }, 'the command hears');
  assert.deepEqual(JSON.parse(listener.out().split('\n')[0] ?? ''), {
    'wgpeerselector.vpn': { state: 'established', peer: 'sn02' },
  });
  await ubus(bus, ['send', 'lab.test', '{"k":1}']);
  await until(() => heard.length > 0, 'we hear');
  assert.deepEqual(heard, [['lab.test', { k: 1 }]]);
});

test('subscribe', async (t) => {
  const bus = await TestBus.start(t);
  const object = await publish(await bus.connect());
  const subscriber = watch(t, bus, ['subscribe', 'wgpeerselector.vpn']);
  await until(() => object.hasSubscribers, 'the command is subscribed');
  object.notify('established', { peer: 'sn02' });
  await until(() => subscriber.out() !== '', 'the command is told');
  assert.deepEqual(JSON.parse(subscriber.out()), { established: { peer: 'sn02' } });
  subscriber.process.kill();
  await until(() => !object.hasSubscribers, 'nobody is subscribed');
});

test('wait_for', async (t) => {
  const bus = await TestBus.start(t);
  const waiting = ubus(bus, ['-t', '20', 'wait_for', 'wgpeerselector.vpn']);
  await publish(await bus.connect());
  assert.equal((await waiting).code, 0);
});

test('monitor shows our messages as messages', async (t) => {
  const bus = await TestBus.start(t);
  const client = await bus.connect();
  await publish(await bus.connect());
  const monitor = watch(t, bus, ['-M', 'r', 'monitor']);
  await until(async () => {
    await client.call('wgpeerselector.vpn', 'echo', { name: 'seen', list: [1, { a: true }] });
    return monitor.out().includes('"name":"seen"') || undefined;
  }, 'the monitor shows a call');
  assert.match(monitor.out(), /invoke: .*"method":"echo","data":\{"name":"seen","list":\[1,\{"a":true\}\]\}/);
  assert.match(monitor.out(), /status: .*"status":0/);
});

test('an ordinary user and the ACL', async (t) => {
  const acl = { user: 'nobody', access: { 'wgpeerselector.*': { methods: ['status', 'whoami'] } } };
  const bus = await TestBus.start(t, [acl]);
  await publish(await bus.connect());
  const uid = idOf('/etc/passwd', 'nobody');
  const call = (method: string) => ubus(bus, ['call', 'wgpeerselector.vpn', method], uid);
  assert.deepEqual(JSON.parse((await call('whoami')).out), { user: 'nobody', group: 'nogroup' });
  assert.match((await call('select')).err, /\((Access|Permission) denied\)/);
  const { out } = await ubus(bus, ['-v', 'list'], uid);
  assert.equal(out.split('\n').slice(1).join('\n'), '\t"status":{}\n\t"whoami":{}\n');
});
