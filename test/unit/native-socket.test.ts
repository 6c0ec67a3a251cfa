import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { NETLINK_ROUTE } from '../../src/netlink/families.js';
import { REPEATED } from '../../src/platform/netlink.js';
import { openNativeSocket } from '../../src/platform/node/native-socket.js';
import { askLoopback, countSockets, mustSend, open, play } from '../support/native-socket-scenes.js';
import {
  linkBody,
  message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  type Seen,
  split,
} from '../support/netlink-messages.js';

const { EINVAL, EMSGSIZE, ENOBUFS, EPROTONOSUPPORT } = constants.errno;

/** The class of the addon, without the types that keep its users from mistakes. */
interface Native {
  send(bytes: unknown): number;
  close(): void;
}

/** Sends one request and gathers messages until `last`. */
function ask(
  request: Uint8Array,
  last: (seen: Seen) => boolean,
): Promise<{ messages: Seen[]; port: number }> {
  return new Promise((resolve) => {
    const messages: Seen[] = [];
    const socket = open({
      message(datagram, sender) {
        assert.equal(sender, 0, 'it comes from the kernel');
        messages.push(...split(datagram));
        if (!messages.some(last)) return;
        socket.close();
        resolve({ messages, port: socket.port });
      },
    });
    socket.send(request, mustSend);
  });
}

const ends = ({ type }: Seen): boolean => type === NLMSG_DONE || type === NLMSG_ERROR;

test('a request gets its reply', async () => {
  const request = message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, 7, linkBody({ index: 1 }));
  const { messages, port } = await ask(request, ends);
  assert.deepEqual(
    messages.map(({ type, sequence, port, errno }) => ({ type, sequence, port, errno })),
    [
      { type: RTM_NEWLINK, sequence: 7, port, errno: 0 },
      { type: NLMSG_ERROR, sequence: 7, port, errno: 0 },
    ],
  );
});

test('a dump comes whole', async () => {
  const { messages } = await ask(message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, linkBody({})), ends);
  const last = messages.pop();
  assert.equal(last?.type, NLMSG_DONE);
  assert.equal(last.errno, 0);
  assert.ok(messages.length >= 1);
  assert.ok(messages.every(({ type }) => type === RTM_NEWLINK));
});

/** Asks for the route to 127.0.0.1 as it stands in its table (RTM_F_FIB_MATCH): the answer is the same each time. */
const loopbackRoute = message(
  RTM_GETROUTE,
  NLM_F_REQUEST,
  9,
  Uint8Array.of(2, 32, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 8, 0, 1, 0, 127, 0, 0, 1),
);

test('an answer is compared with the one before, byte for byte', async () => {
  const datagrams: Uint8Array[] = [];
  const socket = open({ message: (datagram) => datagrams.push(datagram) });
  const repeat = (answer: Uint8Array, varying?: Uint8Array): number | undefined =>
    socket.repeat?.(loopbackRoute, answer, varying ?? new Uint8Array(answer.length));
  socket.send(loopbackRoute, mustSend);
  socket.receive?.();
  const [answer] = datagrams;
  assert.ok(answer);
  assert.deepEqual(
    split(answer).map(({ type }) => type),
    [RTM_NEWROUTE],
  );
  assert.equal(repeat(answer), REPEATED.same);
  for (let at = 0; at < answer.length; at++) {
    const other: Uint8Array = Uint8Array.from(answer);
    other[at] = (answer[at] ?? 0) ^ 0x80;
    assert.equal(repeat(Uint8Array.from(other)), REPEATED.other, `byte ${at}`);
    const varying: Uint8Array = new Uint8Array(answer.length);
    varying[at] = 1;
    assert.equal(repeat(other, varying), REPEATED.varied, `byte ${at}`);
    assert.deepEqual(other, answer, 'brought up to date');
    assert.equal(repeat(other, varying), REPEATED.same);
  }
  assert.equal(repeat(answer.subarray(0, -4)), REPEATED.other, 'a shorter one');
  assert.equal(repeat(new Uint8Array([...answer, 0, 0, 0, 0])), REPEATED.other, 'a longer one');
  assert.equal(repeat(answer), REPEATED.same, 'nothing of the others was left');
  socket.receive?.();
  assert.equal(datagrams.length, 1);
  const wrong = socket as unknown as { repeat(...words: unknown[]): number };
  for (const words of [
    [loopbackRoute, answer, new Uint8Array(1)],
    [loopbackRoute, answer],
    ['text', answer, answer],
  ])
    assert.throws(() => wrong.repeat(...words), TypeError);
  socket.close();
  assert.equal(repeat(answer), REPEATED.other);
});

test('a dump that is not as before is read to its end, so that the next one is not refused', async () => {
  const request = message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, linkBody({}));
  const seen: Seen[] = [];
  const socket = open({ message: (datagram) => seen.push(...split(datagram)) });
  for (let i = 0; i < 3; i++)
    assert.equal(socket.repeat?.(request, new Uint8Array(20), new Uint8Array(20)), REPEATED.other);
  socket.send(request, mustSend);
  socket.receive?.();
  socket.close();
  assert.deepEqual([seen.at(-1)?.type, seen.at(-1)?.errno], [NLMSG_DONE, 0]);
  assert.ok(seen.length >= 2);
});

test('the kernel explains itself and checks strictly', async () => {
  const socket = open({});
  socket.close();
  assert.deepEqual(socket.features, { extendedAck: true, cappedAck: true, strictDump: true });
  // A dump of links does not look at flags: a mistake that passes where nobody checks.
  const request = message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, linkBody({ flags: 1 }));
  const { messages } = await ask(request, ends);
  assert.equal(messages[0]?.errno, EINVAL);
  assert.match(Buffer.from(messages[0].body).toString('latin1'), /Invalid values in header for link dump/);
});

test('the kernel filters a dump', async () => {
  const dump = async (protocol: number): Promise<number> => {
    // struct rtmsg: of IPv4, installed by whom.
    const body = Uint8Array.of(2, 0, 0, 0, 0, protocol, 0, 0, 0, 0, 0, 0);
    const { messages } = await ask(message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, body), ends);
    return messages.filter(({ type }) => type === RTM_NEWROUTE).length;
  };
  const kernels = 2;
  const nobodys = 251;
  assert.ok((await dump(kernels)) > 0, 'lo is up, so it has routes');
  assert.equal(await dump(nobodys), 0);
});

test('what the kernel refuses at the opening is thrown, with its number', () => {
  const handlers = { message: () => {}, error: () => {} };
  const before = countSockets();
  assert.throws(() => openNativeSocket(31, handlers), {
    errno: EPROTONOSUPPORT,
    code: 'EPROTONOSUPPORT',
    message: 'EPROTONOSUPPORT: protocol not supported, open a netlink socket',
  });
  assert.throws(() => openNativeSocket(NETLINK_ROUTE, handlers, { groups: [1, 100_000] }), {
    errno: EINVAL,
    message: /^EINVAL: .*, join a netlink multicast group$/,
  });
  assert.equal(countSockets(), before);
});

test('what cannot be sent is told later, and not after the end', async () => {
  const socket = open({});
  const tooMuch = new Uint8Array(64 * 1024 * 1024);
  let told = false;
  const errno = await new Promise((resolve) => {
    socket.send(tooMuch, (number) => {
      told = true;
      resolve(number);
    });
    assert.equal(told, false);
  });
  assert.equal(errno, EMSGSIZE);
  socket.send(tooMuch, mustSend);
  socket.close();
  socket.send(tooMuch, mustSend);
  await new Promise(setImmediate);
});

test('a handler may close its socket, and hears nothing more', async () => {
  let heard = 0;
  const closing = open({
    message() {
      heard++;
      closing.close();
      closing.close();
      closing.ref();
    },
  });
  for (let i = 1; i <= 5; i++) askLoopback(closing, i);
  // Two turns of the loop with traffic on another socket.
  for (let i = 0; i < 2; i++)
    await ask(message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, linkBody({ index: 1 })), ends);
  assert.equal(heard, 1);
});

test('a handler may send', async () => {
  const sequences: number[] = [];
  await new Promise<void>((resolve) => {
    const socket = open({
      message(datagram) {
        for (const { sequence } of split(datagram)) sequences.push(sequence);
        if (sequences.length < 100) return askLoopback(socket, sequences.length + 1);
        socket.close();
        resolve();
      },
    });
    askLoopback(socket, 1);
  });
  assert.deepEqual(
    sequences,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('more datagrams than are read in one turn all come, in order', async () => {
  const sequences: number[] = [];
  await new Promise<void>((resolve) => {
    const socket = open({
      message(datagram) {
        for (const { sequence } of split(datagram)) sequences.push(sequence);
        if (sequences.length < 100) return;
        socket.close();
        resolve();
      },
    });
    // Acknowledgements are short: a hundred of them fit into any receive buffer.
    for (let i = 1; i <= 100; i++) {
      socket.send(message(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, i, new Uint8Array(0)), mustSend);
    }
  });
  assert.deepEqual(
    sequences,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

test('a thousand sockets leave no descriptor behind', async () => {
  const before = countSockets();
  for (let i = 0; i < 1000; i++) {
    const socket = open({});
    askLoopback(socket, 1);
    socket.close();
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  assert.equal(countSockets(), before);
});

test('the binding refuses what it cannot work with', () => {
  const module: { exports: { NetlinkSocket?: new (...args: unknown[]) => Native } } = { exports: {} };
  process.dlopen(module, fileURLToPath(new URL('../../native/native.node', import.meta.url)));
  const { NetlinkSocket } = module.exports;
  assert.ok(NetlinkSocket);
  for (const args of [[], [0], [0, undefined, [], 0], [0, {}, {}, 0], ['0', {}, [], 0], [0, {}, [], '0']]) {
    assert.throws(() => new NetlinkSocket(...args), TypeError);
  }
  assert.throws(() => Reflect.apply(NetlinkSocket, {}, [0, {}, [], 0]), TypeError);
  const socket = new NetlinkSocket(0, {}, [], 0);
  try {
    assert.throws(() => socket.send('text'), TypeError);
    assert.throws(() => socket.send(new Uint16Array(1)), TypeError);
    assert.throws(() => Reflect.apply(socket.send, {}, [new Uint8Array(1)]), TypeError);
  } finally {
    socket.close();
  }
});

test('events of a group arrive in a namespace', () => {
  const { status, told } = play('multicast', true);
  assert.equal(status, 0);
  assert.deepEqual(told[0], { type: RTM_NEWLINK, port: 0, sender: 0 });
});

test('an overflow of the receive buffer is reported, and the socket lives on', () => {
  const { status, told } = play('overrun', true);
  assert.equal(status, 0);
  assert.deepEqual(told, [
    { errno: ENOBUFS, closed: false },
    { eventsBefore: true },
    'event after the overrun',
  ]);
});

test('an error that leaves a handler is an uncaught exception', () => {
  const caught = play('caught');
  assert.equal(caught.status, 0);
  assert.deepEqual(caught.told, ['thrown in handler 1', 'thrown in handler 2', 'the third came']);
  const later = play('caughtLater');
  assert.equal(later.status, 0);
  assert.deepEqual(later.told.sort(), ['rejected', 'thrown in a tick']);
  const uncaught = play('uncaught');
  assert.equal(uncaught.status, 1);
  assert.match(uncaught.stderr, /Error: thrown in a handler/);
});

test('a process ends with an unreferenced socket open', () => {
  assert.deepEqual(play('unref'), { status: 0, told: [true], stderr: '' });
});

test('threads end in every way with sockets open', () => {
  const { status, told, stderr } = play('workers');
  assert.deepEqual(
    { status, told, stderr },
    { status: 0, told: ['thrown in a worker', { left: 0 }], stderr: '' },
  );
});

test('without the addon, or with one that cannot be loaded, the npm package takes its place', () => {
  // A copy of the folder without dist/native beside it, where the package is still found.
  const copy = mkdtempSync(fileURLToPath(new URL('../../without-addon-', import.meta.url)));
  const folder = join(copy, 'src/platform/node');
  const code = `
    const { openSocket } = await import(${JSON.stringify(pathToFileURL(join(folder, 'netlink.js')))});
    const socket = openSocket(0, { message() {}, error() {} });
    console.log(JSON.stringify(socket.features), socket.port > 0);
    socket.close();
    openSocket(0, { message() {}, error() {} }).close();`;
  const run = () =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  try {
    cpSync(fileURLToPath(new URL('../../src/platform/', import.meta.url)), join(copy, 'src/platform'), {
      recursive: true,
    });
    const absent = run();
    const features = '{"extendedAck":false,"cappedAck":false,"strictDump":false} true\n';
    assert.deepEqual([absent.status, absent.stdout, absent.stderr], [0, features, '']);
    writeFileSync(join(folder, 'native.node'), 'of another machine');
    const broken = run();
    assert.deepEqual([broken.status, broken.stdout], [0, features]);
    assert.equal(broken.stderr.match(/native\.node does not load/g)?.length, 1);
  } finally {
    rmSync(copy, { recursive: true });
  }
});

test('with neither, the error says what is missing and what to do', () => {
  const copy = mkdtempSync(join(tmpdir(), 'wgps-without-either-'));
  const folder = join(copy, 'src/netlink');
  const code = `
    const { NetlinkUnavailableError, Rtnetlink, RtnetlinkMonitor, WireGuard } =
      await import(${JSON.stringify(pathToFileURL(join(folder, 'index.js')))});
    const errors = [];
    await WireGuard.open().catch((error) => errors.push(error));
    await Rtnetlink.open().links().catch((error) => errors.push(error));
    try { RtnetlinkMonitor.open({ lost() {} }); } catch (error) { errors.push(error); }
    console.log(errors.every((error) => error instanceof NetlinkUnavailableError));
    console.log([...new Set(errors.map((error) => error.message))].join(';'));`;
  try {
    for (const one of ['netlink', 'platform']) {
      const from = fileURLToPath(new URL(`../../src/${one}/`, import.meta.url));
      cpSync(from, join(copy, 'src', one), { recursive: true });
    }
    const imports = { '#platform/*.js': './src/platform/node/*.js' };
    writeFileSync(join(copy, 'package.json'), JSON.stringify({ type: 'module', imports }));
    mkdirSync(join(copy, 'node_modules'));
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules/ipaddr.js', import.meta.url)),
      join(copy, 'node_modules/ipaddr.js'),
    );
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
    assert.deepEqual([run.status, run.stderr], [0, '']);
    assert.match(
      run.stdout,
      /^true\nno netlink socket: native\.node, which belongs to file:\S+, is missing or was built for another machine, and the npm package netlink cannot take its place \(Cannot find module 'netlink\/dist\/raw\.js'\): install the program again, build it where a C compiler is, or npm install netlink\n$/,
    );
  } finally {
    rmSync(copy, { recursive: true });
  }
});
