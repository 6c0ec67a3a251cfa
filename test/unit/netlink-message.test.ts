import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LITTLE_ENDIAN } from '../../src/netlink/endian.js';
import { errnoName } from '../../src/netlink/errors.js';
import { NetlinkDecodeError, NetlinkError } from '../../src/netlink/index.js';
import {
  decodeMessages,
  decodeOutcome,
  encodeMessage,
  NLM_F_ACK_TLVS,
  NLMSG_ERROR,
  type Outcome,
} from '../../src/netlink/message.js';
import { concat, fixture, unhex } from './netlink-support.js';

function outcomeOf(datagram: string): Outcome {
  const [message] = decodeMessages(unhex(datagram));
  assert.ok(message);
  return decodeOutcome(message);
}

test('errors of the kernel with and without extended ack', () => {
  const recorded =
    fixture<Record<'plain' | 'extended' | 'extendedAndCapped' | 'acknowledged', string>>('extended-ack');
  const detail = 'Invalid prefix for given prefix length';
  assert.deepEqual(outcomeOf(recorded.plain), { errno: 22, detail: undefined });
  assert.deepEqual(outcomeOf(recorded.extended), { errno: 22, detail });
  assert.deepEqual(outcomeOf(recorded.extendedAndCapped), { errno: 22, detail });
  assert.deepEqual(outcomeOf(recorded.acknowledged), { errno: 0, detail: undefined });
});

test('the errors of route and WireGuard requests', () => {
  const names = (name: string) => fixture(name).datagrams.map((text) => errnoName(outcomeOf(text).errno));
  assert.deepEqual(names('route-errors'), ['EEXIST', 'ESRCH']);
  assert.deepEqual(names('wireguard-errors'), ['ENODEV', 'EOPNOTSUPP']);
});

test('an error says what was tried, what it means, its name, and the words of the kernel', () => {
  const error = new NetlinkError(95, 'get WireGuard device eth0', 'it is not a WireGuard interface');
  assert.equal(error.code, 'EOPNOTSUPP');
  assert.match(
    error.message,
    /^get WireGuard device eth0: .*\(EOPNOTSUPP\): it is not a WireGuard interface$/,
  );
  assert.equal(errnoName(11), 'EAGAIN');
  assert.equal(errnoName(524), 'ENOTSUPP');
  assert.equal(new NetlinkError(4711, 'try').message, 'try: error 4711');
});

test('messages are written and read back, many to a datagram', () => {
  const shape = {
    type: fc.nat(0xffff),
    flags: fc.nat(0xffff),
    sequence: fc.nat(0xffffffff),
    port: fc.nat(0xffffffff),
    body: fc.uint8Array({ maxLength: 60 }),
  };
  const part = fc.record(shape, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const written = parts.map((m) => encodeMessage(m.type, m.flags, m.sequence, m.port, m.body));
      const datagram = concat(...written.flatMap((bytes) => [bytes, new Uint8Array(-bytes.length & 3)]));
      assert.deepEqual(decodeMessages(datagram), parts);
    }),
  );
});

test('any bytes are split into messages, and ends of requests read, or it is a NetlinkDecodeError', () => {
  const guard = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      assert.ok(error instanceof NetlinkDecodeError);
    }
  };
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(2, 3),
      fc.nat(0x3ff),
      (bytes, type, flags) => {
        guard(() => assert.ok(decodeMessages(bytes).length <= bytes.length / 16));
        guard(() => decodeOutcome({ type, flags, sequence: 1, port: 1, body: bytes }));
        // A plausible error number and request in front, so that the attributes are reached.
        const head = new Uint8Array(20);
        new DataView(head.buffer).setInt32(0, -22, true);
        new DataView(head.buffer).setUint32(4, 16, true);
        const body = concat(head, bytes);
        guard(() =>
          decodeOutcome({ type: NLMSG_ERROR, flags: flags | NLM_F_ACK_TLVS, sequence: 1, port: 1, body }),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

test('a message that is shorter than its header or longer than its datagram is none', () => {
  const sized = (length: number, bytes = 20): Uint8Array => {
    const datagram = new Uint8Array(bytes);
    new DataView(datagram.buffer).setUint32(0, length, LITTLE_ENDIAN);
    return datagram;
  };
  assert.equal(decodeMessages(sized(16, 16)).length, 1);
  assert.equal(decodeMessages(sized(20)).length, 1);
  for (const length of [0, 15, 21, 0xffff_ffff])
    assert.throws(() => decodeMessages(sized(length)), {
      message: `a message of ${length} bytes where 20 are left`,
    });
  assert.throws(() => decodeMessages(sized(16, 31)), { message: '15 bytes left, too few for a message' });
});

test('the end of a request is read for what it is, or refused in words', () => {
  const ending = (type: 2 | 3, body: Uint8Array, flags = 0) => ({ type, flags, sequence: 1, port: 1, body });
  const errno = (number: number, length: number): Uint8Array => {
    const body = new Uint8Array(length);
    new DataView(body.buffer).setInt32(0, number, LITTLE_ENDIAN);
    return body;
  };
  // Old families end their dumps with nothing.
  assert.deepEqual(decodeOutcome(ending(3, new Uint8Array())), { errno: 0, detail: undefined });
  assert.deepEqual(decodeOutcome(ending(3, errno(-5, 4))), { errno: 5, detail: undefined });
  const words = '0 bytes where an error number of 4 should be';
  assert.throws(() => decodeOutcome(ending(2, new Uint8Array())), { message: words });
  assert.throws(() => decodeOutcome(ending(3, new Uint8Array(3))), /^NetlinkDecodeError: 3 bytes where/);
  assert.throws(() => decodeOutcome(ending(2, errno(5, 20))), {
    message: '5 where an error number should be zero or negative',
  });

  assert.throws(
    () => decodeOutcome(ending(2, errno(-5, 19), NLM_F_ACK_TLVS)),
    /an error without the request it answers/,
  );
  // The request that is repeated says that it has no bytes.
  assert.throws(
    () => decodeOutcome(ending(2, errno(-5, 20), NLM_F_ACK_TLVS)),
    /whose request is shorter than a header/,
  );
  assert.deepEqual(decodeOutcome(ending(2, errno(0, 20), NLM_F_ACK_TLVS)), { errno: 0, detail: undefined });
});
