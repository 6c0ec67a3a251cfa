/** What `npm run fuzz` knows: each reader with the format of its inputs, and recordings to begin with. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { encodePacket } from '../../src/sntp/packet.js';
import { ntpFromUnix } from '../../src/sntp/timestamp.js';
import { encodeBlobmsg } from '../../src/ubus/blobmsg.js';
import { unhex } from './corpus.js';
import { netlinkReaders } from './netlink.js';
import { ntpReaders, pivot, question } from './ntp.js';
import type { Reader } from './reader.js';
import { type Format, formats } from './structure.js';
import { fileReaders, textReaders } from './text.js';
import { ubusReaders } from './ubus.js';

export const fixtures = fileURLToPath(new URL('../../../test/fixtures', import.meta.url));

/** A reader, and what it is fed with. */
export interface Target {
  readonly reader: Reader;
  readonly format: Format;
  readonly seeds: readonly Uint8Array[];
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Every string of hexadecimal digits in the recordings of a folder. */
function recordings(folder: string, ending: string): Uint8Array[] {
  const files = readdirSync(`${fixtures}/${folder}`).filter((name) => name.endsWith(ending));
  const texts = files.map((name) => readFileSync(`${fixtures}/${folder}/${name}`, 'utf8'));
  return texts.flatMap((text) => text.match(/(?<=")(?:[0-9a-f]{2}){4,}(?=")/g) ?? []).map(unhex);
}

function files(...folders: readonly string[]): Uint8Array[] {
  return folders.flatMap((folder) =>
    readdirSync(`${fixtures}/${folder}`)
      .filter((name) => /\.uci$|\.conf$|^wgpeerselector$/.test(name))
      .map((name) => new Uint8Array(readFileSync(`${fixtures}/${folder}/${name}`))),
  );
}

function ntpAnswer(): Uint8Array {
  return encodePacket({
    ...{ leap: 0, version: 4, mode: 4, stratum: 2, poll: 6, precision: -20, referenceId: 0x52415445 },
    ...{ rootDelay: 0.01, rootDispersion: 0.01, reference: 0n, origin: question.transmit },
    ...{ receive: ntpFromUnix(pivot), transmit: ntpFromUnix(pivot + 1000n) },
  });
}

const TABLE = {
  name: 'sn01',
  count: 5,
  wide: 2n ** 60n,
  on: true,
  extra: [1.5, null, { __proto__x: 'y' }, ['z', -1]],
};

/** The inputs that a reader begins with, by its name. */
const seeds: Readonly<Record<string, () => Uint8Array[]>> = {
  rtnetlink: () => recordings('netlink', '.json'),
  wireguard: () => recordings('netlink', '.json').filter(({ length }) => length <= 4096),
  control: () => recordings('netlink', '.json').filter(({ length }) => length <= 512),
  recording: () => recordings('netlink', '.json'),
  monitor: () => recordings('netlink', '.json'),
  blobmsg: () => [
    encodeBlobmsg(TABLE),
    ...recordings('ubus', '.jsonl').map((message) => message.subarray(12)),
  ],
  ubus: () => recordings('ubus', '.jsonl'),
  ntp: () => [ntpAnswer()],
  'ntp-server': () => ['ntp.example.org:123', '[2001:db8::1%eth0]:123', 'fe80::1%2', '192.0.2.1'].map(bytes),
  uci: () => files('uci', 'uci-quirks', 'config/field'),
  'wg-quick': () => files('wg-quick'),
  'rt-tables': () => [bytes('#\n255\tlocal\n254\tmain\n0x64 vpn\n100 vpn # tunnel\n')],
  'resolv-conf': () => [
    bytes(
      '# by dnsmasq\nsearch lan example.org\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\noptions ndots:2 edns0\n',
    ),
    bytes('127.0.0.1 localhost\nfe80::7%eth0 gw.example.org GW # x\n'),
  ],
};

const formatOf: Readonly<Record<string, Format>> = {
  ...{ rtnetlink: formats.netlink, wireguard: formats.netlink, control: formats.netlink },
  ...{ recording: formats.netlink, monitor: formats.netlink, blobmsg: formats.blobmsg, ubus: formats.ubus },
  ntp: formats.fields,
};

/** All targets. @param use gets them, with a folder of their own that is gone afterwards */
export async function withTargets<T>(use: (targets: readonly Target[]) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(`${tmpdir()}/wgps-fuzz-`);
  try {
    return await use(targetsIn(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function targetsIn(folder: string): Target[] {
  mkdirSync(`${folder}/etc/iproute2`, { recursive: true });
  for (const file of ['file', 'etc/iproute2/rt_tables']) writeFileSync(`${folder}/${file}`, '');
  const readers = [...netlinkReaders, ...ubusReaders, ...ntpReaders, ...textReaders, ...fileReaders(folder)];
  return readers.map((reader) => ({
    reader,
    format: formatOf[reader.name] ?? formats.text,
    seeds: seeds[reader.name]?.() ?? [],
  }));
}
