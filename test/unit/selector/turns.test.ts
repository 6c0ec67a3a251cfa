import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Picker } from '../../../src/selector/picker.js';
import { Round } from '../../../src/selector/round.js';
import type { Selector } from '../../../src/selector/selector.js';
import type { Peer } from '../../../src/selector/world.js';
import { SeededRandom } from '../../simulation/random.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const named = (name: string): Peer => peer(name, { host: `${name}.example`, kind: 'name' });
const names = (world: FakeWorld): string[] => world.ofType('trying').map((event) => event.peer.name);

/** Lets time pass in steps of a millisecond until something is tried; says how long it took. */
async function untilTrying(world: FakeWorld, limit: number): Promise<number> {
  const start = world.timers.now();
  const before = world.ofType('trying').length;
  while (world.ofType('trying').length === before) {
    assert.ok(world.timers.now() - start < limit, `nothing tried within ${limit} ms`);
    await world.timers.pass(1);
  }
  return world.timers.now() - start;
}

test('the peer whose turn it is may resolve for 300 ms while another is ready, and no longer', async () => {
  const firsts = new Map<string, number>();
  for (let seed = 1; seed <= 12; seed++) {
    for (const delay of [290, 310]) {
      const world = new FakeWorld(seed);
      world.dnsDelay = delay;
      world.names.set('slow.example', ['10.0.0.1']);
      world.start([named('slow'), peer('literal')]);
      const took = await untilTrying(world, SECOND);
      const first = `${delay} ${names(world)[0]}`;
      if (first === '290 slow') assert.equal(took, 290);
      else assert.ok(took === 300 || took <= 1, `${first}: ${took}`);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
  }
  assert.deepEqual([...firsts.keys()].sort(), ['290 literal', '290 slow', '310 literal']);
});

test('several names that do not resolve cost the one that is ready 300 ms once, not each', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    for (const name of ['a', 'b', 'c']) world.names.set(`${name}.example`, 'silent');
    world.start([named('a'), named('b'), named('c'), peer('literal')]);
    assert.ok((await untilTrying(world, SECOND)) <= 301);
    assert.deepEqual(world.resolutions.sort(), ['a.example', 'b.example', 'c.example'], 'all at once');
  }
});

test('a name has as long as a handshake to resolve', async () => {
  const world = new FakeWorld();
  world.names.set('a.example', 'silent');
  world.start([named('a')], { connectTimeout: 7 });
  await world.timers.pass(6_990);
  assert.equal(world.ofType('failed').length, 0);
  await world.timers.pass(20);
  assert.equal(world.ofType('failed')[0]?.reason, 'no answer');
});

test('a peer whose name does not resolve has had its turn in this round', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([named('unknown'), peer('dead')]);
  await world.timers.pass(21 * SECOND);
  const failed = world.ofType('failed').map((event) => event.peer.name);
  assert.ok(failed.length >= 8);
  for (let round = 0; round < 4; round++) {
    assert.deepEqual(failed.slice(round * 2, round * 2 + 2).sort(), ['dead', 'unknown']);
  }
  assert.equal(selector.snapshot().tried.length + selector.snapshot().untried.length, 2);
});

test('a pause lasts as long as it was told, and a round follows', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector } = world.start([peer('a')]);
  for (let pause = 0; pause < 4; pause++) {
    while (world.ofType('pausing').length === pause) await world.timers.pass(1);
    const duration = world.ofType('pausing')[pause]?.duration ?? 0;
    const tries = world.ofType('trying').length;
    await world.timers.pass(duration - 10);
    assert.equal(world.ofType('trying').length, tries);
    assert.equal(selector.snapshot().state, 'pausing');
    await world.timers.pass(11);
    assert.equal(world.ofType('trying').length, tries + 1);
  }
});

test('a change does not end a pause before 150 to 200 ms, and ends it then', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  await world.timers.pass(2 * MINUTE);
  const before = world.ofType('pausing').length;
  while (world.ofType('pausing').length === before) await world.timers.pass(1);
  world.unroutable.clear();
  world.routeAppears();
  const tries = world.ofType('trying').length;
  await world.timers.pass(140);
  assert.equal(world.ofType('trying').length, tries);
  await world.timers.pass(70);
  assert.equal(world.ofType('trying').length, tries + 1);
});

test('a change that ended one pause does not end the next', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  await world.timers.pass(2 * MINUTE);
  world.routeAppears();
  await world.timers.pass(SECOND);
  const before = world.ofType('pausing').length;
  await world.timers.pass(15 * SECOND);
  assert.equal(world.ofType('pausing').length, before);
});

test('stop in the first 200 ms of a pause', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(1_100); // a second of trying before it
  assert.equal(selector.snapshot().state, 'pausing');
  selector.stop();
  await world.timers.pass(0);
  await run;
});

test('pauses begin anew with the shortest when a packet was sent', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  await world.timers.pass(3 * MINUTE);
  world.unroutable.clear();
  world.routeAppears();
  await untilTrying(world, MINUTE);
  world.unroutable.add('address of a');
  const before = world.ofType('pausing').length;
  await world.timers.pass(10 * SECOND);
  const pauses = world.ofType('pausing').slice(before);
  assert.ok(pauses[0] && pauses[0].duration <= SECOND, `${pauses[0]?.duration}`);
});

test('pauses begin anew with the shortest after a connection that was taken over', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(3 * MINUTE);
  world.plant('key of a', 140 * SECOND); // by another hand
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().state, 'established');
  const before = world.ofType('pausing').length;
  await world.timers.pass(12 * SECOND);
  const pauses = world.ofType('pausing').slice(before);
  assert.ok(pauses[0] && pauses[0].duration <= SECOND, `${pauses[0]?.duration}`);
});

test('no pause after a round that has sent a packet to one of the peers', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(MINUTE - 1);
  assert.equal(world.ofType('pausing').length, 0);
  assert.equal(names(world).filter((name) => name === 'b').length, 10, 'six seconds a round');
});

test('states: connecting again after a pause, though names are still resolving', async () => {
  const world = new FakeWorld();
  world.names.set('a.example', 'silent');
  const { selector } = world.start([named('a')]);
  const states: string[] = [];
  for (let step = 0; step < 140; step++) {
    await world.timers.pass(100);
    const { state, since } = selector.snapshot();
    assert.ok(since <= world.timers.now());
    if (states.at(-1) !== state) states.push(state);
  }
  assert.deepEqual(states.slice(0, 4), ['connecting', 'pausing', 'connecting', 'pausing']);
});

test('a reload in the middle of a round: who was tried is not tried again in it, who is new is', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => peer(name));
    assert.ok(a && b && c && d);
    const { selector } = world.start([a, b, c]);
    await world.timers.pass(6 * SECOND);
    selector.assign(assign([a, b, c, d]));
    await world.timers.pass(13 * SECOND);
    assert.deepEqual(names(world).sort(), ['a', 'b', 'c', 'd']);
    assert.equal(world.ofType('round-over').length, 0);
  }
});

test('a reload in the middle of an attempt leaves an unchanged peer alone', async () => {
  const world = new FakeWorld();
  const a = peer('a');
  world.alive('address of a', 3 * SECOND);
  const { selector } = world.start([a]);
  await world.timers.pass(SECOND);
  selector.assign(assign([a]));
  await world.timers.pass(2_100);
  assert.equal(world.ofType('connected').length, 1);
  assert.equal(names(world).length, 1);
});

test('select when all of the round were tried: the round is not over with it, and goes on behind it', async () => {
  const world = new FakeWorld();
  const all = ['a', 'b', 'c'];
  for (const name of all) world.alive(`address of ${name}`, 10);
  const { selector } = world.start(all.map((name) => peer(name)));
  await world.timers.pass(SECOND);
  selector.next();
  await world.timers.pass(SECOND);
  selector.next();
  await world.timers.pass(SECOND);
  assert.deepEqual([...selector.snapshot().tried].sort(), all);
  const wanted = names(world)[0] ?? '';
  selector.select(wanted);
  await world.timers.pass(SECOND);
  assert.equal(names(world).at(-1), wanted);
  assert.deepEqual(selector.snapshot().untried, [], 'no new round was begun for it');
  selector.next();
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().untried.length, 2, 'now it was');
});

test('select counts as a turn in the round', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const { selector } = world.start(['a', 'b', 'c', 'd'].map((name) => peer(name)));
    await world.timers.pass(SECOND);
    const wanted = selector.snapshot().untried.at(-1) ?? '';
    selector.select(wanted);
    await world.timers.pass(16 * SECOND);
    assert.equal(names(world)[1], wanted);
    assert.deepEqual(names(world).slice(0, 4).sort(), ['a', 'b', 'c', 'd']);
  }
});

test('select waits for the name of its peer, though others are ready', async () => {
  const world = new FakeWorld();
  world.dnsDelay = 2 * SECOND;
  world.names.set('slow.example', ['10.0.0.1']);
  world.alive('10.0.0.1', 10);
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 10);
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(SECOND);
  const [a, b] = ['a', 'b'].map((name) => peer(name));
  assert.ok(a && b);
  selector.assign(assign([a, b, named('slow')]));
  selector.select('slow');
  await world.timers.pass(3 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'slow');
  assert.equal(names(world).length, 2);
});

test('a reload that takes the selected peer away: the round goes on', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 10);
  const [a, b] = ['a', 'b'].map((name) => peer(name));
  assert.ok(a && b);
  world.setLink('down');
  const { selector } = world.start([a, b]);
  await world.timers.pass(SECOND);
  assert.equal(selector.select('b'), true);
  selector.assign(assign([a]));
  world.setLink('up');
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().peer?.name, 'a');
});

for (const [what, act, reason] of [
  ['next', (_, selector) => selector.next(), 'asked to go on to the next'],
  ['select', (_, selector) => assert.ok(selector.select('b')), 'asked to go to b'],
  ['a reload', (_, selector) => selector.assign(assign([peer('b')])), 'it is no longer configured'],
  ['the link', (world) => world.setLink('down'), 'the interface went down'],
  ['another hand', (world) => world.installed.clear(), 'somebody else removed it from the interface'],
] satisfies [string, (world: FakeWorld, selector: Selector) => void, string][]) {
  test(`${what} ends an attempt at once, with the reason`, async () => {
    const world = new FakeWorld();
    const { selector } = world.start([peer('a'), peer('b')]);
    await world.timers.pass(SECOND);
    if (selector.snapshot().peer?.name !== 'a') await world.timers.pass(5 * SECOND);
    assert.equal(selector.snapshot().peer?.name, 'a');
    const before = world.ofType('failed').length;
    act(world, selector);
    await world.timers.pass(30);
    assert.equal(world.ofType('failed')[before]?.reason, reason);
    assert.equal(world.ofType('failed')[before]?.remote?.address, 'address of a');
    assert.ok(!world.installed.has('key of a'));
  });
}

test('a stop ends an attempt, and is no failure', async () => {
  const world = new FakeWorld();
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(SECOND);
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.deepEqual(
    world.events.map(({ type }) => type),
    ['trying', 'stopped'],
  );
  assert.equal(world.timers.pending, 0);
});

test('what is told while the interface is absent, down, up, and absent again', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.setLink('absent');
  const { selector } = world.start([peer('a')]);
  const pass = (): Promise<void> => world.timers.pass(50);
  const begun = world.timers.now();
  await pass();
  assert.equal(selector.snapshot().since, begun);
  assert.deepEqual(selector.snapshot().routes, { installed: [], added: [], conflicts: [] });
  world.setLink('down');
  await pass();
  world.routeAppears(); // changes nothing here
  await pass();
  world.setLink('up');
  await pass();
  world.setLink('absent');
  await pass();
  assert.equal(selector.snapshot().state, 'waiting-for-interface');
  assert.equal(selector.snapshot().peer, undefined);
  assert.deepEqual(
    world.events.map((event) => (event.type === 'interface-missing' ? event.link : event.type)),
    ['absent', 'down', 'interface-up', 'trying', 'connected', 'lost', 'absent'],
  );
});

test('the interface goes down while the clock is being set, and while names resolve', async () => {
  for (const clockIsReady of [false, true]) {
    const world = new FakeWorld();
    world.clock.ready = clockIsReady;
    world.names.set('a.example', 'silent');
    const { selector } = world.start([named('a')]);
    await world.timers.pass(SECOND);
    assert.equal(selector.snapshot().state, clockIsReady ? 'connecting' : 'setting-clock');
    world.setLink('down');
    await world.timers.pass(0);
    assert.equal(selector.snapshot().state, 'waiting-for-interface');
  }
});

test('waiting leaves no timers behind', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  for (let turn = 0; turn < 50; turn++) {
    world.takeRoute('route of a');
    await world.timers.pass(500);
    selector.next();
    await world.timers.pass(500);
  }
  assert.equal(selector.snapshot().state, 'established');
  assert.ok(world.timers.pending <= 2, `${world.timers.pending}`);
});

test('the kernel refuses an installation: the attempt failed with its words, and nothing is left', async () => {
  const world = new FakeWorld();
  const { tunnel } = world;
  tunnel.install = (wanted) => Promise.reject(new Error(`cannot set ${wanted.name}`));
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(0);
  assert.equal(world.ofType('failed')[0]?.reason, 'cannot set a');
  assert.deepEqual(
    world.applied.flatMap(({ destinations }) => destinations),
    [],
    'no route into a tunnel without a peer',
  );
  assert.equal(selector.snapshot().peer, undefined);
  selector.stop();
});

test('the routes of an attempt are there during it, and gone behind it', async () => {
  const world = new FakeWorld();
  world.conflicts.set('r2', 'there is one already');
  const { selector } = world.start([peer('a', { allowedIps: ['r1', 'r2'] })]);
  await world.timers.pass(SECOND);
  assert.deepEqual([...world.routes], ['r1']);
  assert.deepEqual(selector.snapshot().routes.installed, ['r1']);
  assert.deepEqual(selector.snapshot().routes.conflicts, [
    { destination: 'r2', reason: 'there is one already' },
  ]);
  selector.assign(assign([]));
  await world.timers.pass(SECOND);
  assert.equal(world.routes.size, 0);
  assert.deepEqual(selector.snapshot().routes, { installed: [], added: [], conflicts: [] });
});

test('a peer that is new in the middle of a round comes at a random place among those still to be tried', () => {
  const random = new SeededRandom(11);
  const places = [0, 0, 0];
  for (let draw = 0; draw < 900; draw++) {
    const round = new Round(random);
    round.setItems(['a', 'b', 'c'].map((name) => peer(name)));
    assert.equal(round.untried.length, 0, 'nothing before the first round');
    round.begin();
    round.take('a');
    round.setItems(['a', 'b', 'c', 'new'].map((name) => peer(name)));
    const place = round.untried.indexOf('new');
    places[place] = (places[place] ?? 0) + 1;
    assert.deepEqual(round.tried, ['a']);
  }
  // 300 expected of each; five standard deviations are about 71.
  for (const count of places) assert.ok(Math.abs(count - 300) < 71, `${places}`);
});

test('a connection that others end counts as one when it has lasted ten seconds', async () => {
  for (const [seconds, pauses] of [
    [9, 1],
    [11, 0],
  ] as const) {
    const world = new FakeWorld();
    world.alive('address of a', 10);
    world.start([peer('a')], { checkInterval: 0.1 });
    await world.timers.pass(seconds * SECOND);
    world.installed.clear(); // by another hand
    await world.timers.pass(3 * SECOND);
    assert.equal(world.ofType('lost').length, 1);
    assert.equal(world.ofType('connected').length, 2);
    assert.equal(world.ofType('pausing').length, pauses, `${seconds} s`);
  }
});

/** A world whose network has changed in vain for a minute: pauses are long, and changes no longer shorten them much. */
async function afterStorm() {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector } = world.start([peer('a')]);
  for (let turn = 0; turn < 1_200; turn++) {
    world.routeAppears();
    await world.timers.pass(100);
  }
  world.unroutable.clear();
  return { world, selector };
}

/** Waits for the next pause to begin. */
async function untilPausing(world: FakeWorld): Promise<number> {
  const before = world.ofType('pausing').length;
  for (let turn = 0; world.ofType('pausing').length === before; turn++) {
    assert.ok(turn < 60_000, 'no pause within a minute');
    await world.timers.pass(1);
  }
  return world.ofType('pausing').at(-1)?.duration ?? Number.NaN;
}

test('a pause is never longer than it was told, however much the network has changed before', async () => {
  const { world } = await afterStorm();
  await untilTrying(world, MINUTE); // a whole timeout: pauses begin anew with the shortest
  await world.timers.pass(4 * SECOND);
  world.unroutable.add('address of a');
  const duration = await untilPausing(world);
  assert.ok(duration <= SECOND);
  const tries = names(world).length;
  await world.timers.pass(duration + 5);
  assert.equal(names(world).length, tries + 1);
});

test('a change ends a pause at once again after a connection, however much the network has changed before', async () => {
  const { world, selector } = await afterStorm();
  const gateway = world.alive('address of a', 10);
  while (selector.snapshot().state !== 'established') await world.timers.pass(100);
  await world.timers.pass(20 * SECOND);
  gateway.alive = false;
  world.unroutable.add('address of a');
  selector.next();
  await world.timers.pass(0);
  await untilPausing(world);
  const tries = names(world).length;
  world.routeAppears();
  await world.timers.pass(210);
  assert.equal(names(world).length, tries + 1);
});

test('a reload that corrects a peer: it has its turn in this round again', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => peer(name));
    assert.ok(a && b && c);
    const { selector } = world.start([a, b, c]);
    await world.timers.pass(6 * SECOND);
    const first = names(world)[0] ?? '';
    assert.ok(!selector.snapshot().untried.includes(first));
    selector.assign(assign([a, b, c].map((each) => (each.name === first ? { ...each } : each))));
    assert.ok(selector.snapshot().untried.includes(first));
    assert.equal(world.ofType('round-over').length, 0);
  }
});

test('next ends a pause', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(3 * MINUTE);
  await untilPausing(world);
  await world.timers.pass(300);
  const tries = names(world).length;
  selector.next();
  await world.timers.pass(10);
  assert.equal(names(world).length, tries + 1);
});

test('a clock that nobody is to wait for is not waited for', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.clock.ready = false;
  const a = peer('a');
  const { selector } = world.start([a]);
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().state, 'setting-clock');
  const assignment = assign([a]);
  selector.assign({ ...assignment, settings: { ...assignment.settings, waitForClock: false } });
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().state, 'established');
});

test('select during a pause: obeyed at once, shown as connecting, and the round that follows takes everybody', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const all = ['a', 'b', 'c'];
    for (const name of all) world.unroutable.add(`address of ${name}`);
    const { selector } = world.start(all.map((name) => peer(name)));
    await untilPausing(world);
    const before = names(world).length;
    assert.ok(selector.select('b'));
    await world.timers.pass(10);
    assert.equal(names(world).length, before + 1, 'not even the shortest pause is waited for');
    assert.equal(selector.snapshot().state, 'connecting');
    await world.timers.pass(30 * SECOND);
    const order = names(world).slice(before, before + 4);
    assert.equal(order[0], 'b');
    assert.deepEqual(order.slice(1).sort(), all);
  }
});

test('a reload while names resolve: a new peer that needs none is tried at once', async () => {
  const world = new FakeWorld();
  world.names.set('slow.example', 'silent');
  world.alive('address of a', 10);
  const slow = named('slow');
  const { selector } = world.start([slow], { connectTimeout: 30 });
  await world.timers.pass(SECOND);
  selector.assign(assign([slow, peer('a')], { connectTimeout: 30 }));
  await world.timers.pass(50);
  assert.equal(selector.snapshot().peer?.name, 'a');
});

test('a reload takes the selected peer away while its name resolves: the round goes on at once', async () => {
  const world = new FakeWorld();
  world.names.set('slow.example', 'silent');
  world.alive('address of a', 10);
  const a = peer('a');
  const { selector } = world.start([a], { connectTimeout: 30 });
  await world.timers.pass(MINUTE);
  selector.assign(assign([a, named('slow')], { connectTimeout: 30 }));
  assert.ok(selector.select('slow'));
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().peer, undefined);
  selector.assign(assign([a], { connectTimeout: 30 }));
  await world.timers.pass(50);
  assert.equal(selector.snapshot().peer?.name, 'a');
});

test('select while names resolve is obeyed at once', async () => {
  const world = new FakeWorld();
  world.names.set('slow.example', 'silent');
  world.unroutable.add('address of a');
  const { selector } = world.start([named('slow'), peer('a')], { connectTimeout: 30 });
  await world.timers.pass(5 * SECOND);
  assert.deepEqual(names(world), ['a']);
  assert.ok(selector.select('a'));
  await world.timers.pass(10);
  assert.deepEqual(names(world), ['a', 'a']);
});

test('the kernel keeps refusing to be read: told after pauses that grow, of which a change of the network shortens one', async () => {
  const world = new FakeWorld();
  const { device } = world.tunnel;
  let asked = 0;
  world.tunnel.device = () => (++asked <= 10 ? Promise.reject(new Error('no answer')) : device());
  world.start([peer('a')]);
  for (let pause = 1; pause <= 5; pause++) {
    await world.timers.pass(0);
    assert.equal(asked, pause);
    const duration = world.ofType('pausing').at(-1)?.duration ?? Number.NaN;
    assert.ok(duration >= 750 * 2 ** (pause - 1) && duration <= 1_000 * 2 ** (pause - 1), `${duration}`);
    if (pause === 3) {
      await world.timers.pass(300);
      world.routeAppears();
    } else {
      await world.timers.pass(duration - 1);
      assert.equal(asked, pause, `pause ${pause} lasts as long as it was told`);
      await world.timers.pass(1);
    }
  }
});

test('what has changed before a round does not shorten the pause behind it', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.routeAppears();
  world.gateways.clear();
  world.unroutable.add('address of a');
  selector.next();
  const duration = await untilPausing(world);
  const took = await untilTrying(world, MINUTE);
  assert.ok(Math.abs(took - duration) <= 1, `${took} of ${duration}`);
});

test('changes in vain make a pause ten seconds long at the most', async () => {
  const { world } = await afterStorm();
  const lengths = world.shown.flatMap(({ state, since }, at) => {
    const next = world.shown[at + 1];
    return state === 'pausing' && next !== undefined ? [next.since - since] : [];
  });
  assert.ok(lengths.length > 10);
  assert.ok(Math.max(...lengths) > 5 * SECOND && Math.max(...lengths) <= 10_100, `${lengths}`);
});

test('next during an attempt: another is tried at once, without a pause', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(500);
  selector.next();
  await world.timers.pass(10);
  assert.equal(names(world).length, 2);
  assert.equal(world.ofType('pausing').length, 0);
});

test('a reload that takes the held peer away: another is tried at once, without a pause', async () => {
  const [a, b] = [peer('a'), peer('b')];
  let worlds = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.alive('address of a', 10);
    world.unroutable.add('address of b');
    const { selector } = world.start([a, b]);
    await world.timers.pass(3 * SECOND);
    if (names(world)[0] === 'a') continue; // then b would still have its turn
    assert.deepEqual(names(world), ['b', 'a']);
    selector.assign(assign([b]));
    await world.timers.pass(10);
    assert.deepEqual(names(world), ['b', 'a', 'b']);
    worlds++;
  }
  assert.ok(worlds > 0);
});

test('a reload that corrects a peer that is still to be tried: it is listed once', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const all = ['a', 'b', 'c'].map((name) => peer(name));
    const { selector } = world.start(all);
    await world.timers.pass(SECOND);
    const before = [...selector.snapshot().untried].sort();
    assert.equal(before.length, 2);
    selector.assign(assign(all.map((each) => (before.includes(each.name) ? { ...each } : each))));
    assert.deepEqual([...selector.snapshot().untried].sort(), before);
  }
});

test('names resolve in the background, however many addresses that need it not come before them', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['10.0.0.1']);
    world.start([named('gw'), ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => peer(name))]);
    await world.timers.pass(SECOND);
    assert.deepEqual(world.resolutions, ['gw.example']);
  }
});

test('a name is looked for when its turn is near: those that are far are left alone', () => {
  const { timers, random, resolver, resolutions } = new FakeWorld(3);
  const picker = new Picker(resolver, timers, random, () => {});
  const gateway = named('gw');
  const literals = Array.from({ length: 200 }, (_, at) => peer(`p${at}`));
  picker.setPeers([gateway, ...literals]);
  do picker.begin();
  while (picker.round.untried.indexOf('gw') < 50);
  for (let before = picker.round.untried.indexOf('gw'); before > 0; before--) {
    const found = picker.look(5_000);
    assert.equal(found.kind === 'candidate' && found.candidate.remotes.named, false);
    assert.deepEqual(resolutions, before <= 16 ? ['gw.example'] : [], `${before} turns before it`);
  }
});

test('each name before one that is ready has its 300 ms, from when it was asked for', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const { timers, random, resolver, names } = new FakeWorld(seed);
    for (const name of ['early', 'late']) names.set(`${name}.example`, 'silent');
    const picker = new Picker(resolver, timers, random, () => {});
    const [early, late, ready] = [named('early'), named('late'), peer('ready')];
    picker.setPeers([early]);
    picker.begin();
    picker.look(5_000);
    await timers.pass(200);
    picker.setPeers([early, late, ready]);
    if (picker.round.untried[2] !== 'ready') continue;
    orders.add(picker.round.untried.join());
    assert.deepEqual(picker.look(5_000), { kind: 'wait', milliseconds: 300 });
    await timers.pass(299);
    assert.deepEqual(picker.look(5_000), { kind: 'wait', milliseconds: 1 });
    await timers.pass(1);
    assert.equal(picker.look(5_000).kind, 'candidate');
  }
  assert.equal(orders.size, 2);
});

test('it is connecting since the first attempt, not since the latest', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(SECOND);
  const { since } = selector.snapshot();
  await world.timers.pass(MINUTE);
  assert.equal(selector.snapshot().since, since);
});

test('select of the peer that is being tried or held already: granted, and nothing is touched', async () => {
  const world = new FakeWorld();
  world.alive('address of a', SECOND);
  const { selector } = world.start([peer('a')]);
  for (const state of ['connecting', 'established']) {
    await world.timers.pass(900);
    assert.equal(selector.snapshot().state, state);
    assert.equal(selector.select('a'), true);
  }
  await world.timers.pass(SECOND);
  assert.deepEqual(
    world.events.map(({ type }) => type),
    ['trying', 'connected'],
  );
});

test('a peer keeps its addresses over a reload if its endpoints are the same, in whatever order', () => {
  const { timers, random, resolver } = new FakeWorld();
  type Endpoint = Peer['endpoints'][number];
  const at = (host: string, port = 1, zone?: string): Endpoint => {
    return { host, port, kind: 'ipv6', ...(zone === undefined ? {} : { zone }) };
  };
  const having = (...endpoints: Endpoint[]): Peer => ({ ...peer('a'), endpoints });
  for (const [before, after, kept] of [
    [[at('1'), at('2')], [at('2'), at('1')], true],
    [[at('1', 1, 'wan')], [at('1', 1, 'wan')], true],
    [[at('1'), at('2')], [at('1'), at('3')], false],
    [[at('1'), at('2')], [at('1')], false],
    [[at('1')], [at('1'), at('2')], false],
    [[at('1', 1)], [at('1', 2)], false],
    [[at('1', 1, 'wan')], [at('1', 1, 'lan')], false],
  ] as const) {
    const picker = new Picker(resolver, timers, random, () => {});
    const [first, second] = [having(...before), having(...after)];
    picker.setPeers([first]);
    const remotes = picker.candidate(first)?.remotes;
    picker.setPeers([second]);
    assert.equal(picker.candidate(second)?.remotes === remotes, kept, JSON.stringify([before, after]));
    assert.equal(picker.candidate(second)?.peer, second);
  }
});

test('what a look for the next peer finds while a name resolves, when it has failed, and when all were tried', async () => {
  const { timers, random, resolver } = new FakeWorld();
  let changes = 0;
  const picker = new Picker(resolver, timers, random, () => changes++);
  picker.setPeers([named('a')]);
  assert.deepEqual(picker.look(5_000), { kind: 'round-over' });
  picker.begin();
  assert.deepEqual(picker.look(5_000), { kind: 'wait' });
  await timers.pass(SECOND);
  assert.equal(changes, 1);
  const found = picker.look(5_000);
  assert.ok(found.kind === 'unresolved');
  assert.deepEqual([found.peer.name, found.reason], ['a', 'a.example does not exist']);
  assert.deepEqual(picker.look(5_000), { kind: 'round-over' });
});

test('a name is looked for sixteen turns before its own, and not sooner', () => {
  const { timers, random, resolver, resolutions } = new FakeWorld();
  const picker = new Picker(resolver, timers, random, () => {});
  const last = peer('last', { host: 'gw.example', kind: 'name', priority: 1 });
  picker.setPeers([last, ...Array.from({ length: 20 }, (_, at) => peer(`p${at}`))]);
  picker.begin();
  for (let turns = 20; turns > 16; turns--) {
    picker.look(5_000);
    assert.deepEqual(resolutions, [], `${turns} turns before it`);
  }
  picker.look(5_000);
  assert.deepEqual(resolutions, ['gw.example']);
});

test('a peer that has changed has its turn again in this round, one that has not keeps its place', () => {
  const { timers, random, resolver } = new FakeWorld();
  const picker = new Picker(resolver, timers, random, () => {});
  const [a, b, c] = [peer('a'), peer('b'), peer('c')];
  picker.setPeers([a, b, c]);
  picker.begin();
  for (const taken of [a, b]) picker.take(taken);
  picker.setPeers([a, b, c]);
  assert.deepEqual(picker.round.untried, ['c']);
  picker.setPeers([{ ...a }, b, c]);
  assert.deepEqual([...picker.round.untried].sort(), ['a', 'c']);
});
