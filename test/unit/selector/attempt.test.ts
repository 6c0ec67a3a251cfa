/** One try of one address: how long it is waited for, what is tried again, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attempt, attempt, type Failure } from '../../../src/selector/attempt.js';
import { Connection } from '../../../src/selector/connection.js';
import { Inbox } from '../../../src/selector/inbox.js';
import { type Loop, type Loss, REMOVED } from '../../../src/selector/loop.js';
import { Pace } from '../../../src/selector/pace.js';
import { InterfaceGone, remoteAt } from '../../../src/selector/world.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const a = peer('a');
const ADDRESS = 'address of a';

/** Begins a try. */
function trying(given: Partial<Attempt> = {}, prepare: (world: FakeWorld) => unknown = () => {}) {
  const world = new FakeWorld();
  prepare(world);
  const inbox = new Inbox(world.timers);
  const interruption: { loss: Loss | undefined } = { loss: undefined };
  const loop: Loop = {
    ...{ world, inbox, connection: new Connection(world) },
    assignment: () => assign([a]),
    interruption: () => interruption.loss,
    emit: () => {},
  };
  const pace = new Pace(world.timers, world.random);
  pace.nextRound();
  const begin = world.timers.now();
  const remote = remoteAt({ address: ADDRESS, port: 51820 });
  const how = { peer: a, remote, doubt: undefined, patience: 0, again: false, ...given };
  const end = attempt(loop, pace, how).then((failure): [Failure | undefined, number] => [
    failure,
    world.timers.now() - begin,
  ]);
  /** Whether the peer counts as one that had its time. */
  const asked = (): boolean => pace.nextRound()?.pause === undefined;
  /** The network changes when so many milliseconds of the try are over. */
  const changesAt = (...moments: number[]): void => {
    for (const moment of moments) world.timers.after(moment, () => inbox.post({ changed: true }));
  };
  const installed = (): number => world.calls.filter((call) => call.startsWith('install')).length;
  /** How often the kernel was asked. */
  const questions = (): number => world.calls.filter((call) => call === 'device').length;
  return { world, inbox, interruption, end, asked, changesAt, installed, questions };
}

const silentFor = (seconds: number): Failure => {
  return { code: 'no-handshake', reason: `no handshake within ${seconds} s` };
};

test('who does not answer has its timeout, and counts as asked', async () => {
  const { world, end, asked, installed, questions } = trying();
  await world.timers.pass(60_000);
  assert.deepEqual(await end, [silentFor(5), 5_000]);
  assert.deepEqual([asked(), installed()], [true, 1]);
  assert.equal(questions(), 1 + 5_000 / 25 + 1);
});

test('an address with something against it has a second, and does not count as asked', async () => {
  const { world, end, asked } = trying({ doubt: { kind: 'no-route', reason: 'no route' } });
  await world.timers.pass(60_000);
  assert.deepEqual(await end, [silentFor(1), 1_000]);
  assert.equal(asked(), false);
});

test('with patience it is waited for longer, and more rarely looked at, unless the network changes', async () => {
  for (const [change, seconds] of [
    [undefined, 15],
    [7_000, 7],
  ] as const) {
    const { world, end, changesAt, installed } = trying({ patience: 10_000 });
    if (change !== undefined) changesAt(change);
    await world.timers.pass(5_010);
    world.calls.length = 0;
    await world.timers.pass(1_000);
    assert.equal(world.calls.filter((call) => call === 'device').length, 4);
    await world.timers.pass(60_000);
    assert.deepEqual(await end, [silentFor(seconds), seconds * 1_000]);
    assert.equal(installed(), 0, 'it is not asked anew');
  }
});

test('an answer that comes within the patience counts, and nothing is waited for behind an answer or an interruption', async () => {
  const late = trying({ patience: 10_000 }, (world) => world.alive(ADDRESS, 6_000));
  await late.world.timers.pass(60_000);
  assert.deepEqual(await late.end, [undefined, 6_000]);

  const soon = trying({ patience: 10_000 }, (world) => world.alive(ADDRESS, 50));
  await soon.world.timers.pass(50);
  assert.deepEqual(await soon.end, [undefined, 50]);
  assert.equal(soon.questions(), 1 + 3);

  const gone = trying({ patience: 10_000 });
  gone.world.timers.after(100, () => void gone.world.installed.clear());
  await gone.world.timers.pass(200);
  assert.deepEqual(await gone.end, [{ code: 'interrupted', reason: REMOVED.reason }, 100]);
});

test('where nobody answered before, a change of the network is reason to ask anew, once, and not before it settles', async () => {
  for (const [changes, ends, installations] of [
    [[1_000], 6_000, 2],
    // The patience was for a network that does not change.
    [[7_000], 12_000, 2],
    [[1_000, 2_000, 3_000], 6_000, 2],
    [[100], 5_200, 2],
    [[], 15_000, 1],
  ] as const) {
    const { world, end, changesAt, installed } = trying({ patience: 10_000, again: true });
    changesAt(...changes);
    await world.timers.pass(60_000);
    assert.deepEqual([(await end)[1], installed()], [ends, installations], `${changes}`);
  }
});

test('where somebody answered before, the network may change', async () => {
  const { world, end, changesAt, installed } = trying();
  changesAt(1_000);
  await world.timers.pass(60_000);
  assert.deepEqual([(await end)[1], installed()], [5_000, 1]);
});

test('what comes between is told with its reason', async () => {
  const { world, inbox, interruption, end, asked } = trying();
  world.timers.after(300, () => {
    interruption.loss = { code: 'told-to', reason: 'asked to leave' };
    inbox.post({});
  });
  await world.timers.pass(60_000);
  assert.deepEqual(await end, [{ code: 'interrupted', reason: 'asked to leave' }, 300]);
  assert.equal(asked(), false);
});

test('that the interface has gone is told apart from other errors by its name, too', () => {
  assert.equal(new InterfaceGone().name, 'InterfaceGone');
});

test('who cannot be installed is told by what has failed', async () => {
  for (const [prepare, code, reason] of [
    [
      (world: FakeWorld) => Object.assign(world, { publicKey: a.publicKey }),
      'refused',
      /public key of vpn itself/,
    ],
    [(world: FakeWorld) => Object.assign(world, { failure: new Error('not now') }), 'trouble', /^not now$/],
    [
      (world: FakeWorld) => Object.assign(world, { failure: new InterfaceGone() }),
      'interrupted',
      /the interface has gone/,
    ],
  ] as const) {
    const { world, end } = trying({}, prepare);
    await world.timers.pass(0);
    const [failure] = await end;
    assert.equal(failure?.code, code);
    assert.match(failure?.reason ?? '', reason);
  }
});
