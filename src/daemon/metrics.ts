import type { JsonTable } from '../json.js';
import type { LossCode, SelectorEvent, Snapshot } from '../selector/events.js';
import type { TimeStatus } from './time-keeper.js';

/**
 * Upper bounds of the histogram, in seconds. Who answers at once does so within a round trip or two, and a peer that does not costs
 * `connect_timeout`, 5 s: so each bound from 5 to 20 is a dead peer more that came first.
 */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 60];

/** With these another peer takes the place of the one that is held, and nobody is without a connection. */
const MOVES: readonly LossCode[] = ['better-peer', 'max-age'];

/** Counts what happens to one interface, since the start. What it keeps does not grow. */
export class Counters {
  readonly #now: () => number;
  #attempts = 0;
  #failovers = 0;
  readonly #failures = new Map<string, number>();
  readonly #losses = new Map<string, number>();
  /** Connections by the time that they took; the last place is for those beyond all bounds. */
  readonly #times = [...BOUNDS, Number.POSITIVE_INFINITY].map(() => 0);
  #sum = 0;
  /** Since when a connection is looked for: the start, a loss, an interface that is up. Undefined while none is. */
  #seeking: number | undefined;
  #latest: string | undefined;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#seeking = now();
  }

  take(event: SelectorEvent): void {
    switch (event.type) {
      case 'trying':
        this.#attempts++;
        break;
      case 'failed':
        count(this.#failures, event.code);
        break;
      case 'lost':
        count(this.#losses, event.code);
        this.#seeking = MOVES.includes(event.code) ? undefined : this.#now();
        break;
      case 'interface-missing':
        this.#seeking = undefined;
        break;
      case 'interface-up':
        this.#seeking = this.#now();
        break;
      case 'connected':
      case 'kept':
        if (event.type === 'connected' && this.#seeking !== undefined)
          this.#observe((this.#now() - this.#seeking) / 1000);
        this.#seeking = undefined;
        if (this.#latest !== undefined && this.#latest !== event.peer.name) this.#failovers++;
        this.#latest = event.peer.name;
        break;
    }
  }

  /** The counts, as the answer of `metrics` has them. */
  table(): JsonTable {
    return {
      attempts: this.#attempts,
      failures: new Map(this.#failures),
      losses: new Map(this.#losses),
      failovers: this.#failovers,
      connect_seconds: { bounds: BOUNDS, counts: [...this.#times], sum: this.#sum },
    };
  }

  #observe(seconds: number): void {
    const place = BOUNDS.findIndex((bound) => seconds <= bound);
    const slot = place === -1 ? BOUNDS.length : place;
    this.#times[slot] = (this.#times[slot] ?? 0) + 1;
    this.#sum += seconds;
  }
}

function count(counts: Map<string, number>, code: string): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}

/** The answer of `metrics`. Durations in seconds, with fractions. */
export function metricsTable(snapshot: Snapshot, counters: Counters, time: TimeStatus): JsonTable {
  const { state, peer, handshakeAge, silence, roundTrip } = snapshot;
  return {
    state,
    ...(state === 'established' && peer !== undefined ? { peer: peer.name } : {}),
    ...(handshakeAge === undefined ? {} : { handshake_age: handshakeAge / 1000 }),
    ...(silence === undefined ? {} : { silence: silence / 1000 }),
    ...(roundTrip === undefined ? {} : { round_trip: roundTrip / 1000 }),
    ...counters.table(),
    clock: { state: time.state, plausible: time.plausible },
  };
}
