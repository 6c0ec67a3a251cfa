/** What is noted of a scene while it is played. */

import type { SelectorEvent } from '../../../src/selector/events.js';
import type { SimulatedTime } from '../time.js';
import type { Rate } from './rate.js';

/** How often something happened within a minute, at most. */
export interface Most {
  requests: number;
  changes: number;
  lines: number;
}

const COUNTED = ['requests', 'changes', 'lines'] as const;

/** What became of a scene. */
export interface Outcome {
  /** The rule that was broken first, if one was. */
  readonly violation: string | undefined;
  /** When. Milliseconds. */
  readonly at: number;
  /** How long after the end of the trouble the tunnel worked. Milliseconds. */
  readonly connectedAfter: number;
  /** What was reached, as coverage.ts wants it. */
  readonly reached: ReadonlySet<string>;
  readonly most: Readonly<Most>;
  /** What happened, line by line, where that was asked for. */
  readonly events: readonly string[];
}

export class Account {
  violation: string | undefined;
  readonly #time: SimulatedTime;
  readonly #tell: boolean;
  readonly #reached = new Set<string>();
  readonly #events: string[] = [];
  readonly #most: Most = { requests: 0, changes: 0, lines: 0 };
  #violatedAt = 0;

  /** @param tell whether what happens is written down */
  constructor(time: SimulatedTime, tell: boolean) {
    this.#time = time;
    this.#tell = tell;
  }

  note(text: string): void {
    if (this.#tell) this.#events.push(`${(this.#time.now() / 1_000).toFixed(3).padStart(9)} ${text}`);
  }

  reached(what: string): void {
    this.#reached.add(what);
  }

  event(event: SelectorEvent): void {
    this.reached(event.type);
    if (event.type === 'lost') this.reached(`lost: ${event.code}`);
    if (this.#tell) this.note(describe(event));
  }

  /** The first counts. */
  violated(rule: string): void {
    if (this.violation !== undefined) return;
    this.violation = rule;
    this.#violatedAt = this.#time.now();
    this.note(`VIOLATED: ${rule}`);
  }

  /** What a process has done, in its busiest minute. */
  most(rates: { readonly [what in keyof Most]: Rate }): void {
    for (const what of COUNTED) this.#most[what] = Math.max(this.#most[what], rates[what].most);
  }

  close(connectedAfter: number): Outcome {
    const { violation } = this;
    const at = this.#violatedAt;
    return { violation, at, connectedAfter, reached: this.#reached, most: this.#most, events: this.#events };
  }
}

function describe(event: SelectorEvent): string {
  const peer = 'peer' in event ? ` ${event.peer?.name}` : '';
  const reason = 'reason' in event ? ` ${event.reason}` : '';
  const error = event.type === 'trouble' ? ` ${event.error}` : '';
  return `  ${event.type}${peer}${reason}${error}`;
}
