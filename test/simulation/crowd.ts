/**
 * A crowd of nodes, and one of their gateways dies. A coarser model than packets: when a node notices comes from deaths that were
 * simulated packet by packet, and what it tries then is drawn here, a round trip after another. No gateway is ever overloaded.
 */

import { SeededRandom } from './random.js';

export interface CrowdOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly gateways: number;
  /** Milliseconds from a gateway's death to `lost`, as nodes of this program have shown them. */
  readonly noticed: readonly number[];
}

/** What became of them. Shares are of all nodes, times in milliseconds since the death. */
export interface Crowd {
  readonly least: number;
  readonly most: number;
  /** Handshakes a second because of the death, on all gateways that live, in the worst second. */
  readonly peak: number;
  /** Half, and 99 of 100, of those whose gateway died are connected. */
  readonly half: number;
  readonly nearlyAll: number;
}

/** How a node goes on: this program's way, or that of a daemon which looks at the handshake's age alone. */
export type Algorithm = 'ours' | 'plain';

const ROUND_TRIP = 50;
/** A dead gateway costs so much. */
const CONNECT_TIMEOUT = 5_000;
/** The plain algorithm: a handshake as old as this is too old, renewed every so often, looked at every so often. */
const TOO_OLD = 150_000;
const RENEWED_AFTER = 120_000;
const LOOK = 5_000;

export function scatter(algorithm: Algorithm, { seed, nodes, gateways, noticed }: CrowdOptions): Crowd {
  const random = SeededRandom.of(seed, `${algorithm} ${nodes} ${gateways}`);
  const counts = new Array<number>(gateways).fill(0);
  const seconds: number[] = [];
  const connected: number[] = [];
  for (let node = 0; node < nodes; node++) {
    const before = random.below(gateways);
    if (before !== 0) {
      counts[before] = (counts[before] ?? 0) + 1;
      continue;
    }
    let at = algorithm === 'ours' ? (noticed[random.below(noticed.length)] ?? 0) : tooOld(random);
    for (const gateway of algorithm === 'ours' ? round(gateways, random) : anyOf(gateways, random)) {
      if (gateway === 0) {
        at += CONNECT_TIMEOUT;
        continue;
      }
      at += ROUND_TRIP;
      const second = Math.floor(at / 1_000);
      seconds[second] = (seconds[second] ?? 0) + 1;
      connected.push(at);
      counts[gateway] = (counts[gateway] ?? 0) + 1;
      break;
    }
  }
  connected.sort((one, other) => one - other);
  const after = (share: number): number => connected[Math.ceil(connected.length * share) - 1] ?? 0;
  const shares = counts.slice(1).map((count) => count / nodes);
  const peak = seconds.reduce((most, count) => Math.max(most, count), 0); // the array has holes, and may be long
  return {
    least: Math.min(...shares),
    most: Math.max(...shares),
    peak,
    half: after(0.5),
    nearlyAll: after(0.99),
  };
}

/** When the rule of the handshake's age notices: its age at the death, and the next look, are anything. */
function tooOld(random: SeededRandom): number {
  return TOO_OLD - random.unit() * RENEWED_AFTER + random.unit() * LOOK;
}

/** Each gateway once, in random order; the one that was lost is tried already. */
function* round(gateways: number, random: SeededRandom): Generator<number> {
  const untried = Array.from({ length: gateways - 1 }, (_, at) => at + 1);
  while (untried.length > 0) yield* untried.splice(random.below(untried.length), 1);
}

/** Any of them each time, the dead one too. */
function* anyOf(gateways: number, random: SeededRandom): Generator<number> {
  for (;;) yield random.below(gateways);
}
