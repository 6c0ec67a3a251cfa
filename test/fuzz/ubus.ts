/**
 * A fuzzer for everything that reads bytes of the bus. Run by hand:
 *
 *     node dist/test/fuzz/ubus.js FOLDER [COUNT [SEED]]
 *
 * Inputs are mutations of the recordings, and of those inputs that led to an outcome not seen before: these
 * are kept in FOLDER, so that the next run starts where this one ended. An input that breaks a rule is
 * written there as `crash-…`, and the exit code is 1.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { decodeBlobmsg, encodeBlobmsg, type Value } from '../../src/ubus/blobmsg.js';
import { BlobError, UbusError } from '../../src/ubus/errors.js';
import { type Message, MessageReader, readAttributes } from '../../src/ubus/message.js';
import { readArguments, readSignature } from '../../src/ubus/policy.js';

const FIXTURES = new URL('../../../test/fixtures/ubus/', import.meta.url);
const MAX_INPUT = 4096;
/** An input that takes longer, in milliseconds, breaks the rule that reading ends. */
const MAX_TIME = 1_000;
const POLICY = { name: 'string', count: 'int32', on: 'bool', extra: 'array' } as const;
const INTERESTING = [
  0, 1, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0xffff, 0x10000, 0x100000, 0xffffff, 0x7fffffff,
  0x80000000,
];

/** mulberry32: the same seed gives the same run. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The kinds of things in a value, and how deep they go; not the things themselves, nor how many. */
function shape(value: Value): string {
  const kinds = new Set<string>();
  let deepest = 0;
  const visit = (inner: Value, depth: number) => {
    deepest = Math.max(deepest, depth);
    kinds.add(inner === null ? 'null' : Array.isArray(inner) ? 'array' : typeof inner);
    if (inner !== null && typeof inner === 'object')
      for (const item of Object.values(inner)) visit(item, depth + 1);
  };
  visit(value, 0);
  return `${[...kinds].sort().join()} ${deepest}`;
}

/** Runs one reader: what came out, told apart coarsely. Throws what a reader must not throw. */
function outcome(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof BlobError || error instanceof UbusError)
      return error.message.replaceAll(/\d+|".*"/g, '#').slice(0, 60);
    throw error;
  }
}

function readTable(bytes: Buffer): string {
  const table = decodeBlobmsg(bytes);
  const written = encodeBlobmsg(table);
  if (!isDeepStrictEqual(decodeBlobmsg(written), table))
    throw new Error('what was written is not what was read');
  return shape(table);
}

/** What each message of some bytes is taken for, and how it ends. */
function readMessages(bytes: Buffer, cut: number): string[] {
  const seen: string[] = [];
  const take = (message: Message) => {
    const { bytes: whole } = message;
    const result = outcome(() => {
      const read = readAttributes(message);
      const { data, signature } = read;
      if (data)
        seen.push(`data: ${outcome(() => shape(readArguments(whole, data.start, data.end, POLICY)))}`);
      if (signature)
        seen.push(`signature: ${outcome(() => shape(readSignature(whole, signature.start, signature.end)))}`);
      return Object.keys(read).sort().join();
    });
    seen.push(`message: ${Math.min(message.type, 12)} ${result}`);
    return true;
  };
  const reader = new MessageReader();
  const end = outcome(() => {
    reader.push(bytes.subarray(0, cut), take);
    reader.push(bytes.subarray(cut), take);
    return 'all';
  });
  return [...seen, `end: ${end}`];
}

function mutate(input: Buffer, other: Buffer, pick: (below: number) => number): Buffer {
  let bytes = Buffer.from(input);
  for (let round = pick(4) + 1; round > 0; round -= 1) {
    if (bytes.length === 0) bytes = Buffer.from(other);
    if (bytes.length === 0) return bytes;
    const at = pick(bytes.length);
    const aligned = at & ~3;
    switch (pick(8)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
        break;
      case 1:
        bytes[at] = pick(256);
        break;
      case 2:
        if (aligned + 4 <= bytes.length)
          bytes.writeUInt32BE(INTERESTING[pick(INTERESTING.length)] ?? 0, aligned);
        break;
      case 3: // a length that is a little off
        if (aligned + 4 <= bytes.length)
          bytes.writeUInt32BE((bytes.readUInt32BE(aligned) + pick(9) - 4) >>> 0, aligned);
        break;
      case 4: // another type
        bytes[aligned] = ((bytes[aligned] ?? 0) & 0x80) | pick(16);
        break;
      case 5:
        bytes = bytes.subarray(0, at);
        break;
      case 6: {
        const from = pick(other.length + 1) & ~3;
        bytes = Buffer.concat([
          bytes.subarray(0, aligned),
          other.subarray(from, from + pick(64)),
          bytes.subarray(aligned),
        ]);
        break;
      }
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, aligned),
          bytes.subarray(Math.min(bytes.length, aligned + 4 * pick(8))),
        ]);
    }
  }
  return Buffer.from(bytes.subarray(0, MAX_INPUT));
}

function seeds(folder: string): Buffer[] {
  const recorded = readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) => readFileSync(new URL(file, FIXTURES), 'utf8').trim().split('\n'))
    .map((line) => Buffer.from(String(JSON.parse(line).hex), 'hex'));
  const kept = readdirSync(folder)
    .filter((file) => !file.startsWith('crash-'))
    .map((file) => readFileSync(join(folder, file)));
  return [...recorded, ...kept];
}

const [folder, count = '1000000', seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node dist/test/fuzz/ubus.js FOLDER [COUNT [SEED]]');
mkdirSync(folder, { recursive: true });
const pick = random(Number(seed));
const corpus = seeds(folder);
const started = corpus.length;
const outcomes = new Set<string>();
let slowest = 0;
const begin = performance.now();

for (let run = 0; run < Number(count); run += 1) {
  const first = corpus[run < started ? run : pick(corpus.length)] ?? Buffer.alloc(0);
  const input = run < started ? first : mutate(first, corpus[pick(corpus.length)] ?? first, pick);
  const from = performance.now();
  let results: string[];
  try {
    const cut = pick(input.length + 1);
    results = [
      `table: ${outcome(() => readTable(input))}`,
      ...readMessages(input, cut),
      `inner: ${outcome(() => readTable(input.subarray(12)))}`,
    ];
    const took = performance.now() - from;
    slowest = Math.max(slowest, took);
    if (took > MAX_TIME) throw new Error(`took ${took} ms`);
  } catch (error) {
    const name = `crash-${createHash('sha1').update(input).digest('hex').slice(0, 12)}`;
    writeFileSync(join(folder, name), input);
    const why = error instanceof Error ? error.stack : error;
    console.error(`${join(folder, name)}: ${why}\nseed ${seed}, run ${run}: ${input.toString('hex')}`);
    process.exit(1);
  }
  const known = outcomes.size;
  for (const result of results) outcomes.add(result);
  if (outcomes.size === known || run < started) continue;
  corpus.push(input);
  writeFileSync(join(folder, createHash('sha1').update(input).digest('hex').slice(0, 16)), input);
}

const seconds = (performance.now() - begin) / 1000;
console.log(
  `${count} inputs in ${seconds.toFixed(1)} s (seed ${seed}): no rule broken, ${outcomes.size} distinct outcomes, corpus ${started} -> ${corpus.length}, slowest input ${slowest.toFixed(1)} ms`,
);
