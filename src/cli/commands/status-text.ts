import { STATE_WORDS } from '../../daemon/status.js';
import type { Table, Value } from '../../ubus/index.js';
import { printable } from '../../wording.js';
import type { Paint } from './screen.js';
import { duration, list, table, words } from './values.js';

/** The answer to `info`. */
export type Info = Table;

/** A daemon of another version may be in a state that is not known here. */
const wordsOf = new Map<string, string>(Object.entries(STATE_WORDS));

/** Failures that are shown: the rest is in the log. */
const MOST_FAILURES = 3;

/** An interface as a person wants to see it, in the manner of wg(8). */
export function statusText(name: string, info: Info, paint: Paint): string {
  const fields: [name: string, text: string | undefined][] = [
    ['state', stateText(info, paint)],
    ['peer', text(info.peer)],
    ['public key', text(info.public_key)],
    ['endpoint', text(info.remote_address)],
    ['latest handshake', ago(info.handshake_age)],
    ['latest sign of life', ago(info.silence)],
    ['transfer', transfer(info)],
    ['routes', list(info.routes).map(words).join(' ')],
    ['full tunnel', fullTunnelText(info)],
    ['clock', clockText(table(info.clock), paint)],
    ['version', `${words(info.version)}, up for ${duration(info.uptime)}`],
  ];
  const lines = [`${paint.good(paint.strong('interface'))}: ${paint.good(printable(name))}`];
  for (const [label, shown] of fields) {
    if (shown !== undefined && shown !== '') lines.push(`  ${paint.strong(label)}: ${shown}`);
  }
  for (const conflict of list(info.route_conflicts).map(table)) {
    lines.push(`  ${paint.bad('no route')}: ${words(conflict.destination)}: ${words(conflict.reason)}`);
  }
  const failures = list(info.failures).slice(0, MOST_FAILURES).map(table);
  if (failures.length > 0) lines.push(`  ${paint.strong('latest failures')}:`);
  for (const { ago: since, peer, remote_address: remote, reason } of failures) {
    const where = remote === undefined ? '' : ` at ${words(remote)}`;
    lines.push(`    ${duration(since)} ago: ${words(peer)}${where}: ${words(reason)}`);
  }
  return `${lines.join('\n')}\n`;
}

function stateText({ state, since, round }: Info, paint: Paint): string {
  const lasting = `for ${duration(since)}`;
  const text = wordsOf.get(words(state)) ?? words(state);
  if (state === 'established') return `${paint.good(text)} ${lasting}`;
  const { tried, untried } = table(round);
  const left = state === 'connecting' ? ` (${list(tried).length} tried, ${list(untried).length} to go)` : '';
  return `${paint.warning(text)} ${lasting}${left}`;
}

function fullTunnelText({ full_tunnel: full }: Info): string | undefined {
  if (full === undefined) return undefined;
  const { ipv4, ipv6, table: number, mark } = table(full);
  const families = [...(ipv4 === true ? ['IPv4'] : []), ...(ipv6 === true ? ['IPv6'] : [])].join(' and ');
  return `${families}, by table ${words(number)}, around it with mark ${words(mark)}`;
}

/** Nothing where there is nothing to worry about. */
function clockText({ state, plausible, message }: Table, paint: Paint): string | undefined {
  if (plausible === false)
    return `${paint.bad('certainly wrong')}${message === undefined ? '' : `: ${words(message)}`}`;
  return state === 'querying' && message !== undefined ? words(message) : undefined;
}

function transfer({ rx_bytes: received, tx_bytes: sent }: Info): string | undefined {
  if (received === undefined || sent === undefined) return undefined;
  return `${size(Number(received))} received, ${size(Number(sent))} sent`;
}

/** As wg(8) has it. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let left = bytes;
  for (; left >= 1024 && unit < units.length - 1; unit++) left /= 1024;
  return `${unit === 0 ? left : left.toFixed(2)} ${units[unit]}`;
}

function ago(seconds: Value | undefined): string | undefined {
  return seconds === undefined ? undefined : `${duration(seconds)} ago`;
}

function text(value: Value | undefined): string | undefined {
  return value === undefined ? undefined : words(value);
}
