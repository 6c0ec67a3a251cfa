import { buildStamp } from '#platform/build-stamp.js';

/**
 * A bundler replaces this by a number, milliseconds since 1970-01-01 UTC (esbuild: `--define:WGPEERSELECTOR_BUILD_TIME=…`).
 */
declare const WGPEERSELECTOR_BUILD_TIME: unknown;

/**
 * The day this file was written. No build of it can be older, so it holds where there is no stamp, or where the stamp was
 * made on a machine whose own clock was wrong.
 */
const EARLIEST = Date.UTC(2026, 10, 22);

/**
 * When this program was built, in milliseconds since 1970-01-01 UTC: what the bundler says, else the stamp file
 * dist/src/build-time.json, and at least the day this source was written. File times are not used: npm, opkg and cp
 * all make up their own.
 */
export function buildTime(): number {
  const stamp = typeof WGPEERSELECTOR_BUILD_TIME === 'undefined' ? buildStamp() : WGPEERSELECTOR_BUILD_TIME;
  return typeof stamp === 'number' && stamp > EARLIEST ? stamp : EARLIEST;
}

/**
 * Whether a clock may be right. One that is earlier than the program it runs is certainly wrong; more cannot be told
 * without asking. With a plausible clock a first connection need not wait for the time.
 *
 * @param built milliseconds since 1970-01-01 UTC.
 * @param now the clock in question, in the same unit.
 */
export function clockIsPlausible(built: number = buildTime(), now: number = Date.now()): boolean {
  return now >= built;
}
