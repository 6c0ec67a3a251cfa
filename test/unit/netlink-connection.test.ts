import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import {
  NetlinkConnection,
  NetlinkDecodeError,
  NetlinkError,
  type NetlinkMessage,
  NetlinkTimeoutError,
} from '../../src/netlink/index.js';
import { concat, end, FakeKernel, type FakeSocket, PORT, reply } from './netlink-support.js';

const { EBADF, EBUSY, ECANCELED, EINTR, EMFILE, ENOBUFS, ENODEV } = constants.errno;
const NLM_F_MULTI = 2;
const NLM_F_DUMP_INTR = 0x10;
const body = new Uint8Array(0);
const request = (what: string) => ({ what, type: 20, body });
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));
const textOf = (message: NetlinkMessage): string => Buffer.from(message.body).toString();

function setUp(timeout = 5000) {
  const kernel = new FakeKernel();
  const connection = new NetlinkConnection(0, { openSocket: kernel.open, timeout });
  return { kernel, connection };
}

/** An error whose errno and message are these. */
function refused(errno: number, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof NetlinkError, String(error));
    assert.equal(error.errno, errno);
    assert.match(error.message, message);
    return true;
  };
}

/** Lets the fake kernel's setImmediate calls happen. */
async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

test('many requests under way, answered in another order', async () => {
  const { kernel, connection } = setUp();
  const asked: [NetlinkMessage, FakeSocket][] = [];
  kernel.onRequest = (message, socket) => {
    asked.push([message, socket]);
    if (asked.length < 5) return;
    for (const [question] of asked.reverse()) {
      socket.deliver(reply(question, 21, question.body));
      socket.deliver(end(question, 2));
    }
  };
  const answers = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map((name) => connection.request({ what: name, type: 20, body: text(name) })),
  );
  assert.deepEqual(
    answers.map((messages) => messages.map(textOf)),
    [['a'], ['b'], ['c'], ['d'], ['e']],
  );
  assert.equal(kernel.socket.referenced, false, 'an idle socket keeps no process alive');
  assert.equal(new Set(kernel.socket.sent.map(({ sequence }) => sequence)).size, 5);
  assert.ok(kernel.socket.sent.every(({ flags, port }) => flags === 5 && port === PORT));
});

test('the kernel is given a few requests at a time, so that their answers fit into the buffer', async () => {
  const { kernel, connection } = setUp();
  let unanswered = 0;
  let most = 0;
  kernel.onRequest = (message, socket) => {
    most = Math.max(most, ++unanswered);
    setImmediate(() => {
      unanswered--;
      socket.deliver(end(message, 2));
    });
  };
  await Promise.all(Array.from({ length: 300 }, () => connection.request(request('one of many'))));
  assert.equal(kernel.socket.sent.length, 300);
  assert.ok(most > 1 && most <= 16, `${most} at a time`);
});

test('answers from another sender, with another sequence or to another port do not count', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) => {
    socket.deliver(end(message, 2, ENODEV), 77);
    socket.deliver(end({ sequence: message.sequence + 1 }, 2, ENODEV));
    const stray = end(message, 2, ENODEV);
    new DataView(stray.buffer).setUint32(12, PORT + 1, true);
    socket.deliver(stray);
    socket.deliver(concat(reply(message, 21, text('right')), end(message, 2)));
  };
  assert.deepEqual((await connection.request(request('ask'))).map(textOf), ['right']);
});

test('a refusal carries request, number and explanation', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2, ENODEV));
  const explain = { [ENODEV]: 'there is no such interface' };
  await assert.rejects(
    connection.request({ ...request('get link vpn'), explain }),
    refused(ENODEV, /^get link vpn: .*\(ENODEV\): there is no such interface$/),
  );
});

test('a dump is gathered over datagrams up to NLMSG_DONE', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) => {
    const part = (value: string) => reply(message, 21, text(value), NLM_F_MULTI);
    socket.deliver(concat(part('a'), part('b'), reply(message, 1)));
    socket.deliver(part('skip'));
    socket.deliver(concat(part('c'), end(message, 3)));
  };
  const found = await connection.dump(request('list'), (m) => (textOf(m) === 'skip' ? undefined : textOf(m)));
  assert.deepEqual(found, ['a', 'b', 'c']);
  assert.equal(kernel.socket.sent[0]?.flags, 0x301);
});

test('one dump at a time, others wait', async () => {
  const { kernel, connection } = setUp();
  let running = 0;
  kernel.onRequest = (message, socket) => {
    if (running++ > 0) socket.deliver(end(message, 2, EBUSY));
    setImmediate(() => {
      running--;
      socket.deliver(concat(reply(message, 21, text('x'), NLM_F_MULTI), end(message, 3)));
    });
  };
  const dumps = Array.from({ length: 8 }, () => connection.dump(request('list'), textOf));
  assert.deepEqual(await Promise.all(dumps), Array(8).fill(['x']));
});

test('an error inside NLMSG_DONE is an error', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) => {
    socket.deliver(concat(reply(message, 21, text('a'), NLM_F_MULTI), end(message, 3, ENODEV)));
  };
  await assert.rejects(connection.dump(request('list'), textOf), refused(ENODEV, /^list: /));
});

test('a dump overtaken by changes begins again', async () => {
  const { kernel, connection } = setUp();
  let attempt = 0;
  kernel.onRequest = (message, socket) => {
    attempt++;
    const flags = NLM_F_MULTI | (attempt < 3 ? NLM_F_DUMP_INTR : 0);
    socket.deliver(
      concat(reply(message, 21, text(`of attempt ${attempt}`), flags), end(message, 3, 0, NLM_F_MULTI)),
    );
  };
  assert.deepEqual(await connection.dump(request('list'), textOf), ['of attempt 3']);
});

test('a dump that is overtaken each time fails with EINTR', async () => {
  const { kernel, connection } = setUp();
  // In the end message alone is where a kernel says it when the last part was overtaken.
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 3, 0, NLM_F_DUMP_INTR));
  await assert.rejects(
    connection.dump(request('list'), textOf),
    refused(EINTR, /during each of 10 attempts/),
  );
  assert.equal(kernel.socket.sent.length, 10);
});

test('a decoder that fails ends its dump, and the next dump waits for the rest of it', async () => {
  const { kernel, connection } = setUp();
  const asked: NetlinkMessage[] = [];
  kernel.onRequest = (message, socket) => {
    asked.push(message);
    socket.deliver(reply(message, 21, text('x'), NLM_F_MULTI));
    if (asked.length === 2) socket.deliver(end(message, 3));
  };
  const failing = connection.dump(request('list'), () => {
    throw new NetlinkDecodeError('nonsense');
  });
  await assert.rejects(failing, {
    name: 'NetlinkDecodeError',
    message: 'list: the answer cannot be read: nonsense',
  });
  const next = connection.dump(request('list again'), textOf);
  await turns();
  assert.equal(asked.length, 1);
  assert.ok(asked[0]);
  kernel.socket.deliver(end(asked[0], 3));
  assert.deepEqual(await next, ['x']);
});

test('a timeout passes: one request fails, the others go on', async () => {
  const { kernel, connection } = setUp(30);
  kernel.onRequest = (message, socket) => {
    if (textOf(message) !== 'lost') socket.deliver(end(message, 2));
  };
  const lost = connection.request({ what: 'ask in vain', type: 20, body: text('lost') });
  await connection.request({ what: 'ask', type: 20, body: text('fine') });
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof NetlinkTimeoutError);
    assert.equal(error.message, 'ask in vain: no answer from the kernel within 30 ms');
    return true;
  });
  await connection.request({ what: 'ask', type: 20, body: text('fine') });
});

test('requests nobody answers do not hold up later ones', async () => {
  const { kernel, connection } = setUp(20);
  const lots = Array.from({ length: 40 }, () => connection.request(request('ask in vain')));
  for (const one of lots) await assert.rejects(one, NetlinkTimeoutError);
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2));
  await connection.request(request('ask'));
});

test('a process that was held up reads the answers before it looks at the timeouts', async () => {
  const { kernel, connection } = setUp(20);
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2));
  const answered = connection.request(request('ask'));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
  await answered;
});

test('a dump whose end never comes costs the dump that waits for it, and then the socket', async () => {
  const { kernel, connection } = setUp(20);
  await assert.rejects(connection.dump(request('list'), textOf), NetlinkTimeoutError);
  await assert.rejects(connection.dump(request('list'), textOf), NetlinkTimeoutError);
  assert.equal(kernel.socket.sent.length, 1);
  assert.equal(kernel.socket.closed, true);
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 3));
  assert.deepEqual(await connection.dump(request('list'), textOf), []);
  assert.equal(kernel.sockets.length, 2);
});

test('the receive buffer overflows: what was under way fails with ENOBUFS, the rest goes over a new socket', async () => {
  for (const [errno, closed] of [
    [EBADF, true],
    [ENOBUFS, false],
  ] as const) {
    const { kernel, connection } = setUp();
    const lost = Array.from({ length: 16 }, () => connection.request(request('ask')));
    const waiting = connection.request(request('wait'));
    await turns();
    const first = kernel.socket;
    assert.equal(first.sent.length, 16);
    kernel.onRequest = (message, socket) => socket.deliver(end(message, 2));
    first.fail(errno, closed);
    for (const one of lost) await assert.rejects(one, refused(ENOBUFS, /the answer was lost/));
    await waiting;
    assert.equal(kernel.sockets.length, 2);
    assert.equal(first.closed, true);
  }
});

test('a datagram cut short fails what is under way', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) =>
    socket.deliver(reply(message, 21, text('cut short')).subarray(0, 20));
  await assert.rejects(connection.request(request('ask')), {
    name: 'NetlinkDecodeError',
    message: 'ask: the answer cannot be read: a message of 25 bytes where 20 are left',
  });
});

test('a request that cannot be sent, a socket that cannot be opened', async () => {
  const { kernel, connection } = setUp();
  kernel.refuse = Object.assign(new Error('open'), { errno: EMFILE });
  await assert.rejects(connection.request(request('ask')), refused(EMFILE, /^ask: .*could not be opened$/));
  kernel.refuse = undefined;
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2));
  await connection.request(request('ask'));
  kernel.socket.failSend = ENOBUFS;
  await assert.rejects(connection.request(request('ask')), refused(ENOBUFS, /could not be sent/));
});

test('closing fails what is under way, what waits, and what comes later', async () => {
  const { kernel, connection } = setUp();
  const all = [
    connection.dump(request('list'), textOf),
    connection.dump(request('list'), textOf),
    ...Array.from({ length: 20 }, () => connection.request(request('ask'))),
  ];
  await turns();
  connection.close();
  for (const one of [...all, connection.request(request('ask'))]) {
    await assert.rejects(one, refused(ECANCELED, /the connection was closed/));
  }
  assert.equal(kernel.socket.closed, true);
  assert.equal(kernel.sockets.length, 1);
});

test('what is answered twice counts once, and is an answer to nobody else', async () => {
  const { kernel, connection } = setUp();
  kernel.onRequest = (message, socket) => {
    for (let time = 0; time < 2; time++) {
      socket.deliver(reply(message, 21, message.body));
      socket.deliver(end(message, 2));
    }
  };
  const ask = async (name: string): Promise<string[]> =>
    (await connection.request({ what: name, type: 20, body: text(name) })).map(textOf);
  const answers = await Promise.all([ask('a'), ask('b')]);
  assert.deepEqual([...answers, await ask('c')], [['a'], ['b'], ['c']]);
});
