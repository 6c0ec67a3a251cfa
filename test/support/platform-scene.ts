/*
 * What src/platform does, told as lines of text, by a program that runs on both hosts: test/unit/router.test.ts compares. The first
 * argument is a folder of its own, the next two are ports; nothing that differs from run to run is told.
 */
import { setRealtime } from '#platform/clock.js';
import { openDatagram } from '#platform/datagram.js';
import { ERRNO, errnoName, errnoText } from '#platform/errno.js';
import {
  listDirectory,
  lstat,
  randomBytes,
  readFile,
  readStart,
  unlink,
  writeFile,
} from '#platform/files.js';
import { openLookups } from '#platform/lookup.js';
import { openSocket } from '#platform/netlink.js';
import {
  catchSignals,
  effectiveUser,
  groupId,
  onUncaught,
  pid,
  programArguments,
  raise,
  setExitCode,
  standardOutput,
} from '#platform/process.js';
import { connectStream, listen, listenerOwner, type Stream } from '#platform/stream.js';
import { decodeLatin1, decodeUtf8, encodeUtf8, fromBase64, isIP, toBase64 } from '#platform/text.js';
import { clearTimeout, monotonic, queueMicrotask, setImmediate, setTimeout } from '#platform/timers.js';

const [folder = ''] = programArguments;

function tell(...words: unknown[]): void {
  standardOutput.write(
    `${words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' ')}\n`,
  );
}

/** What a call gives or throws. */
function outcome(what: string, call: () => unknown): void {
  try {
    tell(what, call() ?? 'nothing');
  } catch (error) {
    const { code = 'none', message } = error as Error & { code?: string };
    tell(what, 'throws', code, message.replaceAll(folder, 'FOLDER'));
  }
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

async function order(): Promise<void> {
  const seen: string[] = [];
  const note = (word: string) => (): void => void seen.push(word);
  const late = setTimeout(note('cleared'), 1);
  setTimeout(note('30 ms'), 30);
  setTimeout(note('10 ms'), 10);
  setImmediate(() => {
    seen.push('immediate');
    queueMicrotask(note('microtask of the immediate'));
    setImmediate(note('next immediate'));
  });
  queueMicrotask(note('microtask'));
  clearTimeout(late);
  clearTimeout(undefined);
  const begin = monotonic();
  await pause(60);
  clearTimeout(late);
  tell('order', seen, monotonic() - begin >= 59);
}

function text(): void {
  const texts = ['', 'abc', 'ä€😀', '\ud800', 'a\udc00b', '\0', '\ufeffx'];
  for (const each of texts) tell('utf-8', hex(encodeUtf8(each)), decodeUtf8(encodeUtf8(each)).length);
  const odd = [
    [0xff], [0xc3], [0xe2, 0x82], [0xe2, 0x82, 0x41], [0xf0, 0x9f, 0x98], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
    [0xe0, 0x80, 0x80], [0x41, 0x80, 0xbf, 0x42], [0xf0, 0x80, 0x80, 0x80], [0xef, 0xbb, 0xbf, 0x41],
  ]; // biome-ignore format: a list
  for (const each of odd) {
    const decoded = decodeUtf8(Uint8Array.from(each));
    tell(
      'no utf-8',
      hex(Uint8Array.from(each)),
      [...decoded].map((one) => one.codePointAt(0)),
    );
  }
  tell(
    'part',
    decodeUtf8(encodeUtf8('0123456789'), 3, 6),
    decodeUtf8(encodeUtf8('0123'), 2),
    decodeLatin1(bytes(65, 228, 255)),
  );
  for (const each of [[], [1], [1, 2], [1, 2, 3], [255, 254, 253, 252]]) {
    const coded = toBase64(Uint8Array.from(each));
    tell('base64', coded, hex(fromBase64(coded)));
  }
  const addresses = [
    '1.2.3.4',
    '01.2.3.4',
    '1.2.3',
    '256.1.1.1',
    '::',
    '::1',
    'fe80::1%eth0',
    'fe80::1%',
    'fe80::1%a/b',
    '1::2::3',
    '::ffff:1.2.3.4',
    '::1 ',
    '',
    'x',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:9',
    '::1\0',
    '1.2.3.4%eth0',
  ];
  for (const each of addresses) tell('ip', each, isIP(each));
}

function errors(): void {
  for (let number = 1; number < 135; number++) {
    const name = errnoName(number);
    tell('errno', number, name ?? 'none', name === undefined ? '' : (errnoText(name) ?? 'rare'));
  }
  tell('numbers', [
    ERRNO.ENOENT > 0,
    errnoName(ERRNO.EOPNOTSUPP),
    errnoName(0) ?? 'none',
    errnoName(-1) ?? 'none',
  ]);
}

function files(): void {
  const file = `${folder}/file`;
  outcome('read nothing', () => hex(readFile(file)));
  outcome('lstat nothing', () => lstat(file));
  outcome('lstat below a file', () => lstat('/etc/passwd/x'));
  outcome('create', () => writeFile(file, encodeUtf8('hello\n'), 'create'));
  outcome('create again', () => writeFile(file, encodeUtf8('x'), 'create'));
  outcome('replace', () => writeFile(file, encodeUtf8('bye\n'), 'replace'));
  outcome('replace nothing', () => writeFile(`${folder}/none`, bytes(), 'replace'));
  outcome('read', () => decodeUtf8(readFile(file)));
  outcome('start', () => decodeUtf8(readStart(file, 2) ?? bytes()));
  outcome('start of a link', () => readStart(`${folder}/link`, 2));
  outcome('start of a folder', () => readStart(folder, 2));
  outcome('start of a pipe', () => readStart(`${folder}/pipe`, 2));
  outcome('write to a pipe', () => writeFile(`${folder}/pipe`, bytes(1), 'replace'));
  outcome('read a folder', () => readFile(folder));
  outcome('kinds', () => ['file', 'link', 'pipe'].map((name) => lstat(`${folder}/${name}`)?.kind));
  outcome('owner', () => lstat(file)?.uid === effectiveUser());
  outcome('list', () => listDirectory(folder).sort());
  outcome('list nothing', () => listDirectory(`${folder}/none`));
  outcome('large', () => readFile(`${folder}/large`).length);
  outcome('unlink', () => unlink(file));
  outcome('unlink again', () => unlink(file));
  outcome('random', () => new Set([randomBytes(8), randomBytes(8)].map(hex)).size);
}

/** A listener that sends back what comes, and somebody who speaks to it. */
async function streams(): Promise<void> {
  // Node 20 makes all of sun_path of a shorter one.
  const name = `\0wgps-scene-${pid}`.padEnd(108, '\0');
  outcome('nobody listens', () => ({ ...listenerOwner(encodeUtf8(name)), uid: 0 }));
  const far: Stream[] = [];
  const listener = await listen(name, (stream) => {
    far.push(stream);
    return {
      data: (chunk) => stream.write(chunk),
      closed: (error) => tell('far side closed', error?.message ?? 'well'),
    };
  });
  await listen(name, () => ({ data: () => {}, closed: () => {} })).catch((error) =>
    tell('taken', error.code),
  );
  const owner = listenerOwner(encodeUtf8(name));
  tell('owner', owner?.errno, owner?.pid === pid, owner?.uid === effectiveUser());
  const size = 300_000;
  await new Promise<void>((resolve) => {
    let heard = 0;
    const stream = connectStream(name, {
      data: (chunk) => {
        heard += chunk.length;
        if (heard < size) return;
        tell('echo', heard);
        stream.end();
      },
      closed: (error) => {
        tell('near side closed', error?.message ?? 'well');
        resolve();
      },
    });
    stream.write(new Uint8Array(size - 2));
    stream.write(bytes(1));
    stream.write(bytes(2));
    tell('unsent', stream.unsent > 0);
  });
  await pause(20);
  await new Promise<void>((resolve) => {
    connectStream(name, {
      data: () => {},
      closed: (error) => {
        tell('destroyed by the far side', error?.message ?? 'well');
        resolve();
      },
    });
    setTimeout(() => far.at(-1)?.destroy(), 20);
  });
  listener.close();
  for (const path of [`${folder}/no-socket`, `${folder}/large`, name]) {
    await new Promise<void>((resolve) => {
      let returned = false;
      connectStream(path, {
        data: () => {},
        closed: (error) => {
          tell('no connection', returned, (error as Error & { code?: string })?.code ?? 'none');
          resolve();
        },
      });
      returned = true;
    });
  }
}

/** To the ports of the second and third argument, where a packet is sent back. */
async function datagrams(): Promise<void> {
  const targets = [
    { family: 4, address: '127.0.0.1', port: Number(programArguments[1]) },
    { family: 6, address: '::1', port: Number(programArguments[2]) },
    { family: 4, address: '255.255.255.255', port: 9 },
  ] as const;
  for (const { family, ...to } of targets) {
    await new Promise<void>((resolve) => {
      const socket = openDatagram(family, {
        ready: () => {
          tell('ready', family);
          socket.send(bytes(1, 2, 3), to);
        },
        sent: () => tell('sent'),
        message: (packet, from) => {
          tell('answer', hex(packet), from.address, from.port === to.port);
          socket.close();
          resolve();
        },
        error: (error) => {
          tell('refused', (error as Error & { code?: string }).code ?? 'none');
          socket.close();
          resolve();
        },
      });
    });
  }
}

async function lookups(): Promise<void> {
  const all = openLookups();
  const ask = (name: string, family: 4 | 6): Promise<void> =>
    new Promise((resolve) =>
      all.start(name, family, 1000, (answer) => {
        tell('look-up', name.slice(0, 20), family, answer.failure ?? 'found', answer.addresses);
        resolve();
      }),
    );
  const waiting = setTimeout(() => tell('look-ups take too long'), 10_000);
  await ask('localhost', 4);
  await ask('192.0.2.7', 4);
  await ask('2001:db8::7', 6);
  await ask('192.0.2.7', 6);
  await ask('x'.repeat(300), 4);
  await ask('a\0b', 4);
  clearTimeout(waiting);
  all.close();
  all.close();
}

async function netlink(): Promise<void> {
  const refused = (what: string, family: number, groups: number[]): void => {
    try {
      openSocket(family, { message: () => {}, error: () => {} }, { groups }).close();
    } catch (error) {
      tell(what, errnoName(Math.abs((error as Error & { errno: number }).errno)) ?? 'none');
    }
  };
  refused('no such family', 31, []);
  refused('no such group', 0, [999]);
  await new Promise<void>((resolve) => {
    let turn = 0;
    const socket = openSocket(
      0,
      {
        message: (datagram, sender) => {
          const view = new DataView(datagram.buffer, datagram.byteOffset);
          const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
          tell('netlink', sender, view.getUint16(4, little), datagram.length > 0);
          if (++turn === 1) return socket.send(question, () => tell('not sent'));
          socket.close();
          socket.send(question, () => tell('told after close'));
          resolve();
        },
        error: (errno) => tell('netlink', errnoName(errno)),
      },
      { receiveBufferBytes: 65536 },
    );
    const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    const question = new Uint8Array(32); // RTM_GETLINK of interface 1
    const view = new DataView(question.buffer);
    view.setUint32(0, 32, little);
    view.setUint16(4, 18, little);
    view.setUint16(6, 1, little);
    view.setUint32(8, 7, little);
    view.setInt32(20, 1, little);
    tell('features', socket.features, socket.port > 0);
    socket.send(question, () => tell('not sent'));
    socket.receive?.();
    tell('answers that were there', turn);
  });
}

async function signals(): Promise<void> {
  const heard: string[] = [];
  catchSignals((signal) => heard.push(signal));
  raise('SIGHUP');
  await pause(20);
  catchSignals((signal) => heard.push(`other ${signal}`));
  raise('SIGTERM');
  await pause(20);
  tell('signals', heard);
  outcome('group', () => groupId('root'));
  outcome('no group', () => groupId('no-such-group'));
  outcome('wrong time', () => errnoName(setRealtime(1, 1_000_000_000)) ?? 'refused');
}

/** Whatever nobody catches is told, and the program goes on. */
async function uncaught(): Promise<void> {
  onUncaught((error) => tell('uncaught', String(error)));
  setTimeout(() => {
    throw new Error('of a timer');
  }, 5);
  setImmediate(() => {
    throw new Error('of an immediate');
  });
  queueMicrotask(() => {
    throw new Error('of a microtask');
  });
  Promise.reject(new Error('of a promise'));
  const handled = Promise.reject(new Error('handled'));
  handled.catch(() => {});
  await pause(20);
}

async function main(): Promise<void> {
  await order();
  text();
  errors();
  files();
  await streams();
  await datagrams();
  await lookups();
  await netlink();
  await signals();
  await uncaught();
  setExitCode(3);
  setTimeout(() => tell('kept alive'), 1);
  setTimeout(() => tell('never'), 60_000).unref();
}

void main();
