import { Attempt } from './attempt.js';
import type { SyncOptions } from './options.js';
import type { SyncResult } from './outcome.js';

export { endpointKey } from './attempt.js';
export type { SyncOptions } from './options.js';

/**
 * Asks all addresses of all servers at once what time it is, and gives what the first majority agrees on.
 *
 * A server, as configured, has one vote, however many addresses it has: any of its addresses can cast it, and one address
 * casts no more than one even if two names share it. More than half of the configured servers have to agree
 * within their error bounds (majority.ts has the rules, and the one exception for two servers). It waits no longer
 * than that, and than the timeout; until then all are asked again if they do not agree. It changes no clock.
 *
 * @returns never rejects for anything that servers, DNS or the network do: that is a SyncFailure.
 * @throws {RangeError} if the timeout or the repeat interval is no positive number.
 */
export async function syncOnce(options: SyncOptions): Promise<SyncResult> {
  for (const name of ['timeout', 'repeat'] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && value < 2 ** 31)) {
      throw new RangeError(`syncOnce: ${name} is ${value}, but must be milliseconds above 0 and below 2^31`);
    }
  }
  return new Promise((resolve) => new Attempt(options, resolve).start(options));
}
