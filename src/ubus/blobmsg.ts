/**
 * blobmsg (libubox blobmsg.h): named, typed values, nested in tables and arrays. What JSON is to HTTP, this
 * is to ubus, and the rules that turn one into the other are those of the `ubus` command (blobmsg_json.c).
 *
 * Writing: a string is a string; true and false are an int8 of 1 or 0; a whole number that fits 32 bits is an
 * int32, any other safe integer an int64, every other number (also -0) a double; a bigint is always an int64;
 * null is a field without type or content; undefined is left out of a table. Where the reader insists on
 * another type, say it: {@link int64}`(5)`, {@link double}`(5)`. A Map is a table that keeps its order even
 * where the names look like numbers.
 *
 * Reading: int8 becomes true or false; int16, int32 and int64 a signed number, or a bigint beyond 2^53. Of a
 * name that occurs twice in a table the first value counts, as in libubox.
 */
import { decodeUtf8 } from '#platform/text.js';
import { readU16, readU32, view64 } from './big-endian.js';
import { BlobReader, BlobWriter, padded } from './blob.js';
import { BlobError } from './errors.js';

/** Type ids on the wire (`enum blobmsg_type`). 0, "unspecified", carries null. */
export const BlobmsgType = {
  unspecified: 0,
  array: 1,
  table: 2,
  string: 3,
  int64: 4,
  int32: 5,
  int16: 6,
  int8: 7,
  double: 8,
} as const;

/**
 * Tables and arrays may be nested this deep; deeper ones are refused, read or written (json-c has the same
 * limit).
 */
export const MAX_DEPTH = 32;

/** A value as it is read from the bus. */
export type Value = null | boolean | number | bigint | string | Value[] | Table;
/** A table as it is read from the bus: a plain object. */
export interface Table {
  [name: string]: Value;
}

/** A value that can be written to the bus. */
export type ValueInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Typed
  | readonly ValueInput[]
  | TableInput;
/** A table that can be written to the bus. */
export type TableInput = { readonly [name: string]: ValueInput } | ReadonlyMap<string, ValueInput>;

/**
 * A number whose type on the wire is chosen by hand: see {@link int8}, {@link int16}, {@link int32}, {@link
 * int64}, {@link double}.
 */
export class Typed {
  readonly type: 'int8' | 'int16' | 'int32' | 'int64' | 'double';
  readonly value: number | bigint;

  /** Looks at nothing: {@link int8} and its like do. */
  constructor(type: Typed['type'], value: number | bigint) {
    this.type = type;
    this.value = value;
  }
}

/** Writes `value`, -128 to 255, as an int8 (which every reader takes for a boolean). */
export function int8(value: number): Typed {
  return new Typed('int8', ranged(value, -0x80, 0xff, 'int8'));
}

/** Writes `value`, -32768 to 65535, as an int16. */
export function int16(value: number): Typed {
  return new Typed('int16', ranged(value, -0x8000, 0xffff, 'int16'));
}

/**
 * Writes `value`, -2^31 to 2^32-1, as an int32. Readers see the upper half as negative: ubus knows no sign.
 */
export function int32(value: number): Typed {
  return new Typed('int32', ranged(value, -0x8000_0000, 0xffff_ffff, 'int32'));
}

/** Writes `value`, -2^63 to 2^63-1, as an int64. A number must be a safe integer. */
export function int64(value: number | bigint): Typed {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new BlobError(`${value} is no safe integer; give int64 a bigint`);
  }
  return new Typed('int64', inInt64(BigInt(value)));
}

/** Writes `value` as a double. */
export function double(value: number): Typed {
  return new Typed('double', value);
}

/**
 * The bytes of a table: what a ubus message carries as its data. Throws {@link BlobError} for what cannot be
 * written.
 */
export function encodeBlobmsg(table: TableInput): Uint8Array {
  const writer = new BlobWriter();
  writeTable(writer, table);
  return writer.finish();
}

/** Reads what {@link encodeBlobmsg} wrote. Any bytes give a table or a {@link BlobError}. */
export function decodeBlobmsg(bytes: Uint8Array): Table {
  return readTable(bytes, 0, bytes.length);
}

/** Writes the fields of `table`, without a head around them. */
export function writeTable(writer: BlobWriter, table: TableInput, depth = 0): void {
  if (depth > MAX_DEPTH) throw new BlobError(`tables and arrays nested more than ${MAX_DEPTH} deep`);
  if (table instanceof Map) {
    for (const [name, value] of table)
      if (value !== undefined) writeField(writer, String(name), value, depth);
    return;
  }
  for (const [name, value] of Object.entries(table)) {
    if (value !== undefined) writeField(writer, name, value, depth);
  }
}

function writeField(writer: BlobWriter, name: string, value: ValueInput, depth: number): void {
  switch (typeof value) {
    case 'string': {
      const at = writer.openNamed(BlobmsgType.string, name);
      writer.string(value);
      writer.close(at);
      return;
    }
    case 'number':
      writeNumber(writer, name, value);
      return;
    case 'boolean':
      writeTyped(writer, name, 'int8', value ? 1 : 0);
      return;
    case 'bigint':
      writeTyped(writer, name, 'int64', inInt64(value));
      return;
    case 'undefined':
      writer.close(writer.openNamed(BlobmsgType.unspecified, name));
      return;
    case 'object':
      writeObject(writer, name, value, depth);
      return;
    default:
      throw new BlobError(`a ${typeof value} (field ${JSON.stringify(name)}) cannot be sent`);
  }
}

function writeObject(
  writer: BlobWriter,
  name: string,
  value: Exclude<ValueInput, string | number | boolean | bigint | undefined>,
  depth: number,
): void {
  if (value === null) {
    writer.close(writer.openNamed(BlobmsgType.unspecified, name));
  } else if (value instanceof Typed) {
    writeTyped(writer, name, value.type, value.value);
  } else if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw new BlobError(`tables and arrays nested more than ${MAX_DEPTH} deep`);
    const at = writer.openNamed(BlobmsgType.array, name);
    for (const element of value as readonly ValueInput[]) writeField(writer, '', element, depth + 1);
    writer.close(at);
  } else {
    const at = writer.openNamed(BlobmsgType.table, name);
    writeTable(writer, value as TableInput, depth + 1);
    writer.close(at);
  }
}

function writeNumber(writer: BlobWriter, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) writeTyped(writer, name, 'double', value);
  else if (value === (value | 0)) writeTyped(writer, name, 'int32', value);
  else writeTyped(writer, name, 'int64', BigInt(value));
}

function writeTyped(writer: BlobWriter, name: string, type: Typed['type'], value: number | bigint): void {
  const at = writer.openNamed(BlobmsgType[type], name);
  if (type === 'int64') writer.int64(BigInt(value));
  else if (type === 'int32') writer.uint32(Number(value));
  else if (type === 'int16') writer.uint16(Number(value));
  else if (type === 'int8') writer.uint8(Number(value));
  else writer.double(Number(value));
  writer.close(at);
}

/** Called for each field of a table at its top level, with its type id. */
export type FieldVisitor = (name: string, type: number, value: Value) => void;

/** Reads the fields between two offsets into a table. `visit` sees every field, also a repeated one. */
export function readTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit?: FieldVisitor,
  depth = 0,
): Table {
  const table: Table = {};
  const reader = new BlobReader(bytes, start, end);
  while (reader.next()) {
    if (!reader.extended) throw new BlobError('field without a name in a table');
    const at = valueOffset(bytes, reader);
    const nameStart = reader.start + 2;
    const name = decodeUtf8(bytes, nameStart, nameStart + readU16(bytes, reader.start));
    if (name.includes('\0')) throw new BlobError('field name with a NUL inside');
    const value = readValue(bytes, reader.id, at, reader.end, depth);
    visit?.(name, reader.id, value);
    if (Object.hasOwn(table, name)) continue;
    if (name === '__proto__') setProto(table, value);
    else table[name] = value;
  }
  return table;
}

function readArray(bytes: Uint8Array, start: number, end: number, depth: number): Value[] {
  const array: Value[] = [];
  const reader = new BlobReader(bytes, start, end);
  while (reader.next()) {
    const at = reader.extended ? valueOffset(bytes, reader) : reader.start;
    array.push(readValue(bytes, reader.id, at, reader.end, depth));
  }
  return array;
}

/**
 * Where the value of a named attribute starts: behind the name's length, the name, its NUL and the padding.
 */
function valueOffset(bytes: Uint8Array, reader: BlobReader): number {
  const { start, end } = reader;
  if (end - start < 2) throw new BlobError('attribute too short for the length of its name');
  const nameLength = readU16(bytes, start);
  const at = start + padded(2 + nameLength + 1);
  if (at > end) throw new BlobError(`name of ${nameLength} bytes in an attribute of ${end - start}`);
  if (bytes[start + 2 + nameLength] !== 0) throw new BlobError('field name without a NUL at its end');
  return at;
}

function readValue(bytes: Uint8Array, type: number, start: number, end: number, depth: number): Value {
  const length = end - start;
  switch (type) {
    case BlobmsgType.unspecified:
      return null;
    case BlobmsgType.array:
      deeper(depth);
      return readArray(bytes, start, end, depth + 1);
    case BlobmsgType.table:
      deeper(depth);
      return readTable(bytes, start, end, undefined, depth + 1);
    case BlobmsgType.string:
      return readString(bytes, start, end);
    case BlobmsgType.int64: {
      expectLength(length, 8, 'int64');
      const value = view64(bytes, start).getBigInt64(0);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    case BlobmsgType.int32:
      expectLength(length, 4, 'int32');
      return readU32(bytes, start) | 0;
    case BlobmsgType.int16:
      expectLength(length, 2, 'int16');
      return (readU16(bytes, start) << 16) >> 16;
    case BlobmsgType.int8:
      expectLength(length, 1, 'int8');
      return bytes[start] !== 0;
    case BlobmsgType.double:
      expectLength(length, 8, 'double');
      return view64(bytes, start).getFloat64(0);
    default:
      throw new BlobError(`unknown type ${type}`);
  }
}

/**
 * A string up to its first NUL, which is all that any C program on the bus sees of it. Throws if there is
 * none at the end.
 */
export function readString(bytes: Uint8Array, start: number, end: number): string {
  if (end <= start || bytes[end - 1] !== 0) throw new BlobError('string without a NUL at its end');
  const nul = bytes.indexOf(0, start);
  return decodeUtf8(bytes, start, nul);
}

function deeper(depth: number): void {
  if (depth >= MAX_DEPTH) throw new BlobError(`tables and arrays nested more than ${MAX_DEPTH} deep`);
}

function expectLength(length: number, expected: number, type: string): void {
  if (length !== expected) throw new BlobError(`${type} of ${length} bytes`);
}

/** Assigning to `__proto__` would change the object's prototype: a stranger's message must not do that. */
function setProto(table: Table, value: Value): void {
  Object.defineProperty(table, '__proto__', { value, writable: true, enumerable: true, configurable: true });
}

function ranged(value: number, least: number, most: number, type: string): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new BlobError(`${value} does not fit an ${type} (${least} to ${most})`);
  }
  return value;
}

function inInt64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new BlobError(`${value} does not fit an int64`);
  return value;
}
