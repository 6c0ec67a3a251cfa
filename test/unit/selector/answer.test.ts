/** How a handshake is waited for, and asked for again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, type Patience } from '../../../src/selector/answer.js';
import { Connection, type Look } from '../../../src/selector/connection.js';
import { Inbox } from '../../../src/selector/inbox.js';
import { knock } from '../../../src/selector/knock.js';
import { type Loop, type Loss, REMOVED } from '../../../src/selector/loop.js';
import { remoteAt } from '../../../src/selector/world.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const a = peer('a');
const LEFT: Loss = { code: 'told-to', reason: 'somebody asked for it' };

/** `a` was installed just now; its gateway answers after so many milliseconds, or never. */
async function asked(latency: number | undefined) {
  const world = new FakeWorld();
  if (latency !== undefined) world.alive('address of a', latency);
  const connection = new Connection(world);
  const inbox = new Inbox(world.timers);
  const interruption: { loss: Loss | undefined } = { loss: undefined };
  const loop: Loop = {
    ...{ world, connection, inbox },
    assignment: () => assign([a]),
    interruption: () => interruption.loss,
    emit: () => {},
  };
  await connection.install(a, remoteAt({ address: 'address of a', port: 51820 }), undefined, assign([a]));
  const begin = world.timers.now();
  /** What comes of it, and after how many milliseconds. */
  const timed = async <T>(wait: Promise<T>): Promise<[T, number]> => {
    const result = await wait;
    return [result, world.timers.now() - begin];
  };
  /** Waits with this patience. */
  const wait = (patience: Omit<Patience, 'due'>, due = 1_000) =>
    timed(answered(loop, a, { due: () => begin + due, ...patience }));
  return { world, loop, inbox, interruption, timed, wait };
}

test('a handshake is seen with the next question, 25 ms apart where nothing else is said', async () => {
  for (const [poll, seen] of [
    [undefined, 50],
    [250, 250],
  ] as const) {
    const { world, wait } = await asked(40);
    const result = wait(poll === undefined ? {} : { poll });
    await world.timers.pass(1_000);
    assert.deepEqual(await result, [true, seen]);
  }
});

test('who does not answer is waited for until the time is over, and not longer', async () => {
  const { world, wait } = await asked(undefined);
  const result = wait({}, 100);
  await world.timers.pass(1_000);
  assert.deepEqual(await result, [false, 100]);
});

test('who has answered when the time is over has answered', async () => {
  const { world, wait } = await asked(100);
  const result = wait({}, 100);
  await world.timers.pass(1_000);
  assert.deepEqual(await result, [true, 100]);
});

test('somebody removes the peer: there is nothing to wait for', async () => {
  const { world, wait } = await asked(undefined);
  const result = wait({});
  world.timers.after(60, () => void world.installed.clear());
  await world.timers.pass(1_000);
  assert.deepEqual(await result, [REMOVED, 75]);
});

test('what comes between ends the wait when it is told, whether the peer has answered or is gone', async () => {
  for (const happen of [
    () => {},
    (world: FakeWorld) => void world.installed.clear(),
    (world: FakeWorld) =>
      Object.assign(world.installed.get(a.publicKey) ?? {}, { lastHandshake: world.wallClock() }),
  ]) {
    const { world, inbox, interruption, wait } = await asked(undefined);
    const result = wait({});
    world.timers.after(60, () => {
      happen(world);
      interruption.loss = LEFT;
      inbox.post({ leave: LEFT.reason });
    });
    await world.timers.pass(1_000);
    assert.deepEqual(await result, [LEFT, 60]);
  }
});

test('where there is no use in waiting it is over when that is told', async () => {
  const { world, inbox, wait } = await asked(undefined);
  const result = wait({ over: () => inbox.news.changed });
  world.timers.after(60, () => inbox.post({ changed: true }));
  await world.timers.pass(1_000);
  assert.deepEqual(await result, [false, 60]);
});

/** A look that has seen where the kernel sends to, or that it knows of nowhere. */
const seen = (endpoint: Look['endpoint']): Look => {
  return { received: 0, sent: 0, mended: [], routesChanged: false, endpoint };
};
const THERE = seen({ address: 'address of a', port: 51820 });

test('handshakes are asked for again and again, each with its time, until it is enough', async () => {
  const { world, loop, timed } = await asked(undefined);
  const waits: number[] = [];
  const result = timed(
    knock(loop, a, THERE, {
      wait: (n) => {
        waits.push(n);
        return n * 100;
      },
      enough: (n) => n >= 3,
    }),
  );
  await world.timers.pass(5_000);
  assert.deepEqual(await result, [{ lives: false, knocks: 3 }, 600]);
  assert.deepEqual(waits, [1, 2, 3]);
  assert.equal(world.calls.filter((call) => call === 'knock a address of a').length, 3);
});

test('the first answer is enough, and told with how many it took', async () => {
  const { world, loop, timed } = await asked(undefined);
  world.timers.after(150, () => void world.alive('address of a', 10));
  const result = timed(knock(loop, a, THERE, { wait: () => 100, enough: () => false }));
  await world.timers.pass(5_000);
  assert.deepEqual(await result, [{ lives: true, knocks: 3 }, 225]);
});

test('what comes between ends the knocking; a peer without an address is not knocked at', async () => {
  const between = await asked(undefined);
  between.interruption.loss = LEFT;
  const never = { wait: () => 100, enough: () => false };
  assert.equal(await knock(between.loop, a, THERE, never), LEFT);
  const nowhere = await asked(40);
  nowhere.world.calls.length = 0;
  assert.deepEqual(await knock(nowhere.loop, a, seen(undefined), never), { lives: false, knocks: 0 });
  assert.deepEqual(nowhere.world.calls, []);
});
