/** The five timers of a peer, and what starts and stops them: drivers/net/wireguard/timers.c of Linux. */

import type { SeededRandom } from '../random.js';
import {
  KEEPALIVE_TIMEOUT,
  MAX_TIMER_HANDSHAKES,
  REJECT_AFTER_TIME,
  REKEY_TIMEOUT,
  REKEY_TIMEOUT_JITTER,
} from './constants.js';
import { KernelTimer, type Ticks } from './wheel.js';

/** What the timers make a peer do. */
export interface TimedPeer {
  /** Seconds; 0 is off. */
  readonly keepalive: number;
  sendKeepalive(): void;
  initiate(retry: boolean): void;
  purgeStaged(): void;
  zeroKeys(): void;
}

export class PeerTimers {
  attempts = 0;
  /** Whether the session that is about to end was renewed already on the last occasion. */
  lastMinute = false;
  readonly #peer: TimedPeer;
  readonly #random: SeededRandom;
  readonly #retry: KernelTimer;
  readonly #answer: KernelTimer;
  readonly #silence: KernelTimer;
  readonly #zero: KernelTimer;
  readonly #persistent: KernelTimer;
  #anotherAnswer = false;

  constructor(peer: TimedPeer, ticks: Ticks, random: SeededRandom) {
    this.#peer = peer;
    this.#random = random;
    this.#retry = new KernelTimer(ticks, () => this.#retryExpired());
    this.#answer = new KernelTimer(ticks, () => this.#answerExpired());
    this.#silence = new KernelTimer(ticks, () => peer.initiate(false));
    this.#zero = new KernelTimer(ticks, () => peer.zeroKeys());
    this.#persistent = new KernelTimer(ticks, () => {
      if (peer.keepalive > 0) peer.sendKeepalive();
    });
  }

  /** Data was sent, which the other side has to answer. */
  dataSent(): void {
    if (!this.#silence.pending) this.#silence.set(KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + this.#jitter());
  }

  /** Data has come in, which has to be answered. */
  dataReceived(): void {
    if (this.#answer.pending) this.#anotherAnswer = true;
    else this.#answer.set(KEEPALIVE_TIMEOUT);
  }

  sent(): void {
    this.#answer.clear();
  }

  received(): void {
    this.#silence.clear();
  }

  /** Before a packet is sent, and after one has come in. */
  traversal(): void {
    const { keepalive } = this.#peer;
    if (keepalive > 0) this.#persistent.set(keepalive * 1_000);
  }

  initiated(): void {
    this.#retry.set(REKEY_TIMEOUT + this.#jitter());
  }

  handshakeComplete(): void {
    this.#retry.clear();
    this.attempts = 0;
    this.lastMinute = false;
  }

  sessionDerived(): void {
    this.#zero.set(REJECT_AFTER_TIME * 3);
  }

  stop(): void {
    for (const timer of [this.#retry, this.#answer, this.#silence, this.#zero, this.#persistent])
      timer.clear();
  }

  #retryExpired(): void {
    if (this.attempts > MAX_TIMER_HANDSHAKES) {
      this.#answer.clear();
      this.#peer.purgeStaged();
      if (!this.#zero.pending) this.#zero.set(REJECT_AFTER_TIME * 3);
    } else {
      this.attempts++;
      this.#peer.initiate(true);
    }
  }

  #answerExpired(): void {
    if (this.#anotherAnswer) this.#answer.set(KEEPALIVE_TIMEOUT);
    this.#anotherAnswer = false;
    // In the kernel another thread sends, and that stops the timer again: what came in meanwhile is answered by this very packet.
    this.#peer.sendKeepalive();
  }

  #jitter(): number {
    return this.#random.unit() * REKEY_TIMEOUT_JITTER;
  }
}
