/* What daemons answer, taken apart without trust: another version may say something else, or nothing. */
import type { Table, Value } from '../../ubus/index.js';
import { formatDuration, printable } from '../../wording.js';

/** How long that is, in words. @param seconds whole ones */
export function duration(seconds: Value | undefined): string {
  return formatDuration(Number(seconds ?? 0) * 1000).replace(/^0 ms$/, '0 s');
}

/** What came from elsewhere, on one line. */
export function words(value: Value | undefined): string {
  return value === undefined ? '' : printable(String(value));
}

/** A list, an empty one for anything else. */
export function list(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

/** A table, an empty one for anything else. */
export function table(value: Value | undefined): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** The names of the enabled peers in an answer to `peers`. */
export function enabledPeers(answer: Table): string[] {
  const peers = Object.entries(table(answer.peers));
  return peers.filter(([, about]) => table(about).enabled === true).map(([name]) => name);
}
