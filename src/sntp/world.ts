import { createSocket, type Socket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { closeSync, openSync, readSync } from 'node:fs';
import type { Endpoint } from './accept.js';
import { bootTime } from './boot-time.js';

/** A socket for one question. It is bound to a random free port by the time `ready` is called. */
export interface DatagramSocket {
  /** @throws an error with a `code` if the kernel refuses at once. */
  send(packet: Uint8Array, to: Endpoint): void;
  close(): void;
}

/** What a socket tells. Nothing is called before `openSocket` has returned, nor after `close`. */
export interface DatagramEvents {
  ready(): void;
  /** The kernel has taken what `send` gave it. */
  sent(): void;
  message(bytes: Uint8Array, from: Endpoint): void;
  /** The socket is of no use any more. */
  error(error: Error): void;
}

/** Names to addresses. After `cancel`, what is under way is rejected. */
export interface NameResolver {
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
  cancel(): void;
}

/** All that this library takes from outside; tests give another. */
export interface World {
  /** Our own idea of the date, in milliseconds since 1970-01-01 UTC. It may be wrong, and may jump. */
  wallClock(): number;
  /** Nanoseconds from any start. Never jumps back, and counts the time asleep: a timer does not. */
  monotonic(): bigint;
  /** Unpredictable bytes. */
  random(count: number): Uint8Array;
  /** Calls back once after so many milliseconds, unless the returned function was called before. */
  setTimer(milliseconds: number, callback: () => void): () => void;
  openSocket(family: 4 | 6, events: DatagramEvents): DatagramSocket;
  openResolver(): NameResolver;
}

/**
 * A socket of Node. Left unconnected, so that answers from elsewhere are seen and can be reported.
 *
 * The kernel chooses the source port at random from its ephemeral range at each bind to port 0.
 */
function openSocket(family: 4 | 6, events: DatagramEvents): DatagramSocket {
  const type = family === 4 ? 'udp4' : 'udp6';
  const socket: Socket = createSocket({
    type,
    ipv6Only: family === 6,
    // All addresses are literal. This keeps Node from handing them to getaddrinfo, and makes send() immediate.
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  let closed = false;
  const fail = (error: Error) => {
    if (!closed) events.error(error);
  };
  socket.on('error', fail);
  socket.on('message', (bytes, from) => {
    if (!closed) events.message(bytes, { address: from.address, port: from.port });
  });
  socket.bind({ address: family === 4 ? '0.0.0.0' : '::', port: 0, exclusive: true }, () => {
    // With the lookup above, bind() may call back before it returns.
    process.nextTick(() => {
      if (!closed) events.ready();
    });
  });
  return {
    send: (packet, to) => {
      socket.send(packet, to.port, to.address, (error) => {
        if (error) fail(error);
        else if (!closed) events.sent();
      });
    },
    close: () => {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}

/**
 * c-ares, not getaddrinfo: the latter blocks one of Node's four threads for as long as a dead DNS server pleases, and the
 * process cannot exit meanwhile. A new one is opened for each attempt, because it reads /etc/resolv.conf only once.
 * It does not read /etc/hosts; on OpenWrt dnsmasq answers for that file.
 */
function openResolver(): NameResolver {
  return new dns.Resolver({ timeout: 1000, tries: 4 });
}

/**
 * The kernel's generator, read directly: Node's crypto is seeded from it too, but costs 0.4 MB of memory at its first use,
 * and is needed for nothing else. Where there is no /dev it has to do.
 */
function random(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let file: number;
  try {
    file = openSync('/dev/urandom', 'r');
  } catch {
    return crypto.getRandomValues(bytes);
  }
  try {
    // Up to 256 bytes come whole or not at all (man 4 urandom).
    return readSync(file, bytes) === count ? bytes : crypto.getRandomValues(bytes);
  } finally {
    closeSync(file);
  }
}

/** The real world. */
export const system: World = {
  wallClock: () => Date.now(),
  monotonic: () => BigInt(Math.round(bootTime() * 1e6)),
  random,
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  openSocket,
  openResolver,
};
