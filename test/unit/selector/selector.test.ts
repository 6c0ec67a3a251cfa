import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Selector } from '../../../src/selector/selector.js';
import { formatDuration } from '../../../src/wording.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('connects to one of the peers, and the handshake is seen within 50 ms', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b', 'c']) world.alive(`address of ${name}`, 40);
  const { selector } = world.start([peer('a'), peer('b'), peer('c')]);
  await world.timers.pass(100);
  const [connected] = world.ofType('connected');
  assert.ok(connected);
  assert.ok(connected.handshake >= 40 && connected.handshake < 90, `${connected.handshake}`);
  assert.deepEqual([...world.installed.keys()], [connected.peer.publicKey]);
  assert.deepEqual([...world.routes], [`route of ${connected.peer.name}`]);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(selector.snapshot().peer?.name, connected.peer.name);
});

test('dead peers first: all are tried once before any twice, each for the connect timeout', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    world.start(['a', 'b', 'c', 'd'].map((name) => peer(name)));
    await world.timers.pass(MINUTE - 1);
    assert.equal(world.ofType('trying').length, 12, 'one every five seconds');
    await world.timers.pass(5 * MINUTE); // from now on each round begins with a longer try
    const tried = world.ofType('trying').map((event) => event.peer.name);
    assert.ok(tried.length > 36 && tried.length < 60, `${tried.length}`);
    for (let round = 0; round < 9; round++) {
      const names = tried.slice(round * 4, round * 4 + 4);
      assert.deepEqual([...names].sort(), ['a', 'b', 'c', 'd']);
      if (round > 0) assert.notEqual(names[0], tried[round * 4 - 1], 'not the one that has just failed');
    }
    assert.equal(world.installed.size, 1, 'only the one that is being tried');
  }
});

test('which peer is first differs from router to router', async () => {
  const firsts = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const world = new FakeWorld(seed);
    for (const name of ['a', 'b', 'c']) world.alive(`address of ${name}`);
    world.start([peer('a'), peer('b'), peer('c')]);
    await world.timers.pass(100);
    firsts.add(world.ofType('connected')[0]?.peer.name ?? 'none');
  }
  assert.deepEqual([...firsts].sort(), ['a', 'b', 'c']);
});

test('a name with a dead and a living address: the living one is tried next', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['dead', 'living']);
    world.alive('living');
    world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(6_000);
    const [connected] = world.ofType('connected');
    assert.equal(connected?.remote.address, 'living');
    assert.equal(connected?.remote.count, 2);
    assert.deepEqual(world.resolutions, ['gw.example'], 'resolved once for the round of its addresses');
  }
});

test('a name is resolved again when all its addresses were tried, and not the last failure first', async () => {
  const world = new FakeWorld(5);
  world.names.set('gw.example', ['one', 'two', 'three']);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(62_000);
  const addresses = world.ofType('trying').map((event) => event.remote.address);
  assert.equal(addresses.length, 13);
  for (let round = 0; round < 4; round++) {
    assert.deepEqual(addresses.slice(round * 3, round * 3 + 3).sort(), ['one', 'three', 'two']);
    assert.notEqual(addresses[round * 3 + 3], addresses[round * 3 + 2]);
  }
  assert.equal(world.resolutions.length, 5);
});

test('addresses without a route are passed over at once', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['v6 one', 'v6 two', 'v4']);
  world.unroutable.add('v6 one').add('v6 two');
  world.alive('v4', 10);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(100);
  assert.equal(world.ofType('connected')[0]?.remote.address, 'v4');
});

test('a dead DNS server delays only the peers that need it', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    const named = ['a', 'b', 'c', 'd'].map((name) => peer(name, { host: `${name}.example`, kind: 'name' }));
    for (const { name } of named) world.names.set(`${name}.example`, 'silent');
    world.alive('192.0.2.1', 10);
    world.start([...named, peer('literal', { host: '192.0.2.1' })]);
    await world.timers.pass(400);
    assert.equal(world.ofType('connected')[0]?.peer.name, 'literal');
  }
});

test('a name that does not resolve fails its peer, with the reason, once a round', async () => {
  for (const [answer, reason] of [
    ['silent', 'no answer'],
    ['gw.example does not exist', 'gw.example does not exist'],
  ] as const) {
    const world = new FakeWorld();
    world.names.set('gw.example', answer);
    world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(6_500);
    const failed = world.ofType('failed');
    assert.ok(failed.length >= 1);
    assert.equal(failed[0]?.reason, reason);
    assert.equal(failed[0]?.remote, undefined);
    assert.ok(world.ofType('pausing').length >= 1, 'nothing was usable');
    world.names.set('gw.example', ['10.0.0.1']);
    world.alive('10.0.0.1', 10);
    await world.timers.pass(10_000);
    assert.equal(world.ofType('connected').length, 1);
  }
});

test('DNS that works does not change the random order', async () => {
  const firsts = new Map<string, number>();
  for (let seed = 1; seed <= 100; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('a.example', ['10.0.0.1']);
    world.alive('10.0.0.1');
    world.alive('192.0.2.1');
    world.start([peer('named', { host: 'a.example', kind: 'name' }), peer('literal', { host: '192.0.2.1' })]);
    await world.timers.pass(500);
    const name = world.ofType('connected')[0]?.peer.name ?? 'none';
    firsts.set(name, (firsts.get(name) ?? 0) + 1);
  }
  assert.ok((firsts.get('named') ?? 0) > 30 && (firsts.get('literal') ?? 0) > 30, `${[...firsts]}`);
});

test('nothing usable: pauses from 1 s growing to 30 s with jitter', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a').add('address of b');
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(5 * MINUTE);
  const pauses = world.ofType('pausing').map(({ duration }) => duration);
  assert.ok(pauses.length > 12 && pauses.length < 20, `${pauses.length}`);
  [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000].forEach((limit, index) => {
    const pause = pauses[index] ?? 0;
    assert.ok(pause <= limit && pause >= limit * 0.75, `pause ${index} is ${pause}`);
  });
  assert.equal(new Set(pauses.slice(5)).size, pauses.slice(5).length, 'jitter');
  assert.equal(world.ofType('trying').length, pauses.length * 2, 'each is tried all the same, once a round');
});

test('a pause ends when a route appears', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  const paused = () => world.ofType('pausing').at(-1)?.duration ?? 0;
  while (paused() < 20_000) await world.timers.pass(1_000);
  await world.timers.pass(paused() / 2);
  world.unroutable.clear();
  world.alive('address of a', 10);
  world.routeAppears();
  await world.timers.pass(500);
  assert.equal(world.ofType('connected').length, 1);
});

test('a route that appears while the round is still under way ends the pause behind it', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.names.set('b.example', 'silent');
  world.start([peer('a'), peer('b', { host: 'b.example', kind: 'name' })]);
  // Let pauses grow, then wait for the next round to begin: it lasts as long as the name takes.
  await world.timers.pass(3 * MINUTE);
  const before = world.resolutions.length;
  while (world.resolutions.length === before) await world.timers.pass(100);
  await world.timers.pass(1_000);
  world.unroutable.clear();
  world.alive('address of a', 10);
  world.routeAppears();
  await world.timers.pass(6_000);
  assert.equal(world.ofType('connected').length, 1);
});

test('a storm of route changes does not make it busy', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  for (let tick = 0; tick < 1_000; tick++) {
    world.routeAppears();
    await world.timers.pass(10);
  }
  assert.ok(world.ofType('pausing').length <= 52, `${world.ofType('pausing').length} in 10 s`);
});

test('a gateway dies: lost when the latest handshake is 150 s old, then the other', async () => {
  const world = new FakeWorld();
  const gateways = new Map(['a', 'b'].map((name) => [name, world.alive(`address of ${name}`, 20)]));
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(10 * MINUTE);
  const first = world.ofType('connected')[0];
  assert.ok(first);
  assert.equal(world.ofType('lost').length, 0, 'held while handshakes come');
  const gateway = gateways.get(first.peer.name);
  assert.ok(gateway);
  gateway.alive = false;
  await world.timers.pass(156_000);
  const lost = world.ofType('lost');
  assert.equal(lost.length, 1);
  assert.match(lost[0]?.reason ?? '', /no handshake for 15\d s/);
  const second = world.ofType('connected')[1];
  assert.ok(second, 'connected to the other at once');
  assert.notEqual(second.peer.name, first.peer.name);
  assert.deepEqual([...world.routes], [`route of ${second.peer.name}`]);
});

test('an idle tunnel without keepalive is kept: its handshake is renewed', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(3 * HOUR);
  assert.equal(world.ofType('lost').length, 0);
  assert.equal(selector.snapshot().state, 'established');
  const kicks = world.calls.filter((call) => call === 'kick a').length;
  assert.ok(kicks > 70 && kicks < 100, `${kicks} in 3 hours`);
});

test('rare looks: an idle tunnel is kept, and a dead gateway is noticed as soon', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  const gateway = world.alive('address of a');
  world.start([peer('a')], { checkInterval: 3600 });
  await world.timers.pass(3 * HOUR);
  assert.equal(world.ofType('lost').length, 0);
  gateway.alive = false;
  await world.timers.pass(156_000);
  assert.equal(world.ofType('lost').length, 1);
});

for (const [what, step] of [
  ['an hour forward', HOUR],
  ['an hour back', -HOUR],
  ['56 years forward', 56 * 365 * 24 * HOUR],
  ['56 years back', -56 * 365 * 24 * HOUR],
] as const) {
  test(`the clock jumps ${what}: the connection is neither lost nor held for ever`, async () => {
    const world = new FakeWorld();
    const gateway = world.alive('address of a');
    world.start([peer('a')]);
    await world.timers.pass(7 * MINUTE + 30_000);
    world.stepClock(step);
    await world.timers.pass(10 * MINUTE);
    assert.equal(world.ofType('lost').length, 0);
    gateway.alive = false;
    await world.timers.pass(5_000);
    world.stepClock(step);
    await world.timers.pass(156_000);
    assert.equal(world.ofType('lost').length, 1);
  });
}

test('the interface is absent: waits, and uses it at once when it appears', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.setLink('absent');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(HOUR);
  assert.deepEqual(
    world.ofType('interface-missing').map(({ link }) => link),
    ['absent'],
  );
  assert.equal(selector.snapshot().state, 'waiting-for-interface');
  world.setLink('down');
  await world.timers.pass(1_000);
  world.setLink('up');
  await world.timers.pass(50);
  assert.equal(world.ofType('connected').length, 1);
});

test('the interface is deleted and made again: connected anew, peer and routes are there', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('absent');
  await world.timers.pass(10);
  assert.match(world.ofType('lost')[0]?.reason ?? '', /interface/);
  world.setLink('up');
  await world.timers.pass(50);
  assert.equal(world.ofType('connected').length, 2);
  assert.deepEqual([...world.routes], ['route of a']);
});

test('the interface goes down and up between two looks: the connection goes on and the routes come back', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(50);
  assert.equal(world.ofType('connected').length, 1);
  assert.equal(world.ofType('kept').length, 1);
  assert.deepEqual([...world.routes], ['route of a']);
  assert.ok(world.calls.includes('kick a'), 'the session is gone, a new one has to be asked for');
});

test('down for longer than the dead peer timeout: the connection is made anew', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  world.stepClock(-4 * MINUTE); // the clock that jumps would make it look young
  await world.timers.pass(4 * MINUTE);
  world.setLink('up');
  await world.timers.pass(100);
  assert.equal(world.ofType('kept').length, 0);
  assert.equal(world.ofType('connected').length, 2);
});

test('a route that somebody takes away comes back', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a', { allowedIps: ['r1', 'r2'] })]);
  await world.timers.pass(MINUTE);
  world.takeRoute('r1');
  world.takeRoute('r2');
  await world.timers.pass(1_000);
  assert.deepEqual([...world.routes].sort(), ['r1', 'r2']);
  assert.equal(world.ofType('routes-restored').length, 1);
  assert.equal(world.ofType('lost').length, 0);
});

test('a route that belongs to somebody else is reported, and the connection stands', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.conflicts.set('r1', 'there is one already');
  const { selector } = world.start([peer('a', { allowedIps: ['r1', 'r2'] })]);
  await world.timers.pass(MINUTE);
  assert.deepEqual(world.ofType('connected')[0]?.routes.conflicts, [
    { destination: 'r1', reason: 'there is one already' },
  ]);
  assert.equal(selector.snapshot().state, 'established');
});

test('the peer is removed by somebody else: noticed at the next look, and connected again', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.installed.clear();
  await world.timers.pass(6_000);
  assert.match(world.ofType('lost')[0]?.reason ?? '', /somebody else/);
  assert.equal(world.ofType('connected').length, 2);
});

test('take-over: a working connection of a former run is kept untouched, every other peer of ours goes', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 170_000);
  world.plant('key of b', 20_000);
  world.plant('key of c', undefined);
  world.plant('a foreign key', 10_000, false);
  const { selector } = world.start([peer('a'), peer('b'), peer('c')]);
  await world.timers.pass(10);
  assert.deepEqual([...world.installed.keys()], ['key of b', 'a foreign key']);
  assert.equal(world.ofType('kept')[0]?.peer.name, 'b');
  assert.equal(world.ofType('kept')[0]?.handshakeAge, 20_000);
  assert.deepEqual(
    world.ofType('leftover-removed').map((event) => event.peer?.name),
    ['a', 'c'],
  );
  assert.ok(!world.calls.some((call) => call.startsWith('install')));
  assert.equal(selector.snapshot().state, 'established');
});

test('take-over: a handshake from the future proves nothing', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.plant('key of a', -HOUR);
  world.start([peer('a')]);
  await world.timers.pass(100);
  assert.equal(world.ofType('kept').length, 0);
  assert.equal(world.ofType('connected').length, 1);
});

test('take-over: a peer that is disabled now is removed though its connection works', async () => {
  const world = new FakeWorld();
  world.alive('address of b', 10);
  world.plant('key of a', 1_000);
  world.serve({ ...assign([peer('b')]), ownKeys: new Set(['key of a', 'key of b']) });
  await world.timers.pass(500);
  assert.deepEqual([...world.installed.keys()], ['key of b']);
});

test('foreign peers are never touched', async () => {
  const world = new FakeWorld();
  world.plant('a foreign key', undefined, false);
  const { selector, run } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(MINUTE);
  selector.stop();
  await world.timers.pass(10);
  await run;
  assert.deepEqual([...world.installed.keys()], ['a foreign key']);
});

test('reload: an unchanged peer stays connected while all others change', async () => {
  const world = new FakeWorld();
  const a = peer('a');
  world.alive('address of a', 10);
  const { selector } = world.start([a]);
  await world.timers.pass(MINUTE);
  const before = world.calls.length;
  selector.assign(assign([peer('b'), a, peer('c')]));
  await world.timers.pass(1_000);
  assert.equal(world.ofType('lost').length, 0);
  assert.ok(!world.calls.slice(before).some((call) => !call.startsWith('device')), 'nothing was changed');
});

for (const [what, peers, reason] of [
  ['changed', [peer('a'), peer('b')], /its configuration has changed/],
  ['removed', [peer('b')], /no longer configured/],
] as const) {
  test(`reload: a peer that was ${what} is left at once`, async () => {
    const world = new FakeWorld();
    world.alive('address of a', 10);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(MINUTE);
    world.alive('address of b', 10);
    selector.assign(assign(peers));
    await world.timers.pass(200);
    assert.match(world.ofType('lost')[0]?.reason ?? '', reason);
    assert.equal(world.ofType('connected').length, 2);
  });
}

test('reload while nothing is configured: the new peer is used at once', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([]);
  await world.timers.pass(10 * MINUTE);
  selector.assign(assign([peer('a')]));
  await world.timers.pass(500);
  assert.equal(world.ofType('connected').length, 1);
});

for (const [when, wait] of [
  ['while it connects', 1_000],
  ['while it is connected', MINUTE],
] as const) {
  test(`stop ${when}: peer and routes are removed at once`, async () => {
    const world = new FakeWorld();
    if (wait === MINUTE) world.alive('address of a', 10);
    const { selector, run } = world.start([peer('a')]);
    await world.timers.pass(wait);
    assert.equal(world.installed.size, 1);
    const before = world.timers.now();
    selector.stop();
    await world.timers.pass(0);
    await run;
    assert.equal(world.timers.now(), before);
    assert.equal(world.installed.size, 0);
    assert.equal(world.routes.size, 0);
    assert.equal(selector.snapshot().state, 'stopped');
  });
}

test('stop while the interface is down: the peer that was kept for its return goes too', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  await world.timers.pass(100);
  assert.equal(world.installed.size, 1);
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.equal(world.installed.size, 0);
});

test('stop while names resolve, while it pauses, while it waits for the interface', async () => {
  for (const prepare of [
    (world: FakeWorld) => void world.names.set('a.example', 'silent'),
    (world: FakeWorld) => void world.names.set('a.example', 'no such name'),
    (world: FakeWorld) => world.setLink('absent'),
  ]) {
    const world = new FakeWorld();
    prepare(world);
    const { selector, run } = world.start([peer('a', { host: 'a.example', kind: 'name' })]);
    await world.timers.pass(2_500);
    selector.stop();
    await world.timers.pass(0);
    await run;
  }
});

test('an unexpected refusal of the kernel: told, and then the state is read and the work goes on', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.failure = new Error('the kernel is out of sorts');
  await world.timers.pass(10_000);
  assert.equal(world.ofType('trouble').length, 1);
  assert.equal(world.ofType('lost').length, 1, 'who listens is told that it is uncertain');
  assert.equal(world.ofType('kept').length, 1, 'the connection was found in order');
  assert.equal(world.ofType('connected').length, 1);
});

test('the kernel refuses to install a peer: that one failed, the next is tried', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.alive('address of b', 10);
  const { tunnel } = world;
  const install = tunnel.install;
  tunnel.install = (wanted, remote) =>
    wanted.name === 'a' ? Promise.reject(new Error('cannot set a: refused')) : install(wanted, remote);
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(10_000);
  assert.equal(world.ofType('connected')[0]?.peer.name, 'b');
});

test('the machine sleeps for eight hours: the handshake is that much older at the next look, and a new one decides', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(10_000);
  assert.equal(selector.snapshot().state, 'established');
  world.timers.sleep(8 * HOUR);
  assert.ok((selector.snapshot().handshakeAge ?? 0) > 8 * HOUR);
  await world.timers.pass(2 * MINUTE);
  assert.equal(world.ofType('lost').length, 0);
  assert.equal(world.ofType('proven').length, 1);
  assert.equal(selector.snapshot().state, 'established');
  assert.ok((selector.snapshot().handshakeAge ?? HOUR) < 3 * MINUTE);
});

test('a clock that is certainly wrong is waited for, once', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.clock.ready = false;
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(4_000);
  assert.equal(selector.snapshot().state, 'setting-clock');
  assert.equal(world.ofType('trying').length, 0);
  world.clockIsSet();
  await world.timers.pass(100);
  assert.equal(world.ofType('connected').length, 1);
});

test('a connection that works already is kept without waiting for the clock', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 1_000);
  world.clock.ready = false;
  world.start([peer('a')]);
  await world.timers.pass(100);
  assert.equal(world.ofType('kept').length, 1);
});

test('stop while the clock is being set', async () => {
  const world = new FakeWorld();
  world.clock.ready = false;
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(100);
  selector.stop();
  await world.timers.pass(0);
  await run;
});

test('select: goes there at once, though it was tried in this round; unknown peers are refused', async () => {
  const world = new FakeWorld();
  const names = ['a', 'b', 'c'];
  for (const name of names) world.alive(`address of ${name}`, 10);
  const { selector } = world.start(names.map((name) => peer(name)));
  await world.timers.pass(1_000);
  for (const name of ['c', 'a', 'b', 'c']) {
    const before = world.ofType('connected').length;
    const already = selector.snapshot().peer?.name === name;
    assert.equal(selector.select(name), true);
    await world.timers.pass(100);
    assert.equal(selector.snapshot().state, 'established');
    assert.equal(selector.snapshot().peer?.name, name);
    assert.equal(world.ofType('connected').length, already ? before : before + 1);
  }
  assert.equal(selector.select('nobody'), false);
  assert.equal(selector.snapshot().peer?.name, 'c');
});

test('select a dead peer: tried for the connect timeout, then the round goes on', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a'), peer('dead')]);
  await world.timers.pass(10_000);
  assert.equal(selector.snapshot().peer?.name, 'a');
  selector.select('dead');
  await world.timers.pass(100);
  assert.equal(selector.snapshot().peer?.name, 'dead');
  await world.timers.pass(6_000);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(selector.snapshot().peer?.name, 'a');
});

test('select while it pauses, and while it waits for the interface', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a').add('address of b');
  world.alive('address of b', 10);
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(MINUTE);
  world.unroutable.clear();
  selector.select('b');
  await world.timers.pass(500);
  assert.equal(selector.snapshot().peer?.name, 'b');
  world.alive('address of a', 10);
  world.setLink('absent');
  await world.timers.pass(100);
  selector.select('a');
  world.setLink('up');
  await world.timers.pass(500);
  assert.equal(selector.snapshot().peer?.name, 'a');
  assert.equal(selector.snapshot().state, 'established');
});

test('next: every peer once before any twice, on command', async () => {
  const world = new FakeWorld();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) world.alive(`address of ${name}`, 10);
  const { selector } = world.start(names.map((name) => peer(name)));
  await world.timers.pass(1_000);
  for (let step = 0; step < 7; step++) {
    selector.next();
    await world.timers.pass(100);
  }
  const order = world.ofType('connected').map((event) => event.peer.name);
  assert.equal(order.length, 8);
  assert.deepEqual(order.slice(0, 4).sort(), names);
  assert.deepEqual(order.slice(4).sort(), names);
  assert.notEqual(order[4], order[3]);
});

test('a peer that was asked for is no reason to ask a kernel that fails without rest', async () => {
  const world = new FakeWorld();
  let asked = 0;
  world.tunnel.device = async () => {
    if (++asked > 1_000) return await new Promise<never>(() => {}); // or the test would never end
    throw new Error('it fails');
  };
  const { selector } = world.start([peer('a')]);
  selector.select('a');
  await world.timers.pass(10_000);
  selector.select('a');
  await world.timers.pass(10_000);
  assert.ok(asked >= 3 && asked < 15, `${asked} times in 20 s`);
});

test('nothing is left behind though the kernel fails once at the end, nor what nobody knew of', async () => {
  for (const failures of [1, 2]) {
    const world = new FakeWorld();
    world.alive('address of a');
    const { selector, run } = world.start([peer('a'), peer('b')]);
    await world.timers.pass(5_000);
    world.plant('key of b', undefined);
    const { apply } = world.routing;
    let left = failures;
    world.routing.apply = async (...wanted) => {
      if (wanted[0].length === 0 && left-- > 0) throw new Error('it fails');
      return await apply(...wanted);
    };
    selector.stop();
    await world.timers.pass(1_000);
    await run;
    assert.deepEqual([[...world.installed.keys()], [...world.routes]], [[], []]);
  }
});

test('each change of the state is told, and the loop goes on whatever there is to wait for', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([peer('a')]);
  const states: string[] = [];
  selector.onState(() => states.push(selector.snapshot().state));
  const goOn = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      await world.timers.pass(90_000);
      assert.ok(selector.goesOn(90_000), selector.snapshot().state);
    }
  };
  await goOn(5); // nobody answers
  world.alive('address of a');
  await goOn(20);
  world.setLink('down');
  await goOn(5);
  world.setLink('up');
  await goOn(1);
  const each = states.filter((state, place) => state !== states[place - 1]);
  assert.deepEqual(each, states, 'the same is not told twice');
  assert.deepEqual(states.slice(-3), ['waiting-for-interface', 'connecting', 'established']);
});

test('a loop that waits for something which never comes does not go on', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(60_000);
  selector.goesOn(60_000);
  Object.assign(world.tunnel, { device: () => new Promise(() => {}), again: () => undefined });
  await world.timers.pass(60_000);
  selector.goesOn(60_000); // until it hung it went on
  await world.timers.pass(60_000);
  assert.equal(selector.goesOn(60_000), false);
});

test('age, round trip and silence are told of a connection, and of nothing else', async () => {
  const world = new FakeWorld();
  const gateway = world.alive('address of a', 40);
  const { selector } = world.start([peer('a')]);
  const told = (): (number | undefined)[] => {
    const { handshakeAge, roundTrip, silence } = selector.snapshot();
    return [handshakeAge, roundTrip, silence];
  };
  assert.equal(selector.snapshot().state, 'waiting-for-interface', 'before it has begun');
  assert.deepEqual(told(), [undefined, undefined, undefined]);
  await world.timers.pass(20_000);
  assert.equal(selector.snapshot().state, 'established');
  const [age, roundTrip, silence] = told();
  assert.ok(age !== undefined && age >= 19_900 && age < 20_000, `${age}`);
  assert.equal(roundTrip, 40);
  assert.ok(silence !== undefined && silence <= 20_000, `${silence}`);
  world.setLink('down');
  await world.timers.pass(100);
  assert.equal(selector.snapshot().state, 'waiting-for-interface');
  assert.deepEqual(told(), [undefined, undefined, undefined]);
  gateway.alive = false;
  world.installed.clear();
  world.setLink('up');
  await world.timers.pass(100);
  assert.equal(selector.snapshot().state, 'connecting');
  assert.deepEqual(told(), [undefined, undefined, undefined]);
});

test('who is reached where it was tried was not tried elsewhere', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 40);
  world.start([peer('a')]);
  await world.timers.pass(100);
  const [connected] = world.ofType('connected');
  assert.ok(connected);
  assert.equal(connected.tried, undefined);
  assert.equal(connected.remote.address, 'address of a');
});

test('the end of a round is told with its number, and whether it was silence for a minute', async () => {
  const world = new FakeWorld();
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(61_000);
  const rounds = world.ofType('round-over');
  assert.deepEqual(rounds[0], { type: 'round-over', round: 1, disconnected: 10_000, silent: false });
  assert.deepEqual(
    rounds.map(({ silent }) => silent),
    [false, false, false, false, false, true],
  );
});

test('a connection that is stopped, or whose peer is configured no longer, was told to end', async () => {
  for (const [act, reason] of [
    [(selector: Selector) => selector.stop(), 'the daemon stops'],
    [(selector: Selector) => selector.assign(assign([])), 'it is no longer configured'],
  ] as const) {
    const world = new FakeWorld();
    world.alive('address of a', 40);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(1_000);
    act(selector);
    await world.timers.pass(0);
    assert.deepEqual(
      world.ofType('lost').map((event) => [event.code, event.reason]),
      [['told-to', reason]],
    );
    const at = world.events.findIndex(({ type }) => type === 'lost');
    assert.equal(world.shown[at]?.state, 'connecting');
  }
});

test('a connection whose interface goes, or whose peer somebody removes, is lost by that', async () => {
  for (const [happen, code, reason] of [
    [(world: FakeWorld) => world.setLink('down'), 'interface-gone', 'the interface went down'],
    [
      (world: FakeWorld) => world.installed.clear(),
      'removed-by-others',
      'somebody else removed it from the interface',
    ],
  ] as const) {
    const world = new FakeWorld();
    world.alive('address of a', 40);
    world.start([peer('a')]);
    await world.timers.pass(1_000);
    happen(world);
    await world.timers.pass(6_000);
    assert.deepEqual(
      world.ofType('lost').map((event) => [event.code, event.reason]),
      [[code, reason]],
    );
  }
});

test('a connection whose kernel fails is lost by trouble, until the kernel is read anew', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 40);
  world.start([peer('a')]);
  await world.timers.pass(10_000);
  world.failure = new Error('out of sorts');
  await world.timers.pass(6_000);
  assert.deepEqual(
    world.ofType('lost').map((event) => [event.code, event.reason]),
    [['trouble', 'the kernel has to be read anew']],
  );
});

test('at the end it is tried three times to leave nothing', async () => {
  const world = new FakeWorld();
  const { selector, run } = world.start([]);
  await world.timers.pass(1_500);
  let asked = 0;
  world.tunnel.device = async () => {
    asked++;
    throw new Error('it fails');
  };
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.equal(world.ofType('stopped').length, 1);
  assert.equal(world.ofType('trouble').length, 1);
  assert.equal(asked, 3);
});

test('a peer that was asked for is held for longer than others are, and nobody else by that', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 40);
  const { selector } = world.start([peer('a'), peer('b')], { maxAge: 60 });
  await world.timers.pass(1_000);
  const first = selector.snapshot().peer?.name ?? '';
  const other = first === 'a' ? 'b' : 'a';
  selector.select(other);
  await world.timers.pass(5 * MINUTE);
  assert.equal(selector.snapshot().peer?.name, other);
  assert.deepEqual(world.ofType('tried-beside'), []);
  selector.next();
  await world.timers.pass(1_000);
  world.forget();
  await world.timers.pass(10 * MINUTE);
  const [lost] = world.ofType('lost');
  assert.equal(lost?.code, 'max-age');
  assert.equal(lost.reason, `held for ${formatDuration(lost.held)}`);
  assert.ok(lost.held >= 52_500 && lost.held <= 10 * MINUTE, `${lost.held}`);
  const connected = world.ofType('connected')[0];
  assert.equal(connected?.handshake, 40);
});

test('a peer that was asked for and is lost is preferred no longer when it is held again', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 40);
  const { selector } = world.start([peer('a'), peer('b')], { maxAge: 60 });
  await world.timers.pass(1_000);
  selector.select('b');
  await world.timers.pass(1_000);
  assert.equal(selector.snapshot().peer?.name, 'b');
  world.installed.clear(); // by another hand
  await world.timers.pass(6_000);
  for (let turn = 0; selector.snapshot().peer?.name !== 'b'; turn++) {
    assert.ok(turn < 3);
    selector.next();
    await world.timers.pass(100);
  }
  world.forget();
  await world.timers.pass(10 * MINUTE);
  assert.ok(world.ofType('lost').length > 0, 'it was left for another');
});

test('the kernel fails while another takes the place of the held one: that is trouble, and the state is read', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 40);
  const { selector } = world.start([peer('a'), peer('b')], { maxAge: 60 });
  const { adjust } = world.tunnel;
  const error = new Error('it fails');
  world.tunnel.adjust = () => {
    world.tunnel.adjust = adjust;
    return Promise.reject(error);
  };
  for (let seconds = 0; world.ofType('trouble').length === 0; seconds++) {
    assert.ok(seconds < 600);
    await world.timers.pass(1_000);
  }
  assert.equal(world.ofType('trouble')[0]?.error, error);
  assert.equal(world.ofType('lost')[0]?.code, 'trouble');
  await world.timers.pass(5_000);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(world.installed.size, 1);
});

test('an address that can be no gateway is told as one of none', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['0.0.0.0', '192.0.2.1']);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(100);
  assert.deepEqual(
    world.ofType('failed').map(({ code, remote }) => [code, remote?.address]),
    [['no-address', '0.0.0.0']],
  );
});

test('who is asked for during a pause comes before the round that follows, and has a turn in that too', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.unroutable.add(`address of ${name}`);
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(2_010);
  assert.equal(selector.snapshot().state, 'pausing');
  world.forget();
  assert.ok(selector.select('b'));
  await world.timers.pass(10);
  assert.equal(world.ofType('trying').length, 1, 'not even the shortest pause is waited for');
  await world.timers.pass(6_000);
  const happened = world.events.flatMap((event) => {
    if (event.type === 'pausing') return ['pause'];
    return event.type === 'trying' ? [event.peer.name] : [];
  });
  assert.deepEqual(happened.slice(0, 2), ['b', 'pause']);
  assert.deepEqual(happened.slice(2, 4).sort(), ['a', 'b']);
});

test('after a connection its address is not the first of the next round', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two']);
    for (const address of ['one', 'two']) world.alive(address);
    const { selector } = world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(1_000);
    selector.next();
    await world.timers.pass(1_000);
    const [before, after] = world.ofType('connected').map(({ remote }) => remote.address);
    assert.ok(after !== undefined && after !== before, `${before}, then ${after}`);
  }
});

test('a peer that was asked for and does not answer: who is held instead is left for others as ever', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 40);
  const { selector } = world.start([peer('a'), peer('b'), peer('dead')], { maxAge: 60 });
  await world.timers.pass(6_000);
  selector.select('dead');
  await world.timers.pass(6_000);
  assert.equal(selector.snapshot().state, 'established');
  world.forget();
  await world.timers.pass(5 * MINUTE);
  assert.equal(world.ofType('lost')[0]?.code, 'max-age');
});
