import { type Loop, type Loss, REMOVED } from './loop.js';
import { HANDSHAKE_POLL } from './times.js';
import type { Peer } from './world.js';

/** How long an answer is waited for. */
export interface Patience {
  /** Until when, in monotonic milliseconds: it is asked anew each time, since settings may change. */
  readonly due: () => number;
  /** Whether there is no use in waiting any longer. */
  readonly over?: () => boolean;
  /** How often the kernel is asked, in milliseconds. */
  readonly poll?: number;
}

/**
 * Waits for the handshake that was asked for, of the peer that is installed.
 * @returns whether it came in time; or what came between
 */
export async function answered(loop: Loop, peer: Peer, patience: Patience): Promise<boolean | Loss> {
  const { world, connection, inbox } = loop;
  const { due, over = () => false, poll = HANDSHAKE_POLL } = patience;
  for (;;) {
    const came = await connection.handshakeCame(peer);
    const interruption = loop.interruption(peer);
    if (interruption !== undefined) return interruption;
    if (came === 'gone') return REMOVED;
    if (came) return true;
    if (world.timers.now() >= due() || over()) return false;
    await inbox.until(() => loop.interruption(peer) !== undefined || over(), poll);
  }
}
