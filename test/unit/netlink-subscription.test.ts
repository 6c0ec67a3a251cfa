import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { type TestContext, test } from 'node:test';
import type { OpenSocket } from '../../src/netlink/index.js';
import { NetlinkSubscription, type SubscriptionOptions } from '../../src/netlink/subscription.js';
import { concat, FakeKernel, fixture, reply, unhex } from './netlink-support.js';

const { EBADF, EMFILE } = constants.errno;
const event = unhex(fixture('route-events').datagrams[2] ?? '');

/** A subscription on a clock that the test turns; `opened` has the time of each attempt to open a socket. */
function setUp(t: TestContext, options: SubscriptionOptions = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const pass = (milliseconds: number): void => {
    for (let step = 0; step < milliseconds; step++) {
      now++;
      t.mock.timers.tick(1);
    }
  };
  const kernel = new FakeKernel();
  const opened: number[] = [];
  const families: number[] = [];
  const openSocket: OpenSocket = (...args) => {
    opened.push(now);
    families.push(args[0]);
    return kernel.open(...args);
  };
  const told = { messages: 0, lost: 0 };
  let onMessage = (): void => {};
  const message = (): void => {
    told.messages++;
    onMessage();
  };
  const handlers = { message, lost: () => void told.lost++ };
  const subscription = new NetlinkSubscription(16, [7], handlers, { openSocket, ...options });
  const flood = (): void => {
    const { socket } = kernel;
    for (let sent = 0; !socket.closed; sent++) {
      assert.ok(sent < 1_000, 'a flood is left');
      socket.deliver(event);
    }
  };
  const onNext = (act: () => void): void => {
    onMessage = act;
  };
  return { kernel, opened, families, told, subscription, flood, pass, onNext };
}

const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0));

test('a socket that cannot be opened is tried after 250 ms, and after twice as long each time up to 4 s', (t) => {
  const { kernel, opened, told, pass, subscription } = setUp(t);
  kernel.refuse = Object.assign(new Error('open'), { errno: EMFILE });
  kernel.socket.fail(EBADF, true);
  pass(16_000);
  assert.deepEqual(gaps(opened.slice(1)), [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  assert.equal(told.lost, 0);
  kernel.refuse = undefined;
  pass(4_000);
  assert.equal(told.lost, 1);
  assert.equal(kernel.sockets.length, 2);
  pass(20_000);
  assert.equal(told.lost, 1);
  subscription.close();
});

test('a flood that goes on is left for longer each time; one after a calm is a first one', (t) => {
  const { kernel, opened, flood, told, pass, subscription } = setUp(t);
  for (let turn = 0; turn < 6; turn++) {
    flood();
    const sockets = kernel.sockets.length;
    while (kernel.sockets.length === sockets) pass(1);
  }
  assert.deepEqual(gaps(opened), [250, 500, 1_000, 2_000, 4_000, 4_000]);
  assert.equal(told.lost, 6);
  kernel.socket.deliver(event);
  pass(101);
  kernel.socket.deliver(event);
  const before = opened.length;
  flood();
  pass(249);
  assert.equal(opened.length, before);
  pass(1);
  assert.equal(opened.length, before + 1);
  subscription.close();
});

test('64 datagrams in 100 ms are a flood, fewer or slower ones are not', (t) => {
  const { kernel, pass, subscription, told } = setUp(t);
  const { socket } = kernel;
  for (let turn = 0; turn < 10; turn++) {
    for (let sent = 0; sent < 63; sent++) socket.deliver(event);
    pass(101);
  }
  assert.equal(socket.closed, false);
  assert.equal(told.messages, 630);
  for (let sent = 0; sent < 64; sent++) socket.deliver(event);
  assert.equal(socket.closed, true);
  assert.equal(told.messages, 694);
  subscription.close();
});

test('close while it stays away: it does not come back', (t) => {
  const { opened, flood, pass, subscription, told } = setUp(t);
  flood();
  subscription.close();
  pass(5_000);
  assert.equal(opened.length, 1);
  assert.equal(told.lost, 0);
});

test('unref while it stays away holds for the next socket too', (t) => {
  const { kernel, flood, pass, subscription } = setUp(t);
  subscription.unref();
  flood();
  pass(250);
  assert.equal(kernel.sockets.length, 2);
  assert.equal(kernel.socket.referenced, false);
  subscription.close();
});

test('every socket is of the family, in the groups, and has the receive buffer that was asked for', (t) => {
  for (const [options, receiveBufferBytes] of [
    [{}, 1024 * 1024],
    [{ receiveBufferBytes: 4096 }, 4096],
  ] as const) {
    const { kernel, families, subscription } = setUp(t, options);
    kernel.socket.fail(EBADF, true);
    assert.deepEqual(families, [16, 16]);
    for (const socket of kernel.sockets)
      assert.deepEqual(socket.options, { groups: [7], receiveBufferBytes });
    subscription.close();
    t.mock.timers.reset();
    t.mock.restoreAll();
  }
});

test('a message that says so, and a datagram that is none, mean that something was missed', (t) => {
  const { kernel, told, subscription } = setUp(t);
  kernel.socket.deliver(reply({ sequence: 0 }, 4)); // NLMSG_OVERRUN
  assert.deepEqual(told, { messages: 0, lost: 1 });
  kernel.socket.deliver(new Uint8Array(7));
  assert.deepEqual(told, { messages: 0, lost: 2 });
  subscription.close();
});

test('who closes it in the middle of a datagram, or of a flood, hears no more of it', (t) => {
  const first = setUp(t);
  first.onNext(() => first.subscription.close());
  first.kernel.socket.deliver(concat(event, event));
  assert.equal(first.told.messages, 1);
  t.mock.timers.reset();
  t.mock.restoreAll();
  const { kernel, told, subscription, onNext, opened, pass } = setUp(t);
  onNext(() => {
    if (told.messages === 64) subscription.close();
  });
  for (let sent = 0; sent < 64; sent++) kernel.socket.deliver(event);
  pass(5_000);
  assert.equal(opened.length, 1);
});

test('the timer that brings it back keeps the process alive only as long as the subscription does', (t) => {
  const { flood, subscription } = setUp(t);
  const said: string[] = [];
  const timer = { ref: () => said.push('ref'), unref: () => said.push('unref') };
  t.mock.method(globalThis, 'setTimeout', () => timer);
  t.mock.method(globalThis, 'clearTimeout', () => {});
  flood();
  assert.deepEqual(said, []);
  subscription.unref();
  subscription.ref();
  assert.deepEqual(said, ['unref', 'ref']);
  subscription.close();
  t.mock.timers.reset();
  t.mock.restoreAll();
  const other = setUp(t);
  t.mock.method(globalThis, 'setTimeout', () => timer);
  t.mock.method(globalThis, 'clearTimeout', () => {});
  other.subscription.unref();
  other.flood();
  assert.deepEqual(said, ['unref', 'ref', 'unref'], 'also one that is set later');
  other.subscription.close();
});
