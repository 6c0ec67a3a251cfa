/**
 * SNTP (RFC 4330, RFC 5905): asks servers what time it is, believes a majority, sets the clock.
 *
 * `ClockSync` does it once and keeps trying; `syncOnce` is one attempt; `stepClock` sets the machine's clock by the result. The
 * rest are their parts, usable alone.
 */
export { bootTime } from '#platform/clock.js';
export type { DatagramHandlers, DatagramSocket } from '#platform/datagram.js';
export {
  type AcceptanceRule,
  type Endpoint,
  judge,
  type KissCode,
  MAX_ROOT_DISTANCE,
  type Question,
  rootDistance,
  type Verdict,
} from './accept.js';
export { buildTime, clockIsPlausible } from './build-time.js';
export { ClockError, type ClockErrorKind } from './clock-error.js';
export { type ClockState, ClockSync, type ClockSyncOptions } from './clock-sync.js';
export { kernelBelievesClock, vouchForClock } from './kernel-clock.js';
export { type Agreement, agree, countVotes, lastOneStanding, majorityOf, type Vote } from './majority.js';
export { LocalScale, type Measurement, measure } from './measure.js';
export {
  type FailureReason,
  formatOffset,
  type Instant,
  type Rejection,
  type ServerOutcome,
  type ServerReport,
  type SyncFailure,
  type SyncResult,
  type SyncSuccess,
  summarise,
} from './outcome.js';
export {
  decodePacket,
  encodePacket,
  encodeRequest,
  type NtpPacket,
  PacketError,
  referenceText,
} from './packet.js';
export { ask, type QuestionEvents, type Refusal, type Target } from './question.js';
export { canonicalAddress, isServerAddress, parseServer, type ServerAddress } from './server.js';
export {
  type ClockDecision,
  type ClockStep,
  decide,
  STEP_THRESHOLD,
  type StepOptions,
  stepClock,
} from './set-clock.js';
export { endpointKey, type SyncOptions, syncOnce } from './sync.js';
export { ntpDifference, ntpFromUnix, unixFromNtp } from './timestamp.js';
export { type NameResolver, system, type World } from './world.js';
