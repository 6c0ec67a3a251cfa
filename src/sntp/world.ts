import { bootTime } from '#platform/clock.js';
import { type DatagramHandlers, type DatagramSocket, openDatagram } from '#platform/datagram.js';
import { randomBytes } from '#platform/files.js';
import { openLookups } from '#platform/lookup.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';

/** Names to addresses. After `cancel`, what is under way is rejected. */
export interface NameResolver {
  /** IPv4 addresses of a name. @throws with the `code` that c-ares would give: ENOTFOUND, ENODATA … */
  resolve4(name: string): Promise<string[]>;
  /** IPv6 addresses of a name. @throws as {@link resolve4} */
  resolve6(name: string): Promise<string[]>;
  /** Gives up what is under way. */
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
  /** A UDP socket of one family. */
  openSocket(family: 4 | 6, events: DatagramHandlers): DatagramSocket;
  /** Something that looks names up. */
  openResolver(): NameResolver;
}

/** Milliseconds that an answer of the system's resolver is worth waiting for. */
const LOOKUP_TIME = 4000;

/** What the system says of a name, in the words of c-ares, which callers of this library know. */
const CODES: Readonly<Record<string, string>> = {
  NONAME: 'ENOTFOUND',
  NODATA: 'ENODATA',
  AGAIN: 'ESERVFAIL',
  REFUSED: 'ECONNREFUSED',
  TIMEOUT: 'ETIMEOUT',
};

/** As every other program resolves names: /etc/hosts and the search list count, and each look-up sees them as they are then. */
function openResolver(): NameResolver {
  const lookups = openLookups();
  const underWay = new Set<(error: Error) => void>();
  const resolve = (name: string, family: 4 | 6): Promise<string[]> =>
    new Promise((found, reject) => {
      underWay.add(reject);
      lookups.start(name, family, LOOKUP_TIME, ({ addresses, failure }) => {
        underWay.delete(reject);
        if (failure === undefined) found([...addresses]);
        else reject(Object.assign(new Error(`${name}: ${failure}`), { code: CODES[failure] ?? failure }));
      });
    });
  return {
    resolve4: (name) => resolve(name, 4),
    resolve6: (name) => resolve(name, 6),
    cancel() {
      lookups.close();
      for (const reject of underWay) reject(Object.assign(new Error('cancelled'), { code: 'ECANCELLED' }));
      underWay.clear();
    },
  };
}

/** The real world. */
export const system: World = {
  wallClock: () => Date.now(),
  monotonic: () => BigInt(Math.round(bootTime() * 1e6)),
  random: randomBytes,
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  openSocket: openDatagram,
  openResolver,
};
