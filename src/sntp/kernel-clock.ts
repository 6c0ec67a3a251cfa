import { isSynchronised, setMaxError } from '#platform/clock.js';

/**
 * Whether the kernel has reason to believe its clock: an NTP client, ours included, has told it an error bound (adjtimex(2)).
 * It has none after boot, whatever the RTC or a file's date made the clock to be, after somebody set the clock by hand, and 9
 * hours after the client's last word (500 ppm a second up to 16 s).
 *
 * @returns undefined where it cannot be asked: without the native part, or in a container that forbids it.
 */
export function kernelBelievesClock(): boolean | undefined {
  const answer = isSynchronised();
  return answer < 0 ? undefined : answer === 1;
}

/**
 * Tells the kernel how wrong its clock may be, so that the next start knows that it has been set. Nothing else changes: STA_UNSYNC
 * stays, so the kernel does not begin to write to the RTC, and whoever disciplines the clock overwrites the bound.
 *
 * @param error seconds, from 0 to 16
 * @returns whether the kernel took it; it takes CAP_SYS_TIME
 */
export function vouchForClock(error: number): boolean {
  return setMaxError(Math.ceil(error * 1e6)) === 0;
}
