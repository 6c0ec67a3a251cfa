import type { TimeStatus } from '../../daemon/time-keeper.js';
import type { FailureCode, LossCode, State } from '../../selector/events.js';
import type { Table, Value } from '../../ubus/index.js';
import { list, table } from './values.js';

/** Names with a series each from the start: what has not happened yet is 0, and not missing. */
type Known<Name extends string> = Readonly<Record<Name, 0>>;

const STATES: Known<State> = {
  'waiting-for-interface': 0,
  'setting-clock': 0,
  connecting: 0,
  established: 0,
  pausing: 0,
  stopped: 0,
};

const FAILURES: Known<FailureCode> = {
  'no-handshake': 0,
  'no-address': 0,
  refused: 0,
  interrupted: 0,
  trouble: 0,
};

const LOSSES: Known<LossCode> = {
  'no-answer': 0,
  'handshake-too-old': 0,
  'no-data': 0,
  'interface-gone': 0,
  'removed-by-others': 0,
  'told-to': 0,
  'better-peer': 0,
  'max-age': 0,
  trouble: 0,
};

const CLOCK_STATES: Known<TimeStatus['state']> = { off: 0, unsynchronised: 0, querying: 0, synchronised: 0 };

/** A sample without its name: what stands behind that, labels, and the value. */
type Sample = readonly [suffix: string, labels: Readonly<Record<string, string>>, value: Value | undefined];

/** What an answer says for a family. */
type Samples = (answer: Table) => readonly Sample[];

/** Every metric: its type, its name without `wgpeerselector_` and, of a counter, without `_total`, and what it is. */
const FAMILIES: readonly (readonly ['gauge' | 'counter' | 'histogram', string, string, Samples])[] = [
  [
    'gauge',
    'connected',
    'Whether a peer is connected.',
    one(({ state }) => (state === undefined ? undefined : state === 'established')),
  ],
  [
    'gauge',
    'peer_info',
    'The peer that is connected, as a label.',
    ({ peer }) => (peer === undefined ? [] : [['', { peer: String(peer) }, 1]]),
  ],
  [
    'gauge',
    'state',
    'What the daemon does for the interface: 1 for one of the states.',
    ({ state }) => oneOf(STATES, state),
  ],
  ['counter', 'attempts', 'Addresses of peers that were tried.', one(({ attempts }) => attempts, '_total')],
  [
    'counter',
    'failures',
    'Attempts that failed, by the reason.',
    ({ failures }) => byCode(FAILURES, failures),
  ],
  [
    'counter',
    'losses',
    'Connections that were lost or left, by the reason.',
    ({ losses }) => byCode(LOSSES, losses),
  ],
  [
    'counter',
    'failovers',
    'Connections to another peer than the one before.',
    one(({ failovers }) => failovers, '_total'),
  ],
  [
    'histogram',
    'connect_duration_seconds',
    'Time without a connection until one was made: from the start, a loss, or the interface coming up.',
    ({ connect_seconds }) => histogram(table(connect_seconds)),
  ],
  [
    'gauge',
    'handshake_age_seconds',
    'Time since the latest handshake.',
    one(({ handshake_age }) => handshake_age),
  ],
  [
    'gauge',
    'silence_seconds',
    'Time since something came in from the peer, at most.',
    one(({ silence }) => silence),
  ],
  [
    'gauge',
    'round_trip_seconds',
    'How long a handshake takes to and fro.',
    one(({ round_trip }) => round_trip),
  ],
  [
    'gauge',
    'clock_state',
    'How far the clock is set by NTP: 1 for one of the states.',
    ({ clock }) => oneOf(CLOCK_STATES, table(clock).state),
  ],
  [
    'gauge',
    'clock_plausible',
    'Whether the clock is later than the build of the program.',
    one(({ clock }) => table(clock).plausible),
  ],
];

/**
 * The metrics of interfaces as text.
 *
 * As OpenMetrics 1.0, and without its types `info` and `stateset`, so that what reads the older format of Prometheus takes it, too. That finds
 * no type and no help of a counter there, since they are told of it without `_total`.
 *
 * @param answers to `metrics`, by the names of the interfaces
 * @param older the older format itself, in which counters have types
 */
export function metricsText(answers: ReadonlyMap<string, Table>, older: boolean): string {
  const families = FAMILIES.map(([type, short, help, samples]) => {
    const name = `wgpeerselector_${short}`;
    const told = older && type === 'counter' ? `${name}_total` : name;
    const lines = [...answers].flatMap(([ifname, answer]) =>
      samples(answer).flatMap(([suffix, labels, value]) => {
        if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') return [];
        return [`${name}${suffix}${labelText({ interface: ifname, ...labels })} ${Number(value)}\n`];
      }),
    );
    if (lines.length === 0) return '';
    return [
      `# TYPE ${told} ${type}\n`,
      name.endsWith('_seconds') ? `# UNIT ${told} seconds\n` : '',
      `# HELP ${told} ${help}\n`,
      ...lines,
    ].join('');
  });
  return `${families.join('')}${older ? '' : '# EOF\n'}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return `{${all.join()}}`;
}

function one(value: (answer: Table) => Value | undefined, suffix = ''): Samples {
  return (answer) => [[suffix, {}, value(answer)]];
}

function oneOf(known: Known<string>, value: Value | undefined): Sample[] {
  if (typeof value !== 'string') return [];
  return Object.keys({ ...known, [value]: 0 }).map((state) => ['', { state }, state === value]);
}

function byCode(known: Known<string>, counts: Value | undefined): Sample[] {
  if (counts === undefined) return [];
  return Object.entries({ ...known, ...table(counts) }).map(([code, count]) => ['_total', { code }, count]);
}

/** Buckets are cumulative, and the last is all: the count. */
function histogram({ bounds, counts, sum }: Table): Sample[] {
  const limits = [...list(bounds).map((bound) => decimal(Number(bound))), '+Inf'];
  const each = list(counts).map(Number);
  if (each.length !== limits.length) return [];
  let count = 0;
  const buckets = limits.map((le, place): Sample => {
    count += each[place] ?? 0;
    return ['_bucket', { le }, count];
  });
  return [...buckets, ['_count', {}, count], ['_sum', {}, sum]];
}

/** With a point in it, as OpenMetrics wants bounds: so that each is the same label for all who write it. */
function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
