import type { AcceptanceRule, KissCode } from './accept.js';

/** A true date, tied to the time since boot so that it stays right however the wall clock jumps and the machine sleeps. */
export interface Instant {
  /** Nanoseconds since 1970-01-01 UTC. */
  unixNs: bigint;
  /** What `monotonic` of the world said at that moment, in ns; by default the time since boot (see bootTime). */
  monotonicNs: bigint;
  /** Nanoseconds by which it may be wrong, either way; 0 when not given. */
  errorNs?: bigint;
}

/**
 * What became of one configured server:
 * - `agreed`: one of its addresses is within the decision.
 * - `disagreed`: it gave acceptable answers, none of them within the decision (or there is no decision).
 * - `refused`: its answers broke a rule of acceptance.
 * - `silent`: no answer yet, or nothing could be sent. After a success it may only mean that the others were quicker.
 * - `unresolved`: its name has no address, or DNS does not say.
 * - `left alone`: it sent a kiss-o'-death, now or earlier.
 * - `malformed`: what is configured is neither a name nor an address.
 */
export type ServerOutcome =
  | 'agreed'
  | 'disagreed'
  | 'refused'
  | 'silent'
  | 'unresolved'
  | 'left alone'
  | 'malformed';

/** One configured server in a result. */
export interface ServerReport {
  /** As configured. */
  server: string;
  outcome: ServerOutcome;
  /** Its addresses as far as they are known. */
  addresses: string[];
  /** For people, one line. */
  detail: string;
}

/** One thing that was not accepted, in the order of events. */
export interface Rejection {
  /** As configured. */
  server: string;
  /** Missing if the name did not resolve or the entry is malformed. */
  address?: string;
  /**
   * The rule it broke; `send`: the kernel did not send; `round trip`: the answer took too long, say because
   * the machine slept; `dns`: the name did not resolve, or to no server's address; `malformed`: no server at all.
   */
  reason: AcceptanceRule | 'send' | 'round trip' | 'dns' | 'malformed';
  /** For people. */
  detail: string;
  /** Set if the reason is `kiss`. */
  kiss?: KissCode;
}

interface Common {
  /** Servers configured, each counted once. */
  configured: number;
  /** Votes that a majority needs. */
  needed: number;
  servers: ServerReport[];
  rejected: Rejection[];
  /** Seconds since the attempt began. */
  took: number;
}

/** The time is known. */
export interface SyncSuccess extends Common {
  ok: true;
  /** Seconds to add to our clock as it was when the attempt began; positive if it is behind. For people: see `instant`. */
  offset: number;
  /** Seconds; the truth is within offset ± error if a majority is honest. */
  error: number;
  /** Seconds on the network there and back, of the agreeing answer with the smallest error bound. */
  delay: number;
  /** Servers that agree. */
  votes: number;
  /** Fewer than a majority: of two servers only one could be heard. Worth a warning. */
  alone: boolean;
  /** For setting the clock: exact, and right at any later time. */
  instant: Instant;
}

/** Why there is no time: none configured; all had their say; the time was up; it was stopped. */
export type FailureReason = 'no servers' | 'no majority' | 'timeout' | 'stopped';

/** The time is not known. */
export interface SyncFailure extends Common {
  ok: false;
  reason: FailureReason;
}

/** What an attempt gives. */
export type SyncResult = SyncSuccess | SyncFailure;

/**
 * A number of seconds for people, with a sign: "+0.0123 s", "-3600.0 s", "+1774000000 s (56.2 years)".
 */
export function formatOffset(seconds: number): string {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? '-' : '+';
  if (size < 1) return `${sign}${size.toFixed(4)} s`;
  if (size < 100_000) return `${sign}${size.toFixed(1)} s`;
  const days = size / 86_400;
  const long = days < 1000 ? `${days.toFixed(1)} days` : `${(days / 365.25).toFixed(1)} years`;
  return `${sign}${size.toFixed(0)} s (${long})`;
}

const FAILURE: Record<FailureReason, string> = {
  'no servers': 'no NTP servers configured',
  'no majority': 'NTP: no majority of servers agrees',
  timeout: 'NTP: no majority of servers agrees yet',
  stopped: 'NTP: stopped',
};

/** A result in one line for a log, without the servers' own lines. */
export function summarise(result: SyncResult): string {
  if (result.ok) {
    const who = result.alone
      ? `the only one of ${result.configured} servers heard`
      : `${result.votes} of ${result.configured} servers agree`;
    return `NTP: clock off by ${formatOffset(result.offset)} (± ${result.error.toFixed(4)} s, ${who})`;
  }
  if (result.reason === 'no servers' || result.reason === 'stopped') return FAILURE[result.reason];
  // A server given by its address is in the detail already.
  const lines = result.servers.map(({ server, detail }) =>
    detail.includes(server) ? detail : `${server}: ${detail}`,
  );
  return `${FAILURE[result.reason]} after ${result.took.toFixed(1)} s, ${result.needed} of ${result.configured} needed (${lines.join('; ')})`;
}
