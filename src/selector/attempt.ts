import { messageOf } from '../wording.js';
import { type Loop, REMOVED } from './loop.js';
import type { Pace } from './pace.js';
import { DOUBTFUL_TRY, HANDSHAKE_POLL, PATIENT_POLL, SETTLING } from './times.js';
import type { Doubt, Peer, Remote } from './world.js';

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

/**
 * Tries an address of a peer: installs it, with its routes, and waits for the handshake, which WireGuard asks for at once and every 5 s.
 * @returns why there was none, if there was none
 */
export async function attempt(loop: Loop, pace: Pace, given: Attempt): Promise<string | undefined> {
  const { world, connection, inbox } = loop;
  const { news } = inbox;
  const { peer, remote, doubt } = given;
  let { patience, again } = given;
  let started = world.timers.now();
  try {
    await connection.install(peer, remote, doubt, loop.assignment());
    for (;;) {
      const interruption = loop.interruption(peer);
      if (interruption !== undefined) return interruption.reason;
      const came = await connection.handshakeCame(peer);
      if (came === 'gone') return REMOVED.reason;
      if (came) {
        await connection.share(peer, remote, doubt, loop.assignment());
        return undefined;
      }
      const timeout = doubt === undefined ? loop.assignment().settings.connectTimeout : DOUBTFUL_TRY;
      const waited = world.timers.now() - started;
      const late = waited >= timeout;
      if (news.changed && again && waited >= SETTLING) {
        again = news.changed = false; // once: what changes all the time must not keep the others from their turn
        started = world.timers.now();
        patience = 0;
        await connection.install(peer, remote, doubt, loop.assignment());
      } else if (late && (waited >= timeout + patience || news.changed)) {
        if (doubt === undefined) pace.asked();
        return `no handshake within ${Math.round(waited / 1000)} s`;
      }
      const interrupted = (): boolean => loop.interruption(peer) !== undefined || (late && news.changed);
      await inbox.until(interrupted, late ? PATIENT_POLL : HANDSHAKE_POLL);
    }
  } catch (error) {
    return messageOf(error);
  }
}
