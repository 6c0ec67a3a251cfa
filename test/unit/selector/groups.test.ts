import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const SECOND = 1_000;

const names = (world: FakeWorld): string[] => world.ofType('trying').map((event) => event.peer.name);

test('a round goes through the priorities in order, at random within each, and everybody once', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const world = new FakeWorld(seed);
    const peers = [
      peer('z', { priority: 9 }),
      peer('b1', { priority: 1 }),
      peer('a1'),
      peer('b2', { priority: 1 }),
    ];
    world.start([...peers, peer('a2')]);
    await world.timers.pass(49 * SECOND);
    for (const round of [names(world).slice(0, 5), names(world).slice(5, 10)]) {
      assert.deepEqual(round.slice(0, 2).sort(), ['a1', 'a2']);
      assert.deepEqual(round.slice(2, 4).sort(), ['b1', 'b2']);
      assert.equal(round[4], 'z');
      orders.add(round.join());
    }
  }
  assert.equal(orders.size, 4);
});

test('the lesser are for when the better fail, and select goes to any', async () => {
  const world = new FakeWorld();
  for (const name of ['good', 'spare']) world.alive(`address of ${name}`, 10);
  const { selector } = world.start([peer('spare', { priority: 1 }), peer('good')]);
  await world.timers.pass(SECOND);
  assert.deepEqual(names(world), ['good']);
  selector.select('spare');
  await world.timers.pass(SECOND);
  assert.deepEqual(names(world), ['good', 'spare']);
  assert.equal(selector.snapshot().state, 'established');
  selector.next();
  await world.timers.pass(SECOND);
  assert.deepEqual(names(world), ['good', 'spare', 'good'], 'a round begins with the best again');
});

test('a lost peer is followed by those that the round has still to try', async () => {
  const world = new FakeWorld();
  world.alive('address of b', 10);
  const { selector } = world.start([peer('a'), peer('b', { priority: 1 }), peer('c', { priority: 2 })]);
  await world.timers.pass(30 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'b');
  world.installed.clear(); // by another hand
  await world.timers.pass(16 * SECOND);
  assert.deepEqual(names(world), ['a', 'b', 'c', 'a', 'b']);
});

test('weights decide who is tried first', async () => {
  let heavy = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const world = new FakeWorld(seed);
    world.start([peer('light', { weight: 1 }), peer('heavy', { weight: 9 })]);
    await world.timers.pass(0);
    if (names(world)[0] === 'heavy') heavy++;
  }
  assert.ok(Math.abs(heavy - 180) < 22, `${heavy} of 200`); // five standard deviations are 21
});

test('a better peer whose name is slow to resolve is waited for, and a lesser is not sooner for it', async () => {
  for (const [delay, first] of [
    [4_900, 'named'],
    [5_100, 'literal'],
  ] as const) {
    const world = new FakeWorld();
    world.dnsDelay = delay;
    world.names.set('named.example', delay > 5_000 ? 'silent' : ['10.0.0.1']);
    world.start([peer('named', { host: 'named.example', kind: 'name' }), peer('literal', { priority: 1 })]);
    await world.timers.pass(4_899);
    assert.deepEqual(names(world), []);
    await world.timers.pass(102);
    assert.deepEqual(names(world), [first]);
  }
});

test('of many better peers whose names do not resolve each batch is waited for, and then the lesser has its turn', async () => {
  const world = new FakeWorld();
  const better = Array.from({ length: 6 }, (_, i) => peer(`b${i}`, { host: `b${i}.example`, kind: 'name' }));
  for (const { name } of better) world.names.set(`${name}.example`, 'silent');
  world.start([peer('spare', { priority: 1 }), ...better]);
  await world.timers.pass(9_990);
  assert.deepEqual(names(world), []);
  await world.timers.pass(20);
  assert.deepEqual(names(world), ['spare']);
  assert.equal(world.ofType('failed').length, 6);
});

test('the names of lesser peers resolve in the background meanwhile', async () => {
  const world = new FakeWorld();
  world.names.set('spare.example', ['10.0.0.1']);
  world.start([peer('a'), peer('spare', { priority: 1, host: 'spare.example', kind: 'name' })]);
  await world.timers.pass(SECOND);
  assert.deepEqual(world.resolutions, ['spare.example']);
});

test('a reload that makes a peer better gives it its place in the round', async () => {
  const world = new FakeWorld();
  const [a, b, c] = [peer('a'), peer('b', { priority: 1 }), peer('c', { priority: 2 })];
  const { selector } = world.start([a, b, c]);
  await world.timers.pass(SECOND);
  assert.deepEqual(selector.snapshot().untried, ['b', 'c']);
  selector.assign(assign([a, b, peer('c', { priority: 0 })]));
  assert.deepEqual(selector.snapshot().untried, ['c', 'b']);
});
