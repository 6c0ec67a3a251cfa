/*
 * What src/platform does, told as lines of text, by a program that runs on both hosts: test/unit/router.test.ts compares. The first
 * argument is a folder of its own, the next two are ports; nothing that differs from run to run is told.
 */
import { setRealtime } from '#platform/clock.js';
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
import { openSocket } from '#platform/netlink.js';
import {
  catchSignals,
  effectiveUser,
  environment,
  groupId,
  onUncaught,
  raise,
  setExitCode,
  standardOutput,
} from '#platform/process.js';
import { decodeLatin1, decodeUtf8, encodeUtf8, fromBase64, isIP, toBase64 } from '#platform/text.js';
import { clearTimeout, monotonic, queueMicrotask, setImmediate, setTimeout } from '#platform/timers.js';
import { askForLink, sockets } from './platform-scene-sockets.js';
import { bytes, folder, hex, outcome, pause, tell } from './scene-telling.js';

/** Of timers among themselves, and of the rest among itself: on a busy machine a timer may be due before the first immediate. */
async function order(): Promise<void> {
  const timers: string[] = [];
  const soon: string[] = [];
  const late = setTimeout(() => timers.push('cleared'), 1);
  setTimeout(() => timers.push('30 ms'), 30);
  setTimeout(() => timers.push('10 ms'), 10);
  const next = new Promise<void>((resolve) => {
    setImmediate(() => {
      soon.push('immediate');
      queueMicrotask(() => soon.push('microtask of the immediate'));
      setImmediate(() => {
        soon.push('next immediate');
        resolve();
      });
    });
  });
  queueMicrotask(() => soon.push('microtask'));
  clearTimeout(late);
  clearTimeout(undefined);
  const begin = monotonic();
  await pause(60);
  await next;
  clearTimeout(late);
  tell('order', timers, soon, monotonic() - begin >= 59);
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
  const each = Uint8Array.from({ length: 256 }, (_, index) => index);
  tell(
    'latin-1',
    decodeLatin1(bytes()).length,
    hex(Uint8Array.from(decodeLatin1(each), (one) => one.charCodeAt(0))),
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
  outcome('create for nobody else', () =>
    writeFile(`${folder}/private`, encodeUtf8('secret\n'), 'create-private'),
  );
  outcome('mode for nobody else', () => (lstat(`${folder}/private`)?.mode ?? 0) & 0o777);
  outcome('replace', () => writeFile(file, encodeUtf8('bye\n'), 'replace'));
  outcome('replace nothing', () => writeFile(`${folder}/none`, bytes(), 'replace'));
  outcome('read', () => decodeUtf8(readFile(file)));
  outcome('start', () => decodeUtf8(readStart(file, 2) ?? bytes()));
  outcome('start of a link', () => readStart(`${folder}/link`, 2));
  outcome('start of a folder', () => readStart(folder, 2));
  outcome('start of a pipe', () => readStart(`${folder}/pipe`, 2));
  outcome('write to a pipe', () => writeFile(`${folder}/pipe`, bytes(1), 'replace'));
  outcome('read a folder', () => readFile(folder));
  outcome('read as much as there may be', () => decodeUtf8(readFile(file, 4)));
  outcome('read what is too large', () => readFile(file, 3));
  outcome('kinds', () => ['file', 'link', 'pipe'].map((name) => lstat(`${folder}/${name}`)?.kind));
  outcome('owner', () => lstat(file)?.uid === effectiveUser());
  outcome('mode', () => lstat('/etc/passwd')?.mode);
  outcome('list', () => listDirectory(folder).sort());
  outcome('list nothing', () => listDirectory(`${folder}/none`));
  outcome('large', () => readFile(`${folder}/large`).length);
  outcome('unlink', () => unlink(file));
  outcome('unlink again', () => unlink(file));
  for (const length of [255, 256, 4095, 4096, 100_000]) {
    const path = `/${'x'.repeat(length)}`;
    outcome(`read, long ${length}`, () => readFile(path));
    outcome('lstat, long', () => lstat(path));
    outcome('list, long', () => listDirectory(path));
    outcome('start, long', () => readStart(path, 1));
    outcome('create, long', () => writeFile(`${folder}${path}`, bytes(), 'create'));
    outcome('unlink, long', () => unlink(path));
  }
  outcome('random', () => new Set([randomBytes(8), randomBytes(8)].map(hex)).size);
}

async function signals(): Promise<void> {
  const heard: string[] = [];
  catchSignals((signal) => heard.push(signal));
  raise('SIGHUP');
  do await pause(20);
  while (heard.length < 1);
  catchSignals((signal) => heard.push(`other ${signal}`));
  raise('SIGTERM');
  do await pause(20);
  while (heard.length < 2);
  tell('signals', heard);
  outcome('group', () => groupId('root'));
  tell('environment', environment('PATH') !== undefined, environment('wgps-none') === undefined);
  tell('terminal', standardOutput.terminalRows ?? 'none');
  outcome('no group', () => groupId('no-such-group'));
  outcome('wrong time', () => errnoName(setRealtime(1, 1_000_000_000)) ?? 'refused');
}

/** Whatever nobody catches is told, in an order that nobody promises, and the program goes on. */
async function uncaught(): Promise<void> {
  // At once on Node, when the caller has returned inside QuickJS: that is nobody's promise.
  let ofHandlers = 0;
  const others: string[] = [];
  onUncaught((error) => {
    if (String(error) === 'Error: of a handler') ofHandlers++;
    else others.push(String(error));
  });
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
  const socket = openSocket(0, {
    message: () => {
      throw new Error('of a handler');
    },
    error: () => {},
  });
  for (let time = 0; time < 2; time++) socket.send(askForLink(), () => tell('not sent'));
  socket.receive?.();
  tell('receive() returns');
  const handled = Promise.reject(new Error('handled'));
  handled.catch(() => {});
  do await pause(20);
  while (others.length < 4);
  socket.close();
  tell('uncaught', others.sort(), 'of a handler', ofHandlers);
}

async function main(): Promise<void> {
  await order();
  text();
  errors();
  files();
  await sockets();
  await signals();
  await uncaught();
  setExitCode(3);
  setTimeout(() => tell('kept alive'), 1);
  setTimeout(() => tell('never'), 60_000).unref();
}

void main();
