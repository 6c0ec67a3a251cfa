/*
 * Scenes that test/unit/native-socket.test.ts plays in a process of their own, because the process is what is tested or
 * because they need a network namespace of their own. The scene is named by the first argument; what happened is printed
 * as one line of JSON each.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { NETLINK_ROUTE } from '../../src/netlink/families.js';
import type { NetlinkSocket, SocketHandlers, SocketOptions } from '../../src/platform/netlink.js';
import { openNativeSocket } from '../../src/platform/node/native-socket.js';
import {
  linkBody,
  message,
  NLM_F_REQUEST,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTNLGRP_LINK,
  split,
} from './netlink-messages.js';

const IFF_UP = 1;
/** The index of `lo` in every network namespace. */
const LOOPBACK = 1;

/** A socket of the addon; that it was not built is an error. */
export function open(handlers: Partial<SocketHandlers>, options?: SocketOptions): NetlinkSocket {
  const unexpected = (errno: number): void => {
    throw new Error(`receiving failed with error ${errno}`);
  };
  const socket = openNativeSocket(
    NETLINK_ROUTE,
    { message: () => {}, error: unexpected, ...handlers },
    options,
  );
  if (socket === undefined) throw new Error("dist/native/native.node is missing: 'npm run build:native'");
  return socket;
}

/** For send(): nothing may go wrong. */
export function mustSend(errno: number): void {
  throw new Error(`sending failed with error ${errno}`);
}

/** Asks for the link `lo`. */
export function askLoopback(socket: NetlinkSocket, sequence: number): void {
  socket.send(message(RTM_GETLINK, NLM_F_REQUEST, sequence, linkBody({ index: LOOPBACK })), mustSend);
}

/** How many sockets this process has open. */
export function countSockets(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) count++;
    } catch {
      // The descriptor of the folder itself, closed by now.
    }
  }
  return count;
}

/** Plays a scene. @returns how it ended and what it told */
export function play(
  scene: string,
  namespace = false,
): { status: number | null; told: unknown[]; stderr: string } {
  const node = [process.execPath, fileURLToPath(import.meta.url), scene];
  // Who is not root is, in a user namespace of his own.
  const own = process.getuid?.() === 0 ? ['unshare', '--net'] : ['unshare', '--net', '--map-root-user'];
  const [program = '', ...rest] = namespace ? [...own, ...node] : node;
  const { status, signal, error, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  if (signal !== null) throw new Error(`${scene}: killed by ${signal}\n${stderr}`);
  const told = stdout.split('\n').filter((line) => line !== '');
  return { status, stderr, told: told.map((line): unknown => JSON.parse(line)) };
}

function tell(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** Switches `lo` on or off: one event at least on RTNLGRP_LINK. */
function switchLoopback(socket: NetlinkSocket, up: boolean): void {
  const body = linkBody({ index: LOOPBACK, flags: up ? IFF_UP : 0, change: IFF_UP });
  socket.send(message(RTM_NEWLINK, NLM_F_REQUEST, 1, body), mustSend);
}

const scenes: Readonly<Record<string, () => void>> = {
  multicast() {
    const changer = open({});
    const monitor = open(
      {
        message(datagram, sender) {
          for (const { type, port } of split(datagram)) tell({ type, port, sender });
          monitor.close();
          changer.close();
        },
      },
      { groups: [RTNLGRP_LINK] },
    );
    switchLoopback(changer, true);
  },

  /** Nothing is read while the changes are made, so a small buffer must overflow. */
  overrun() {
    const changer = open({});
    let events = 0;
    let last = false;
    const monitor = open(
      {
        message() {
          events++;
          if (!last) return;
          tell('event after the overrun');
          monitor.close();
          changer.close();
        },
        error(errno, closed) {
          tell({ errno, closed });
          // What the buffer had is read in this turn of the loop. After it, one more change must arrive.
          setImmediate(() => {
            tell({ eventsBefore: events > 0 && events < 400 });
            last = true;
            switchLoopback(changer, true);
          });
        },
      },
      { groups: [RTNLGRP_LINK], receiveBufferBytes: 4096 },
    );
    for (let i = 0; i < 400; i++) switchLoopback(changer, i % 2 === 0);
  },

  /** An error leaves a handler, and somebody listens for uncaught ones: the socket lives on. */
  caught() {
    process.on('uncaughtException', (error) => tell(error.message));
    let count = 0;
    const socket = open({
      message() {
        count++;
        if (count < 3) throw new Error(`thrown in handler ${count}`);
        tell('the third came');
        socket.close();
      },
    });
    for (let i = 1; i <= 3; i++) askLoopback(socket, i);
  },

  /** The same for promises and ticks begun in a handler. */
  caughtLater() {
    process.on('uncaughtException', (error) => tell(error.message));
    const socket = open({
      message() {
        process.nextTick(() => {
          throw new Error('thrown in a tick');
        });
        void Promise.reject(new Error('rejected'));
        socket.close();
      },
    });
    askLoopback(socket, 1);
  },

  uncaught() {
    const socket = open({
      message() {
        throw new Error('thrown in a handler');
      },
    });
    askLoopback(socket, 1);
  },

  /** An unreferenced socket lets the process end; one that is open then does no harm. */
  unref() {
    const socket = open({});
    socket.unref();
    process.on('exit', () => tell(countSockets() > 0));
  },

  /** Several ways for a thread to end with open sockets, in the middle of traffic. */
  async workers() {
    const before = countSockets();
    for (const way of ['return', 'exit', 'throw', 'terminate']) {
      const worker = new Worker(new URL(import.meta.url), { argv: ['inWorker', way] });
      worker.on('error', (error) => tell(error.message));
      const ended = once(worker, 'exit');
      if (way === 'terminate') {
        await once(worker, 'message');
        await worker.terminate();
      }
      await ended.catch(() => {});
    }
    tell({ left: countSockets() - before });
  },

  inWorker() {
    const way = process.argv[3];
    let sequence = 0;
    const socket = open({
      message() {
        sequence++;
        askLoopback(socket, sequence);
        if (sequence === 100)
          void import('node:worker_threads').then((w) => w.parentPort?.postMessage('busy'));
        if (sequence === 200 && way === 'return') socket.unref();
        if (sequence === 200 && way === 'exit') process.exit();
        if (sequence === 200 && way === 'throw') throw new Error('thrown in a worker');
      },
    });
    open({}).unref();
    open({}).close();
    for (let i = 0; i < 4; i++) askLoopback(socket, 0);
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) scenes[process.argv[2] ?? '']?.();
