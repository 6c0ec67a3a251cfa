import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../../src/selector/connection.js';
import { Inbox } from '../../../src/selector/inbox.js';
import type { Loop } from '../../../src/selector/loop.js';
import { Picker } from '../../../src/selector/picker.js';
import { Rivals, type Successor } from '../../../src/selector/rivals.js';
import type { Selector } from '../../../src/selector/selector.js';
import { type Peer, remoteAt } from '../../../src/selector/world.js';
import {
  assign,
  type FakePeerOptions,
  FakeWorld,
  peer,
  type SettingsInSeconds,
} from '../../support/fake-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** All of them lead to the same network. */
const gateway = (name: string, options: FakePeerOptions = {}): Peer =>
  peer(name, { allowedIps: ['net'], ...options });

/** A world whose better gateway is dead, so that the lesser is held. */
async function onSpare(settings: Partial<SettingsInSeconds> = {}, seed = 1) {
  const world = new FakeWorld(seed);
  const better = world.alive('address of best', 40);
  const lesser = world.alive('address of spare', 40);
  better.alive = false;
  const peers = [gateway('best'), gateway('spare', { priority: 1 })];
  const { selector } = world.start(peers, { failbackInterval: 300, ...settings });
  await world.timers.pass(6 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  return { world, selector, better, lesser, peers };
}

const asked = (world: FakeWorld): string[] => world.ofType('tried-beside').map((event) => event.peer.name);
const keys = (world: FakeWorld): string[] => [...world.installed.keys()];

test('failback: a better peer that answers again is gone back to, in one step', async () => {
  const { world, selector, better } = await onSpare();
  better.alive = true;
  world.calls.length = world.applied.length = 0;
  await world.timers.pass(5 * MINUTE);
  assert.equal(selector.snapshot().peer?.name, 'best');
  assert.equal(selector.snapshot().state, 'established');
  assert.deepEqual(keys(world), ['key of best']);
  assert.deepEqual(world.installed.get('key of best')?.allowedIps, ['net']);
  const steps = world.calls.filter((call) => call !== 'device');
  assert.deepEqual(steps, ['install best address of best', 'adjust best', 'remove key of spare']);
  assert.ok(world.applied.every(({ destinations }) => destinations.join() === 'net'));
  const [lost] = world.ofType('lost');
  assert.equal(lost?.code, 'better-peer');
  assert.equal(lost?.reason, 'best answers, which has priority 0 instead of 1');
  const connected = world.ofType('connected').at(-1);
  assert.equal(connected?.handshake, 40, 'as the kernel tells it, not as it was seen');
  assert.ok(world.timers.now() - selector.snapshot().since < 80 * SECOND, 'held since then');
  assert.ok((selector.snapshot().handshakeAge ?? Number.NaN) <= MINUTE + 15 * SECOND);
});

test('failback is tried once in three quarters of its interval to all of it, and the held peer stays meanwhile', async () => {
  const times = new Set<number>();
  for (let seed = 1; seed <= 8; seed++) {
    const { world, selector } = await onSpare({}, seed);
    world.events.length = 0;
    const start = world.timers.now() - SECOND;
    while (asked(world).length === 0) await world.timers.pass(SECOND);
    const took = world.timers.now() - start;
    assert.ok(took >= 225 * SECOND && took <= 308 * SECOND, `${took}`);
    times.add(Math.round(took / SECOND));
    const { reason, roundTrip } = world.ofType('tried-beside')[0] ?? {};
    assert.deepEqual([reason, roundTrip], ['no handshake within 5 s', undefined]);
    await world.timers.pass(30 * MINUTE);
    assert.ok(asked(world).length >= 6 && asked(world).length <= 9, `${asked(world).length}`);
    assert.deepEqual(keys(world), ['key of spare']);
    assert.equal(selector.snapshot().state, 'established');
    assert.deepEqual(
      new Set(world.events.map(({ type }) => type)),
      new Set(['tried-beside']),
      'nothing else happens, and no look takes the other for a stranger',
    );
  }
  assert.ok(times.size > 3, 'not in step');
});

test('failback is off with 0, and begins and ends with a reload', async () => {
  const { world, selector, better, peers } = await onSpare({ failbackInterval: 0 });
  better.alive = true;
  await world.timers.pass(2 * HOUR);
  assert.deepEqual(asked(world), []);
  selector.assign(assign(peers, { failbackInterval: 86_400 }));
  await world.timers.pass(MINUTE);
  selector.assign(assign(peers, { failbackInterval: 60 }));
  await world.timers.pass(MINUTE + SECOND);
  assert.equal(selector.snapshot().peer?.name, 'best');
  await world.timers.pass(HOUR);
  assert.deepEqual(asked(world), ['best'], 'nobody is better than the best');
});

test('of several better groups the best that answers is gone to, whatever else answers', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    for (const name of ['a', 'b', 'c', 'spare'])
      world.alive(`address of ${name}`, 10).alive = name === 'spare';
    const peers = [
      gateway('spare', { priority: 9 }),
      gateway('c', { priority: 2 }),
      gateway('b', { priority: 1 }),
      gateway('a', { priority: 0 }),
      gateway('z', { priority: 10 }),
    ];
    const { selector } = world.start(peers, { failbackInterval: 300 });
    await world.timers.pass(16 * SECOND);
    assert.equal(selector.snapshot().peer?.name, 'spare');
    for (const name of ['b', 'c']) world.alive(`address of ${name}`, 10);
    await world.timers.pass(5 * MINUTE + 6 * SECOND);
    assert.deepEqual(asked(world), ['a', 'b']);
    assert.equal(selector.snapshot().peer?.name, 'b');
    world.alive('address of a', 10);
    await world.timers.pass(5 * MINUTE);
    assert.equal(selector.snapshot().peer?.name, 'a');
  }
});

test('all addresses of a better peer are tried, and its name is looked up anew', async () => {
  const world = new FakeWorld();
  world.names.set('best.example', ['192.0.2.1', '192.0.2.2']);
  world.alive('address of spare', 10);
  const best = gateway('best', { host: 'best.example', kind: 'name' });
  const { selector } = world.start([best, gateway('spare', { priority: 1 })], { failbackInterval: 600 });
  await world.timers.pass(6 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  world.names.set('best.example', ['192.0.2.3', '192.0.2.4', '192.0.2.5']);
  world.unroutable.add('192.0.2.3');
  world.alive('192.0.2.3', 10);
  await world.timers.pass(10 * MINUTE + 11 * SECOND); // addresses live for five minutes
  const tried = world.ofType('tried-beside').map(({ remote }) => remote?.address);
  assert.deepEqual(tried.slice(0, 2).sort(), ['192.0.2.4', '192.0.2.5']);
  assert.equal(tried[2], '192.0.2.3', 'what seems to have no way comes last');
  assert.equal(selector.snapshot().peer?.name, 'best');
});

test('a better peer whose name does not resolve: told, and tried again the next time', async () => {
  const world = new FakeWorld();
  world.alive('address of spare', 10);
  const best = gateway('best', { host: 'best.example', kind: 'name' });
  world.start([best, gateway('spare', { priority: 1 })], { failbackInterval: 300 });
  await world.timers.pass(6 * MINUTE);
  assert.deepEqual(
    world.ofType('tried-beside').map(({ remote, reason }) => [remote, reason]),
    [[undefined, 'best.example does not exist']],
  );
});

test('who cannot be tried beside is not: the way through the tunnel, the own key, the key of the held peer', async () => {
  const world = new FakeWorld();
  world.alive('address of spare', 10);
  for (const name of ['swallowed', 'own', 'twin']) world.alive(`address of ${name}`, 10).alive = false;
  const twin = { ...gateway('twin'), publicKey: 'key of spare' };
  const own = { ...gateway('own'), publicKey: world.publicKey };
  const peers = [gateway('swallowed'), twin, own, gateway('spare', { priority: 1 })];
  const { selector } = world.start(peers, { failbackInterval: 300 });
  await world.timers.pass(20 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  for (const name of ['swallowed', 'own', 'twin']) world.alive(`address of ${name}`, 10);
  world.swallowed.add('address of swallowed');
  await world.timers.pass(5 * MINUTE);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  assert.deepEqual(asked(world).sort(), ['own', 'swallowed']);
  assert.deepEqual(keys(world), ['key of spare']);
});

test('routes that only the new peer has come, those that only the old one had go', async () => {
  const world = new FakeWorld();
  const better = world.alive('address of best', 10);
  better.alive = false;
  world.alive('address of spare', 10);
  const best = peer('best', { allowedIps: ['net', 'only best'] });
  const spare = peer('spare', { priority: 1, allowedIps: ['net', 'only spare'] });
  world.start([best, spare], { failbackInterval: 300 });
  await world.timers.pass(6 * SECOND);
  better.alive = true;
  world.applied.length = 0;
  await world.timers.pass(5 * MINUTE);
  assert.deepEqual([...world.routes].sort(), ['net', 'only best']);
  assert.ok(world.applied.every(({ destinations }) => destinations.includes('net')));
});

test('a better peer whose routes swallow its own endpoint: taken back, and left alone for ten minutes', async () => {
  const world = new FakeWorld();
  const better = world.alive('address of best', 10);
  better.alive = false;
  world.alive('address of spare', 10);
  const best = peer('best', { allowedIps: ['net', 'only best'] });
  const { selector } = world.start([best, gateway('spare', { priority: 1 })], { failbackInterval: 60 });
  await world.timers.pass(6 * SECOND);
  better.alive = true;
  const { doubt } = world.routing;
  world.routing.doubt = async (remote) =>
    remote.address === 'address of best' && world.routes.has('only best')
      ? { kind: 'through-tunnel', reason: 'loop' }
      : await doubt(remote);
  await world.timers.pass(70 * SECOND);
  assert.deepEqual(
    world.ofType('lost').map(({ code, reason }) => [code, reason.slice(0, 76)]),
    [['trouble', 'best cannot take its place: its allowed IPs lead the way to its own endpoint']],
  );
  assert.equal(selector.snapshot().peer?.name, 'spare');
  assert.deepEqual([...world.routes], ['net']);
  await world.timers.pass(8 * MINUTE);
  assert.equal(world.ofType('lost').length, 1);
  assert.equal(selector.snapshot().peer?.name, 'spare');
});

/** What happens to a world in which another is being tried. */
type Happening = (world: FakeWorld, selector: Selector, peers: readonly Peer[]) => void;

const happenings: Readonly<Record<string, Happening>> = {
  'the connection is lost': (world) => void world.installed.delete('key of spare'),
  'somebody asks for the next': (_, selector) => selector.next(),
  'the daemon stops': (_, selector) => selector.stop(),
  'the interface vanishes': (world) => world.setLink('absent'),
  'somebody removes the other': (world) => void world.installed.delete('key of best'),
};

for (const [what, happen] of Object.entries(happenings)) {
  test(`while another is tried beside, ${what}: nothing is left of it`, async () => {
    const { world, selector, peers } = await onSpare();
    while (keys(world).length < 2) await world.timers.pass(100);
    assert.deepEqual(world.installed.get('key of best')?.allowedIps, []);
    happen(world, selector, peers);
    await world.timers.pass(6 * SECOND);
    assert.ok(keys(world).length <= 1, keys(world).join());
    if (keys(world).length === 1) assert.deepEqual([...world.installed.values()][0]?.allowedIps, ['net']);
    assert.deepEqual(world.ofType('trouble'), []);
  });
}

test('a reload takes the peer away that is tried beside: it goes at once, and the connection stays', async () => {
  const { world, selector, peers } = await onSpare();
  while (keys(world).length < 2) await world.timers.pass(100);
  selector.assign(assign(peers.slice(1), { failbackInterval: 300 }));
  await world.timers.pass(100);
  assert.deepEqual(keys(world), ['key of spare']);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  assert.deepEqual(world.ofType('lost'), []);
});

test('what is left of a try is not taken over: the peer that has its allowed IPs is, however much younger the other', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.alive('address of b', 10);
  world.plant('key of a', 100 * SECOND, true, { address: 'address of a', port: 1 });
  world.plant('key of b', SECOND, true, { address: 'address of b', port: 1 });
  const entry = world.installed.get('key of a');
  assert.ok(entry);
  entry.allowedIps = ['net'];
  const { selector } = world.start([gateway('b'), gateway('a', { priority: 1 })]);
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().peer?.name, 'a');
  assert.deepEqual(keys(world), ['key of a']);
  assert.deepEqual(
    world.ofType('leftover-removed').map((event) => event.publicKey),
    ['key of b'],
  );
});

test('who was asked for stays, until it is lost or somebody says next', async () => {
  const world = new FakeWorld();
  for (const name of ['best', 'spare']) world.alive(`address of ${name}`, 10);
  const peers = [gateway('best'), gateway('spare', { priority: 1 })];
  const { selector } = world.start(peers, { failbackInterval: 60, maxAge: 600 });
  await world.timers.pass(SECOND);
  selector.select('spare');
  await world.timers.pass(HOUR);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  assert.deepEqual(asked(world), []);
  world.installed.clear(); // by another hand
  world.alive('address of best', 10).alive = false;
  await world.timers.pass(20 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'spare', 'by its turn in the round');
  world.alive('address of best', 10);
  await world.timers.pass(MINUTE);
  assert.equal(selector.snapshot().peer?.name, 'best');
});

test('who is asked for while a better one is tried stays, too', async () => {
  const { world, selector, better } = await onSpare();
  while (keys(world).length < 2) await world.timers.pass(10);
  better.alive = true;
  assert.equal(selector.select('spare'), true);
  await world.timers.pass(HOUR);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  assert.deepEqual(keys(world), ['key of spare']);
});

test('a better peer that comes and goes is left alone for longer each time', async () => {
  const { world, selector, better } = await onSpare({ failbackInterval: 60, deadPeerTimeout: 150 });
  const waits: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    better.alive = true;
    const start = world.timers.now();
    while (selector.snapshot().peer?.name !== 'best') await world.timers.pass(SECOND);
    waits.push(Math.round((world.timers.now() - start) / MINUTE));
    better.alive = false;
    while (selector.snapshot().peer?.name !== 'spare') await world.timers.pass(SECOND);
    assert.equal(world.ofType('lost').at(-1)?.code, 'handshake-too-old');
  }
  assert.ok((waits[0] ?? 9) <= 1 && (waits[1] ?? 9) <= 1, `${waits}: the first loss is no habit`);
  for (const [turn, least] of [
    [2, 10],
    [3, 20],
    [4, 40],
    [5, 80],
  ] as const) {
    assert.ok((waits[turn] ?? 0) >= least - 1 && (waits[turn] ?? 0) <= least + 2, `${waits}`);
  }
});

test('a better peer that was lost by command, or by the interface, is no peer that comes and goes', async () => {
  const { world, selector, better } = await onSpare({ failbackInterval: 60 });
  better.alive = true;
  for (let turn = 0; turn < 5; turn++) {
    await world.timers.pass(62 * SECOND);
    assert.equal(selector.snapshot().peer?.name, 'best', `turn ${turn}`);
    selector.next();
    await world.timers.pass(SECOND);
    assert.equal(selector.snapshot().peer?.name, 'spare');
  }
});

test('a lost peer that was gone back to is followed by the others of its group', async () => {
  const world = new FakeWorld();
  const peers = [gateway('a'), gateway('b'), gateway('spare', { priority: 1 })];
  const gateways = new Map(['a', 'b', 'spare'].map((name) => [name, world.alive(`address of ${name}`, 10)]));
  for (const name of ['a', 'b']) Object.assign(gateways.get(name) ?? {}, { alive: false });
  const { selector } = world.start(peers, { failbackInterval: 60 });
  await world.timers.pass(11 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'spare');
  for (const name of ['a', 'b']) Object.assign(gateways.get(name) ?? {}, { alive: true });
  await world.timers.pass(61 * SECOND);
  const first = selector.snapshot().peer?.name ?? '';
  assert.ok(first !== 'spare');
  world.installed.clear(); // by another hand
  await world.timers.pass(6 * SECOND);
  assert.equal(selector.snapshot().peer?.name, first === 'a' ? 'b' : 'a');
});

/** A world in which `a` is held, and `b` of the same group has another round trip. */
async function comparing(
  a: number,
  b: number,
  settings: Partial<SettingsInSeconds> = { strategy: 'fastest' },
) {
  for (let seed = 1; ; seed++) {
    const world = new FakeWorld(seed);
    const [ours, theirs] = [world.alive('address of a', a), world.alive('address of b', b)];
    const { selector } = world.start([gateway('a'), gateway('b'), gateway('c', { priority: 1 })], settings);
    await world.timers.pass(5 * SECOND);
    if (selector.snapshot().peer?.name === 'a') return { world, selector, ours, theirs };
  }
}

test('fastest: a gain of both 10 ms and a fifth is worth a change, less is not', async () => {
  for (const [a, b, changes] of [
    [100, 80, true],
    [100, 81, false],
    [40, 30, true],
    [40, 31, false],
    [20, 10, true],
    [20, 11, false],
    [12, 1, true],
    [9, 0, false],
    [50, 200, false],
  ] as const) {
    const { world, selector } = await comparing(a, b);
    await world.timers.pass(80 * SECOND);
    assert.equal(selector.snapshot().peer?.name, changes ? 'b' : 'a', `${a} and ${b} ms`);
    assert.deepEqual(asked(world), changes ? ['b', 'b'] : ['b']);
    assert.equal(keys(world).length, 1);
    if (!changes) continue;
    const [lost] = world.ofType('lost');
    assert.equal(lost?.code, 'better-peer');
    assert.equal(lost?.reason, `b is faster: a round trip of ${b} ms instead of ${a} ms`);
  }
});

test('fastest: of several that are worth a change the fastest is gone to, whichever was asked first', async () => {
  const orders = new Set<string>();
  for (let seed = 1; orders.size < 2; seed++) {
    const world = new FakeWorld(seed);
    for (const [name, latency] of Object.entries({ a: 100, b: 60, c: 30 }))
      world.alive(`address of ${name}`, latency);
    const peers = [gateway('a'), gateway('b'), gateway('c')];
    const { selector } = world.start(peers, { strategy: 'fastest' });
    await world.timers.pass(5 * SECOND);
    if (selector.snapshot().peer?.name !== 'a') continue;
    await world.timers.pass(80 * SECOND);
    assert.equal(selector.snapshot().peer?.name, 'c');
    const [first = '', second = '', ...final] = asked(world);
    assert.deepEqual(final, ['c']);
    orders.add(first + second);
  }
});

test('fastest: what looked faster once and is not the second time is not gone to', async () => {
  const { world, selector, theirs } = await comparing(100, 20);
  const { install } = world.tunnel;
  let installed = 0;
  world.tunnel.install = (wanted, remote) => {
    if (++installed === 2) theirs.latency = 95;
    return install(wanted, remote);
  };
  await world.timers.pass(80 * SECOND);
  assert.deepEqual(asked(world), ['b', 'b']);
  assert.equal(selector.snapshot().peer?.name, 'a');
  assert.deepEqual(keys(world), ['key of a']);
});

test('fastest: never more than one change in ten minutes, and a look every ten to twelve and a half', async () => {
  const { world, selector, ours, theirs } = await comparing(100, 50);
  await world.timers.pass(80 * SECOND);
  assert.equal(selector.snapshot().peer?.name, 'b');
  const changed = selector.snapshot().since;
  ours.latency = 5;
  theirs.latency = 50;
  while (selector.snapshot().peer?.name === 'b') await world.timers.pass(SECOND);
  const took = world.timers.now() - changed;
  assert.ok(took >= 10 * MINUTE && took <= 11.5 * MINUTE, `${took}`);
  world.events.length = 0;
  await world.timers.pass(2 * HOUR);
  assert.ok(asked(world).length >= 9 && asked(world).length <= 12, `${asked(world).length}`);
  assert.deepEqual(new Set(asked(world)), new Set(['b']), 'the lesser group is not asked');
  assert.equal(selector.snapshot().peer?.name, 'a');
});

for (const traffic of [true, false]) {
  test(`fastest: a connection that was taken over is compared by its renewals, ${traffic ? 'busy' : 'idle'}`, async () => {
    for (const [ours, changes] of [
      [100, true],
      [50, false],
    ] as const) {
      const world = new FakeWorld();
      world.alive('address of a', ours);
      world.alive('address of b', 45);
      const remote = { address: 'address of a', port: 51820 };
      world.plant('key of a', 60 * SECOND, true, remote, traffic);
      const { selector } = world.start([gateway('a'), gateway('b')], { strategy: 'fastest' });
      await world.timers.pass(25 * MINUTE);
      assert.equal(selector.snapshot().peer?.name, changes ? 'b' : 'a', `${ours} ms`);
      assert.ok(asked(world).length > 1);
    }
  });
}

test('random: nobody is compared', async () => {
  const { world } = await comparing(100, 1, { strategy: 'random' });
  await world.timers.pass(HOUR);
  assert.deepEqual(asked(world), []);
});

test('max-age: a healthy connection is left for another after about so long, which is connected first', async () => {
  const times: number[] = [];
  for (let seed = 1; seed <= 30; seed++) {
    const world = new FakeWorld(seed);
    for (const name of ['a', 'b']) world.alive(`address of ${name}`, 10);
    const { selector } = world.start([gateway('a'), gateway('b')], { maxAge: 3_600 });
    await world.timers.pass(SECOND);
    const first = selector.snapshot().peer?.name;
    world.calls.length = 0;
    await world.timers.pass(70 * MINUTE);
    const [lost, ...more] = world.ofType('lost');
    assert.deepEqual(more, []);
    if (lost === undefined) {
      assert.equal(selector.snapshot().peer?.name, first, 'it was drawn itself');
      continue;
    }
    times.push(lost.held);
    assert.equal(lost.code, 'max-age');
    assert.notEqual(selector.snapshot().peer?.name, first);
    const steps = world.calls.filter((call) => /^(install|adjust|remove)/.test(call));
    assert.deepEqual(
      steps.map((step) => step.split(' ')[0]),
      ['install', 'adjust', 'remove'],
    );
  }
  assert.ok(times.length > 8 && times.length < 22, `${times.length} of 30 change`);
  assert.ok(Math.min(...times) >= 52.5 * MINUTE && Math.max(...times) <= 67.6 * MINUTE, `${times}`);
  assert.ok(Math.max(...times) - Math.min(...times) > 5 * MINUTE, 'not in step');
});

test('max-age: shares over a long time are those of the weights', async () => {
  const world = new FakeWorld(3);
  for (const name of ['light', 'heavy']) world.alive(`address of ${name}`, 10);
  const peers = [gateway('light', { weight: 1 }), gateway('heavy', { weight: 4 })];
  const { selector } = world.start(peers, { maxAge: 60, checkInterval: 3600, deadPeerTimeout: 3600 });
  let heavy = 0;
  const draws = 500;
  for (let draw = 0; draw < draws; draw++) {
    await world.timers.pass(2 * MINUTE);
    if (selector.snapshot().peer?.name === 'heavy') heavy++;
  }
  assert.ok(Math.abs(heavy - draws * 0.8) < 5 * Math.sqrt(draws * 0.8 * 0.2), `${heavy} of ${draws}`);
});

test('max-age: where nobody else answers the connection stays', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([gateway('a'), gateway('b')], { maxAge: 60 });
  await world.timers.pass(2 * HOUR);
  assert.equal(selector.snapshot().peer?.name, 'a');
  assert.deepEqual(world.ofType('lost'), []);
  assert.ok(asked(world).length > 30, 'the other was asked');
});

/** Rivals of a peer that is held, whose times are drawn as `drawn` of a thousand has it. */
async function rivalsOf(held: Peer, peers: readonly Peer[], settings: Partial<SettingsInSeconds>, drawn = 0) {
  const world = new FakeWorld();
  world.alive(`address of ${held.name}`, 40);
  world.traffic = false;
  const random = { below: (bound: number): number => (bound === 1_001 ? drawn : world.random.below(bound)) };
  const given = { assignment: assign(peers, settings) };
  const connection = new Connection(world);
  const loop: Loop = {
    world: { ...world, random, wallClock: () => world.wallClock() },
    ...{ connection, inbox: new Inbox(world.timers) },
    assignment: () => given.assignment,
    interruption: () => undefined,
    emit: (event) => void world.events.push(event),
  };
  const picker = new Picker(world.resolver, world.timers, random, () => {});
  picker.setPeers(peers);
  const at = remoteAt({ address: `address of ${held.name}`, port: 51820 });
  await connection.install(held, at, undefined, given.assignment);
  await world.timers.pass(100);
  await connection.handshakeCame(held);
  const rivals = new Rivals(loop, picker);
  /** Milliseconds until there is something to do. */
  const due = (): number => rivals.due - world.timers.now();
  /** Goes on until the next run is over. @returns who was asked, and who is to be held */
  const run = async (): Promise<{ names: string[]; successor: Successor | undefined }> => {
    world.events.length = 0;
    await world.timers.pass(due());
    let successor: Successor | undefined;
    do {
      successor = await rivals.step();
      if (due() > 0 && due() < MINUTE / 6) await world.timers.pass(due());
    } while (successor === undefined && due() < MINUTE / 6);
    return { names: asked(world), successor };
  };
  return { world, rivals, due, run, given, connection };
}

test('when others are looked for: never in step, and never where there is nobody to look for', async () => {
  const [best, same, lesser] = [gateway('best'), gateway('same'), gateway('lesser', { priority: 1 })];
  const twin = { ...gateway('twin'), publicKey: best.publicKey };
  const none = Number.POSITIVE_INFINITY;
  const failback = { failbackInterval: 400 };
  const fastest = { strategy: 'fastest' } as const;
  for (const [held, peers, settings, seconds] of [
    [lesser, [best, lesser], failback, [400, 350, 300]],
    [best, [best, same, lesser], failback, [none, none, none]],
    [lesser, [lesser], failback, [none, none, none]],
    [best, [best, same], { maxAge: 800 }, [700, 800, 900]],
    [best, [best, same], fastest, [15, 45, 75]],
    [best, [best, lesser], fastest, [none, none, none]],
    [best, [best, twin], fastest, [none, none, none]],
    [lesser, [best, lesser], fastest, [none, none, none]],
    [lesser, [best, same, lesser], fastest, [none, none, none]],
    [best, [best, same], {}, [none, none, none]],
    [lesser, [best, lesser], { ...failback, maxAge: 100 }, [87.5, 100, 112.5]],
  ] as const) {
    for (const [index, drawn] of [0, 500, 1_000].entries()) {
      const { rivals, due } = await rivalsOf(held, peers, settings, drawn);
      assert.equal(due(), none, 'nobody is held');
      assert.equal(await rivals.step(), undefined);
      rivals.begin(held, true);
      assert.equal(due(), none, 'somebody asked for the held one');
      rivals.begin(held, false);
      assert.equal(await rivals.step(), undefined, 'nothing is due');
      const what = `${held.name} of ${peers.map(({ name }) => name)}, ${JSON.stringify(settings)}, ${drawn}`;
      assert.equal(due(), (seconds[index] ?? 0) * SECOND, what);
      rivals.stay();
      assert.equal(due(), none);
      rivals.begin(held, false);
      rivals.end('told-to');
      assert.equal(due(), none);
    }
  }
});

/** One that is held, with a better, an equal, and a lesser one, and another of its own key. */
const ONE = gateway('one', { priority: 1 });
const OTHERS = [
  gateway('lesser', { priority: 2 }),
  gateway('other', { priority: 1 }),
  { ...gateway('twin'), publicKey: ONE.publicKey },
  gateway('best'),
];

test('the better ones are asked for failback, and again after its interval', async () => {
  const { rivals, run, due } = await rivalsOf(ONE, [...OTHERS, ONE], { failbackInterval: 400 });
  rivals.begin(ONE, false);
  assert.deepEqual((await run()).names, ['best']);
  assert.equal(due(), 400 * SECOND);
});

test('those of the best group are asked for the fastest, and again after ten minutes and a quarter', async () => {
  const peers = [...OTHERS, ONE].filter(({ priority }) => priority > 0);
  const { rivals, run, due } = await rivalsOf(ONE, peers, { strategy: 'fastest' }, 1_000);
  rivals.begin(ONE, false);
  assert.deepEqual((await run()).names, ['other']);
  assert.equal(due(), 750 * SECOND);
});

test('all but the lesser ones are asked when one was held for long: it has its chance among them, and ends the run', async () => {
  const ends = new Set<string>();
  for (let draws = 0; draws < 6; draws++) {
    const { world, rivals, run, due } = await rivalsOf(ONE, [...OTHERS, ONE], { maxAge: 400 });
    for (let draw = 0; draw < draws; draw++) world.random.below(2);
    rivals.begin(ONE, false);
    ends.add((await run()).names.join());
    assert.equal(due(), 350 * SECOND);
  }
  assert.deepEqual([...ends].sort(), ['best', 'best,other']);
});

test('somebody asks for the held one between two tries: the others are not asked', async () => {
  const others = [gateway('best'), gateway('next best')];
  const { world, rivals, due } = await rivalsOf(ONE, [...others, ONE], { failbackInterval: 400 });
  rivals.begin(ONE, false);
  await world.timers.pass(due());
  while (asked(world).length === 0) {
    await world.timers.pass(due());
    await rivals.step();
  }
  rivals.stay();
  for (let step = 0; step < 3; step++) assert.equal(await rivals.step(), undefined);
  assert.equal(asked(world).length, 1);
  assert.equal(due(), Number.POSITIVE_INFINITY);
  assert.deepEqual(keys(world), ['key of one']);
});

test('who answers takes the place of a lesser one, or of one that was held for long, and it is said why', async () => {
  const [best, spare] = [gateway('best'), gateway('spare', { priority: 1 })];
  for (const [settings, code, reason] of [
    [{ failbackInterval: 400 }, 'better-peer', 'best answers, which has priority 0 instead of 1'],
    [{ maxAge: 800 }, 'max-age', 'held for 11 min'],
  ] as const) {
    const { world, rivals, run } = await rivalsOf(spare, [best, spare], settings);
    world.alive('address of best', 70);
    await world.timers.pass(HOUR);
    rivals.begin(spare, false);
    const { successor } = await run();
    assert.equal(successor?.candidate.peer, best);
    assert.deepEqual([successor.code, successor.roundTrip], [code, 70]);
    assert.match(successor.reason, new RegExp(`^${reason}$`));
    assert.equal(successor.remote.address, 'address of best');
    assert.ok(world.installed.has(best.publicKey), 'it stays installed');
  }
});

test('a better peer that was lost twice because it was silent is not asked; one that was left is', async () => {
  const [best, spare] = [gateway('best'), gateway('spare', { priority: 1 })];
  for (const [code, names] of [
    ['no-answer', []],
    ['no-data', []],
    ['handshake-too-old', []],
    ['told-to', ['best']],
    ['interface-gone', ['best']],
  ] as const) {
    const { rivals, run } = await rivalsOf(spare, [best, spare], { failbackInterval: 400 });
    for (let time = 0; time < 2; time++) {
      rivals.begin(best, false);
      rivals.end(code);
    }
    rivals.end(code); // nobody is held any more
    rivals.begin(spare, false);
    assert.deepEqual((await run()).names, names, code);
  }
});

test('a try beside: as long as the timeout, a second where there seems to be no way, and no longer than it is there', async () => {
  const [best, spare] = [gateway('best'), gateway('spare', { priority: 1 })];
  for (const [what, happen, seconds, reason] of [
    ['silent', () => {}, 5, 'no handshake within 5 s'],
    [
      'no way',
      (world: FakeWorld) => void world.unroutable.add('address of best'),
      1,
      'no handshake within 1 s',
    ],
    [
      'removed',
      (world: FakeWorld) => void world.timers.after(500, () => world.installed.delete('key of best')),
      0.5,
      'somebody else removed it from the interface',
    ],
    [
      'refused',
      (world: FakeWorld) => Object.assign(world, { publicKey: 'key of best' }),
      0,
      "it has the public key of vpn itself: expected the gateway's",
    ],
  ] as const) {
    const { world, rivals, due } = await rivalsOf(spare, [best, spare], { failbackInterval: 400 });
    rivals.begin(spare, false);
    await world.timers.pass(due());
    happen(world);
    world.events.length = 0;
    const begin = world.timers.now();
    while (world.events.length === 0) {
      await rivals.step();
      if (world.events.length === 0) await world.timers.pass(due());
    }
    const told = world.ofType('tried-beside').map((event) => [event.reason, event.remote?.address]);
    assert.deepEqual(told, [[reason, 'address of best']], what);
    assert.equal(world.timers.now() - begin, seconds * SECOND, what);
    assert.deepEqual(keys(world), ['key of spare']);
  }
});
