import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from '../../src/daemon/journal.js';
import type { Level } from '../../src/daemon/log.js';
import type { SelectorEvent } from '../../src/selector/events.js';
import type { Remote, RouteReport } from '../../src/selector/world.js';
import { formatDuration } from '../../src/wording.js';
import { peer } from '../support/fake-world.js';

const sn01 = peer('sn01');
const remote: Remote = { address: '2001:db8::1', port: 51820, index: 2, count: 3 };
const routes: RouteReport = { installed: ['10.0.0.0/8'], added: ['10.0.0.0/8'], conflicts: [] };

function tell(...events: SelectorEvent[]): string[] {
  let now = 0;
  const lines: string[] = [];
  const write = (level: Level, subject: string, text: string) =>
    void lines.push(`${level} ${subject}: ${text}`);
  const journal = new Journal({ write }, 'vpn', () => now);
  for (const event of events) {
    if (event.type === 'round-over') now = event.disconnected;
    journal.tell(event);
  }
  return lines;
}

const failed = (round: number): SelectorEvent => ({
  type: 'failed',
  peer: sn01,
  remote,
  code: 'no-handshake',
  reason: 'no handshake within 5 s',
  round,
});

test('a connection: which peer, which address of how many, how soon, which routes', () => {
  assert.deepEqual(tell({ type: 'connected', peer: sn01, remote, handshake: 43.2, routes }), [
    'info vpn sn01: connected to [2001:db8::1]:51820 (address 2 of 3), handshake after 43 ms, routes 10.0.0.0/8',
  ]);
  const gateway = { address: '2001:db8::9', port: 4500, index: 1, count: 1 };
  assert.deepEqual(
    tell({ type: 'connected', peer: sn01, remote: gateway, tried: remote, handshake: 43.2, routes }),
    [
      'info vpn sn01: connected to [2001:db8::9]:4500, which asked itself while [2001:db8::1]:51820 (address 2 of 3) was tried, handshake after 43 ms, routes 10.0.0.0/8',
    ],
  );
  assert.deepEqual(
    tell({
      type: 'lost',
      peer: sn01,
      code: 'handshake-too-old',
      reason: 'no handshake for 150 s',
      held: 7_500_000,
    }),
    ['info vpn sn01: connection ended after 2 h 5 min: no handshake for 150 s'],
  );
});

test('a refused route is a warning, once for each connection that has it', () => {
  const conflicts = [{ destination: '10.0.0.0/8', reason: 'there is one already' }];
  const event: SelectorEvent = {
    type: 'routes-restored',
    peer: sn01,
    routes: { ...routes, conflicts },
  };
  const lines = tell(event, event).filter((line) => line.startsWith('warning'));
  assert.deepEqual(lines, ['warning vpn sn01: no route to 10.0.0.0/8: there is one already']);
});

test('failures that repeat round after round are told once', () => {
  const lines = tell(failed(1), failed(2), failed(3));
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['info', 'debug', 'debug'],
  );
  assert.equal(lines[0], 'info vpn sn01: [2001:db8::1]:51820 (address 2 of 3): no handshake within 5 s');
});

test('a day without a connection is a few reminders, ever rarer up to one an hour', () => {
  const rounds = Array.from(
    { length: 24 * 240 },
    (_, round): SelectorEvent => ({
      type: 'round-over',
      silent: false,
      round: round + 1,
      disconnected: (round + 1) * 15_000,
    }),
  );
  const lines = tell(...rounds).filter((line) => !line.startsWith('debug'));
  assert.equal(lines[0], 'warning vpn: no connection for 60 s, all peers were tried 4 times');
  assert.equal(lines[1], 'warning vpn: no connection for 2 min, all peers were tried 8 times');
  assert.ok(lines.length > 24 && lines.length < 32, `${lines.length} lines`);
});

test('pauses are told once until there is a connection again', () => {
  const pausing: SelectorEvent = { type: 'pausing', duration: 3_900 };
  const connected: SelectorEvent = { type: 'connected', peer: sn01, remote, handshake: 1, routes };
  const levels = tell(pausing, pausing, connected, pausing).map((line) => line.split(' ')[0]);
  assert.deepEqual(levels, ['info', 'debug', 'info', 'info']);
  assert.equal(
    tell(pausing)[0],
    'info vpn: no peer is usable, next try in 3.9 s or when the network changes',
  );
});

test('the same trouble again is no news, another is', () => {
  const trouble = (text: string): SelectorEvent => ({ type: 'trouble', error: new Error(text) });
  const levels = tell(trouble('a'), trouble('a'), trouble('b')).map((line) => line.split(' ')[0]);
  assert.deepEqual(levels, ['error', 'debug', 'error']);
});

test('durations as a reader wants them', () => {
  for (const [milliseconds, text] of [
    [0, '0 ms'],
    [42.6, '43 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [4_240, '4.2 s'],
    [9_960, '10 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_199_000, '119 min'],
    [7_200_000, '2 h 0 min'],
    [183_600_000, '2 d 3 h'],
  ] as const) {
    assert.equal(formatDuration(milliseconds), text);
  }
});

test('whatever happens how often: lines of one kind are bounded, others are not held up, and what was left out is counted', () => {
  const lines: string[] = [];
  let now = 0;
  const write = (level: Level, _subject: string, text: string) => void lines.push(`${level}: ${text}`);
  const journal = new Journal({ write }, 'vpn', () => now);
  const told = (level: string) => lines.filter((line) => line.startsWith(level)).length;
  for (; now < 600_000; now += 100) journal.tell({ type: 'mended', peer: sn01, what: 'changed again' });
  assert.ok(told('info') <= 30, `${told('info')} lines in ten minutes`);
  assert.equal(told('info') + told('debug'), 6_000);
  journal.tell({
    type: 'lost',
    peer: sn01,
    code: 'handshake-too-old',
    reason: 'no handshake for 150 s',
    held: 7_500,
  });
  assert.match(lines.at(-1) ?? '', /^info: connection ended/);
  now += 120_000;
  journal.tell({ type: 'mended', peer: sn01, what: 'changed again' });
  assert.match(lines.at(-1) ?? '', /^info: changed again \(\d+ lines of this kind were left out\)$/);
});

test('a suspicion is for debugging, a connection that stays after one is told', () => {
  const reason = '4 probes in a row were not answered';
  assert.deepEqual(
    tell({ type: 'suspected', peer: sn01, reason }, { type: 'proven', peer: sn01, reason, knocks: 2 }),
    [
      `debug vpn sn01: ${reason}: asking it for a handshake`,
      `info vpn sn01: ${reason}, but it answers (2 handshakes asked for): the connection stays`,
    ],
  );
});

test('what is tried beside the connection is for debugging', () => {
  const remote = { address: '192.0.2.1', port: 51820, index: 2, count: 3 };
  const reason = 'gw.example does not exist';
  assert.deepEqual(
    tell(
      { type: 'tried-beside', peer: sn01, remote, roundTrip: 43.4, reason: undefined },
      { type: 'tried-beside', peer: sn01, remote: undefined, roundTrip: undefined, reason },
    ),
    [
      'debug vpn sn01: asked beside the connection at 192.0.2.1:51820 (address 2 of 3): handshake after 43 ms',
      'debug vpn sn01: asked beside the connection: gw.example does not exist',
    ],
  );
});

test('where no probe can be sent, the reason and what follows from it', () => {
  const reason = 'vpn has no address for it';
  assert.deepEqual(tell({ type: 'not-probed', peer: sn01, reason }), [
    `info vpn sn01: no probe through the tunnel: ${reason}; a dead peer is noticed later`,
  ]);
});

test('a whole round without an answer is told once, then it is a matter of reminders', () => {
  const over: SelectorEvent = { type: 'round-over', silent: true, round: 12, disconnected: 61_000 };
  const lines = tell(over, { ...over, round: 13, disconnected: 80_000 });
  assert.match(lines[0] ?? '', /^warning vpn: no peer answers: this machine's own way out seems to be dead/);
  assert.equal(lines.filter((line) => line.includes('own way out')).length, 1);
});
