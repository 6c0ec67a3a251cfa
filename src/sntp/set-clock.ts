import { type Clock, clockMissing, setRealtime as setKernelClock } from '#platform/clock.js';
import { errnoName } from '#platform/errno.js';
import { ClockError } from './clock-error.js';
import { formatOffset, type Instant } from './outcome.js';
import { readTwoClocks } from './two-clocks.js';
import { system, type World } from './world.js';

/** Seconds. A clock that is less wrong than this is left alone: WireGuard does not mind, other programs mind a step. */
export const STEP_THRESHOLD = 0.5;

const NS_PER_SECOND = 1_000_000_000n;

/** What is to be done about an offset. */
export type ClockDecision = 'leave' | 'step forward' | 'step back';

/**
 * A clock that is wrong is stepped. One that may be right, as far as the answers tell, is not: a step for nothing costs handshakes if it
 * goes back, and answers over a slow link are uncertain by half of their way.
 *
 * @param offset seconds to add to our clock.
 * @param error seconds by which the offset may be wrong.
 */
export function decide(offset: number, error = 0): ClockDecision {
  if (Math.abs(offset) < STEP_THRESHOLD || Math.abs(offset) <= error) return 'leave';
  return offset > 0 ? 'step forward' : 'step back';
}

/** What was done. */
export interface ClockStep {
  decision: ClockDecision;
  /** Seconds that were added to the clock, or would have been (`leave`). */
  offset: number;
  /**
   * For a log. A step back is called one, because WireGuard's peers refuse our handshakes until the clock has passed the
   * time of the last one that they saw.
   */
  message: string;
}

function setError(errno: number, date: string): ClockError {
  const name = errnoName(errno) ?? `error ${errno}`;
  if (name === 'EPERM' || name === 'EACCES') {
    return new ClockError(
      'not permitted',
      `the clock cannot be set to ${date}: the kernel says ${name}. The process needs CAP_SYS_TIME (in a user namespace or an unprivileged container nobody has it)`,
      name,
    );
  }
  if (name === 'EOVERFLOW') {
    return new ClockError(
      'out of range',
      `the clock cannot be set to ${date}: the C library of this system counts seconds in 32 bits, which end on 2038-01-19. It takes a newer one (musl 1.2, glibc 2.34)`,
      name,
    );
  }
  if (name === 'EINVAL') {
    return new ClockError(
      'out of range',
      `the clock cannot be set to ${date}: the kernel says EINVAL. It takes dates from 1970 plus its uptime to 2232`,
      name,
    );
  }
  return new ClockError('failed', `the clock cannot be set to ${date}: the kernel says ${name}`, name);
}

/** Options of `stepClock`. */
export interface StepOptions {
  /** Called instead of the native part: seconds since 1970 and nanoseconds (0 to 999999999) in, 0 or an errno out. */
  setRealtime?: Clock['setRealtime'];
  /** The clocks to compare; the one that is set is always the machine's. */
  world?: Pick<World, 'wallClock' | 'monotonic'>;
}

/** @throws {ClockError} without the native part */
function kernelClock(): Clock['setRealtime'] {
  const missing = clockMissing();
  if (missing === undefined) return setKernelClock;
  throw new ClockError(missing.kind, `the clock cannot be set: ${missing.reason}`);
}

/** Now, from an earlier instant. */
function nowFrom(instant: Instant, world: Pick<World, 'monotonic'>): bigint {
  return instant.unixNs + world.monotonic() - instant.monotonicNs;
}

/**
 * Sets the machine's clock (CLOCK_REALTIME), if it is wrong by half a second or more, and by more than the instant may be.
 *
 * The offset is computed afresh from the instant and the monotonic clock, so it does not matter if the wall clock was
 * set by somebody else since the time was asked, nor how long ago that was. The native part is not touched unless the clock
 * is to be set.
 *
 * @returns what was done.
 * @throws {ClockError} if the clock is wrong and cannot be set.
 */
export function stepClock(instant: Instant, options: StepOptions = {}): ClockStep {
  const world = options.world ?? system;
  const { wallNs, monotonicNs, spreadNs } = readTwoClocks(world);
  const offset = Number(instant.unixNs + monotonicNs - instant.monotonicNs - wallNs) / 1e9;
  const error = Number((instant.errorNs ?? 0n) + spreadNs) / 1e9;
  const decision = decide(offset, error);
  if (decision === 'leave') {
    const doubt = Math.abs(offset) < STEP_THRESHOLD ? '' : ` as far as ± ${error.toFixed(1)} s tell`;
    return { decision, offset, message: `clock is right to ${formatOffset(offset)}${doubt}, left alone` };
  }
  const setRealtime = options.setRealtime ?? kernelClock();
  // Taken after loading, which may take a while from a router's flash.
  const target = nowFrom(instant, world);
  const nanoseconds = ((target % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const seconds = (target - nanoseconds) / NS_PER_SECOND;
  const errno = setRealtime(Number(seconds), Number(nanoseconds));
  if (errno !== 0) throw setError(errno, dateText(seconds));
  const warning =
    decision === 'step back' ? '; handshakes may be refused until time has caught up with the last one' : '';
  const direction = decision === 'step back' ? 'back' : 'forward';
  return {
    decision,
    offset,
    message: `clock stepped ${direction} by ${formatOffset(offset)} to ${dateText(seconds)}${warning}`,
  };
}

function dateText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s after 1970` : date.toISOString();
}
