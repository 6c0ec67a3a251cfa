/** A continuous flow of packets, to see whether a connection loses any. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from './host.js';
import { patience, until } from './until.js';

/** What a flow has shown when it was stopped. */
export interface FlowResult {
  /** Packets sent. */
  readonly sent: number;
  /** Of those, how many never came back. */
  readonly lost: number;
  /** Which, counted from 1. */
  readonly lostNumbers: readonly number[];
}

/** Time for the last answers, in milliseconds: an answer counts however late it comes, up to this. */
const grace = 5_000;

/**
 * Echo requests, one each few milliseconds, by `ping -O`. That prints a line for each answer, and one for each
 * request that is unanswered when the next goes out: so the number of each request is seen once at least.
 */
export class Flow {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answered = new Set<number>();
  #sent = 0;
  #answeredAt = performance.now();
  #longestGap = 0;
  #errors = '';

  /** For the lab; tests use `lab.flow`. */
  constructor(from: Host, address: string, interval: number) {
    this.#child = from.run(['ping', '-n', '-O', '-i', String(interval / 1000), address]);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-1000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const number = Number(/icmp_seq=(\d+)/.exec(line)?.[1] ?? 0);
      this.#sent = Math.max(this.#sent, number);
      if (!/^\d+ bytes from/.test(line)) return;
      this.#answered.add(number);
      this.#longestGap = this.longestGap;
      this.#answeredAt = performance.now();
    });
  }

  /** Requests whose fate is known so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Answers so far. */
  get received(): number {
    return this.#answered.size;
  }

  /** The longest time without an answer so far, the one that lasts included: milliseconds. */
  get longestGap(): number {
    return Math.max(this.#longestGap, performance.now() - this.#answeredAt);
  }

  /** The longest time without an answer is counted from now on. */
  countGapAnew(): void {
    this.#longestGap = 0;
    this.#answeredAt = performance.now();
  }

  /** Waits until so many more answers have come, from now on (deadline in milliseconds). */
  async moves(more = 1, deadline = patience): Promise<void> {
    const goal = this.received + more;
    await until(() => this.#running() && this.received >= goal, {
      what: `${more} more answers to a flow of echo requests (${this.sent} sent, ${this.received} answered)`,
      deadline,
    });
  }

  /** Judges the packets sent until now, after giving the last of them time to come back. */
  async stop(): Promise<FlowResult> {
    const sent = this.#sent;
    const lost = () => {
      const numbers = [];
      for (let number = 1; number <= sent; number++) if (!this.#answered.has(number)) numbers.push(number);
      return numbers;
    };
    const start = performance.now();
    while (lost().length > 0 && performance.now() - start < grace && this.#running()) await delay(50);
    const lostNumbers = lost();
    if (this.#running()) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGKILL');
      await closed;
    }
    return { sent, lost: lostNumbers.length, lostNumbers };
  }

  #running(): boolean {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return true;
    throw new Error(`the flow's ping has ended: ${this.#errors}`);
  }
}
