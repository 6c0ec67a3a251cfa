// What is counted, how it is told, and that documents, alert rules and dashboard speak of nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsText } from '../../src/cli/commands/metrics-text.js';
import { Counters, metricsTable } from '../../src/daemon/metrics.js';
import type { FailureCode, LossCode, SelectorEvent } from '../../src/selector/events.js';
import { decodeBlobmsg, encodeBlobmsg, type Table } from '../../src/ubus/index.js';
import { root } from '../support/documents.js';
import { FakeService } from '../support/fake-service.js';
import { peer } from '../support/fake-world.js';
import { type Family, readMetrics } from '../support/open-metrics.js';

const [sn01, sn02] = [peer('sn01'), peer('sn02')];
const remote = { address: '192.0.2.1', port: 51820, index: 1, count: 1 };
const routes = { installed: [], added: [], conflicts: [] };
const connected = (to = sn01): SelectorEvent => ({
  type: 'connected',
  peer: to,
  remote,
  handshake: 40,
  routes,
});
const kept = (to = sn01): SelectorEvent => ({ type: 'kept', peer: to, handshakeAge: 1_000, routes });
const lost = (code: LossCode): SelectorEvent => ({ type: 'lost', peer: sn01, code, reason: 'why', held: 1 });
const failed = (code: FailureCode): SelectorEvent => {
  return { type: 'failed', peer: sn01, remote, code, reason: 'why', round: 1 };
};

type At = readonly [second: number, event: SelectorEvent];

/** Tells counters of events, each at its second. */
function counted(...events: readonly At[]) {
  let now = 1_000_000;
  const counters = new Counters(() => now);
  for (const [second, event] of events) {
    now = 1_000_000 + second * 1000;
    counters.take(event);
  }
  return counters.table() as {
    readonly attempts: number;
    readonly failovers: number;
    readonly failures: ReadonlyMap<string, number>;
    readonly losses: ReadonlyMap<string, number>;
    readonly connect_seconds: {
      readonly bounds: readonly number[];
      readonly counts: readonly number[];
      readonly sum: number;
    };
  };
}

/** As it comes out at the other end of the bus. */
function overTheBus(table: Parameters<typeof encodeBlobmsg>[0]): Table {
  return decodeBlobmsg(encodeBlobmsg(table));
}

/** The text of two interfaces, of which one has a name that needs escapes and is not connected. */
function shown(older: boolean): string {
  const odd = new FakeService('a"b\\,c="');
  odd.connected = false;
  return metricsText(
    new Map([new FakeService('vpn'), odd].map((one) => [one.name, overTheBus(one.metrics())])),
    older,
  );
}

const families: ReadonlyMap<string, Family> = readMetrics(shown(false), false);
const samples = [...families.values()].flatMap((family) => family.samples);

test('what happens is counted by its code', () => {
  const { attempts, failures, losses } = counted(
    [0, { type: 'trying', peer: sn01, remote }],
    [5, failed('no-handshake')],
    [5, failed('no-address')],
    [5, { type: 'trying', peer: sn01, remote }],
    [10, failed('no-handshake')],
    [11, connected()],
    [20, lost('no-answer')],
  );
  assert.equal(attempts, 2);
  assert.deepEqual([...failures], Object.entries({ 'no-handshake': 2, 'no-address': 1 }));
  assert.deepEqual([...losses], [['no-answer', 1]]);
});

test('the time to connect counts from the start, a loss, and the interface coming up', () => {
  const times = (...events: readonly At[]): string[] => {
    const { bounds, counts } = counted(...events).connect_seconds;
    assert.equal(counts.length, bounds.length + 1);
    return counts.flatMap((count, at) => Array<string>(count).fill(`up to ${bounds[at] ?? 'ever'}`));
  };
  assert.deepEqual(times([0.05, connected()]), ['up to 0.05'], 'a bound is in its bucket');
  assert.deepEqual(times([5.04, connected()]), ['up to 10'], 'after one dead peer');
  assert.deepEqual(times([61, connected()]), ['up to ever']);
  assert.deepEqual(times([1, connected()], [100, lost('no-answer')], [100.2, connected()]), [
    'up to 0.25',
    'up to 1',
  ]);
  const down: SelectorEvent = { type: 'interface-missing', link: 'down' };
  assert.deepEqual(times([0, down], [3600, { type: 'interface-up' }], [3600.04, connected()]), [
    'up to 0.05',
  ]);
  assert.deepEqual(times([0, down], [3600, { type: 'interface-up' }], [3601, kept()]), []);
  // Whoever takes the place of a peer that works has kept nobody waiting.
  for (const code of ['better-peer', 'max-age'] as const)
    assert.deepEqual(times([0.01, kept()], [9, lost(code)], [9, connected(sn02)]), []);
  const { sum } = counted([2, connected()], [10, lost('told-to')], [10.5, connected()]).connect_seconds;
  assert.equal(sum, 2.5);
});

test('a failover is a connection to another peer than the one before', () => {
  const loss = [10, lost('no-answer')] as const;
  assert.equal(counted([1, connected()], loss, [11, connected()]).failovers, 0);
  assert.equal(counted([1, connected()], loss, [11, connected(sn02)]).failovers, 1);
  assert.equal(counted([1, kept()], [10, lost('better-peer')], [10, connected(sn02)]).failovers, 1);
});

test('however much happens, the answer stays as small', () => {
  const counters = new Counters(() => 0);
  const size = (): number => encodeBlobmsg(counters.table()).length;
  for (let round = 0; round < 2; round++)
    for (const event of [lost('no-answer'), connected()]) counters.take(event);
  const before = size();
  for (let round = 0; round < 10_000; round++) {
    counters.take(lost('no-answer'));
    counters.take(connected(peer(`sn${round}`)));
  }
  assert.ok(size() <= before + 64, `${before} ${size()}`);
});

test('the answer tells of the peer that is held, and of no other', () => {
  const service = new FakeService('vpn');
  assert.equal(overTheBus(service.metrics()).peer, 'sn01');
  service.connected = false; // sn01 is tried
  assert.equal(overTheBus(service.metrics()).peer, undefined);
});

test('the text keeps the rules of both formats, and says the same in both', () => {
  const older = readMetrics(shown(true), true);
  const plain = (all: ReadonlyMap<string, Family>) =>
    [...all.values()].flatMap((family) => family.samples.map(({ family: _, ...sample }) => sample));
  assert.deepEqual(plain(older), plain(families));
  assert.deepEqual(
    [...older.keys()].map((name) => name.replace(/_total$/, '')),
    [...families.keys()],
  );
});

test('what the text says is what was answered', () => {
  const value = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.find(
      (sample) =>
        sample.name === `wgpeerselector_${name}` && JSON.stringify(sample.labels) === JSON.stringify(labels),
    )?.value;
  const [vpn, odd] = [{ interface: 'vpn' }, { interface: 'a"b\\,c="' }];
  assert.deepEqual([value('connected', vpn), value('connected', odd)], [1, 0]);
  assert.equal(value('peer_info', { ...vpn, peer: 'sn01' }), 1);
  assert.equal(samples.filter(({ family }) => family === 'wgpeerselector_peer_info').length, 1);
  assert.equal(value('state', { ...odd, state: 'connecting' }), 1);
  assert.equal(value('state', { ...odd, state: 'established' }), 0);
  assert.equal(value('attempts_total', vpn), 2);
  assert.equal(value('failures_total', { ...vpn, code: 'no-handshake' }), 1);
  assert.equal(value('losses_total', { ...vpn, code: 'no-answer' }), 0);
  assert.equal(value('connect_duration_seconds_bucket', { ...vpn, le: '5.0' }), 0);
  assert.equal(value('connect_duration_seconds_bucket', { ...vpn, le: '10.0' }), 1);
  assert.equal(value('connect_duration_seconds_sum', vpn), 5.125);
  assert.equal(value('handshake_age_seconds', vpn), 61);
  assert.equal(value('handshake_age_seconds', odd), undefined);
  assert.equal(value('clock_state', { ...vpn, state: 'synchronised' }), 1);
});

test('a daemon of another version: what it does not tell has no series, and a state that is new has one', () => {
  assert.equal(metricsText(new Map([['vpn', {}]]), true), '');
  const text = metricsText(new Map([['vpn', { state: 'dreaming', attempts: 'many' }]]), false);
  const states = readMetrics(text, false)
    .get('wgpeerselector_state')
    ?.samples.filter(({ value }) => value === 1);
  assert.deepEqual(
    states?.map(({ labels }) => labels.state),
    ['dreaming'],
  );
  assert.ok(!text.includes('attempts'));
});

test('durations are told in seconds, the round trip among them', () => {
  const counters = new Counters(() => 0);
  const snapshot = {
    state: 'established',
    since: 0,
    peer: sn02,
    remote,
    tried: [],
    untried: [],
    routes,
  } as const;
  const time = { state: 'off', plausible: false, message: undefined, stepped: undefined } as const;
  const told = { ...snapshot, handshakeAge: 1_500, roundTrip: 43.5, silence: 250 };
  const text = metricsText(new Map([['vpn', overTheBus(metricsTable(told, counters, time))]]), false);
  const found = readMetrics(text, false);
  for (const [name, value] of [
    ['handshake_age_seconds', 1.5],
    ['round_trip_seconds', 0.0435],
    ['silence_seconds', 0.25],
    ['clock_plausible', 0],
  ] as const)
    assert.equal(found.get(`wgpeerselector_${name}`)?.samples[0]?.value, value, name);
});

test('promtool finds no fault, where it is installed', () => {
  const promtool = (...args: readonly string[]) =>
    spawnSync('promtool', args, { encoding: 'utf8', input: shown(true) });
  const found = promtool('check', 'metrics');
  if (found.error !== undefined && 'code' in found.error && found.error.code === 'ENOENT') return;
  assert.deepEqual([found.status, found.stdout, found.stderr], [0, '', '']);
  const rules = promtool('check', 'rules', `${root}monitoring/wgpeerselector.rules.yml`);
  assert.equal(rules.status, 0, rules.stderr);
});

/** Labels that others put on a series. */
const FOREIGN = ['instance', 'job'];

/** That an expression speaks of series that there are: their names, labels, and what these may say. */
function checkExpression(expr: string): void {
  const selectors = [...expr.matchAll(/\b(wgpeerselector_\w+)(?:\{([^}]*)\})?/g)];
  assert.ok(selectors.length > 0 || expr.includes('node_textfile_mtime_seconds'), expr);
  for (const [, name, matchers = ''] of selectors) {
    const series = samples.filter((sample) => sample.name === name);
    // The fake service knows no round trip.
    assert.ok(
      series.length > 0 || name === 'wgpeerselector_round_trip_seconds',
      `there is no ${name}: ${expr}`,
    );
    for (const [, label = '', operator, value = ''] of matchers.matchAll(/(\w+)(=~|=)"([^"]*)"/g)) {
      if (FOREIGN.includes(label) || label === 'interface') continue;
      const known = series.map(({ labels }) => labels[label]);
      for (const one of operator === '=' ? [value] : value.split('|'))
        assert.ok(known.includes(one), `${name} has no ${label} ${one}`);
    }
  }
}

test('alert rules speak of metrics that there are', () => {
  const text = readFileSync(`${root}monitoring/wgpeerselector.rules.yml`, 'utf8');
  const exprs = [...text.matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr);
  assert.equal(exprs.length, text.match(/- alert: /g)?.length);
  for (const expr of exprs) checkExpression(expr);
  assert.throws(
    () => checkExpression('wgpeerselector_losses_total{code=~"no-answer|dead"} > 1'),
    /no code dead/,
  );
  assert.throws(() => checkExpression('wgpeerselector_lost_total > 1'), /there is no/);
});

test('the dashboard is one: panels in their places, with expressions of metrics that there are', () => {
  const { panels, templating, schemaVersion } = JSON.parse(
    readFileSync(`${root}monitoring/wgpeerselector.dashboard.json`, 'utf8'),
  );
  assert.equal(typeof schemaVersion, 'number');
  const variables: { name: string; type: string; query: string | { query: string } }[] = templating.list;
  const names = variables.map(({ name }) => name);
  assert.deepEqual(names, ['datasource', 'instance', 'interface']);
  for (const { query, type } of variables) {
    if (typeof query === 'string') assert.deepEqual([query, type], ['prometheus', 'datasource']);
    else checkExpression(query.query.replaceAll('$instance', '.*'));
  }
  const places = new Set<string>();
  const ids = new Set<number>();
  for (const { id, title, type, gridPos, datasource, targets } of panels) {
    assert.ok(title && type && targets.length > 0, title);
    ids.add(id);
    assert.deepEqual(datasource, { type: 'prometheus', uid: `\${${names[0]}}` });
    const { x, y, w, h } = gridPos;
    assert.ok(x >= 0 && w > 0 && x + w <= 24 && h > 0, title);
    for (let column = x; column < x + w; column++)
      for (let row = y; row < y + h; row++) {
        assert.ok(!places.has(`${column} ${row}`), `${title} lies over another`);
        places.add(`${column} ${row}`);
      }
    const refs = new Set<string>();
    for (const target of targets) {
      assert.deepEqual(target.datasource, datasource);
      refs.add(target.refId);
      for (const [, variable = ''] of target.expr.matchAll(/\$(?!__)(\w+)/g))
        assert.ok(names.includes(variable), `${title}: $${variable}`);
      checkExpression(target.expr);
    }
    assert.equal(refs.size, targets.length, title);
  }
  assert.equal(ids.size, panels.length);
});

test('docs/monitoring.md has a line for each metric, with its type, and for each code of a failure', () => {
  const text = readFileSync(`${root}docs/monitoring.md`, 'utf8');
  const rows = [...text.matchAll(/^\| `(wgpeerselector_\w+)` +\| (\w+) +\|/gm)].map(([, name, type]) => [
    name,
    type,
  ]);
  const expected = [...readMetrics(shown(true), true)].map(([name, { type }]) => [name, type]);
  // The fake service knows no round trip.
  expected.splice(-2, 0, ['wgpeerselector_round_trip_seconds', 'gauge']);
  assert.deepEqual(rows, expected);
  const codes = samples.filter(
    ({ family, labels }) => family === 'wgpeerselector_failures' && labels.interface === 'vpn',
  );
  const [, table = ''] = text.split('| `code` of a failure |');
  const listed = [...(table.split('\n\n')[0]?.matchAll(/^\| `([\w-]+)`/gm) ?? [])].map(([, code]) => code);
  assert.deepEqual(
    listed,
    codes.map(({ labels }) => labels.code),
  );
});
