/* The part of platform-scene.ts that has to do with sockets and names. */
import { openDatagram } from '#platform/datagram.js';
import { errnoName } from '#platform/errno.js';
import { openLookups } from '#platform/lookup.js';
import { openSocket } from '#platform/netlink.js';
import { monotonicMicroseconds, notify } from '#platform/notify.js';
import { openProbe } from '#platform/probe.js';
import { effectiveUser, pid, programArguments } from '#platform/process.js';
import { connectStream, listen, listenerOwner, type Stream } from '#platform/stream.js';
import { encodeUtf8 } from '#platform/text.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { bytes, folder, hex, outcome, pause, tell } from './scene-telling.js';

/** A listener that sends back what comes, later destroys what it accepts, and somebody who speaks to it. */
async function streams(): Promise<void> {
  // Node 20 makes all of sun_path of a shorter one.
  const name = `\0wgps-scene-${pid}`.padEnd(108, '/');
  outcome('nobody listens', () => ({ ...listenerOwner(encodeUtf8(name)), uid: 0 }));
  let callers = 0;
  let refusing = false;
  const listener = await listen(name, (stream) => {
    if (++callers === 1) whose('far', stream);
    if (refusing) setTimeout(() => stream.destroy(), 20);
    return {
      data: (chunk) => stream.write(chunk),
      closed: (error) => tell('far side closed', error?.message ?? 'well'),
    };
  });
  await listen(name, () => ({ data: () => {}, closed: () => {} })).catch((error) =>
    outcome('taken', () => {
      throw error;
    }),
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
    whose('near', stream);
    stream.write(new Uint8Array(size - 2));
    stream.write(bytes(1));
    stream.write(bytes(2));
    tell('unsent', stream.unsent > 0);
  });
  await pause(20);
  refusing = true;
  await new Promise<void>((resolve) => {
    connectStream(name, {
      data: () => {},
      closed: (error) => {
        tell('destroyed by the far side', error?.message ?? 'well');
        resolve();
      },
    });
  });
  listener.close();
  const long = [106, 107, 108, 109, 5000].map((length) => `${folder}/`.padEnd(length, 'x'));
  const names = [108, 109].map((length) => `\0${'x'.repeat(length - 1)}`);
  for (const path of [...long, ...names])
    await listen(path, () => ({ data: () => {}, closed: () => {} })).then(
      (one) => {
        tell('listens', path.length);
        one.close();
      },
      (error) =>
        outcome(`does not listen ${path.length}`, () => {
          throw error;
        }),
    );
  for (const path of [`${folder}/no-socket`, `${folder}/large`, name, ...long, ...names]) {
    await new Promise<void>((resolve) => {
      let returned = false;
      connectStream(path, {
        data: () => {},
        closed: (error) => {
          outcome(`no connection ${returned}`, () => {
            throw error;
          });
          resolve();
        },
      });
      returned = true;
    });
  }
}

/** Both ends are of this process. */
function whose(end: string, { credentials }: Stream): void {
  tell(end, credentials?.errno, credentials?.pid === pid, credentials?.uid === effectiveUser());
}

/** To the ports of the second and third argument, where a packet is sent back. */
async function datagrams(): Promise<void> {
  const targets = [
    { family: 4, address: '127.0.0.1', port: Number(programArguments[1]) },
    { family: 6, address: '::1', port: Number(programArguments[2]) },
    { family: 4, address: '255.255.255.255', port: 9 },
    // Zones: of nobody, of a link's alone, and such as are passed over.
    ...[
      'fe80::1%no-such-if',
      `fe80::1%${'x'.repeat(200)}`,
      'fe80::1%99999',
      'FEBF::1%99999',
      'ff02::1%no-such-if',
      '::1%lo',
    ].map((address) => ({ family: 6 as const, address, port: 9 })),
    { family: 6, address: '::1%99999', port: Number(programArguments[2]) },
    { family: 6, address: '::1%1', port: Number(programArguments[2]) },
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
          tell('refused', error.message.replace(/x{50,}/, 'LONG'));
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
  await ask('fe80::1%lo', 6);
  await ask('fe80::1%no-such-if', 6);
  await ask('::1%no-such-if', 6);
  clearTimeout(waiting);
  all.close();
  all.close();
}

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** RTM_GETLINK of interface 1. */
export function askForLink(): Uint8Array {
  const question = new Uint8Array(32);
  const view = new DataView(question.buffer);
  view.setUint32(0, 32, LITTLE);
  view.setUint16(4, 18, LITTLE);
  view.setUint16(6, 1, LITTLE);
  view.setUint32(8, 7, LITTLE);
  view.setInt32(20, 1, LITTLE);
  return question;
}

async function netlink(): Promise<void> {
  const refused = (what: string, family: number, groups: number[]): void =>
    outcome(what, () => openSocket(family, { message: () => {}, error: () => {} }, { groups }).close());
  refused('no such family', 31, []);
  refused('no such group', 0, [999]);
  await new Promise<void>((resolve) => {
    let turn = 0;
    const socket = openSocket(
      0,
      {
        message: (datagram, sender) => {
          const view = new DataView(datagram.buffer, datagram.byteOffset);
          tell('netlink', sender, view.getUint16(4, LITTLE), datagram.length > 0);
          if (++turn === 1) return socket.send(question, () => tell('not sent'));
          socket.close();
          socket.send(question, () => tell('told after close'));
          resolve();
        },
        error: (errno) => tell('netlink', errnoName(errno)),
      },
      { receiveBufferBytes: 65536 },
    );
    const question = askForLink();
    tell('features', socket.features, socket.port > 0);
    socket.send(question, () => tell('not sent'));
    socket.receive?.();
    tell('answers that were there', turn);
  });
}

/** The route to 127.0.0.1 as it stands in its table, asked for again. */
function repeated(): void {
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const question = new Uint8Array(36);
  const view = new DataView(question.buffer);
  view.setUint32(0, 36, little);
  view.setUint16(4, 26, little); // RTM_GETROUTE
  view.setUint16(6, 1, little);
  view.setUint32(8, 7, little);
  question.set([2, 32], 16);
  view.setUint32(24, 0x2000, little); // RTM_F_FIB_MATCH
  view.setUint16(28, 8, little);
  view.setUint16(30, 1, little);
  question.set([127, 0, 0, 1], 32);
  let answer = new Uint8Array(0);
  const socket = openSocket(0, {
    message: (datagram) => {
      answer = Uint8Array.from(datagram);
    },
    error: (errno) => tell('netlink', errnoName(errno)),
  });
  socket.send(question, () => tell('not sent'));
  socket.receive?.();
  const ask = (varying: Uint8Array): unknown => socket.repeat?.(question, answer, varying);
  const found: unknown[] = [ask(new Uint8Array(answer.length))];
  for (let at = 0; at < answer.length; at++) {
    const before = answer[at] ?? 0;
    answer[at] = before ^ 1;
    const varying = new Uint8Array(answer.length);
    varying[at] = 1;
    found.push(ask(varying), answer[at] === before);
    const other = Uint8Array.from(answer);
    other[at] = before ^ 1;
    found.push(socket.repeat?.(question, other, new Uint8Array(answer.length)));
  }
  found.push(ask(new Uint8Array(answer.length)));
  tell('repeated', answer.length > 36, found);
  for (const words of [
    [question, answer],
    [question, answer, new Uint8Array(1)],
    ['text', answer, answer],
  ]) {
    const repeat = socket.repeat as unknown as (...words: unknown[]) => number;
    try {
      tell('repeat', repeat(...words));
    } catch (error) {
      tell('repeat', (error as Error).name);
    }
  }
  socket.close();
  tell('repeated after close', ask(new Uint8Array(answer.length)));
}

/** Through the loopback interface, at ports where nobody listens: the kernel says so at once. */
function probes(): void {
  for (const kind of ['datagram', 'echo'] as const) {
    for (const address of ['127.0.0.1', '::1']) {
      const way = { device: 'lo', source: address, target: address };
      outcome(`${kind} ${address}`, () => {
        const probe = openProbe(kind, way);
        const answers = [probe.answered()];
        probe.send();
        answers.push(probe.answered(), probe.answered());
        probe.send(); // the answer to this is heard though another is sent
        probe.send();
        answers.push(probe.answered());
        probe.close();
        return answers;
      });
    }
  }
  const probe = openProbe('datagram', { device: 'lo', source: '127.0.0.1', target: '127.0.0.2' });
  tell('not sent', probe.answered());
  probe.close();
  const wrong = { device: 'lo', source: '127.0.0.1', target: '127.0.0.1' };
  outcome('probe: no device', () => openProbe('datagram', { ...wrong, device: 'no-such-link' }));
  outcome('probe: no source', () => openProbe('datagram', { ...wrong, source: '192.0.2.77' }));
  outcome('probe: two families', () => openProbe('datagram', { ...wrong, target: '::1' }));
  outcome('probe: a name', () => openProbe('datagram', { ...wrong, target: 'localhost' }));
}

/** To the sockets of test/support/play.ts, and to nobody. */
function notes(): void {
  outcome('told', () => notify(`${folder}/notify`, 'READY=1\nSTATUS=ä'));
  outcome('told, abstract', () => notify(`\0${folder}/notify`, 'STOPPING=1'));
  for (const path of [`${folder}/none`, `\0${folder}/none`, `${folder}/large`, '', `/${'x'.repeat(108)}`])
    outcome('not told', () => notify(path, 'READY=1'));
  const before = monotonicMicroseconds();
  const after = monotonicMicroseconds();
  tell('monotonic', Number.isInteger(before), after >= before);
}

/** All of it. */
export async function sockets(): Promise<void> {
  await streams();
  await datagrams();
  await lookups();
  await netlink();
  repeated();
  probes();
  notes();
}
