import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Known, oldHandshake, type Proof, silentPeer, tooOld } from '../../../src/selector/proof.js';
import { assign } from '../../support/fake-world.js';

/** Handshakes that have to be lost in a row. */
const LEAST = 3;
const LIMIT = 150_000;

/** What is known, and a clock; nobody answers. */
function silence(
  connection: Partial<Known['connection']> & { readonly handshakeAgeAtFirst?: number } = { roundTrip: 40 },
) {
  const clock = { now: 0 };
  const { roundTrip, likelyRoundTrip = roundTrip, handshakeAgeAtFirst } = connection;
  const known: Known = {
    world: { timers: { now: () => clock.now, after: () => () => {} } },
    connection: {
      roundTrip,
      likelyRoundTrip,
      get handshakeAge() {
        return handshakeAgeAtFirst === undefined ? undefined : handshakeAgeAtFirst + clock.now;
      },
    },
    assignment: () => assign([], { deadPeerTimeout: LIMIT / 1000 }),
  };
  return { clock, known };
}

/** Silent, and owing an answer, for long. */
const LONG = { silence: () => 60_000, owing: () => 60_000 };

const NONE = { unanswered: [], beyondInterruption: false };

/** Asks until it is enough. @returns how long each handshake had */
function waits({ knocks }: Proof, clock: { now: number }): number[] {
  const all: number[] = [];
  do {
    all.push(knocks.wait(all.length + 1));
    clock.now += all.at(-1) ?? 0;
  } while (!knocks.enough(all.length));
  return all;
}

test('where nothing was asked before: as many at once as it takes, some over five seconds, as many again', () => {
  const { clock, known } = silence();
  const proof = silentPeer(known, LONG, LEAST, 'nothing came in', NONE);
  const spread = [1_000, 1_000, 1_000, 1_000, 1_000];
  assert.deepEqual(waits(proof, clock), [200, 200, 200, ...spread, 200, 200, 600]);
  assert.equal(proof.suspicion, 'nothing came in');
  assert.deepEqual(proof.loss(11), {
    code: 'no-answer',
    reason: 'nothing came in, and 11 handshakes in 6.6 s neither',
  });
});

test('a handshake has the time of three round trips within bounds, the last one more', () => {
  const cases: readonly (readonly [connection: Partial<Known['connection']>, usual: number, last: number])[] =
    [
      [{ roundTrip: 10 }, 200, 600],
      [{ roundTrip: 100 }, 300, 600],
      [{ roundTrip: 300 }, 900, 900],
      [{ roundTrip: 1_000 }, 3_000, 3_000],
      [{ roundTrip: 3_000 }, 5_000, 5_000],
      [{}, 1_000, 5_000],
      [{ likelyRoundTrip: 100 }, 300, 600],
      [{ likelyRoundTrip: 800 }, 1_000, 2_400],
    ];
  for (const [connection, usual, last] of cases) {
    const { clock, known } = silence(connection);
    const proof = silentPeer(known, LONG, LEAST, '', { unanswered: [-9_000], beyondInterruption: true });
    assert.deepEqual(waits(proof, clock), [usual, usual, last], JSON.stringify(connection));
  }
});

test('while they are spread, a long round trip keeps its time', () => {
  const { clock, known } = silence({ roundTrip: 500 });
  const proof = silentPeer(known, LONG, LEAST, '', NONE);
  assert.deepEqual(waits(proof, clock), [1_500, 1_500, 1_500, 1_500, 1_500, 1_500, 1_500]);
});

test('nobody is dead who was heard within eight seconds, or has owed an answer for less than six', () => {
  for (const [silent, owing, enough] of [
    [8_000, 6_000, true],
    [7_999, 6_000, false],
    [8_000, 5_999, false],
  ] as const) {
    const { known } = silence();
    const heard = { silence: () => silent, owing: () => owing };
    const advice = { unanswered: [-9_000], beyondInterruption: true };
    const { knocks } = silentPeer(known, heard, LEAST, '', advice);
    for (const n of [1, 2, 3]) knocks.wait(n);
    assert.equal(knocks.enough(2), false);
    assert.equal(knocks.enough(3), enough, `${silent} ${owing}`);
  }
});

test('behind probes that were not answered it takes no more than that no interruption explains all', () => {
  const long = silence();
  const advice = { unanswered: [-10_000, -9_000, -8_000, -7_000], beyondInterruption: false };
  assert.deepEqual(waits(silentPeer(long.known, LONG, LEAST, '', advice), long.clock), [200, 200, 600]);

  // An interruption may have begun behind the third of them and taken 5 s: the last handshake comes after that.
  const short = silence();
  const soon = { unanswered: [-4_000, -3_000, -2_000, -1_000], beyondInterruption: false };
  assert.deepEqual(
    waits(silentPeer(short.known, LONG, LEAST, '', soon), short.clock),
    [200, 200, 600, 600, 600, 600, 200, 600],
  );

  const few = silence();
  const one = { unanswered: [-1_000], beyondInterruption: false };
  const all = waits(silentPeer(few.known, LONG, LEAST, '', one), few.clock);
  const last = all.slice(0, -1).reduce((sum, wait) => sum + wait, 0);
  assert.ok(last >= 5_000 && last < 6_000, `${last}`);
});

test('an old handshake: the tries have their time, and what comes after them ends with the limit', () => {
  for (const [roundTrip, wait] of [
    [undefined, 1_000],
    [40, 1_000],
    [500, 1_500],
    [3_000, 5_000],
  ] as const) {
    const { clock, known } = silence({ roundTrip, handshakeAgeAtFirst: LIMIT - 3 * wait - 400 });
    const proof = oldHandshake(known, LEAST, 145_400);
    assert.equal(proof.suspicion, 'no handshake for 145 s');
    assert.deepEqual(waits(proof, clock), [wait, wait, wait, 400], `${roundTrip}`);
    assert.deepEqual(proof.loss(4), tooOld(LIMIT));
  }
});

test('an old handshake that was looked at late: the tries have their time all the same', () => {
  for (const handshakeAgeAtFirst of [LIMIT - 100, LIMIT + 60_000, undefined]) {
    const { clock, known } = silence(handshakeAgeAtFirst === undefined ? {} : { handshakeAgeAtFirst });
    const proof = oldHandshake(known, LEAST, LIMIT);
    assert.deepEqual(waits(proof, clock), [1_000, 1_000, 1_000]);
    assert.equal(proof.knocks.wait(4), 0);
  }
});
