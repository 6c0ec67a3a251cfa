// The control socket: the daemon's end, at real abstract names, and who asks there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { listenerOwner } from '#platform/stream.js';
import { askControl, controlledInterfaces, followControl } from '../../src/cli/commands/control-client.js';
import { namesLike } from '../../src/daemon/abstract-names.js';
import { Control } from '../../src/daemon/control.js';
import { controlName, padded } from '../../src/daemon/control-name.js';
import type { Table } from '../../src/ubus/index.js';
import { until } from '../support/bus.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';

let number = 0;

/** A service with its control socket, until the test is over. */
async function serve(t: TestContext, names?: readonly string[]) {
  const service = new FakeService(`c${process.pid % 1e6}n${number++}`, names);
  const log: string[] = [];
  const owner = new FakeOwner();
  const control = new Control({ write: (...line) => void log.push(line.join(' ')) }, owner);
  const leave = await control.serve(service);
  t.after(() => control.close());
  return { service, control, owner, leave, log };
}

/** Somebody who speaks to it by hand. */
class Client {
  readonly socket: Socket;
  readonly lines: string[] = [];
  closed = false;

  constructor(t: TestContext, ifname: string) {
    this.socket = connect(padded(controlName(ifname)));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    let unread = '';
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (unread + text).split('\n');
      unread = lines.pop() ?? '';
      this.lines.push(...lines);
    });
    t.after(() => this.socket.destroy());
  }

  /** Sends a line, and waits for one. */
  async ask(line: string): Promise<string> {
    const place = this.lines.length;
    this.socket.write(`${line}\n`);
    await until(() => this.lines.length > place || this.closed, 'an answer');
    return this.lines[place] ?? 'closed';
  }
}

test('a line for a line: the answers of the bus, in their order, with all digits', async (t) => {
  const { service, owner } = await serve(t, ['sn01', '10']);
  const client = new Client(t, service.name);
  assert.equal(
    await client.ask('{"method":"status"}'),
    '{"result":{"peers":{"sn01":{"established":3600},"10":false}}}',
  );
  assert.match(await client.ask('{"method":"info"}'), /^\{"result":\{.*"rx_bytes":9007199254740993,/);
  assert.match(await client.ask('{"method":"peers","args":{}}'), /"old":\{"enabled":false,/);
  assert.equal(await client.ask('{"method":"select","args":{"peer":"10","more":1}}'), '{"result":{}}');
  assert.equal(await client.ask('{"method":"next"}'), '{"result":{}}');
  assert.equal(await client.ask('{"method":"reload"}'), '{"result":{}}');
  assert.deepEqual(service.told, ['select 10', 'next']);
  assert.deepEqual(owner.told, ['reload']);
});

test('what cannot be done is told by a code of ubus and in words', async (t) => {
  const { service } = await serve(t);
  const client = new Client(t, service.name);
  for (const [line, error, message] of [
    ['{"method":"select","args":{"peer":"sn09"}}', 'NOT_FOUND', /has no enabled peer sn09$/],
    ['{"method":"select"}', 'INVALID_ARGUMENT', /needs the name of a peer/],
    ['{"method":"select","args":{"peer":5}}', 'INVALID_ARGUMENT', /peer has to be a string/],
    ['{"method":"toString"}', 'METHOD_NOT_FOUND', /there is no method toString/],
    ['{"method":"status","args":5}', 'INVALID_ARGUMENT', /expected a method, and a table/],
    ['null', 'INVALID_ARGUMENT', /expected a method/],
    ['status', 'PARSE_ERROR', /expected a line of JSON/],
  ] as const) {
    const answer = JSON.parse(await client.ask(line));
    assert.equal(answer.error, error, line);
    assert.match(answer.message, message);
  }
});

test('events come until the client goes, and then nobody is told', async (t) => {
  const { service } = await serve(t);
  const client = new Client(t, service.name);
  service.connect(); // nobody hears of it
  assert.equal(await client.ask('{"method":"events"}'), '{"result":{}}');
  service.connect(12);
  await until(() => client.lines.length === 2, 'the event');
  assert.deepEqual(JSON.parse(client.lines[1] ?? ''), {
    event: 'established',
    data: { state: 'established', peer: 'sn01', remote_address: '192.0.2.1:51820', handshake_ms: 12 },
  });
  assert.match(await client.ask('{"method":"status"}'), /^\{"result"/);
  client.socket.destroy();
});

test('peers that are given: lists and tables get there, and what is of another type does not', async (t) => {
  const { service, owner } = await serve(t);
  const client = new Client(t, service.name);
  const ask = async (method: string, args: object) =>
    JSON.parse(await client.ask(JSON.stringify({ method, args })));
  const peers = Array.from({ length: 200 }, (_, place) => ({
    name: `gw${place}`,
    endpoint: ['192.0.2.1:51820'],
  }));
  assert.deepEqual(await ask('set_peers', { peers }), { result: { warnings: ['it is only a test'] } });
  await ask('add_peer', { name: 'gw9', persistent_keepalive: 25, enabled: true, foreign: 1 });
  await ask('remove_peer', { name: 'gw9' });
  assert.deepEqual(owner.told, [
    `${service.name} set ${JSON.stringify(peers)}`,
    `${service.name} add {"name":"gw9","persistent_keepalive":25,"enabled":true}`,
    `${service.name} remove gw9`,
  ]);
  for (const [method, args, message] of [
    ['set_peers', {}, /set_peers needs peers, a list of tables/],
    ['set_peers', { peers: 'gw1' }, /peers has to be a list/],
    ['add_peer', { name: 5 }, /name has to be a string/],
    ['remove_peer', {}, /remove_peer needs the name of a peer/],
  ] as const) {
    const answer = await ask(method, args);
    assert.equal(answer.error, 'INVALID_ARGUMENT');
    assert.match(answer.message, message);
  }
});

test('an interface that is not served any more: its clients are let go, its name is free, the others go on', async (t) => {
  const { service, control, leave } = await serve(t);
  const other = new FakeService(`${service.name}x`);
  await control.serve(other);
  const [ours, theirs] = [new Client(t, service.name), new Client(t, other.name)];
  for (const client of [ours, theirs]) await client.ask('{"method":"events"}');
  leave();
  await until(() => ours.closed, 'its end');
  other.connect();
  await until(() => theirs.lines.length === 2, 'the event');
  const again = await control.serve(new FakeService(service.name));
  assert.match(await new Client(t, service.name).ask('{"method":"status"}'), /^{"result"/);
  again();
});

test('a request that is too long, and too many of them at once, end it', async (t) => {
  const { service } = await serve(t);
  for (const text of ['x'.repeat(66_000), `${'x'.repeat(66_000)}\n`, '{"method":"info"}\n'.repeat(5000)]) {
    const client = new Client(t, service.name);
    client.socket.write(text);
    await until(() => client.closed, 'the end of it');
  }
  assert.match(await new Client(t, service.name).ask('{"method":"status"}'), /^\{"result"/);
});

test('a client that does not read is let go, and the daemon keeps little of what it should have heard', async (t) => {
  const { service } = await serve(t);
  const client = new Client(t, service.name);
  await client.ask('{"method":"events"}');
  client.socket.pause();
  let events = 0;
  // What the kernel keeps for it, some hundred kB, and what we do.
  await until(() => {
    for (let turn = 0; turn < 1000; turn++, events++) service.connect();
    if (events > 1_000_000) throw new Error('all of them are kept');
    client.socket.write('\n'); // its end is told to who writes
    return client.closed;
  }, 'the end of it');
});

test('sixteen at once, and the next is told so; who goes makes room', async (t) => {
  const { service } = await serve(t);
  const clients = Array.from({ length: 16 }, () => new Client(t, service.name));
  for (const client of clients) assert.match(await client.ask('{"method":"status"}'), /^\{"result"/);
  const more = new Client(t, service.name);
  assert.equal(JSON.parse(await more.ask('{"method":"status"}')).error, 'NO_MEMORY');
  await until(() => more.closed, 'its end');
  clients[0]?.socket.destroy();
  await until(async () => {
    const again = new Client(t, service.name);
    return (await again.ask('{"method":"status"}')).startsWith('{"result"');
  }, 'room');
});

test('where somebody has the name, it is another that begins so', async (t) => {
  const name = `t${process.pid % 1e6}`;
  const squatter = createServer((socket) => socket.end('{"result":{"peers":"mine"}}\n'));
  squatter.listen(padded(controlName(name)));
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const log: string[] = [];
  const control = new Control({ write: (...line) => void log.push(line.join(' ')) }, new FakeOwner());
  t.after(() => control.close());
  await control.serve(new FakeService(name));
  assert.deepEqual(log, []);
  // Of two names, where this process could serve an interface; otherwise nobody would believe it.
  const heard = namesLike(controlName(name));
  assert.equal(heard.length, 2);
  const believed = heard.some(({ bytes }) => listenerOwner(bytes)?.netAdmin);
  assert.equal(controlledInterfaces().includes(name), believed);
});

test('who asks: answers, refusals, events, the end of the daemon; nobody is believed who could not serve', async (t) => {
  const { service, control } = await serve(t);
  const { name } = service;
  const bytes = Uint8Array.from(padded(controlName(name)), (character) => character.charCodeAt(0));
  await assert.rejects(askControl('nobody-there', 'status'), { status: 'NOT_FOUND' });
  if (listenerOwner(bytes)?.netAdmin !== true) {
    // This process has no CAP_NET_ADMIN: it is taken for an impostor, as it should be.
    await assert.rejects(askControl(name, 'status'), { status: 'NOT_FOUND' });
    return;
  }
  assert.deepEqual(await askControl(name, 'status'), {
    peers: { sn01: { established: 3600 }, sn02: false },
  });
  await askControl(name, 'select', { peer: 'sn02' });
  assert.deepEqual(service.told, ['select sn02']);
  await assert.rejects(askControl(name, 'select', { peer: 'sn09' }), {
    status: 'NOT_FOUND',
    message: `${name} has no enabled peer sn09`,
  });
  const events: Table[] = [];
  const followed = followControl(name, (data) => events.push(data));
  await until(() => {
    service.connect();
    return events.length > 0;
  }, 'an event');
  control.close();
  await followed;
  await assert.rejects(askControl(name, 'status'), { status: 'NOT_FOUND' });
});
