/** Waiting for something to become true: a deadline on a condition, never a sleep. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** How long tests wait for what they are sure will happen, in milliseconds: the guest is slow. */
export const patience = 120_000;

/** Options of {@link until}. */
export interface UntilOptions {
  /** Milliseconds. */
  readonly deadline?: number;
  /** What is waited for, for the error's message: `a handshake with gw1`. */
  readonly what: string;
  /** Milliseconds from one look to the next. */
  readonly every?: number;
}

/**
 * Looks again and again until the condition gives something else than false, null or undefined.
 *
 * @returns what the condition gave
 * @throws Error after the deadline, with what was waited for and what the condition gave last; an error of the
 *   condition's own at once
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const { deadline = patience, what, every = 10 } = options;
  const start = performance.now();
  for (;;) {
    const seen = await condition();
    if (seen !== false && seen !== null && seen !== undefined) {
      return seen as Exclude<T, false | null | undefined>;
    }
    if (performance.now() - start > deadline) {
      throw new Error(`waited ${deadline} ms for ${what}; last seen: ${inspect(seen)}`);
    }
    await delay(every);
  }
}
