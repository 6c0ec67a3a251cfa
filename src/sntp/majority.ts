import type { Measurement } from './measure.js';

/** One accepted answer, as a voter. */
export interface Vote extends Measurement {
  /** The servers, as configured, to which the answering address belongs: usually one. */
  servers: readonly string[];
}

/** A stretch of time that enough servers agree on. All in ns, on the local scale. */
export interface Agreement<V extends Vote = Vote> {
  /** Middle of the intersection of all agreeing error intervals. */
  offset: bigint;
  /** Half its width. */
  error: bigint;
  /** How many servers count for it. */
  votes: number;
  /** The answers that contain the whole intersection. */
  agreeing: V[];
}

/**
 * How many of the configured servers have to agree: more than half. 1 of 1, 2 of 2, 2 of 3, 3 of 4.
 *
 * Of the configured ones and not of those that answer, because otherwise a liar among three would decide alone as
 * long as it answers first, or if the other two are down.
 */
export function majorityOf(configured: number): number {
  return Math.floor(configured / 2) + 1;
}

/**
 * How many servers count for a set of answers. One server may own several addresses, and two servers may share one
 * (names that turn out to be the same machine), so it is neither the number of servers nor that of addresses: it is the
 * greatest number of pairs of a server and an address of its own (a bipartite matching, by augmenting paths).
 */
export function countVotes(votes: readonly Vote[]): number {
  const addressOf = new Map<string, Vote>();

  /** Gives the vote's address to a server, moving others to their other servers where that makes room. */
  function place(vote: Vote, tried: Set<string>): boolean {
    for (const server of vote.servers) {
      if (tried.has(server)) continue;
      tried.add(server);
      const holder = addressOf.get(server);
      if (holder === undefined || place(holder, tried)) {
        addressOf.set(server, vote);
        return true;
      }
    }
    return false;
  }

  let count = 0;
  for (const vote of votes) {
    if (place(vote, new Set())) count += 1;
  }
  return count;
}

/** All votes whose error interval contains the point. */
function containing<V extends Vote>(votes: readonly V[], point: bigint): V[] {
  return votes.filter((vote) => vote.offset - vote.error <= point && point <= vote.offset + vote.error);
}

function intersection<V extends Vote>(agreeing: V[], votes: number): Agreement<V> | undefined {
  const [first, ...others] = agreeing;
  if (first === undefined) return undefined;
  let low = first.offset - first.error;
  let high = first.offset + first.error;
  for (const { offset, error } of others) {
    if (offset - error > low) low = offset - error;
    if (offset + error < high) high = offset + error;
  }
  return { offset: (low + high) / 2n, error: (high - low + 1n) / 2n, votes, agreeing };
}

/**
 * The stretch of time that most servers agree on (Marzullo's algorithm: the best point is always the lower end of one
 * of the intervals). Among equals more answers win, then the narrower stretch.
 *
 * With `needed` from `majorityOf`, and as long as more than half of the servers are honest, at least one honest server is
 * among those that agree. So liars can move the result only within that server's error bounds, and without it not at all.
 *
 * @param needed votes that are needed; see `majorityOf`.
 * @returns undefined if no point has so many.
 */
export function agree<V extends Vote>(votes: readonly V[], needed: number): Agreement<V> | undefined {
  let best: Agreement<V> | undefined;
  for (const { offset, error } of votes) {
    const agreeing = containing(votes, offset - error);
    const count = countVotes(agreeing);
    if (count < needed) continue;
    const found = intersection(agreeing, count);
    if (found !== undefined && (best === undefined || isBetter(found, best))) best = found;
  }
  return best;
}

function isBetter(one: Agreement, other: Agreement): boolean {
  if (one.votes !== other.votes) return one.votes > other.votes;
  if (one.agreeing.length !== other.agreeing.length) return one.agreeing.length > other.agreeing.length;
  return one.error < other.error;
}

/**
 * What to believe when nothing more can be heard and no majority was reached: with exactly two servers configured, of
 * which exactly one gave acceptable answers, that one; otherwise nobody.
 *
 * With a single server that one is believed, and a second one that happens to be dead should not make a router worse
 * off: without the time it would have no tunnel at all. If two servers answer and disagree nobody knows who is
 * right. With three or more the majority is needed, always: a single one never decides.
 */
export function lastOneStanding<V extends Vote>(
  votes: readonly V[],
  configured: number,
): Agreement<V> | undefined {
  return configured === 2 && countVotes(votes) === 1 ? agree(votes, 1) : undefined;
}
