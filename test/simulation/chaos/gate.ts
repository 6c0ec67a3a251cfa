/** Where each request of a process passes, and where it may go wrong. */

import { constants } from 'node:os';
import { NetlinkError, NetlinkTimeoutError } from '../../../src/netlink/index.js';
import type { Timers } from '../../../src/selector/world.js';
import type { Fault, Meanwhile, Place, SocketPlace } from './places.js';
import { MEANWHILE } from './places.js';

/** Milliseconds that a request of the daemon has (src/netlink/connection.ts). */
export const TIMEOUT = 5_000;

/** What happens meanwhile happens so long after the request was sent, and it is answered so much later again. Milliseconds. */
const MEANWHILE_AFTER = 10;

/** More requests than this at one moment are a loop without end. */
const MOST_AT_ONCE = 2_000;

/** A fault that waits for the next request of its kind. */
export interface Armed {
  readonly place: Place | SocketPlace;
  readonly fault: Fault;
  /** Milliseconds, where it is about being late. */
  readonly ms: number;
}

/** What the gate needs of the process and of its world. */
export interface GateKeeper {
  readonly alive: boolean;
  readonly timers: Timers;
  /** The fault that this request meets, if one waits for it. */
  meets(place: Place | SocketPlace): Armed | undefined;
  /** Whether a fault waits for such a request. */
  waits(place: Place): boolean;
  /** A request was made, whatever becomes of it. */
  asked(place: Place | SocketPlace): void;
  /** The kernel has done it. */
  done(place: Place): void;
  kill(): void;
  meanwhile(what: Meanwhile): void;
  violated(rule: string): void;
}

/** An answer that nobody will ever get. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

export function refusal(code: string, what: string): NetlinkError {
  return new NetlinkError(errno(code), what);
}

export function errno(code: string): number {
  const number = (constants.errno as Readonly<Record<string, number>>)[code] ?? OTHERS[code];
  if (number === undefined) throw new Error(`${code} is no error number`);
  return number;
}

/** Linux's, which Node does not name. */
const OTHERS: Readonly<Record<string, number>> = { ENOKEY: 126 };

export class Gate {
  readonly #keeper: GateKeeper;
  #at = -1;
  #atOnce = 0;

  constructor(keeper: GateKeeper) {
    this.#keeper = keeper;
  }

  /**
   * @param what in words, for errors
   * @param effect what the kernel does, and answers
   * @param half what it does where it stops in the middle
   */
  async pass<T>(place: Place, what: string, effect: () => T, half?: () => void): Promise<T> {
    const keeper = this.#keeper;
    if (!keeper.alive || this.#loops(place)) return never();
    keeper.asked(place);
    const perform = (): T => {
      const value = effect();
      keeper.done(place);
      return value;
    };
    const met = keeper.meets(place);
    if (met === undefined) return perform();
    const { fault, ms } = met;
    switch (fault) {
      case 'answer lost':
        perform();
        throw new NetlinkError(
          errno('ENOBUFS'),
          what,
          'the receive buffer overflowed and the answer was lost',
        );
      case 'no answer':
        return await this.#wait(TIMEOUT, () => this.#timeOut(what));
      case 'done, no answer':
        perform();
        return await this.#wait(TIMEOUT, () => this.#timeOut(what));
      case 'late answer': {
        const value = perform();
        return await this.#wait(ms, () => value);
      }
      case 'late':
        return await this.#wait(ms, perform);
      case 'half':
        half?.();
        keeper.done(place);
        throw refusal('ENOMEM', what);
      case 'killed before':
        keeper.kill();
        return await never();
      case 'killed after':
        perform();
        keeper.kill();
        return await never();
      default: {
        if (!isMeanwhile(fault)) throw refusal(fault, what);
        const value = perform();
        return await this.#wait(MEANWHILE_AFTER, () => keeper.meanwhile(fault)).then(() =>
          this.#wait(MEANWHILE_AFTER, () => value),
        );
      }
    }
  }

  /** The same for what is done at once. @throws what `fail` makes of the error number's name */
  passAtOnce<T>(place: SocketPlace, effect: () => T, fail: (code: string) => Error): T {
    this.#keeper.asked(place);
    const met = this.#keeper.meets(place);
    if (met !== undefined) throw fail(met.fault);
    return effect();
  }

  /** Whether a fault waits for the next request of this kind: then it is not answered by the way that has no errors. */
  isMet(place: Place): boolean {
    const { alive } = this.#keeper;
    if (alive && !this.#loops(place)) this.#keeper.asked(place);
    return !alive || this.#keeper.waits(place);
  }

  #wait<T>(milliseconds: number, then: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#keeper.timers.after(milliseconds, () => {
        try {
          resolve(then());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #timeOut(what: string): never {
    throw new NetlinkTimeoutError(what, TIMEOUT);
  }

  #loops(place: Place): boolean {
    const now = this.#keeper.timers.now();
    if (now !== this.#at) {
      this.#at = now;
      this.#atOnce = 0;
    }
    if (++this.#atOnce <= MOST_AT_ONCE) return false;
    this.#keeper.violated(`asks without end: ${place}`);
    return true;
  }
}

function isMeanwhile(fault: Fault): fault is Meanwhile {
  return (MEANWHILE as readonly string[]).includes(fault);
}
