import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlobError, UbusError } from '../../src/ubus/errors.js';
import {
  encodeMessage,
  type Message,
  MessageAttribute,
  MessageReader,
  MessageType,
  readAttributes,
  writeNumberAttribute,
  writeStringAttribute,
} from '../../src/ubus/message.js';
import { transcript } from '../support/transcript.js';

/** The messages in a row of chunks. */
function messages(chunks: readonly Buffer[]): Message[] {
  const reader = new MessageReader();
  const found: Message[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, (message) => {
      found.push(message);
      return true;
    });
  }
  return found;
}

const recorded = Buffer.concat(
  transcript('provider')
    .filter(({ dir }) => dir === 'ubusd')
    .map(({ hex }) => Buffer.from(hex, 'hex')),
);

function summary({ type, sequence, peer, bytes, start, end }: Message): unknown[] {
  return [type, sequence, peer, Buffer.from(bytes.subarray(start, end)).toString('hex')];
}

test('property: messages are the same however the bytes are cut up', () => {
  const whole = messages([recorded]).map(summary);
  assert.equal(whole.length, 14);
  fc.assert(
    fc.property(fc.array(fc.nat(recorded.length), { maxLength: 40 }), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), recorded.length];
      const chunks = edges.slice(1).map((edge, index) => recorded.subarray(edges[index], edge));
      assert.deepEqual(messages(chunks).map(summary), whole);
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(messages(Array.from(recorded, (byte) => Buffer.of(byte))).map(summary), whole);
});

test('an absurd length, or another version, is refused as soon as it is seen', () => {
  const head = (version: number, length: number) => {
    const bytes = Buffer.alloc(12);
    bytes[0] = version;
    bytes.writeUInt32BE(length, 8);
    return bytes;
  };
  for (const bad of [head(0, 0), head(0, 3), head(0, 0xffffff), head(0, 1_048_576 + 4097), head(1, 4)]) {
    assert.throws(() => messages([bad]), UbusError);
    assert.throws(() => messages(Array.from(bad, (byte) => Buffer.of(byte))), UbusError);
  }
  assert.equal(messages([head(0, 4)]).length, 1);
  assert.equal(messages([head(0, 1_048_576)]).length, 0);
});

test('reading stops when the taker says so', () => {
  let taken = 0;
  new MessageReader().push(recorded, () => ++taken < 3);
  assert.equal(taken, 3);
});

test('attributes of the wrong type count as absent', () => {
  const bytes = encodeMessage(MessageType.status, 1, 2, (writer) => {
    writeStringAttribute(writer, MessageAttribute.status, 'four bytes or none');
    writeNumberAttribute(writer, MessageAttribute.method, 0x61626364);
    writeNumberAttribute(writer, MessageAttribute.objectId, 0xfedcba98);
    writeNumberAttribute(writer, 99, 1);
  });
  const [message] = messages([Buffer.from(bytes)]);
  assert.ok(message);
  assert.deepEqual(readAttributes(message), { objectId: 0xfedcba98 });
});

test('property: any attributes are read, or refused with BlobError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
      const bytes = encodeMessage(MessageType.invoke, 1, 2, (writer) => writer.bytes(body));
      const [message] = messages([Buffer.from(bytes)]);
      assert.ok(message);
      try {
        readAttributes(message);
      } catch (error) {
        assert.ok(error instanceof BlobError);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a message longer than ubusd takes is refused', () => {
  const build = (length: number) =>
    encodeMessage(MessageType.data, 1, 2, (writer) => writer.bytes(Buffer.alloc(length)));
  assert.equal(build(1_048_572).length, 8 + 1_048_576);
  assert.throws(() => build(1_048_573), BlobError);
});
