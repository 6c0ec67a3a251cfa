import { messageOf } from '../wording.js';
import type { Answer } from './connection.js';
import { type Loop, REMOVED } from './loop.js';
import type { Candidate } from './picker.js';
import { DOUBTFUL_TRY, HANDSHAKE_POLL } from './times.js';
import { wayTo } from './way.js';
import type { Remote } from './world.js';

/** How often names are looked after, in milliseconds. */
const RESOLVE_POLL = 100;

/** What is being waited for. */
interface Try {
  readonly remote: Remote;
  readonly begin: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * Tries a peer beside the one that is held, address after address, until a handshake is complete. It has no allowed IPs meanwhile, so no
 * traffic notices. It never waits itself: whoever holds the connection calls {@link step} whenever it is {@link due}.
 */
export class Audition {
  readonly candidate: Candidate;
  readonly #loop: Loop;
  #try: Try | undefined;
  #due: number;

  constructor(loop: Loop, candidate: Candidate) {
    this.#loop = loop;
    this.candidate = candidate;
    this.#due = loop.world.timers.now();
  }

  /** When there is something to do, in monotonic milliseconds. */
  get due(): number {
    return this.#due;
  }

  /**
   * Goes on.
   * @returns the handshake, after which the peer stays installed; `silent` when there is nothing left to try; else nothing yet
   */
  async step(): Promise<Answer | 'silent' | undefined> {
    return this.#try === undefined ? await this.#begin() : await this.#look(this.#try);
  }

  /** Takes the peer off the interface. */
  async end(): Promise<void> {
    this.#try = undefined;
    await this.#loop.connection.beside.remove();
  }

  async #begin(): Promise<'silent' | undefined> {
    const { world, connection, assignment } = this.#loop;
    const { peer, remotes } = this.candidate;
    const { timers, routing } = world;
    const { connectTimeout } = assignment().settings;
    remotes.prepare(timers.now(), connectTimeout);
    if (remotes.state === 'resolving') return this.#again(RESOLVE_POLL);
    if (remotes.state === 'failed') {
      const { reason } = remotes;
      remotes.failureSeen();
      return this.#failed(undefined, reason);
    }
    const way = await wayTo(remotes, routing);
    if (way === undefined) return 'silent';
    const { remote, doubt } = way;
    remotes.take(remote);
    // Such a handshake would go through the held peer, and prove nothing.
    if (doubt?.kind === 'through-tunnel') return this.#failed(remote, doubt.reason);
    try {
      await connection.beside.install(peer, remote, assignment());
    } catch (error) {
      return this.#failed(remote, messageOf(error));
    }
    const timeout = doubt === undefined ? connectTimeout : DOUBTFUL_TRY;
    this.#try = { remote, begin: timers.now(), timeout };
    return this.#again(HANDSHAKE_POLL);
  }

  async #look({ remote, begin, timeout }: Try): Promise<Answer | 'silent' | undefined> {
    const { world, connection, emit } = this.#loop;
    const { peer, remotes } = this.candidate;
    const came = await connection.beside.handshakeCame();
    if (typeof came === 'number') {
      emit({ type: 'tried-beside', peer, remote, roundTrip: came, reason: undefined });
      return { remote, roundTrip: came };
    }
    if (came === undefined && world.timers.now() - begin < timeout) return this.#again(HANDSHAKE_POLL);
    await this.end();
    remotes.failed(remote);
    if (came === 'gone') return this.#failed(remote, (this.#loop.interruption(peer) ?? REMOVED).reason);
    return this.#failed(remote, `no handshake within ${timeout / 1000} s`);
  }

  /** Goes on to the next address of this round, if there is one. */
  #failed(remote: Remote | undefined, reason: string): 'silent' | undefined {
    const { peer, remotes } = this.candidate;
    this.#loop.emit({ type: 'tried-beside', peer, remote, roundTrip: undefined, reason });
    return remotes.untried.length > 0 ? this.#again(0) : 'silent';
  }

  #again(milliseconds: number): undefined {
    this.#due = this.#loop.world.timers.now() + milliseconds;
  }
}
