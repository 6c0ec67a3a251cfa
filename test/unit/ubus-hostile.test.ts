import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { STATUSES } from '../../src/ubus/errors.js';
import { encodeBlobmsg, Ubus } from '../../src/ubus/index.js';
import {
  encodeMessage,
  type Message,
  MessageAttribute,
  MessageType,
  readAttributes,
  writeDataAttribute,
  writeFlagAttribute,
  writeNumberAttribute,
  writeStringAttribute,
} from '../../src/ubus/message.js';
import { until } from '../support/bus.js';
import { data, HELLO, onMessages, serveRaw, status } from '../support/raw.js';

const GARBAGE: [string, Buffer][] = [
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['an absurd length', Buffer.from('000200010000000000ffffff', 'hex')],
  ['a length of nothing', Buffer.from('000200010000000000000000', 'hex')],
  ['another version', Buffer.from('010200010000000000000004', 'hex')],
  ['an invocation that is no blob', Buffer.from('00050001000000000000000803000001', 'hex')],
  ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 97 + 13) & 0xff))],
];

for (const [what, bytes] of GARBAGE) {
  test(`an ubusd that sends ${what} is disconnected from, and connected to again`, async (t) => {
    const connections: boolean[] = [];
    const path = await serveRaw(t, (socket, before) => {
      socket.write(HELLO);
      connections[before] = true;
      socket.on('close', () => {
        connections[before] = false;
      });
      if (before === 0) onMessages(socket, () => socket.write(bytes));
      else onMessages(socket, (message) => socket.write(status(message, 0)));
    });
    const told: string[] = [];
    const bus = await Ubus.connect({ path, onDisconnect: ({ message }) => void told.push(message) });
    t.after(() => bus.close());
    await assert.rejects(bus.lookup(), { status: 'CONNECTION_FAILED', message: /ubusd sent garbage/ });
    await until(() => bus.connected && connections[1] === true, 'it is connected again');
    assert.equal(connections[0], false);
    assert.equal(told.length, 1);
    assert.deepEqual(await bus.lookup(), []);
  });
}

test('killed in the middle of a message', async (t) => {
  const path = await serveRaw(t, (socket, before) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (before > 0) socket.write(status(message, 0));
      else socket.end(status(message, 0).subarray(0, 15));
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  await assert.rejects(bus.lookup(), { status: 'CONNECTION_FAILED', message: /closed the connection/ });
  await until(() => bus.connected, 'it is connected again');
  assert.deepEqual(await bus.lookup(), []);
});

test('no greeting: a deadline, and a hint when ubusd hangs up at once', async (t) => {
  const silent = await serveRaw(t, () => undefined);
  await assert.rejects(Ubus.connect({ path: silent, timeout: 50 }), {
    status: 'TIMEOUT',
    message: /no greeting within 50 ms/,
  });
  const rude = await serveRaw(t, (socket) => socket.end());
  await assert.rejects(Ubus.connect({ path: rude }), {
    status: 'CONNECTION_FAILED',
    message: /user or group .* has no name/,
  });
  const wrong = await serveRaw(t, (socket) =>
    socket.write(encodeMessage(MessageType.ping, 0, 0, () => undefined)),
  );
  await assert.rejects(Ubus.connect({ path: wrong }), { message: /type 3 instead of a greeting/ });
});

test('answers for another peer, another request or nobody are passed over', async (t) => {
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      const answer = { ...message, peer: message.peer };
      socket.write(status({ ...answer, peer: 0xbad }, 6));
      socket.write(status({ ...answer, sequence: message.sequence + 1 }, 6));
      socket.write(encodeMessage(200, 1, 2, () => undefined)); // of a later ubusd
      socket.write(
        data(message, (writer) => {
          writeStringAttribute(writer, MessageAttribute.objectPath, 'lab');
          writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
        }),
      );
      socket.write(status(answer, 0));
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  assert.deepEqual(await bus.lookup('lab'), [{ path: 'lab', id: 4711, methods: {} }]);
});

test('an answer that cannot be read rejects that call only: it is the object who wrote it, not ubusd', async (t) => {
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (message.type === MessageType.invoke) {
        socket.write(
          data(message, (writer) => {
            const at = writer.open(MessageAttribute.data);
            writer.bytes(Buffer.from('ffffffff', 'hex'));
            writer.close(at);
          }),
        );
      } else {
        socket.write(
          data(message, (writer) => {
            writeStringAttribute(writer, MessageAttribute.objectPath, 'lab');
            writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
          }),
        );
      }
      socket.write(status(message, 0));
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  await assert.rejects(bus.call('lab', 'go'), {
    status: 'PARSE_ERROR',
    message: /calling go of lab: the answer cannot be read/,
  });
  assert.equal(bus.connected, true);
  assert.equal((await bus.lookup('lab')).length, 1);
});

test('arguments that cannot be read are an invalid argument, and so is a call without method or data', async (t) => {
  const answers: (number | undefined)[] = [];
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (message.type !== MessageType.addObject) {
        answers.push(readAttributes(message).status);
        return;
      }
      socket.write(data(message, (writer) => writeNumberAttribute(writer, MessageAttribute.objectId, 4711)));
      socket.write(status(message, 0));
      const invoke = (id: number, method: string | undefined, bytes: Uint8Array | undefined) =>
        socket.write(
          encodeMessage(MessageType.invoke, 9, 77, (writer) => {
            writeNumberAttribute(writer, MessageAttribute.objectId, id);
            if (method !== undefined) writeStringAttribute(writer, MessageAttribute.method, method);
            if (bytes === undefined) return;
            const at = writer.open(MessageAttribute.data);
            writer.bytes(bytes);
            writer.close(at);
          }),
        );
      invoke(4711, 'go', Buffer.from('ffffffff', 'hex'));
      invoke(4711, 'go', undefined);
      invoke(4711, undefined, Buffer.alloc(0));
      invoke(4712, 'go', Buffer.alloc(0));
      invoke(4711, 'go', Buffer.alloc(0));
    });
  });
  const warnings: string[] = [];
  const bus = await Ubus.connect({ path, onWarning: ({ message }) => void warnings.push(message) });
  t.after(() => bus.close());
  await bus.publish('lab', { go: { call: () => undefined } });
  await until(() => answers.length === 5, 'all are answered');
  await until(() => warnings.length > 0, 'the program is told');
  // By the call to 4712, which is no object of ours.
  assert.deepEqual(warnings, ['the handler of go threw: no such object']);
  assert.deepEqual(answers, [2, 2, 2, 4, 0]);
});

test('an object that goes while we subscribe to it', async (t) => {
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      const answer = data(message, (writer) => {
        writeStringAttribute(writer, MessageAttribute.objectPath, 'lab');
        writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
      });
      const gone = encodeMessage(MessageType.unsubscribe, 1, 0, (writer) => {
        writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
        writeNumberAttribute(writer, MessageAttribute.target, 4711);
      });
      const parts =
        message.type === MessageType.subscribe ? [status(message, 0), gone] : [answer, status(message, 0)];
      socket.write(Buffer.concat(parts));
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  await assert.rejects(
    bus.subscribe('lab', () => undefined),
    { status: 'NOT_FOUND', message: /it is gone/ },
  );
});

test('whoever wants no reply gets none', async (t) => {
  const types: number[] = [];
  const calls: boolean[] = [];
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      types.push(message.type);
      if (message.type !== MessageType.addObject) return;
      socket.write(data(message, (writer) => writeNumberAttribute(writer, MessageAttribute.objectId, 4711)));
      socket.write(status(message, 0));
      for (const noReply of [1, 0]) {
        socket.write(
          encodeMessage(MessageType.invoke, 9, 77, (writer) => {
            writeFlagAttribute(writer, MessageAttribute.noReply, noReply === 1);
            writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
            writeStringAttribute(writer, MessageAttribute.method, 'go');
            writer.close(writer.open(MessageAttribute.data));
          }),
        );
      }
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  await bus.publish('lab', {
    go: {
      call: (_, { noReply }) => {
        calls.push(noReply);
        return { some: 'data' };
      },
    },
  });
  await until(() => types.includes(MessageType.status), 'the second call is answered');
  assert.deepEqual(calls, [true, false]);
  assert.deepEqual(types, [MessageType.addObject, MessageType.data, MessageType.status]);
});

test('an ubusd that does not read: no more than 1 MiB is kept, the rest is refused, and what was kept arrives', async (t) => {
  let reading = false;
  const received = { bytes: 0, messages: 0 };
  let resume = () => undefined as unknown;
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      received.bytes += message.end - message.start;
      received.messages += 1;
      socket.write(status(message, 0));
      if (!reading) socket.pause();
    });
    resume = () => socket.resume();
  });
  const bus = await Ubus.connect({ path, timeout: 60_000 });
  t.after(() => bus.close());
  const text = 'x'.repeat(10_000);
  const outcomes: string[] = [];
  const sends = Array.from({ length: 400 }, () =>
    bus.send('lab.x', { text }).then(
      () => outcomes.push('sent'),
      (error) => outcomes.push(error.status),
    ),
  );
  await until(() => outcomes.includes('NO_MEMORY'), 'sending is refused');
  const refused = outcomes.filter((outcome) => outcome === 'NO_MEMORY').length;
  // What the kernel has taken already does not count; its buffers are well below 1 MiB.
  const kept = (400 - refused) * encodeBlobmsg({ text }).length;
  assert.ok(kept < 2 * 1_048_576, `${kept} bytes were taken`);
  assert.ok(kept > 900_000, `${kept} bytes were taken`);
  reading = true;
  resume();
  await Promise.all(sends);
  assert.equal(outcomes.filter((outcome) => outcome === 'sent').length, 400 - refused);
  assert.equal(received.messages, 400 - refused);
  await bus.send('lab.x', { text });
});

test('answers to an ubusd that does not read are dropped with one warning', async (t) => {
  const warnings: string[] = [];
  let answered = 0;
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (message.type !== MessageType.addObject) return;
      socket.write(data(message, (writer) => writeNumberAttribute(writer, MessageAttribute.objectId, 4711)));
      socket.write(status(message, 0));
      socket.pause();
      for (let call = 0; call < 60; call += 1) {
        socket.write(
          encodeMessage(MessageType.invoke, call, 77, (writer) => {
            writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
            writeStringAttribute(writer, MessageAttribute.method, 'go');
            writer.close(writer.open(MessageAttribute.data));
          }),
        );
      }
    });
  });
  const bus = await Ubus.connect({ path, onWarning: ({ message }) => void warnings.push(message) });
  t.after(() => bus.close());
  const text = 'x'.repeat(100_000);
  await bus.publish('lab', {
    go: {
      call: () => {
        answered += 1;
        return { text };
      },
    },
  });
  await until(() => answered === 60, 'all calls were handled');
  assert.equal(warnings.length, 1);
  assert.match(warnings.join(), /answering method go of lab: ubusd does not read/);
});

test('answers beyond 1 MiB in one turn wait for an ubusd that reads; what is refused has a status', async (t) => {
  const answers: Record<number, { parts: number; code: number | undefined }> = {};
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (message.type === MessageType.addObject) {
        const added = data(message, (writer) =>
          writeNumberAttribute(writer, MessageAttribute.objectId, 4711),
        );
        const calls = [1, 2, 3, 200].map((parts) =>
          encodeMessage(MessageType.invoke, parts, 77, (writer) => {
            writeNumberAttribute(writer, MessageAttribute.objectId, 4711);
            writeStringAttribute(writer, MessageAttribute.method, 'go');
            writeDataAttribute(writer, { parts });
          }),
        );
        socket.write(Buffer.concat([added, status(message, 0), ...calls]));
        return;
      }
      answers[message.sequence] ??= { parts: 0, code: undefined };
      const answer = answers[message.sequence];
      assert.ok(answer);
      assert.equal(answer.code, undefined, 'nothing comes after the status');
      if (message.type === MessageType.data) answer.parts += 1;
      else answer.code = readAttributes(message).status;
    });
  });
  const warnings: string[] = [];
  const bus = await Ubus.connect({ path, onWarning: ({ message }) => void warnings.push(message) });
  t.after(() => bus.close());
  const text = 'x'.repeat(300_000);
  await bus.publish('lab', {
    go: {
      args: { parts: 'int32' },
      call: ({ parts = 0 }, invocation) => {
        for (let part = 0; part < parts; part += 1) {
          try {
            invocation.reply({ text });
          } catch {
            return; // a handler that thinks it no matter
          }
        }
      },
    },
  });
  await until(() => answers[200]?.code !== undefined, 'the last is answered');
  const { parts = 0, code } = answers[200] ?? {};
  delete answers[200];
  assert.deepEqual(answers, { 1: { parts: 1, code: 0 }, 2: { parts: 2, code: 0 }, 3: { parts: 3, code: 0 } });
  assert.equal(code, STATUSES.indexOf('NO_MEMORY'));
  assert.ok(parts > 40 && parts < 60, `${parts} parts, 16 MiB are the most`);
  assert.equal(warnings.length, 1);
});

test('closing does not wait for an ubusd that does not read', async (t) => {
  let received = 0;
  let ended = false;
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    socket.pause();
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.on('close', () => {
      ended = true;
    });
    setTimeout(() => socket.resume(), 1_500);
  });
  const bus = await Ubus.connect({ path });
  const sent = assert.rejects(bus.send('lab.x', { text: 'x'.repeat(1_000_000) }), {
    status: 'CONNECTION_FAILED',
  });
  bus.close();
  await sent;
  await until(() => ended, 'the connection is gone');
  assert.ok(received < 1_000_000, 'what was left has been thrown away');
});

/** An ubusd that has our object as 4711, and otherwise answers as `answer` says: with messages, or not at all. */
function serveLab(t: TestContext, answer: (message: Message, before: number) => Buffer[] | undefined) {
  return serveRaw(t, (socket, before) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      const given = answer(message, before) ?? [status(message, 0)];
      if (message.type === MessageType.addObject && given.length > 0) {
        given.unshift(
          data(message, (writer) => writeNumberAttribute(writer, MessageAttribute.objectId, 4711)),
        );
      }
      socket.write(Buffer.concat(given));
    });
  });
}

test('an ubusd that lost the answer to a registration, and answers others, is connected to again', async (t) => {
  let connections = 0;
  const path = await serveLab(t, (message, before) => {
    connections = before + 1;
    return before === 0 && message.type === MessageType.addObject ? [] : undefined;
  });
  const bus = await Ubus.connect({ path, timeout: 1_000, onWarning: () => undefined });
  t.after(() => bus.close());
  const object = await bus.publish('lab', {});
  await until(async () => {
    await bus.lookup().catch(() => undefined); // others are answered
    return object.registered;
  }, 'it is registered');
  assert.equal(connections, 2);
});

test('an ubusd that greets and hangs up is asked at growing intervals', async (t) => {
  const times: number[] = [];
  const path = await serveRaw(t, (socket) => {
    times.push(performance.now());
    socket.end(HELLO);
  });
  const told: string[] = [];
  const bus = Ubus.open({ path, onDisconnect: ({ message }) => void told.push(message) });
  t.after(() => bus.close());
  await bus.publish('lab', {});
  await until(() => times.length === 6, 'it has been tried six times');
  const [first = 0] = times;
  // Pauses of 0.1, 0.2, 0.4, 0.8 and 1.6 s, each a quarter less at most.
  assert.ok((times.at(-1) ?? 0) - first >= 2_300, `${times.map((time) => Math.round(time - first))}`);
  assert.equal(told.length, 1, 'said once');
});

test('a look for an object that fails is repeated without another listener', async (t) => {
  const seen: number[] = [];
  const path = await serveLab(t, (message) => {
    seen.push(message.type);
    return message.type === MessageType.lookup ? [status(message, STATUSES.indexOf('NO_DATA'))] : undefined;
  });
  const bus = await Ubus.connect({ path, onWarning: () => undefined });
  t.after(() => bus.close());
  bus.waitFor('lab').catch(() => undefined);
  const count = (type: number) => seen.filter((one) => one === type).length;
  await until(() => count(MessageType.lookup) === 3, 'it has looked three times');
  assert.equal(count(MessageType.addObject), 1);
});

test('who may not listen looks again only when the look before is answered', async (t) => {
  const looks: Message[] = [];
  let answerLook: (() => void) | undefined;
  const path = await serveRaw(t, (socket) => {
    socket.write(HELLO);
    onMessages(socket, (message) => {
      if (message.type === MessageType.invoke) {
        socket.write(status(message, STATUSES.indexOf('PERMISSION_DENIED')));
      } else if (message.type !== MessageType.lookup) {
        socket.write(status(message, 0));
      } else {
        looks.push(message);
        const answer = () => void socket.write(status(message, STATUSES.indexOf('NOT_FOUND')));
        if (looks.length === 1) answer();
        else answerLook ??= answer;
      }
    });
  });
  const bus = await Ubus.connect({ path });
  t.after(() => bus.close());
  bus.waitFor('lab').catch(() => undefined);
  await until(() => answerLook, 'it has looked twice');
  // The time of two looks: a third one would be there by then.
  await new Promise((resolve) => setTimeout(resolve, 4_100));
  assert.equal(looks.length, 2);
  answerLook?.();
  await until(() => looks.length === 3, 'it looks again');
});

test('an object that is seen and cannot be subscribed to is not asked without a pause', async (t) => {
  const times: number[] = [];
  const path = await serveLab(t, (message) => {
    if (message.type === MessageType.subscribe) {
      times.push(performance.now());
      return [status(message, STATUSES.indexOf('NOT_FOUND'))];
    }
    if (message.type !== MessageType.lookup) return undefined;
    const found = data(message, (writer) => {
      writeStringAttribute(writer, MessageAttribute.objectPath, 'lab');
      writeNumberAttribute(writer, MessageAttribute.objectId, 4712);
    });
    return [found, status(message, 0)];
  });
  const bus = Ubus.open({ path });
  t.after(() => bus.close());
  await bus.subscribe('lab', () => undefined);
  await until(() => times.length === 4, 'it has tried four times');
  // At once, when it looked for the object, after 1 s, after 2 s.
  assert.ok((times[3] ?? 0) - (times[0] ?? 0) >= 2_900, `${times}`);
});
