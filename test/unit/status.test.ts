import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, parseUci } from '../../src/config/index.js';
import {
  eventTable,
  History,
  infoTable,
  peersTable,
  stateText,
  statusTable,
} from '../../src/daemon/status.js';
import type { Snapshot } from '../../src/selector/events.js';
import { decodeBlobmsg, encodeBlobmsg, type TableInput } from '../../src/ubus/index.js';
import { VERSION } from '../../src/version.js';
import { peer } from '../support/fake-world.js';

const idle: Snapshot = {
  state: 'connecting',
  since: 1_000,
  peer: undefined,
  remote: undefined,
  handshakeAge: undefined,
  roundTrip: undefined,
  silence: undefined,
  routes: { installed: [], added: [], conflicts: [] },
  tried: [],
  untried: [],
};
const [sn01, sn02, ten] = [peer('sn01'), peer('sn02'), peer('10')];
const held: Snapshot = {
  ...idle,
  state: 'established',
  peer: sn02,
  remote: { address: '192.0.2.1', port: 51820, index: 1, count: 2 },
  handshakeAge: 61_900,
  roundTrip: 43.6,
  routes: { installed: ['10.0.0.0/8'], added: [], conflicts: [{ destination: 'fd00::/8', reason: 'taken' }] },
  tried: ['sn02'],
  untried: ['sn01'],
};

/** As it comes out at the other end of the bus, names in their order. */
function overTheBus(table: TableInput) {
  return decodeBlobmsg(encodeBlobmsg(table));
}

test('status is exactly what the field reads, whole seconds, in order of configuration', () => {
  const answer = overTheBus(statusTable([sn01, sn02], held, 1_491_999));
  assert.equal(JSON.stringify(answer), '{"peers":{"sn01":false,"sn02":{"established":1490}}}');
});

test('status: whoever is only being tried is false', () => {
  const trying = { ...held, state: 'connecting' as const };
  assert.deepEqual(overTheBus(statusTable([sn01, sn02], trying, 5_000)), {
    peers: { sn01: false, sn02: false },
  });
});

test('status: a name that is a number keeps its place', () => {
  const table = new Map(Object.entries(statusTable([sn01, ten], idle, 0))).get('peers');
  assert.ok(table instanceof Map);
  assert.deepEqual([...table.keys()], ['sn01', '10']);
});

test('info holds everything a person looks for, and goes over the bus', () => {
  const history = new History(() => 100_000);
  history.take({
    type: 'failed',
    peer: sn01,
    remote: undefined,
    code: 'no-address',
    reason: 'no such name',
    round: 1,
  });
  const answer = overTheBus(
    infoTable({
      snapshot: held,
      installed: { publicKey: sn02.publicKey, lastHandshake: 1, rxBytes: 2n ** 60n, txBytes: 5n },
      led: { families: [6], table: 100, mark: 7 },
      history,
      time: { state: 'synchronised', plausible: true, message: 'NTP: fine', stepped: 1.6 },
      now: 101_000,
      started: 1_000,
    }),
  );
  assert.deepEqual(answer, {
    version: VERSION,
    uptime: 100,
    state: 'established',
    since: 100,
    peer: 'sn02',
    public_key: 'key of sn02',
    remote_address: '192.0.2.1:51820',
    handshake_age: 61,
    round_trip_ms: 44,
    rx_bytes: 2n ** 60n,
    tx_bytes: 5,
    routes: ['10.0.0.0/8'],
    full_tunnel: { ipv4: false, ipv6: true, table: 100, mark: 7 },
    route_conflicts: [{ destination: 'fd00::/8', reason: 'taken' }],
    round: { tried: ['sn02'], untried: ['sn01'] },
    failures: [{ ago: 0, peer: 'sn01', reason: 'no such name' }],
    clock: { state: 'synchronised', plausible: true, message: 'NTP: fine', stepped: 2 },
  });
});

test('the latest ten failures and losses are remembered, newest first', () => {
  let now = 0;
  const history = new History(() => now);
  for (let at = 0; at < 15; at++) {
    now = at * 1_000;
    history.take({ type: 'lost', peer: sn01, code: 'handshake-too-old', reason: `loss ${at}`, held: 1 });
  }
  const reasons = history.table().map((entry) => new Map(Object.entries(entry)).get('reason'));
  assert.equal(reasons.length, 10);
  assert.deepEqual([reasons[0], reasons[9]], ['loss 14', 'loss 5']);
});

test('peers shows what is configured, disabled ones too, and no secret', () => {
  const secret = 'c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=';
  const section = (name: string, enabled: number) => `config peer '${name}'
    option enabled '${enabled}'
    option ifname 'vpn'
    option public_key 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0='
    option preshared_key '${secret}'
    option endpoint 'h.example:51820'
    list allowed_ips '10.0.0.0/8'\n`;
  const config = new Config(parseUci(section('b', 0) + section('a', 1)), 'file');
  const answer = overTheBus(peersTable(config, 'vpn'));
  assert.deepEqual(Object.keys(Object(answer.peers)), ['b', 'a']);
  assert.ok(!JSON.stringify(answer).includes(secret));
  assert.match(JSON.stringify(answer), /"preshared_key":true/);
});

test('events: established, lost and failed, and nothing else', () => {
  const remote = { address: '192.0.2.1', port: 51820, index: 1, count: 1 };
  const { routes } = held;
  assert.deepEqual(eventTable({ type: 'connected', peer: sn01, remote, handshake: 43.4, routes }), {
    type: 'established',
    data: { state: 'established', peer: 'sn01', remote_address: '192.0.2.1:51820', handshake_ms: 43 },
  });
  assert.deepEqual(
    eventTable({ type: 'lost', peer: sn01, code: 'handshake-too-old', reason: 'why', held: 2_500 })?.data,
    {
      state: 'lost',
      peer: 'sn01',
      code: 'handshake-too-old',
      reason: 'why',
      established: 2,
    },
  );
  const failed = { type: 'failed', peer: sn01, remote, code: 'trouble', reason: 'why', round: 3 } as const;
  assert.deepEqual(eventTable(failed), {
    type: 'failed',
    data: {
      state: 'failed',
      peer: 'sn01',
      remote_address: '192.0.2.1:51820',
      code: 'trouble',
      reason: 'why',
    },
  });
  assert.equal(eventTable({ type: 'interface-up' }), undefined);
});

test('the state in words is the same as long as the state is', () => {
  assert.equal(stateText(idle), 'connecting');
  assert.equal(stateText(held), 'connected to sn02 at 192.0.2.1:51820');
  assert.equal(stateText({ ...held, since: 5, handshakeAge: 7 }), stateText(held));
  assert.equal(stateText({ ...held, remote: undefined }), 'connected to sn02');
  assert.equal(stateText({ ...idle, state: 'pausing' }), 'no peer is usable, pausing');
});
