/*
 * What the libraries read and write, told as lines of text, by a program that runs on both hosts and on every processor:
 * test/unit/router.test.ts and scripts/processors.mjs compare. The argument is test/fixtures. Recordings of netlink are in the byte order of
 * a little-endian machine and are read on such ones; what is written there is read again on all.
 */
import { listDirectory, readFile } from '#platform/files.js';
import { programArguments, standardOutput } from '#platform/process.js';
import { decodeUtf8, encodeUtf8 } from '#platform/text.js';
import { AttributeReader } from '../../src/netlink/attribute-reader.js';
import { AttributeWriter } from '../../src/netlink/attribute-writer.js';
import { LITTLE_ENDIAN } from '../../src/netlink/endian.js';
import { decodeMessages, decodeOutcome, encodeMessage, NLMSG_ERROR } from '../../src/netlink/message.js';
import { decodeInterfaceAddress } from '../../src/netlink/rtnetlink/interface-address.js';
import { decodeLink } from '../../src/netlink/rtnetlink/link.js';
import { decodeRoute, encodeLookup, encodeRoute } from '../../src/netlink/rtnetlink/route.js';
import { decodeDevice } from '../../src/netlink/wireguard/decode.js';
import { decodePacket, encodePacket, encodeRequest } from '../../src/sntp/packet.js';
import { decodeBlobmsg, encodeBlobmsg, readTable } from '../../src/ubus/blobmsg.js';
import { type Message, MessageReader, readAttributes } from '../../src/ubus/message.js';
import { parseUci } from '../../src/uci/uci.js';
import { corpusOf } from '../fuzz/corpus.js';
import { netlinkReaders } from '../fuzz/netlink.js';
import { ntpReaders } from '../fuzz/ntp.js';
import { outcomeOf, type Reader } from '../fuzz/reader.js';
import { textReaders } from '../fuzz/text.js';
import { ubusReaders } from '../fuzz/ubus.js';

const [fixtures = ''] = programArguments;

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (item instanceof Uint8Array) return hex(item);
    return item instanceof Map ? [...item] : item;
  });
}

/** One line: what a call gives or throws. */
function outcome(what: string, call: () => unknown): void {
  let line: string;
  try {
    line = text(call()) ?? 'nothing';
  } catch (error) {
    line = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  standardOutput.write(`${what} ${line}\n`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unhex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The files of a folder of fixtures that end so, with their texts. */
function* filesOf(folder: string, ending: string): Generator<readonly [name: string, text: string]> {
  for (const name of listDirectory(`${fixtures}/${folder}`).sort()) {
    if (name.endsWith(ending)) yield [name, decodeUtf8(readFile(`${fixtures}/${folder}/${name}`))];
  }
}

/** Numbers that look random, and are the same everywhere. */
let state = 1;
function below(bound: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % bound;
}

function netlinkRecorded(): void {
  for (const [name, json] of filesOf('netlink', '.json')) {
    const { datagrams = [] } = JSON.parse(json) as { datagrams?: (string | string[])[] };
    const messages = datagrams.flat().flatMap((digits) => decodeMessages(unhex(digits)));
    for (const message of messages) {
      const { type, flags, sequence, port } = message;
      outcome(`${name} message`, () => [type, flags, sequence, port, message.body.length]);
      if (type === NLMSG_ERROR) outcome(name, () => decodeOutcome(message));
      if (type === 16 || type === 17) outcome(name, () => decodeLink(message));
      if (type === 20 || type === 21) outcome(name, () => decodeInterfaceAddress(message));
      if (type === 24 || type === 25) outcome(name, () => decodeRoute(message, {}, true));
    }
    if (name.startsWith('wireguard-')) {
      const device = messages.filter(({ type }) => type > 25);
      outcome(`${name} device`, () => decodeDevice(device));
    }
  }
}

function netlinkWritten(): void {
  const route = { destination: '2001:db8::/33', interfaceIndex: 7, metric: 77, table: 1000 } as const;
  const body = encodeRoute(route);
  const [message] = decodeMessages(encodeMessage(24, 5, 0xfedcba98, 4242, body));
  outcome('route', () => message && [message.type, message.flags, message.sequence, message.port]);
  outcome('route', () => message && decodeRoute(message));
  const lookup = encodeLookup('198.51.100.7', { mark: 0x1234_5678, fibMatch: true });
  outcome('lookup', () => {
    const reader = new AttributeReader(lookup, 12);
    const found: unknown[] = [];
    while (reader.next())
      found.push([reader.type, reader.length === 4 && reader.type !== 1 ? reader.u32() : reader.bytes()]);
    reader.end();
    return found;
  });
  const writer = new AttributeWriter(new Uint8Array(4)).u16(1, 0xabcd).u32(2, 0x89abcdef).string(3, 'süß');
  writer.nested(4, () => writer.u32(5, 1));
  outcome('attributes', () => {
    const reader = new AttributeReader(writer.finish(), 4);
    const found: unknown[] = [];
    while (reader.next()) {
      if (reader.type === 1) found.push(reader.u16());
      else if (reader.type === 2) found.push(reader.u32());
      else if (reader.type === 3) found.push(reader.string());
      else found.push(reader.length);
    }
    return found;
  });
}

function ubus(): void {
  for (const [name, lines] of filesOf('ubus', '.jsonl')) {
    const reader = new MessageReader();
    const take = (message: Message): boolean => {
      outcome(`${name} ${message.type} ${message.sequence} ${message.peer}`, () => {
        const attributes = readAttributes(message);
        const { data, signature } = attributes;
        return [
          { ...attributes, data: undefined, signature: undefined },
          data && readTable(message.bytes, data.start, data.end),
          signature && readTable(message.bytes, signature.start, signature.end),
        ];
      });
      return true;
    };
    for (const line of lines.split('\n').filter((one) => one.includes('"ubusd"')))
      reader.push(unhex((JSON.parse(line) as { hex: string }).hex), take);
  }
  for (let time = 0; time < 200; time++) {
    const table = {
      a: below(2 ** 24) - 2 ** 23,
      b: below(2 ** 24) * 2 ** 21,
      c: below(2 ** 24) / 7,
      d: 'ä'.repeat(below(60)),
      e: [true, null, -1n << 62n],
    };
    const bytes = encodeBlobmsg(table);
    outcome('blobmsg', () => [bytes, decodeBlobmsg(bytes)]);
    bytes[below(bytes.length)] = below(256);
    outcome('blobmsg, broken', () => decodeBlobmsg(bytes));
  }
}

function ntp(): void {
  outcome('request', () => encodeRequest(0xfedcba98_76543210n));
  for (let time = 0; time < 200; time++) {
    const bytes = Uint8Array.from({ length: time % 20 === 0 ? below(60) : 48 }, () => below(256));
    outcome('packet', () => {
      const packet = decodePacket(bytes);
      return [packet, encodePacket(packet)];
    });
  }
}

function uci(): void {
  for (const folder of ['uci', 'uci-quirks']) {
    for (const [name, file] of filesOf(folder, '.uci')) outcome(name, () => parseUci(file, { file: name }));
    for (const [name, file] of filesOf(folder, '.uci')) {
      const bytes = encodeUtf8(file);
      if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
      outcome(`${name}, broken`, () => parseUci(bytes, { file: name }));
    }
  }
}

/** What the fuzzer has kept. The readers of files need a folder of their own, and are left to Node. */
function fuzzed(readers: readonly Reader[]): void {
  for (const reader of readers)
    for (const input of corpusOf(reader.name, fixtures))
      outcome(`${reader.name} ${hex(input)}`, () => outcomeOf(reader, input).text);
}

if (LITTLE_ENDIAN) {
  netlinkRecorded();
  fuzzed(netlinkReaders);
}
standardOutput.write('\n');
netlinkWritten();
ubus();
ntp();
uci();
fuzzed([...ubusReaders, ...ntpReaders, ...textReaders]);
