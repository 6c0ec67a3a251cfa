/** All that may befall a connection, in an order by chance. */
import type { SeededRandom } from '../../simulation/random.js';
import type { Incident } from './incident.js';
import { OF_INTERFACE } from './of-interface.js';
import { OF_NETWORK } from './of-network.js';
import { OF_PEERS } from './of-peers.js';
import { canLimitMemory, OF_PROCESS } from './of-process.js';
import { OF_ROUTES } from './of-routes.js';
import { OF_SERVICES } from './of-services.js';

/**
 * All incidents that can happen in this world.
 *
 * @param ntp whether there are servers of the time
 */
export async function possible(ntp: boolean): Promise<Incident[]> {
  const there = { ntp, cgroup: await canLimitMemory() };
  return [...OF_PROCESS, ...OF_SERVICES, ...OF_INTERFACE, ...OF_PEERS, ...OF_ROUTES, ...OF_NETWORK].filter(
    ({ needs }) => needs === undefined || there[needs],
  );
}

/** One after another for ever: each once, in an order by chance, before any comes again. */
export function* shuffled(incidents: readonly Incident[], random: SeededRandom): Generator<Incident, never> {
  for (;;) {
    const left = [...incidents];
    while (left.length > 0) yield* left.splice(random.below(left.length), 1);
  }
}
