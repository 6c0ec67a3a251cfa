import { readFileSync } from 'node:fs';
import { optionalClockAddon } from './addon.js';

/** Milliseconds by which /proc/uptime has to be ahead to count as a sleep. It is written in hundredths of a second. */
const SLEEP = 100;

/** Seconds since boot, time asleep included (proc(5)); NaN where there is no such file. */
function procUptime(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  } catch {
    return Number.NaN;
  }
}

/**
 * Time since boot from a clock that stands still in suspend and a coarse one that does not: as fine as the first, and it jumps
 * forward by each sleep.
 * @param monotonic milliseconds
 * @param uptime seconds, NaN for unknown
 */
export function withSleep(monotonic: () => number, uptime: () => number): () => number {
  let ahead = 0;
  return () => {
    const now = monotonic();
    const found = uptime() * 1000 - now;
    if (found - ahead > SLEEP) ahead = found;
    return now + ahead;
  };
}

function choose(): () => number {
  const addon = optionalClockAddon();
  return addon !== undefined && !Number.isNaN(addon.bootTime())
    ? addon.bootTime
    : withSleep(() => performance.now(), procUptime);
}

let clock: (() => number) | undefined;

/**
 * Milliseconds since boot, time asleep included (CLOCK_BOOTTIME), with fractions. Never jumps back, whoever sets the date. Node's own
 * `performance.now()` and `process.hrtime` stand still while the machine sleeps. Without the native part it is put together from
 * these and /proc/uptime.
 */
export function bootTime(): number {
  clock ??= choose();
  return clock();
}
