import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Clock, ClockMissing } from '../clock.js';
import { addon, nativePart } from './addon.js';

export type * from '../clock.js';

const { ENOSYS } = constants.errno;

/** Milliseconds by which /proc/uptime has to be ahead to count as a sleep. It is written in hundredths of a second. */
const SLEEP = 100;

export function clockMissing(): ClockMissing | undefined {
  const part = nativePart();
  if (!('missing' in part)) return undefined;
  const cure = part.missing === 'not built' ? 'Install a C compiler and build it' : 'Build it again';
  return { kind: part.missing, reason: `${part.reason}. ${cure}, or let another program set the clock` };
}

export const setRealtime: Clock['setRealtime'] = (seconds, nanoseconds) =>
  addon()?.setRealtime(seconds, nanoseconds) ?? ENOSYS;

export const isSynchronised: Clock['isSynchronised'] = () => addon()?.isSynchronised() ?? -ENOSYS;

export const setMaxError: Clock['setMaxError'] = (microseconds) =>
  addon()?.setMaxError(microseconds) ?? ENOSYS;

let clock: (() => number) | undefined;

/**
 * Node's own `performance.now()` and `process.hrtime` stand still while the machine sleeps. Without the native part it is put
 * together from these and /proc/uptime.
 */
export const bootTime: Clock['bootTime'] = () => {
  clock ??= choose();
  return clock();
};

function choose(): () => number {
  const native = addon();
  return native !== undefined && !Number.isNaN(native.bootTime())
    ? native.bootTime
    : withSleep(() => performance.now(), procUptime);
}

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
