import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { BlobmsgType } from '../../src/ubus/blobmsg.js';
import { double, type Table, type Ubus, UbusError } from '../../src/ubus/index.js';
import {
  encodeMessage,
  MessageAttribute,
  MessageType,
  writeStringAttribute,
} from '../../src/ubus/message.js';
import { deferred, TestBus, until } from '../support/bus.js';

/** Publishes an object with a method for each kind of behaviour. */
async function publishLab(provider: Ubus, name = 'lab'): Promise<void> {
  await provider.publish(name, {
    echo: {
      args: {
        text: 'string',
        count: 'int32',
        big: 'int64',
        ratio: 'double',
        on: 'bool',
        list: 'array',
        map: 'table',
        any: 'any',
      },
      call: (_, { args }) => args,
    },
    later: {
      args: { ms: 'int32' },
      call: async ({ ms = 0 }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return { ms };
      },
    },
    many: {
      args: { count: 'int32' },
      call: ({ count = 0 }, invocation) => {
        for (let part = 0; part < count; part += 1) invocation.reply({ part });
      },
    },
    whoami: { call: (_, { user, group, object, method }) => ({ user, group, object, method }) },
    refuse: {
      call: () => {
        throw new UbusError('NOT_SUPPORTED', 'not today');
      },
    },
    explode: {
      call: () => {
        throw new TypeError('secret plans went wrong');
      },
    },
    explodeLater: { call: () => Promise.reject(new TypeError('later')) },
    unsendable: { call: () => ({ text: 'a\0b' }) },
    never: { call: () => new Promise<void>(() => undefined) },
  });
}

test('a call: arguments and answer', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  const args = {
    text: 'ü',
    count: 7,
    on: true,
    list: [1, 'a', { b: null }],
    map: { deep: { er: [] } },
    extra: 2n ** 60n,
  };
  assert.deepEqual(await caller.call('lab', 'echo', args), args);
  assert.deepEqual(await caller.call('lab', 'echo'), {});
});

test('a wrong type is an invalid argument, and the handler does not run', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const seen: Table[] = [];
  await provider.publish('strict', {
    set: {
      args: {
        text: 'string',
        count: 'int32',
        big: 'int64',
        ratio: 'double',
        on: 'bool',
        list: 'array',
        map: 'table',
        any: 'any',
      },
      call: (_, { args }) => {
        seen.push(args);
      },
    },
  });
  const caller = await bus.connect();
  const wrong: Parameters<Ubus['call']>[2][] = [
    { text: 1 },
    { text: null },
    { count: 'x' },
    { count: 2.5 },
    { count: 2 ** 40 },
    { count: true },
    { big: 2.5 },
    { ratio: '1' },
    { on: 1 },
    { list: {} },
    { map: [] },
  ];
  for (const args of wrong) {
    await assert.rejects(
      caller.call('strict', 'set', args),
      { status: 'INVALID_ARGUMENT', code: 2 },
      JSON.stringify(args),
    );
  }
  assert.deepEqual(seen, []);
  const right = {
    text: '',
    count: 1,
    big: 1,
    ratio: 1,
    on: false,
    list: [],
    map: {},
    any: null,
    ubus_rpc_session: '00',
  };
  await caller.call('strict', 'set', right);
  await caller.call('strict', 'set', { big: 2n ** 60n, ratio: double(0) });
  assert.deepEqual(seen, [right, { big: 2n ** 60n, ratio: 0 }]);
});

test('handlers get the types they declare', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  await provider.publish('typed', {
    add: { args: { a: 'int32', b: 'int32' }, call: ({ a = 0, b = 0 }) => ({ sum: a + b }) },
    name: { args: { name: 'string' }, call: async ({ name }) => ({ length: name?.length }) },
    nothing: { call: () => undefined },
  });
  const wrongType = () =>
    provider.publish('x', {
      // @ts-expect-error there is no such type
      m: { args: { a: 'int33' }, call: () => undefined },
    });
  const wrongName = () =>
    provider.publish('x', {
      // @ts-expect-error there is no such argument
      m: { args: { a: 'int32' }, call: ({ b }) => ({ b }) },
    });
  assert.deepEqual([typeof wrongType, typeof wrongName], ['function', 'function']); // never called
  const caller = await bus.connect();
  assert.deepEqual(await caller.call('typed', 'add', { a: 2, b: 3 }), { sum: 5 });
  assert.deepEqual(await caller.call('typed', 'name', { name: 'x' }), { length: 1 });
  assert.deepEqual(await caller.call('typed', 'name'), {});
});

test('unknown objects and methods', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  await assert.rejects(caller.call('lab', 'nope'), {
    status: 'METHOD_NOT_FOUND',
    object: 'lab',
    method: 'nope',
  });
  await assert.rejects(caller.call('nope', 'echo'), {
    status: 'NOT_FOUND',
    object: 'nope',
    message: /no object nope/,
  });
  for (const path of ['', 'la*', 'a\0b']) {
    await assert.rejects(caller.call(path, 'echo'), { name: 'UbusError', status: 'INVALID_ARGUMENT' });
  }
});

test('arguments that cannot be sent reject, and name the call', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  const refused = { name: 'UbusError', status: 'INVALID_ARGUMENT', message: /calling echo of lab: .*NUL/ };
  await assert.rejects(caller.call('lab', 'echo', { text: 'a\0b' }), refused);
  await assert.rejects(caller.call('lab', 'echo', { text: 'x'.repeat(1_048_576) }), {
    status: 'INVALID_ARGUMENT',
  });
  assert.deepEqual(await caller.call('lab', 'echo', { count: 1 }), { count: 1 });
});

test('an answer of nearly 1 MiB', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  const text = 'x'.repeat(1_000_000);
  assert.deepEqual(await caller.call('lab', 'echo', { text }), { text });
});

test('answers about as long as a message may be: answered or refused, none is waited for in vain', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect({ onWarning: ({ message }) => assert.match(message, /more than the/) });
  await provider.publish('filler', {
    fill: { args: { length: 'int32' }, call: ({ length = 0 }) => ({ text: 'x'.repeat(length) }) },
  });
  const caller = await bus.connect();
  const outcomes = new Set<string>();
  for (let length = 1_048_500; length <= 1_048_576; length += 1) {
    const outcome = await caller.call('filler', 'fill', { length }).then(
      ({ text }) => (String(text).length === length ? 'answered' : 'cut'),
      ({ status }) => String(status),
    );
    outcomes.add(outcome);
  }
  assert.deepEqual([...outcomes], ['answered', 'UNKNOWN_ERROR']);
});

test('answers of more than 1 MiB at once, to several callers, all arrive', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  await provider.publish('flood', { go: { call: () => ({ text: 'x'.repeat(400_000) }) } });
  const callers = await Promise.all([bus.connect(), bus.connect(), bus.connect()]);
  const calls = callers.flatMap((caller) => [caller.call('flood', 'go'), caller.call('flood', 'go')]);
  for (const { text } of await Promise.all(calls)) assert.equal(String(text).length, 400_000);
});

test('statuses that handlers choose, and handlers that throw', async (t) => {
  const warnings: Error[] = [];
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect({ onWarning: (warning) => warnings.push(warning) }));
  const caller = await bus.connect();
  await assert.rejects(caller.call('lab', 'refuse'), { status: 'NOT_SUPPORTED', code: 8 });
  assert.equal(warnings.join(), '');
  const unknown = { status: 'UNKNOWN_ERROR', code: 9 };
  await assert.rejects(caller.call('lab', 'explode'), (error: Error) => {
    assert.ok(!error.message.includes('secret plans'));
    assert.equal(error instanceof UbusError && error.code, 9);
    return true;
  });
  await assert.rejects(caller.call('lab', 'explodeLater'), unknown);
  await assert.rejects(caller.call('lab', 'unsendable'), unknown);
  assert.equal(warnings.length, 3);
  assert.match(warnings[0]?.message ?? '', /method explode of lab threw: secret plans/);
  assert.ok(warnings[0]?.cause instanceof TypeError);
  assert.match(warnings[1]?.message ?? '', /method explodeLater of lab threw: later/);
  assert.match(warnings[2]?.message ?? '', /method unsendable of lab threw: .*NUL/);
});

test('the caller is known by the names of its user and group', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  const { user, group, object, method } = await caller.call('lab', 'whoami');
  assert.deepEqual([user, group, object, method], ['root', 'root', 'lab', 'whoami']);
});

test('many calls at once: each gets its own answer', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  await publishLab(provider);
  await publishLab(await bus.connect(), 'other');
  const caller = await bus.connect();
  const calls = Array.from({ length: 600 }, (_, index) => {
    const object = index % 2 === 0 ? 'lab' : 'other';
    const ms = (index * 7) % 23;
    return caller.call(object, 'later', { ms, index }).then((answer) => assert.deepEqual(answer, { ms }));
  });
  await Promise.all(calls);
});

test('several answers to one call', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  assert.deepEqual(await caller.callAll('lab', 'many', { count: 3 }), [
    { part: 0 },
    { part: 1 },
    { part: 2 },
  ]);
  assert.deepEqual(await caller.callAll('lab', 'many', { count: 0 }), []);
  assert.deepEqual(await caller.call('lab', 'many', { count: 3 }), { part: 0 });
  assert.deepEqual(await caller.call('lab', 'many', { count: 0 }), {});
});

test('answers of more than 1 MiB in all are given up', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  await provider.publish('flood', {
    go: {
      call: async (_, invocation) => {
        for (let part = 0; part < 12; part += 1) {
          invocation.reply({ text: 'x'.repeat(100_000) });
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    },
  });
  const caller = await bus.connect();
  await assert.rejects(caller.callAll('flood', 'go'), { status: 'NO_MEMORY' });
});

test('a call without an answer is given up at its deadline, and a late answer harms nobody', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const gate = deferred();
  await provider.publish('slow', {
    wait: {
      call: async () => {
        await gate.promise;
        return { late: true };
      },
    },
    ping: { call: () => ({ pong: true }) },
  });
  const caller = await bus.connect();
  await assert.rejects(caller.call('slow', 'wait', {}, { timeout: 30 }), {
    status: 'TIMEOUT',
    message: /calling wait of slow: no answer within \d+ ms/,
  });
  gate.resolve();
  for (let count = 0; count < 50; count += 1)
    assert.deepEqual(await caller.call('slow', 'ping'), { pong: true });
});

test('an object that was published anew is found again', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  const caller = await bus.connect();
  for (const round of [1, 2, 3]) {
    const object = await provider.publish('phoenix', { round: { call: () => ({ round }) } });
    assert.equal(object.registered, true);
    assert.deepEqual(await caller.call('phoenix', 'round'), { round });
    assert.deepEqual(await caller.call('phoenix', 'round'), { round });
    await object.close();
    assert.equal(object.registered, false);
  }
  await assert.rejects(caller.call('phoenix', 'round'), { status: 'NOT_FOUND' });
});

test('NOT_FOUND from the object itself is not asked twice', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  let calls = 0;
  await provider.publish('shop', {
    buy: {
      call: () => {
        calls += 1;
        throw new UbusError('NOT_FOUND', 'sold out');
      },
    },
  });
  const caller = await bus.connect();
  await assert.rejects(caller.call('shop', 'buy'), { status: 'NOT_FOUND' });
  await assert.rejects(caller.call('shop', 'buy'), { status: 'NOT_FOUND' });
  assert.equal(calls, 2);
});

test('an object can call itself over the bus', async (t) => {
  const bus = await TestBus.start(t);
  const both = await bus.connect();
  await publishLab(both);
  assert.deepEqual(await both.call('lab', 'later', { ms: 1 }), { ms: 1 });
});

test('lookup: all, one, by prefix, none', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  for (const path of ['lab.b', 'lab.a', 'labor', 'zoo']) {
    await provider.publish(path, {
      feed: { args: { what: 'string', grams: 'double', big: 'int64' }, call: () => undefined },
    });
  }
  const paths = async (pattern?: string) => (await provider.lookup(pattern)).map(({ path }) => path);
  assert.deepEqual(await paths(), ['lab.a', 'lab.b', 'labor', 'zoo']);
  assert.deepEqual(await paths('*'), ['lab.a', 'lab.b', 'labor', 'zoo']);
  assert.deepEqual(await paths('lab.*'), ['lab.a', 'lab.b']);
  assert.deepEqual(await paths('zoo'), ['zoo']);
  assert.deepEqual(await paths('nope'), []);
  assert.deepEqual(await paths('zz*'), []);
  const [zoo] = await provider.lookup('zoo');
  assert.deepEqual(zoo?.methods, { feed: { what: 'string', grams: 'double', big: 'int64' } });
});

test('an object whose signature cannot be read hides neither itself nor others', async (t) => {
  const bus = await TestBus.start(t);
  const socket = connect(bus.path);
  t.after(() => socket.destroy());
  socket.write(
    encodeMessage(MessageType.addObject, 1, 0, (writer) => {
      writeStringAttribute(writer, MessageAttribute.objectPath, 'strange');
      const signature = writer.open(MessageAttribute.signature);
      const method = writer.openNamed(BlobmsgType.table, 'go');
      writer.bytes(Buffer.from('rubbish!'));
      writer.close(method);
      writer.close(signature);
    }),
  );
  const client = await bus.connect();
  await client.waitFor('strange');
  await (await bus.connect()).publish('lab', { go: { call: () => ({}) } });
  const found = await client.lookup();
  assert.deepEqual(
    found.map(({ path, methods }) => [path, methods]),
    [
      ['lab', { go: {} }],
      ['strange', {}],
    ],
  );
});

test('a path that is taken is refused, and says so', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const second = await bus.connect();
  await assert.rejects(second.publish('lab', {}), {
    status: 'INVALID_ARGUMENT',
    message: /publishing lab: .*taken/,
  });
  await assert.rejects(second.publish('', {}), { status: 'INVALID_ARGUMENT' });
});

test('an object without methods is on the bus', async (t) => {
  const bus = await TestBus.start(t);
  const provider = await bus.connect();
  await provider.publish('bare', {});
  assert.deepEqual(
    (await provider.lookup('bare')).map(({ methods }) => methods),
    [{}],
  );
});

test('calls under way reject when the bus is closed, later ones at once', async (t) => {
  const bus = await TestBus.start(t);
  await publishLab(await bus.connect());
  const caller = await bus.connect();
  const called = caller.call('lab', 'never');
  const waited = caller.waitFor('nowhere');
  const settled = Promise.allSettled([called, waited]);
  await caller.call('lab', 'whoami');
  caller.close();
  for (const result of await settled) {
    assert.equal(result.status === 'rejected' && result.reason.status, 'CONNECTION_FAILED');
  }
  const closed = { status: 'CONNECTION_FAILED', message: /closed/ };
  await assert.rejects(caller.call('lab', 'whoami'), closed);
  await assert.rejects(caller.publish('late', {}), closed);
  await assert.rejects(caller.waitFor('lab'), closed);
  await assert.rejects(
    caller.listen('*', () => undefined),
    closed,
  );
  assert.equal(caller.connected, false);
});

test('more calls at once than handlers are allowed to be busy with are refused, with one warning', async (t) => {
  const warnings: Error[] = [];
  const bus = await TestBus.start(t);
  const provider = await bus.connect({ onWarning: (warning) => warnings.push(warning) });
  const gate = deferred();
  await provider.publish('busy', {
    work: {
      call: async () => {
        await gate.promise;
        return { done: true };
      },
    },
  });
  const caller = await bus.connect();
  const calls = Array.from({ length: 1100 }, () =>
    caller.call('busy', 'work').then(
      () => 'done',
      (error) => error.status,
    ),
  );
  await until(() => warnings.length > 0, 'the provider has enough');
  gate.resolve();
  const results = await Promise.all(calls);
  assert.equal(results.filter((result) => result === 'done').length, 1024);
  assert.equal(results.filter((result) => result === 'NO_MEMORY').length, 76);
  assert.equal(warnings.length, 1);
  assert.deepEqual(await caller.call('busy', 'work'), { done: true });
});
