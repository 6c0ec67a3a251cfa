/**
 * NTP timestamps (RFC 5905, section 6): 64 bits, whole seconds since 1900-01-01 above, fractions of 2^-32 s below.
 *
 * They are kept as `bigint` all the way, because a double has 53 bits: it would lose the last 11 of them. The seconds
 * begin again at zero every 2^32 s (an era, 136 years; the first ends on 2036-02-07 06:28:16 UTC), so a timestamp alone
 * names no date. Whoever reads one gives a pivot, a date known to be less than 68 years away from the truth.
 */

/** Seconds between the epochs of NTP (1900) and Unix (1970). */
const NTP_TO_UNIX_SECONDS = 2_208_988_800n;

const NS_PER_SECOND = 1_000_000_000n;

/** BigInt division rounds towards zero; dates before 1970 need it to round down. The divisor must be positive. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

/** Unix nanoseconds as a fixed-point NTP date with its era still in front (32 fraction bits, any number of seconds). */
function toNtpDate(unixNs: bigint): bigint {
  const ntpNs = unixNs + NTP_TO_UNIX_SECONDS * NS_PER_SECOND;
  return floorDivide((ntpNs << 32n) + NS_PER_SECOND / 2n, NS_PER_SECOND);
}

/**
 * The 64-bit NTP timestamp of an instant.
 *
 * @param unixNs nanoseconds since 1970-01-01 UTC (leap seconds not counted), negative before it.
 * @returns 0 to 2^64 - 1; the era is lost.
 */
export function ntpFromUnix(unixNs: bigint): bigint {
  return BigInt.asUintN(64, toNtpDate(unixNs));
}

/**
 * The instant that a 64-bit NTP timestamp means: of all instants with this timestamp, the one nearest to the pivot.
 *
 * The unit of a timestamp is a quarter of a nanosecond, so `unixFromNtp(ntpFromUnix(t), t) === t` for every t.
 *
 * @param timestamp 0 to 2^64 - 1.
 * @param pivotNs nanoseconds since 1970-01-01 UTC of a date less than 68 years (2^31 s) away from the right one.
 * @returns nanoseconds since 1970-01-01 UTC, within 2^31 s of the pivot.
 */
export function unixFromNtp(timestamp: bigint, pivotNs: bigint): bigint {
  const pivot = toNtpDate(pivotNs);
  const date = pivot + BigInt.asIntN(64, timestamp - pivot);
  const ntpNs = (date * NS_PER_SECOND + (1n << 31n)) >> 32n;
  return ntpNs - NTP_TO_UNIX_SECONDS * NS_PER_SECOND;
}

/**
 * From one timestamp to a later one, right over the end of an era.
 *
 * @returns nanoseconds, negative if `later` is the earlier one; right while they are less than 68 years apart.
 */
export function ntpDifference(later: bigint, earlier: bigint): bigint {
  return (BigInt.asIntN(64, later - earlier) * NS_PER_SECOND + (1n << 31n)) >> 32n;
}
