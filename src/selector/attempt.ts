import { messageOf } from '../wording.js';
import { answered } from './answer.js';
import type { FailureCode } from './events.js';
import type { Loop } from './loop.js';
import { Refused } from './loops.js';
import type { Pace } from './pace.js';
import { DOUBTFUL_TRY, PATIENT_POLL, SETTLING } from './times.js';
import { type Doubt, InterfaceGone, type Peer, type Remote } from './world.js';

/** What is tried, and how. */
export interface Attempt {
  readonly peer: Peer;
  readonly remote: Remote;
  /** What speaks against the address: then it has little time. */
  readonly doubt: Doubt | undefined;
  /** Milliseconds for which the handshake is waited for longer, unless the network changes. */
  readonly patience: number;
  /** Whether a change of the network is reason to ask for the handshake anew: WireGuard itself would after up to 5 s. */
  readonly again: boolean;
}

/** Why there was no handshake. */
export interface Failure {
  readonly code: FailureCode;
  readonly reason: string;
}

/**
 * Tries an address of a peer: installs it, with its routes, and waits for the handshake, which WireGuard asks for at once and every 5 s.
 * @returns why there was none, if there was none
 */
export async function attempt(loop: Loop, pace: Pace, given: Attempt): Promise<Failure | undefined> {
  const { world, connection, inbox } = loop;
  const { timers } = world;
  const { news } = inbox;
  const { peer, remote, doubt } = given;
  let { patience, again } = given;
  try {
    for (;;) {
      await connection.install(peer, remote, doubt, loop.assignment());
      const began = timers.now();
      const timeout = (): number =>
        doubt === undefined ? loop.assignment().settings.connectTimeout : DOUBTFUL_TRY;
      const anew = (): boolean => again && news.changed && timers.now() - began >= SETTLING;
      let came = await answered(loop, peer, { due: () => began + timeout(), over: anew });
      if (came === false && !anew() && patience > 0) {
        const due = (): number => began + timeout() + patience;
        came = await answered(loop, peer, { due, over: () => news.changed, poll: PATIENT_POLL });
      }
      if (came === true) {
        await connection.share(peer, remote, doubt, loop.assignment());
        return undefined;
      }
      if (came !== false) return { code: 'interrupted', reason: came.reason };
      if (!anew()) {
        if (doubt === undefined) pace.asked();
        const seconds = Math.round((timers.now() - began) / 1000);
        return { code: 'no-handshake', reason: `no handshake within ${seconds} s` };
      }
      again = news.changed = false; // once: what changes all the time must not keep the others from their turn
      patience = 0;
    }
  } catch (error) {
    return { code: codeOf(error), reason: messageOf(error) };
  }
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof Refused) return 'refused';
  return error instanceof InterfaceGone ? 'interrupted' : 'trouble';
}
