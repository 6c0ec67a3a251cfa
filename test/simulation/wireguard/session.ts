/** The sessions of one peer, as drivers/net/wireguard/noise.c of Linux keeps them: the current one, the one before, the next. */

import { REJECT_AFTER_TIME, REKEY_AFTER_TIME } from './constants.js';

/** One session ("keypair"). */
export interface Session {
  readonly initiator: boolean;
  /** The index by which we know it, and the one by which the other side does. */
  readonly local: number;
  readonly remote: number;
  /** Milliseconds, monotonic. */
  readonly born: number;
  usable: boolean;
}

/** Whether nobody may use it any more. */
export function tooOld(session: Session, now: number): boolean {
  return session.born + REJECT_AFTER_TIME <= now;
}

/** Up to three sessions. The responder must not send by a new one before something has come in by it. */
export class Sessions {
  current: Session | undefined;
  #previous: Session | undefined;
  #next: Session | undefined;
  /** Makes the index of a session that is gone unknown. */
  readonly #forget: (session: Session) => void;

  constructor(forget: (session: Session) => void) {
    this.#forget = forget;
  }

  /** A handshake has made a new one. */
  add(session: Session): void {
    if (session.initiator) {
      this.#drop(this.#previous);
      if (this.#next === undefined) this.#previous = this.current;
      else {
        this.#drop(this.current);
        this.#previous = this.#next;
        this.#next = undefined;
      }
      this.current = session;
    } else {
      this.#drop(this.#next);
      this.#drop(this.#previous);
      this.#previous = undefined;
      this.#next = session;
    }
  }

  /** Something has come in by this session. @returns whether that confirms a new one */
  confirm(session: Session): boolean {
    if (session !== this.#next) return false;
    this.#drop(this.#previous);
    this.#previous = this.current;
    this.current = session;
    this.#next = undefined;
    return true;
  }

  /** Whether the current one is the initiator's, still usable, and so old that it is renewed. */
  isDue(now: number, age = REKEY_AFTER_TIME): boolean {
    const { current } = this;
    return current?.usable === true && current.initiator && current.born + age <= now;
  }

  clear(): void {
    for (const session of [this.#next, this.#previous, this.current]) this.#drop(session);
    this.#next = undefined;
    this.#previous = undefined;
    this.current = undefined;
  }

  #drop(session: Session | undefined): void {
    if (session !== undefined) this.#forget(session);
  }
}
