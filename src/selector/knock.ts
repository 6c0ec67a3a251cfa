import { answered } from './answer.js';
import type { Look } from './connection.js';
import type { Loop, Loss } from './loop.js';
import type { Peer } from './world.js';

/** How handshakes are asked for. */
export interface Knocks {
  /** Milliseconds to wait for the n-th, from 1. */
  wait(n: number): number;
  /** Whether it is to be given up, after so many. */
  enough(n: number): boolean;
}

/**
 * Asks a peer for a handshake, again and again, each time from the beginning: WireGuard itself would repeat its question every 5 s only. The
 * session that there was is gone, the peer's place in the kernel is not.
 *
 * @returns whether one was completed, and after how many; or what came between
 */
export async function knock(
  loop: Loop,
  peer: Peer,
  look: Look,
  { wait, enough }: Knocks,
): Promise<{ readonly lives: boolean; readonly knocks: number } | Loss> {
  const { timers } = loop.world;
  if (look.endpoint === undefined) return { lives: false, knocks: 0 };
  for (let knocks = 1; ; knocks++) {
    await loop.connection.knock(peer, look.endpoint);
    const due = timers.now() + wait(knocks);
    const came = await answered(loop, peer, { due: () => due });
    if (typeof came === 'object') return came;
    if (came || enough(knocks)) return { lives: came, knocks };
  }
}
