/** Readers of what ubusd, and through it everybody on the bus, sends. */
import { decodeBlobmsg, encodeBlobmsg, type Table, type Value } from '../../src/ubus/blobmsg.js';
import { BlobError, UbusError } from '../../src/ubus/errors.js';
import { type Message, MessageReader, readAttributes } from '../../src/ubus/message.js';
import { readArguments, readSignature } from '../../src/ubus/policy.js';
import { type Reader, rule, textOf } from './reader.js';

const POLICY = { name: 'string', count: 'int32', on: 'bool', extra: 'array', wide: 'int64' } as const;
const errors = [BlobError, UbusError];

/** No name of a stranger's has become anything else than a property of its table. */
function checkTables(value: Value): void {
  if (value === null || typeof value !== 'object') return;
  const expected = Array.isArray(value) ? Array.prototype : Object.prototype;
  rule(Object.getPrototypeOf(value) === expected, 'a table has another prototype');
  for (const inner of Object.values(value)) checkTables(inner);
}

function checkTable(table: Table): Table {
  checkTables(table);
  const again = decodeBlobmsg(encodeBlobmsg(table));
  rule(textOf(again) === textOf(table), 'a table that is written is not what was read');
  return table;
}

/** The data of a call, an answer or an event. */
const blobmsg: Reader = {
  name: 'blobmsg',
  errors,
  read: (bytes) => checkTable(decodeBlobmsg(bytes)),
};

/** As data, whatever its reader throws. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof BlobError || error instanceof UbusError) return error.message;
    throw error;
  }
}

function readMessage(message: Message): unknown {
  const { bytes, type, sequence, peer } = message;
  const { data, signature, subscribers, ...rest } = readAttributes(message);
  for (const range of [data, signature, subscribers])
    if (range !== undefined)
      rule(range.start <= range.end && range.end <= message.end, 'a range leaves its message');
  return [
    ...[type, sequence, peer, rest],
    data && attempt(() => checkTable(readArguments(bytes, data.start, data.end, POLICY))),
    signature && attempt(() => readSignature(bytes, signature.start, signature.end)),
  ];
}

function readPieces(...pieces: readonly Uint8Array[]): string {
  const found: unknown[] = [];
  const reader = new MessageReader();
  const end = attempt(() => {
    for (const piece of pieces)
      reader.push(piece, (message) => {
        found.push(attempt(() => readMessage(message)));
        return true;
      });
    return 'all';
  });
  return textOf([found, end]);
}

/** What comes over a connection, however it is cut. */
const messages: Reader = {
  name: 'ubus',
  errors: [],
  read(bytes) {
    const whole = readPieces(bytes);
    const cut = bytes.reduce((sum, byte) => (sum * 31 + byte) % (bytes.length + 1), 0);
    rule(
      readPieces(bytes.subarray(0, cut), bytes.subarray(cut)) === whole,
      'what is cut is read differently',
    );
    return whole;
  },
};

export const ubusReaders: readonly Reader[] = [blobmsg, messages];
