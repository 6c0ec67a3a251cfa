import type { Remotes } from './remotes.js';
import type { Doubt, Remote, Routing } from './world.js';

/** An address, and what speaks against trying it. */
export interface Way {
  readonly remote: Remote;
  readonly doubt: Doubt | undefined;
}

/**
 * The next address of a peer: one that the kernel has a way to, or else one that it has not.
 * @returns nothing where there is none to try
 */
export async function wayTo(
  { untried }: Pick<Remotes, 'untried'>,
  routing: Routing,
): Promise<Way | undefined> {
  let doubtful: Way | undefined;
  for (const remote of untried) {
    const doubt = await routing.doubt(remote);
    if (doubt === undefined) return { remote, doubt };
    doubtful ??= { remote, doubt };
  }
  return doubtful;
}
