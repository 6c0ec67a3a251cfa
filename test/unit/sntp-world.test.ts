import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatagramSocket } from '../../src/platform/datagram.js';
import { canonicalAddress, parseServer } from '../../src/sntp/server.js';
import { system } from '../../src/sntp/world.js';
import { NtpServer } from '../support/ntp-server.js';

test('random bytes: as many as asked for, and others each time', () => {
  const all = Array.from({ length: 100 }, () => Buffer.from(system.random(8)).toString('hex'));
  assert.ok(all.every((hex) => hex.length === 16));
  assert.equal(new Set(all).size, 100);
});

test('a cancelled timer does not call back', async () => {
  const called: string[] = [];
  const cancel = system.setTimer(1, () => called.push('cancelled'));
  cancel();
  await new Promise<void>((resolve) => {
    system.setTimer(2, resolve);
  });
  assert.deepEqual(called, []);
});

test('a socket that the kernel cannot send from says so, once, and not after it was closed', async () => {
  // A datagram of more than 65507 bytes is refused by every kernel (EMSGSIZE).
  let socket: DatagramSocket | undefined;
  const error = await new Promise<Error>((resolve) => {
    socket = system.openSocket(4, {
      ready: () => socket?.send(new Uint8Array(70_000), { address: '127.0.0.1', port: 9 }),
      sent: () => assert.fail('it was not sent'),
      message: () => assert.fail('nothing was sent'),
      error: resolve,
    });
  });
  assert.match(error.message, /EMSGSIZE/);
  socket?.close();
  socket?.close();
});

test('resolvers are new ones, and can be cancelled', async () => {
  const resolver = system.openResolver();
  assert.notEqual(resolver, system.openResolver());
  const lookup = resolver.resolve4('name.invalid');
  resolver.cancel();
  await assert.rejects(lookup);
});

test('servers as people write them', () => {
  const understood = (text: string) => {
    const { host, family, port } = parseServer(text);
    return [host, family, port];
  };
  assert.deepEqual(understood('0.openwrt.pool.ntp.org'), ['0.openwrt.pool.ntp.org', 0, 123]);
  assert.deepEqual(understood(' router_1 '), ['router_1', 0, 123]);
  assert.deepEqual(understood('ntp.example.:1123'), ['ntp.example.', 0, 1123]);
  assert.deepEqual(understood('192.0.2.1'), ['192.0.2.1', 4, 123]);
  assert.deepEqual(understood('192.0.2.1:1123'), ['192.0.2.1', 4, 1123]);
  assert.deepEqual(understood('2001:DB8:0:0::1'), ['2001:db8::1', 6, 123]);
  assert.deepEqual(understood('[2001:db8::1]:1123'), ['2001:db8::1', 6, 1123]);
  assert.deepEqual(understood('[fe80::1%br-lan]'), ['fe80::1%br-lan', 6, 123]);
  assert.deepEqual(understood('fe80:0::1%br-lan'), ['fe80::1%br-lan', 6, 123]);
});

test('servers that are none', () => {
  for (const text of [
    '',
    ' ',
    'a b',
    'a..b',
    'a:0',
    'a:65536',
    'a:b',
    '[a]',
    '[192.0.2.1]:1',
    '[::1',
    '::1]',
    'a:1:2',
    '-'.repeat(64),
  ]) {
    assert.throws(() => parseServer(text), SyntaxError, text);
  }
  assert.throws(() => parseServer('10.0.0.256'), /looks like an IPv4 address/);
  assert.throws(() => parseServer('10.0.1'), /looks like an IPv4 address/);
});

test('addresses in the notation of the kernel', () => {
  assert.equal(canonicalAddress('2001:0DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(canonicalAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalAddress('fe80:0::1%eth0'), 'fe80::1%eth0');
  assert.equal(canonicalAddress('::FFFF:192.0.2.1'), '192.0.2.1');
  assert.deepEqual(parseServer('[::ffff:c000:201]:1123').family, 4);
});

test('test servers that are told the same truth agree, however long one takes longer to start', async () => {
  const truth = { unixMs: Date.UTC(2030, 0, 1), monotonicNs: process.hrtime.bigint() };
  const one = await NtpServer.start({ truth });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const other = await NtpServer.start({ truth });
  const [first, between, last] = [one.now(), other.now(), one.now()];
  assert.ok(first <= between && between <= last, `${first} ${between} ${last}`);
  await Promise.all([one.close(), other.close()]);
});
