import type { World } from './world.js';

/** Options of one attempt. */
export interface SyncOptions {
  /** Names, addresses, each with ":port" if it is not 123; see parseServer. The same one twice counts once. */
  servers: readonly string[];
  /** Milliseconds for everything, DNS included. Default 5000. */
  timeout?: number;
  /**
   * Milliseconds until an address is asked again: packets get lost, and who was refused or disagreed may be of another mind. As long
   * again until the third time, and from then on twice as long each time, 16 s at most. Default 2000: servers take less for an
   * attack (ntpd's `discard minimum`).
   */
  repeat?: number;
  /** Called each time the kernel has taken a question. */
  onAsked?: () => void;
  /** A date within 68 years of the truth, ms since 1970-01-01 UTC. Default: when the program was built. */
  pivot?: number;
  /**
   * Addresses that sent a kiss-o'-death (as `endpointKey` names them). They are not asked, and new ones are added. Give
   * the same set to every attempt.
   */
  leftAlone?: Set<string>;
  /** Ends the attempt at once with the reason `stopped`. */
  signal?: AbortSignal;
  /** Parts of the world to be replaced, for tests. */
  world?: Partial<World>;
}
