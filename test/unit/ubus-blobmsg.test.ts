import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BlobError,
  decodeBlobmsg,
  double,
  encodeBlobmsg,
  int8,
  int16,
  int32,
  int64,
  type Table,
  type TableInput,
  type Value,
  type ValueInput,
} from '../../src/ubus/index.js';

/** The type ids and lengths of a table's fields at its top level. */
function fields(table: TableInput): [type: number, length: number][] {
  const bytes = Buffer.from(encodeBlobmsg(table));
  const found: [number, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.readUInt32BE(at);
    const length = head & 0xffffff;
    found.push([(head >>> 24) & 0x7f, length]);
    at += (length + 3) & ~3;
  }
  return found;
}

function typeOf(value: ValueInput): number | undefined {
  return fields({ v: value })[0]?.[0];
}

test('numbers get the types the ubus command gives them', () => {
  assert.equal(typeOf(0), 5);
  assert.equal(typeOf(2 ** 31 - 1), 5);
  assert.equal(typeOf(-(2 ** 31)), 5);
  assert.equal(typeOf(2 ** 31), 4);
  assert.equal(typeOf(-(2 ** 31) - 1), 4);
  assert.equal(typeOf(Number.MAX_SAFE_INTEGER), 4);
  assert.equal(typeOf(2 ** 53), 8);
  assert.equal(typeOf(2.5), 8);
  assert.equal(typeOf(-0), 8);
  assert.equal(typeOf(Number.NaN), 8);
  assert.equal(typeOf(1n), 4);
  assert.equal(typeOf(true), 7);
  assert.equal(typeOf('x'), 3);
  assert.equal(typeOf(null), 0);
  assert.equal(typeOf([]), 1);
  assert.equal(typeOf({}), 2);
});

test('a type chosen by hand', () => {
  assert.deepEqual([int8(1), int16(1), int32(1), int64(1), double(1)].map(typeOf), [7, 6, 5, 4, 8]);
  const table = {
    a: int8(7),
    b: int16(-2),
    c: int32(2 ** 32 - 1),
    d: int64(2n ** 62n),
    e: double(3),
    f: int16(65535),
  };
  assert.deepEqual(decodeBlobmsg(encodeBlobmsg(table)), { a: true, b: -2, c: -1, d: 2n ** 62n, e: 3, f: -1 });
});

test('what does not fit its type is refused', () => {
  for (const bad of [
    () => int8(256),
    () => int8(1.5),
    () => int16(-32769),
    () => int32(2 ** 32),
    () => int64(2 ** 53),
    () => int64(2n ** 63n),
    () => encodeBlobmsg({ v: -(2n ** 63n) - 1n }),
  ]) {
    assert.throws(bad, BlobError);
  }
});

test('integers beyond 2^53 are read as bigint, below as number', () => {
  const limits = {
    a: 2n ** 53n - 1n,
    b: 2n ** 53n,
    c: -(2n ** 53n) + 1n,
    d: -(2n ** 63n),
    e: 2n ** 63n - 1n,
  };
  assert.deepEqual(decodeBlobmsg(encodeBlobmsg(limits)), {
    a: 2 ** 53 - 1,
    b: 2n ** 53n,
    c: -(2 ** 53) + 1,
    d: -(2n ** 63n),
    e: 2n ** 63n - 1n,
  });
});

test('undefined is left out of tables, and null in arrays', () => {
  assert.deepEqual(decodeBlobmsg(encodeBlobmsg({ a: undefined, b: [undefined, 1] })), { b: [null, 1] });
});

test('a Map keeps its order, names that look like numbers too', () => {
  const bytes = Buffer.from(
    encodeBlobmsg(
      new Map([
        ['10', 1],
        ['2', 2],
      ]),
    ),
  );
  assert.ok(bytes.indexOf('10') < bytes.indexOf('2\0'));
  assert.deepEqual(decodeBlobmsg(bytes), { 10: 1, 2: 2 });
});

test('names and strings with a NUL, and names that are too long, are refused', () => {
  assert.throws(() => encodeBlobmsg({ v: 'a\0b' }), /NUL/);
  assert.throws(() => encodeBlobmsg({ 'a\0b': 1 }), /NUL/);
  assert.throws(() => encodeBlobmsg({ ['n'.repeat(65536)]: 1 }), /65535/);
  assert.deepEqual(Object.keys(decodeBlobmsg(encodeBlobmsg({ ['n'.repeat(65535)]: 1 }))), [
    'n'.repeat(65535),
  ]);
});

test('what is too long or too deep is refused', () => {
  assert.throws(() => encodeBlobmsg({ v: 'x'.repeat(1_048_576) }), /1048576/);
  const cycle: Record<string, ValueInput> = {};
  Object.assign(cycle, { self: cycle });
  assert.throws(() => encodeBlobmsg(cycle), /32 deep/);
  const wide = Array.from({ length: 8 }).reduce<ValueInput>((inner) => Array(16).fill(inner), 1);
  assert.throws(() => encodeBlobmsg({ wide }), /1048576/);
});

test('nesting up to the limit is written and read, beyond it refused both ways', () => {
  const nested = (depth: number): TableInput => (depth === 0 ? {} : { t: nested(depth - 1) });
  const deepest = encodeBlobmsg(nested(32));
  assert.deepEqual(decodeBlobmsg(deepest), nested(32));
  assert.throws(() => encodeBlobmsg(nested(33)), BlobError);
  const head = Buffer.from('820000000001740000000000', 'hex').subarray(0, 8);
  const beyond = Buffer.concat([head, deepest]);
  beyond.writeUInt32BE(0x82000000 + beyond.length, 0);
  beyond.write('\0\x01t\0', 4, 'latin1');
  assert.throws(() => decodeBlobmsg(beyond), /32 deep/);
});

test('functions and symbols are refused with the name of the field', () => {
  const table = { handler: (() => 1) as never };
  assert.throws(() => encodeBlobmsg(table), /function \(field "handler"\)/);
});

test('of a repeated name the first value counts', () => {
  const bytes = Buffer.concat([encodeBlobmsg({ a: 1 }), encodeBlobmsg({ a: 2 })]);
  assert.deepEqual(decodeBlobmsg(bytes), { a: 1 });
});

test('__proto__ is a name like any other', () => {
  const bytes = encodeBlobmsg(new Map([['__proto__', { polluted: true }]]));
  const table = decodeBlobmsg(bytes);
  assert.equal(Object.getPrototypeOf(table), Object.prototype);
  assert.deepEqual(Object.keys(table), ['__proto__']);
  assert.equal('polluted' in {}, false);
});

test('a string ends at its first NUL, as in C', () => {
  const bytes = Buffer.from(encodeBlobmsg({ v: 'abc' }));
  bytes[bytes.indexOf('abc') + 1] = 0;
  assert.deepEqual(decodeBlobmsg(bytes), { v: 'a' });
});

test('damaged bytes: each kind of damage is an error', () => {
  const int = encodeBlobmsg({ v: 1 });
  const damaged = (change: (bytes: Buffer) => void) => {
    const copy = Buffer.from(int);
    change(copy);
    return copy;
  };
  const cases: [string, Buffer][] = [
    ['stray bytes', Buffer.concat([int, Buffer.alloc(3)])],
    ['length of 3', damaged((bytes) => bytes.writeUInt32BE(0x85000003, 0))],
    ['beyond the end', damaged((bytes) => bytes.writeUInt32BE(0x850000ff, 0))],
    ['no name', damaged((bytes) => bytes.writeUInt32BE(0x0500000c, 0))],
    ['name beyond the end', damaged((bytes) => bytes.writeUInt16BE(0xffff, 4))],
    ['name without NUL', damaged((bytes) => bytes.writeUInt8(1, 7))],
    ['int32 of 3 bytes', damaged((bytes) => bytes.writeUInt32BE(0x8500000b, 0))],
    ['int64 of 4 bytes', damaged((bytes) => bytes.writeUInt32BE(0x8400000c, 0))],
    ['string without NUL', damaged((bytes) => bytes.writeUInt32BE(0x8300000c, 0))],
    ['unknown type', damaged((bytes) => bytes.writeUInt32BE(0x8900000c, 0))],
  ];
  assert.deepEqual(decodeBlobmsg(int), { v: 1 });
  for (const [what, bytes] of cases) assert.throws(() => decodeBlobmsg(bytes), BlobError, what);
});

const text = fc
  .oneof(fc.string({ unit: 'binary-ascii', maxLength: 8 }), fc.string({ unit: 'grapheme', maxLength: 3 }))
  .map((value) => value.replaceAll('\0', ''));
const leaf = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constant(null),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);

function tables(depth: number): fc.Arbitrary<Table> {
  const node: fc.Arbitrary<Value> =
    depth === 0
      ? leaf
      : fc.oneof(
          leaf,
          fc.array(leaf, { maxLength: 4 }),
          tables(depth - 1),
          fc.array(tables(depth - 1), { maxLength: 2 }),
        );
  return fc.dictionary(text, node, { maxKeys: 5, noNullPrototype: true });
}
const anyTable = tables(2);

test('property: what is written is read back', () => {
  fc.assert(
    fc.property(anyTable, (table) => {
      assert.deepEqual(decodeBlobmsg(encodeBlobmsg(table)), table);
    }),
    { numRuns: 500 },
  );
});

test('property: what is read back writes the same bytes again', () => {
  fc.assert(
    fc.property(anyTable, (table) => {
      const bytes = encodeBlobmsg(table);
      assert.deepEqual(encodeBlobmsg(decodeBlobmsg(bytes)), bytes);
    }),
    { numRuns: 200 },
  );
});

test('property: any bytes give a table or a BlobError', () => {
  const mutated = fc
    .tuple(anyTable, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([table, changes, cut]) => {
      const bytes = Buffer.from(encodeBlobmsg(table));
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      try {
        // What was read can be written, unless it grew on the way: bytes that are no UTF-8 become three each.
        encodeBlobmsg(decodeBlobmsg(bytes));
      } catch (error) {
        assert.ok(error instanceof BlobError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
