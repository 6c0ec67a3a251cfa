import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  AttributeReader,
  AttributeWriter,
  NetlinkDecodeError,
  NetlinkEncodeError,
} from '../../src/netlink/index.js';

type Tree =
  | { kind: 'u8' | 'u16' | 'u32'; type: number; value: number }
  | { kind: 'u64'; type: number; value: bigint }
  | { kind: 'string'; type: number; value: string }
  | { kind: 'bytes'; type: number; value: Uint8Array }
  | { kind: 'nested'; type: number; value: Tree[] };

const PLAIN = { noNullPrototype: true } as const;
const type = fc.integer({ min: 0, max: 0x3fff });
const { trees } = fc.letrec<{ tree: Tree; trees: Tree[] }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('u8' as const), type, value: fc.nat(0xff) }, PLAIN),
    fc.record({ kind: fc.constant('u16' as const), type, value: fc.nat(0xffff) }, PLAIN),
    fc.record({ kind: fc.constant('u32' as const), type, value: fc.nat(0xffffffff) }, PLAIN),
    fc.record(
      { kind: fc.constant('u64' as const), type, value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
      PLAIN,
    ),
    fc.record(
      {
        kind: fc.constant('string' as const),
        type,
        value: fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
      },
      PLAIN,
    ),
    fc.record({ kind: fc.constant('bytes' as const), type, value: fc.uint8Array({ maxLength: 700 }) }, PLAIN),
    fc.record({ kind: fc.constant('nested' as const), type, value: tie('trees') }, PLAIN),
  ),
  trees: fc.array(tie('tree'), { maxLength: 8 }),
}));

function write(writer: AttributeWriter, list: readonly Tree[]): void {
  for (const item of list) {
    if (item.kind === 'nested') writer.nested(item.type, () => write(writer, item.value));
    else if (item.kind === 'u64') writer.u64(item.type, item.value);
    else if (item.kind === 'string') writer.string(item.type, item.value);
    else if (item.kind === 'bytes') writer.bytes(item.type, item.value);
    else writer[item.kind](item.type, item.value);
  }
}

function readLike(reader: AttributeReader, list: readonly Tree[]): Tree[] {
  return list.map((item): Tree => {
    assert.ok(reader.next());
    const read = reader.type;
    if (item.kind === 'nested')
      return { kind: 'nested', type: read, value: readLike(reader.nested(), item.value) };
    if (item.kind === 'u64') return { kind: 'u64', type: read, value: reader.u64() };
    if (item.kind === 'string') return { kind: 'string', type: read, value: reader.string() };
    if (item.kind === 'bytes') return { kind: 'bytes', type: read, value: Uint8Array.from(reader.bytes()) };
    return { kind: item.kind, type: read, value: reader[item.kind]() };
  });
}

test('what is written is read back, after a header of any length', () => {
  fc.assert(
    fc.property(trees, fc.uint8Array({ maxLength: 300 }), (list, header) => {
      const writer = new AttributeWriter(header);
      write(writer, list);
      const bytes = writer.finish();
      assert.deepEqual(bytes.subarray(0, header.length), header);
      const reader = new AttributeReader(bytes, (header.length + 3) & ~3);
      assert.deepEqual(readLike(reader, list), list);
      assert.equal(reader.next(), false);
      reader.end();
    }),
  );
});

/** Reads everything there is in every way there is; counts the steps. */
function readAll(reader: AttributeReader, depth: number): number {
  let steps = 0;
  while (reader.next()) {
    steps++;
    assert.ok(reader.bytes().length === reader.length || reader.error !== undefined);
    reader.string();
    if (depth > 0) steps += readAll(reader.nested(), depth - 1);
    const methods = ['u8', 'u16', 'u32', 'u64'] as const;
    const method = methods[reader.length % 4];
    if (reader.type % 7 === 0 && method) reader[method]();
  }
  return steps;
}

test('any bytes are read to an end or to a NetlinkDecodeError', () => {
  const garbage = fc.uint8Array({ maxLength: 400 });
  // Small lengths, so that many attributes are found in it.
  const likely = fc
    .array(fc.tuple(fc.nat(24), fc.nat(20)), { maxLength: 60 })
    .map((pairs) => new Uint8Array(Uint16Array.from(pairs.flat()).buffer));
  fc.assert(
    fc.property(fc.oneof(garbage, likely), fc.nat(8), (bytes, start) => {
      const reader = new AttributeReader(bytes, start);
      assert.ok(readAll(reader, 4) <= bytes.length * 5);
      try {
        reader.end();
      } catch (error) {
        assert.ok(error instanceof NetlinkDecodeError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the first error sticks, in the reader and in those nested in it', () => {
  const bytes = new AttributeWriter()
    .nested(1, () => {})
    .u16(2, 7)
    .u32(3, 8)
    .finish();
  const reader = new AttributeReader(bytes);
  assert.ok(reader.next());
  const nested = reader.nested();
  assert.equal(nested.next(), false);
  assert.ok(reader.next());
  assert.equal(reader.u32(), 0);
  assert.equal(reader.u16(), 0, 'the value is right, but an error came first');
  assert.equal(nested.error, reader.error);
  reader.fail('a later one');
  assert.equal(reader.next(), false);
  assert.throws(() => reader.end(), {
    name: 'NetlinkDecodeError',
    message: 'attribute 2: 4 bytes expected, 2 there',
  });
});

test('lengths that cannot be end the reading', () => {
  const cases: [number[], RegExp][] = [
    [[8, 0, 1, 0, 1, 2, 3], /an attribute of 8 bytes where 7 are left/],
    [[3, 0, 1, 0], /an attribute of 3 bytes, less than its header/],
    [[0, 0, 0, 0, 0, 0, 0, 0], /an attribute of 0 bytes/],
    [[4, 0, 1], /3 bytes left, too few for an attribute/],
  ];
  for (const [bytes, message] of cases) {
    const reader = new AttributeReader(Uint8Array.from(bytes));
    assert.equal(reader.next(), false);
    assert.throws(() => reader.end(), message);
  }
  const beyond = new AttributeReader(new Uint8Array(3), 4);
  assert.equal(beyond.next(), false);
  assert.throws(() => beyond.end(), /4 bytes of header expected, 3 there/);
});

test('the padding of the last attribute may be missing', () => {
  const reader = new AttributeReader(Uint8Array.of(5, 0, 1, 0, 42));
  assert.ok(reader.next());
  assert.equal(reader.u8(), 42);
  assert.equal(reader.next(), false);
  reader.end();
});

test('an attribute of more than 64 KiB is refused, flat or nested', () => {
  const most = new Uint8Array(0xffff - 4);
  const writer = new AttributeWriter().bytes(5, most);
  const reader = new AttributeReader(writer.finish());
  assert.ok(reader.next());
  assert.equal(reader.length, most.length);
  assert.throws(() => new AttributeWriter().bytes(5, new Uint8Array(0xffff - 3)), {
    name: 'NetlinkEncodeError',
    message: 'attribute 5: 65536 bytes, and an attribute holds at most 65535',
  });
  const nest = new AttributeWriter();
  assert.throws(() => nest.nested(8, () => nest.bytes(1, most)), /attribute 8: 65540 bytes/);
});

test('values that do not fit are refused', () => {
  const writer = new AttributeWriter();
  for (const value of [-1, 256, 1.5, Number.NaN])
    assert.throws(() => writer.u8(1, value), NetlinkEncodeError);
  assert.throws(() => writer.u16(1, 65536), /attribute 1: 65536 is not a whole number from 0 to 65535/);
  assert.throws(() => writer.u32(1, 2 ** 32), NetlinkEncodeError);
  assert.throws(() => writer.u64(1, -1n), NetlinkEncodeError);
  assert.throws(() => writer.string(1, 'a\0b'), NetlinkEncodeError);
  assert.throws(() => writer.flag(0x4000), NetlinkEncodeError);
  assert.equal(writer.length, 0, 'and leave nothing behind');
});
