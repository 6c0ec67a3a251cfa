/**
 * A crowd of nodes, and one of their gateways dies. A coarser model than packets: when a node notices comes from deaths that were
 * simulated packet by packet, and what it tries then is drawn here, a round trip after another. A gateway that is asked for more handshakes
 * in a second than it can make leaves the others unanswered.
 */

import { SeededRandom } from './random.js';

export interface CrowdOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly gateways: number;
  /** Milliseconds from a gateway's death to `lost`, as nodes of this program have shown them. */
  readonly noticed: readonly number[];
  /** Handshakes that a gateway can make in a second; default: all that are asked for. */
  readonly capacity?: number;
  /** Nodes wait so long at most, at random, before they ask another gateway: milliseconds, default 0. */
  readonly wait?: number;
}

/** What became of them. Shares are of all nodes, times in milliseconds since the death. */
export interface Crowd {
  readonly least: number;
  readonly most: number;
  /** Handshakes that are asked for because of the death, of all gateways that live, in the worst second. */
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

/** One node that looks for a gateway. */
interface Seeker {
  at: number;
  readonly order: Iterator<number, number>;
}

export function scatter(algorithm: Algorithm, options: CrowdOptions): Crowd {
  const { seed, nodes, gateways, noticed, capacity = Number.POSITIVE_INFINITY, wait = 0 } = options;
  const random = SeededRandom.of(seed, `${algorithm} ${nodes} ${gateways}`);
  const counts = new Array<number>(gateways).fill(0);
  /** Who asks a gateway next, by the second in which the packet arrives. */
  const seconds: Seeker[][] = [];
  const seek = (seeker: Seeker, after: number): void => {
    seeker.at += after;
    const second = Math.floor(seeker.at / 1_000);
    seconds[second] = seconds[second] ?? [];
    seconds[second].push(seeker);
  };
  for (let node = 0; node < nodes; node++) {
    const before = random.below(gateways);
    if (before !== 0) {
      counts[before] = (counts[before] ?? 0) + 1;
      continue;
    }
    const at = algorithm === 'ours' ? (noticed[random.below(noticed.length)] ?? 0) : tooOld(random);
    const order = algorithm === 'ours' ? rounds(gateways, random) : anyOf(gateways, random);
    seek({ at, order }, ROUND_TRIP + random.unit() * wait);
  }
  const connected: number[] = [];
  let peak = 0;
  for (let second = 0; second < seconds.length; second++) {
    const asked = new Array<number>(gateways).fill(0);
    for (const seeker of seconds[second] ?? []) {
      const gateway = seeker.order.next().value;
      asked[gateway] = (asked[gateway] ?? 0) + 1;
      if (gateway === 0 || (asked[gateway] ?? 0) > capacity) {
        seek(seeker, CONNECT_TIMEOUT);
        continue;
      }
      connected.push(seeker.at);
      counts[gateway] = (counts[gateway] ?? 0) + 1;
    }
    peak = Math.max(
      peak,
      asked.slice(1).reduce((all, count) => all + count, 0),
    );
  }
  connected.sort((one, other) => one - other);
  const after = (share: number): number => connected[Math.ceil(connected.length * share) - 1] ?? 0;
  const shares = counts.slice(1).map((count) => count / nodes);
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

/** Each gateway once before any twice, in random order; the one that was lost counts as tried at first. */
function* rounds(gateways: number, random: SeededRandom): Generator<number, number> {
  for (let first = 1; ; first = 0) {
    const untried = Array.from({ length: gateways - first }, (_, at) => at + first);
    while (untried.length > 0) yield* untried.splice(random.below(untried.length), 1);
  }
}

/** Any of them each time, the dead one too. */
function* anyOf(gateways: number, random: SeededRandom): Generator<number, number> {
  for (;;) yield random.below(gateways);
}
