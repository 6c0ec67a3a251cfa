import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SelectorEvent, State } from '../../../src/selector/events.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Passes time in steps until the condition holds; says how much passed. */
async function passUntil(
  world: FakeWorld,
  condition: () => boolean,
  limit: number,
  step = 10,
): Promise<number> {
  const start = world.timers.now();
  while (!condition()) {
    assert.ok(world.timers.now() - start < limit, `not within ${limit} ms`);
    await world.timers.pass(step);
  }
  return world.timers.now() - start;
}

test('a limit that comes before the next look and before any renewal is met when it comes', async () => {
  for (const [checkInterval, deadPeerTimeout] of [
    [3600, 30],
    [3600, 126],
    [60, 30],
    [20, 30],
  ] as const) {
    const world = new FakeWorld();
    world.traffic = false;
    const gateway = world.alive('address of a');
    const { selector } = world.start([peer('a')], { checkInterval, deadPeerTimeout });
    await passUntil(world, () => selector.snapshot().state === 'established', SECOND);
    const age = selector.snapshot().handshakeAge ?? Number.NaN;
    gateway.alive = false;
    const limit = deadPeerTimeout * SECOND;
    await world.timers.pass(limit - SECOND);
    const passed =
      limit - SECOND + (await passUntil(world, () => world.ofType('lost').length > 0, 2 * SECOND));
    assert.ok(
      passed + age >= limit && passed + age <= limit + 20,
      `${checkInterval}, ${deadPeerTimeout}: ${passed}`,
    );
    const [lost] = world.ofType('lost');
    assert.equal(lost?.reason, `no handshake for ${deadPeerTimeout} s`);
    assert.equal(lost.held, limit);
  }
});

test('a handshake of 125 s is asked for anew, then every 5 s, and at 150 s it is over', async () => {
  for (const checkInterval of [30, 3600]) {
    const world = new FakeWorld();
    world.traffic = false;
    const gateway = world.alive('address of a');
    const { selector } = world.start([peer('a')], { checkInterval });
    await passUntil(world, () => selector.snapshot().state === 'established', SECOND);
    gateway.alive = false;
    const kicks = (): number => world.calls.filter((call) => call === 'kick a').length;
    await world.timers.pass(124_900);
    assert.equal(kicks(), 0);
    await world.timers.pass(200);
    assert.equal(kicks(), 1);
    for (let count = 2; count <= 3; count++) {
      await world.timers.pass(5 * SECOND);
      assert.equal(kicks(), count);
    }
    await world.timers.pass(5 * SECOND);
    const knocks = (): number => world.calls.filter((call) => call.startsWith('knock a')).length;
    assert.ok(knocks() >= 1, 'at 140 s from the beginning');
    await world.timers.pass(9_800);
    assert.ok(knocks() >= 5 && knocks() <= 11, `${knocks()}`);
    assert.equal(world.ofType('lost').length, 0);
    await world.timers.pass(200);
    assert.equal(world.ofType('lost').length, 1);
    assert.equal(kicks(), 3);
  }
});

test('looks come every check interval, and no more often', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  world.start([peer('a')], { checkInterval: 7 });
  await world.timers.pass(SECOND);
  const before = world.calls.length;
  await world.timers.pass(100 * SECOND);
  assert.deepEqual(world.calls.slice(before), new Array(14).fill('device'));
});

test('the age of a handshake between two looks is exact as long as nobody sets the clock', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  const { selector } = world.start([peer('a')], { checkInterval: 37 });
  await world.timers.pass(3 * MINUTE);
  for (let step = 0; step < 20; step++) {
    await world.timers.pass(MINUTE);
    const happened = world.installed.get('key of a')?.handshakeAt ?? Number.NaN;
    const age = selector.snapshot().handshakeAge ?? Number.NaN;
    const real = world.timers.now() - happened;
    // A handshake since the latest look is not known yet: then it is the one before, 120.04 s older.
    assert.ok(age === real || age === real + 120_040, `${age}, it is ${real}`);
  }
});

for (const [what, step] of [
  ['forward', HOUR],
  ['back', -HOUR],
] as const) {
  test(`the clock is set ${what} between two looks: a handshake since is younger than the look before`, async () => {
    const world = new FakeWorld();
    world.alive('address of a');
    const { selector } = world.start([peer('a')]);
    const handshakes = (): number => world.installed.get('key of a')?.handshakeAt ?? 0;
    await world.timers.pass(MINUTE);
    const first = handshakes();
    await passUntil(world, () => handshakes() !== first, 2 * MINUTE, SECOND);
    world.stepClock(step);
    await world.timers.pass(MINUTE); // one look
    const age = selector.snapshot().handshakeAge ?? Number.NaN;
    assert.ok(age >= 0 && age <= 2 * MINUTE, `${age}`);
    assert.equal(world.ofType('lost').length, 0);
  });
}

test('the age is told only of a connection', async () => {
  const world = new FakeWorld();
  const gateway = world.alive('address of a');
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(10 * SECOND);
  assert.equal(selector.snapshot().state, 'established');
  assert.ok((selector.snapshot().handshakeAge ?? 0) > 0);
  gateway.alive = false;
  await world.timers.pass(151 * SECOND);
  assert.equal(selector.snapshot().state, 'connecting');
  assert.equal(selector.snapshot().handshakeAge, undefined);
  gateway.alive = true;
  await world.timers.pass(10 * SECOND);
  assert.equal(selector.snapshot().state, 'established');
  world.setLink('down');
  await world.timers.pass(SECOND);
  assert.equal(selector.snapshot().handshakeAge, undefined);
});

test('how long a connection was held is counted from its handshake', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 40);
  const { selector } = world.start([peer('a')]);
  await passUntil(world, () => selector.snapshot().state === 'established', SECOND);
  const { since } = selector.snapshot();
  await world.timers.pass(10 * MINUTE);
  assert.equal(selector.snapshot().since, since);
  selector.next();
  await world.timers.pass(0);
  const [lost] = world.ofType('lost');
  assert.equal(lost?.reason, 'asked to go on to the next');
  assert.equal(lost.peer.name, 'a');
  assert.equal(lost.held, world.timers.now() - since);
});

test('what a name resolved to before the connection is not tried after its loss', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two', 'three']);
    const gateways = ['one', 'two', 'three'].map((address) => world.alive(address));
    world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(MINUTE);
    assert.equal(world.ofType('connected').length, 1);
    world.names.set('gw.example', ['moved']);
    world.alive('moved');
    for (const gateway of gateways) gateway.alive = false;
    await world.timers.pass(4 * MINUTE);
    assert.deepEqual(
      world
        .ofType('trying')
        .slice(1)
        .map(({ remote }) => remote.address),
      ['moved'],
    );
  }
});

test('the address of a lost connection is not the first to be tried again', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two']);
    for (const address of ['one', 'two']) world.alive(address);
    const { selector } = world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(MINUTE);
    selector.next();
    await world.timers.pass(MINUTE);
    const [before, after] = world.ofType('connected').map(({ remote }) => remote.address);
    assert.ok(after !== undefined && after !== before, `${before}, then ${after}`);
  }
});

test('the peer of a lost connection is not the first of the next round', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    for (const name of ['a', 'b', 'c']) world.alive(`address of ${name}`);
    const { selector } = world.start(['a', 'b', 'c'].map((name) => peer(name)));
    await world.timers.pass(SECOND);
    for (let turn = 0; turn < 3; turn++) {
      selector.next();
      await world.timers.pass(SECOND);
    }
    const order = world.ofType('connected').map((event) => event.peer.name);
    assert.equal(order.length, 4);
    assert.notEqual(order[3], order[2]);
  }
});

test('rounds and the time without a connection are counted anew after a connection', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(32 * SECOND);
  const rounds = (): [number, number][] =>
    world.ofType('round-over').map(({ round, disconnected }) => [round, disconnected]);
  assert.deepEqual(rounds(), [
    [1, 10_000],
    [2, 20_000],
    [3, 30_000],
  ]);
  assert.deepEqual(
    world.ofType('failed').map(({ round }) => round),
    [1, 1, 2, 2, 3, 3],
  );
  const gateways = ['a', 'b'].map((name) => world.alive(`address of ${name}`));
  await world.timers.pass(10 * SECOND);
  assert.equal(selector.snapshot().state, 'established');
  for (const gateway of gateways) gateway.alive = false;
  const before = world.events.length;
  await passUntil(world, () => world.ofType('lost').length > 0, 3 * MINUTE, 500);
  const lostAt = world.timers.now();
  await passUntil(world, () => world.ofType('round-over').length > 4, MINUTE);
  const after = world.events.slice(before);
  const over = after.flatMap((event) => (event.type === 'round-over' ? [event] : []));
  assert.equal(over[0]?.round, 1);
  assert.equal(over[1]?.round, 2);
  assert.ok((over[0]?.disconnected ?? 0) >= 10_000, 'a whole round');
  assert.ok(Math.abs((over[1]?.disconnected ?? 0) - (world.timers.now() - lostAt)) <= 510);
  for (const event of after) if (event.type === 'failed') assert.ok(event.round <= 2, `round ${event.round}`);
});

test('somebody takes a route away: it comes back after 150 to 200 ms, not sooner, and only that is told', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a', { allowedIps: ['r1', 'r2'] })], { checkInterval: 3600 });
  await world.timers.pass(MINUTE);
  world.takeRoute('r1');
  await world.timers.pass(140);
  assert.deepEqual([...world.routes], ['r2']);
  await world.timers.pass(70);
  assert.deepEqual([...world.routes].sort(), ['r1', 'r2']);
  assert.deepEqual(world.ofType('routes-restored')[0]?.routes.added, ['r1']);
  assert.equal(world.ofType('routes-restored')[0]?.peer.name, 'a');
});

test('a route that is taken while the routes are being restored comes back too', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a', { allowedIps: ['r1', 'r2'] })]);
  await world.timers.pass(MINUTE);
  const { routing } = world;
  const apply = routing.apply;
  routing.apply = async (destinations, place) => {
    routing.apply = apply;
    const report = await apply(destinations, place);
    world.takeRoute('r2');
    return report;
  };
  world.takeRoute('r1');
  await world.timers.pass(SECOND);
  assert.deepEqual([...world.routes].sort(), ['r1', 'r2']);
});

for (const [what, act, reason] of [
  ['stop', (_: FakeWorld, { selector }: ReturnType<FakeWorld['start']>) => selector.stop(), /daemon stops/],
  ['the interface goes down', (world: FakeWorld) => world.setLink('down'), /interface went down/],
] as const) {
  test(`${what} while a taken route is still to be restored: at once, and no route appears`, async () => {
    const world = new FakeWorld();
    world.alive('address of a', 10);
    const started = world.start([peer('a')], { checkInterval: 3600 });
    await world.timers.pass(MINUTE);
    world.takeRoute('route of a');
    await world.timers.pass(50);
    act(world, started);
    await world.timers.pass(0);
    assert.match(world.ofType('lost')[0]?.reason ?? '', reason);
    await world.timers.pass(SECOND);
    assert.equal(world.routes.size, 0);
    assert.equal(world.ofType('routes-restored').length, 0);
  });
}

test('the interface vanishes while the kernel is asked: that is the reason, not that its peer is gone', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE - SECOND);
  const { tunnel } = world;
  const device = tunnel.device;
  tunnel.again = () => undefined;
  tunnel.device = () => {
    tunnel.device = device;
    world.setLink('absent');
    return device();
  };
  await world.timers.pass(2 * MINUTE);
  assert.deepEqual(
    world.ofType('lost').map(({ reason }) => reason),
    ['the interface went down'],
  );
});

test('a connection that was taken over is put to a test as short as for one that we made, once it was renewed', async () => {
  /** How many milliseconds the test takes that shows the gateway dead. */
  const dies = async (age: number | undefined): Promise<number> => {
    const world = new FakeWorld();
    const gateway = world.alive('address of a', 40);
    if (age !== undefined) world.plant('key of a', age, true, { address: 'address of a', port: 1 });
    world.start([peer('a')], { probeInterval: 15, probeTimeout: 20 });
    await world.timers.pass(20 * SECOND); // within which it is renewed, or not
    gateway.alive = false;
    await passUntil(world, () => world.ofType('suspected').length > 0, MINUTE);
    return await passUntil(world, () => world.ofType('lost').length > 0, MINUTE);
  };
  const made = await dies(undefined);
  const renewed = await dies(110 * SECOND);
  const old = await dies(10 * SECOND);
  assert.equal(renewed, made);
  assert.ok(old > 2 * made, `without a renewal nothing is known of its round trip: ${old} ms`);
});

// The events of links come by another socket than the answers of WireGuard.
for (const method of ['device', 'kick', 'adjust', 'install'] as const) {
  test(`the interface has gone before ${method}, and its event is not read yet: no trouble, it is waited for`, async () => {
    const world = new FakeWorld();
    world.traffic = false; // so that its handshake is asked for
    world.alive('address of a', 10);
    const a = peer('a');
    const { tunnel } = world;
    const original = tunnel[method] as (...of: unknown[]) => Promise<never>;
    const vanishesFirst = (...of: unknown[]): Promise<never> => {
      Object.assign(tunnel, { [method]: original });
      world.vanish();
      return original(...of);
    };
    const breakIt = (): void => void Object.assign(tunnel, { [method]: vanishesFirst });
    if (method === 'install') breakIt();
    const { selector } = world.start([a]);
    await world.timers.pass(MINUTE);
    if (method !== 'install') breakIt();
    if (method === 'device') tunnel.again = () => undefined;
    if (method === 'adjust') selector.assign(assign([a]));
    const entry = world.installed.get(a.publicKey);
    if (method === 'adjust' && entry !== undefined) entry.persistentKeepalive = 1;
    await world.timers.pass(2 * MINUTE);
    assert.equal(selector.snapshot().state, 'waiting-for-interface');
    assert.deepEqual(world.ofType('trouble'), []);
    assert.deepEqual(
      [...world.ofType('lost'), ...world.ofType('failed')].map(({ reason }) => reason),
      [method === 'install' ? 'the interface has gone' : 'the interface went down'],
    );
    for (const { code } of world.ofType('failed')) assert.equal(code, 'interrupted');
    world.setLink('up');
    await world.timers.pass(MINUTE);
    assert.equal(selector.snapshot().state, 'established');
  });
}

test('a reload that changes nothing tells nothing', async () => {
  const world = new FakeWorld();
  const a = peer('a');
  world.alive('address of a', 10);
  const { selector } = world.start([a]);
  await world.timers.pass(MINUTE);
  const before = world.events.length;
  selector.assign(assign([a]));
  await world.timers.pass(SECOND);
  assert.deepEqual(world.events.slice(before), []);
});

test('a reload changes the settings of a connection that is held', async () => {
  const world = new FakeWorld();
  const a = peer('a');
  world.traffic = false;
  const gateway = world.alive('address of a', 10);
  const { selector } = world.start([a]);
  await world.timers.pass(10 * SECOND);
  gateway.alive = false;
  selector.assign(assign([a], { deadPeerTimeout: 30, checkInterval: 5 }));
  await world.timers.pass(21 * SECOND);
  assert.equal(world.ofType('lost').length, 1);
});

test('next while the interface is down leaves nobody: there is nobody to leave', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a'), peer('b')], { connectTimeout: 1 });
  await world.timers.pass(5 * SECOND);
  world.setLink('down');
  await world.timers.pass(SECOND);
  selector.next();
  world.setLink('up');
  await world.timers.pass(SECOND);
  assert.equal(world.ofType('kept').length, 1);
  assert.equal(selector.snapshot().state, 'established');
});

test('the kernel refuses at the end: told, and it ends nevertheless', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  // The loss at the stop removes the peer, and so does the end: the first to try is refused.
  const { tunnel } = world;
  tunnel.remove = () => Promise.reject(new Error('cannot remove it'));
  selector.stop();
  await world.timers.pass(SECOND);
  await run;
  assert.equal(world.ofType('stopped').length, 1);
  for (const { error } of world.ofType('trouble')) assert.deepEqual(error, new Error('cannot remove it'));
  assert.ok(world.ofType('trouble').length >= 1);
  assert.equal(selector.snapshot().state, 'stopped');
});

test('the kernel refuses to remove the peer that was kept for the return of the interface: told at the end', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  await world.timers.pass(SECOND);
  world.tunnel.remove = () => Promise.reject(new Error('cannot remove it'));
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.deepEqual(
    world.ofType('trouble').map(({ error }) => error),
    [new Error('cannot remove it')],
  );
  assert.equal(world.ofType('stopped').length, 1);
});

/** Takes our route away whenever it is there. Says how long it stayed away each time, and the longest time between two looks. */
async function fight(world: FakeWorld, duration: number): Promise<{ away: number[]; unseen: number }> {
  const { tunnel, timers } = world;
  const device = tunnel.device;
  let [unseen, seenAt] = [0, timers.now()];
  tunnel.device = () => {
    unseen = Math.max(unseen, timers.now() - seenAt);
    seenAt = timers.now();
    return device();
  };
  const away: number[] = [];
  let takenAt = timers.now();
  for (const end = timers.now() + duration; timers.now() < end; await timers.pass(50)) {
    if (!world.routes.has('route of a')) continue;
    away.push(timers.now() - takenAt);
    world.takeRoute('route of a');
    takenAt = timers.now();
  }
  tunnel.device = device;
  return { away: away.slice(1), unseen };
}

test('a fight over routes: they come back after ten seconds at the most', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')], { checkInterval: 3600 });
  await world.timers.pass(SECOND);
  const { away } = await fight(world, 100 * SECOND);
  assert.ok(Math.max(...away) > 5 * SECOND && Math.max(...away) <= 10_100, `${away}`);
});

test('a fight over routes postpones no look', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  const { unseen } = await fight(world, MINUTE);
  assert.ok(unseen <= 5 * SECOND, `${unseen}`);
});

test('behind a fight, and a look that finds all in order, a route comes back as soon as at first', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  await fight(world, MINUTE);
  await world.timers.pass(11 * SECOND);
  world.takeRoute('route of a');
  await world.timers.pass(210);
  assert.equal(world.routes.size, 1);
});

test('routes that are taken one behind the other come back together, and are one fight', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a', { allowedIps: ['r1', 'r2', 'r3'] })]);
  await world.timers.pass(MINUTE + 100); // a look was just before
  for (const route of ['r1', 'r2', 'r3']) {
    world.takeRoute(route);
    await world.timers.pass(40);
  }
  await world.timers.pass(90);
  assert.equal(world.routes.size, 3);
  assert.equal(world.ofType('routes-restored').length, 1);
  world.takeRoute('r1');
  await world.timers.pass(410);
  assert.equal(world.routes.size, 3, 'twice as long as the first time');
});

test('who is told of something finds the state that goes with it', async () => {
  const expected: { readonly [key in SelectorEvent['type']]?: State } = {
    'interface-missing': 'waiting-for-interface',
    trying: 'connecting',
    connected: 'established',
    kept: 'established',
    failed: 'connecting',
    lost: 'connecting',
    'round-over': 'connecting',
    'routes-restored': 'established',
    mended: 'established',
    pausing: 'pausing',
    stopped: 'stopped',
  };
  const world = new FakeWorld();
  world.setLink('absent');
  const { selector, run } = world.start([peer('a'), peer('b')]);
  await world.timers.pass(SECOND);
  world.setLink('up');
  await world.timers.pass(12 * SECOND);
  world.alive('address of a', 10);
  await world.timers.pass(10 * SECOND);
  world.takeRoute('route of a');
  world.plant('key of b', undefined);
  await world.timers.pass(10 * SECOND);
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(10 * SECOND);
  world.gateways.clear();
  for (const name of ['a', 'b']) world.unroutable.add(`address of ${name}`);
  selector.next();
  await world.timers.pass(10 * SECOND);
  selector.stop();
  await world.timers.pass(0);
  await run;
  const missing = new Set(Object.keys(expected));
  for (const [at, { type }] of world.events.entries()) {
    missing.delete(type);
    if (expected[type] !== undefined) assert.equal(world.shown[at]?.state, expected[type], type);
  }
  assert.deepEqual([...missing], []);
});

test('it is stopped when what it had installed is removed, not before', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  const { tunnel } = world;
  const remove = tunnel.remove;
  const states: State[] = [];
  tunnel.remove = (publicKey) => {
    states.push(selector.snapshot().state);
    return remove(publicKey);
  };
  await world.timers.pass(SECOND);
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.deepEqual(states, ['waiting-for-interface']);
});

test('the machine sleeps, and somebody takes a route away before the next look: it comes at once', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.timers.sleep(HOUR);
  world.takeRoute('route of a');
  await world.timers.pass(0);
  assert.ok(
    world.calls.some((call) => call.startsWith('knock a')),
    'it may live',
  );
  await world.timers.pass(3 * SECOND);
  assert.deepEqual(world.ofType('lost'), [], 'and it does');
  assert.equal(world.ofType('trouble').length, 0);
});

test('a look that finds all as it was is over within the callback of its timer, and asks the kernel nothing in the long way', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a');
  world.start([peer('a')]);
  await world.timers.pass(7 * SECOND);
  const { after } = world.timers;
  /** How many timers were set when a callback was over. */
  const left: number[] = [];
  world.timers.after = (milliseconds, callback) =>
    after.call(world.timers, milliseconds, () => {
      callback();
      left.push(world.timers.pending);
    });
  await world.timers.pass(5 * SECOND);
  left.length = 0;
  let asked = 0;
  world.tunnel.device = async () => assert.fail(`${++asked} times`);
  await world.timers.pass(50 * SECOND);
  assert.deepEqual(left, new Array(10).fill(1));
  assert.equal(asked, 0);
});

test('silence is counted from when something came in, as looks show it', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a');
  const { selector } = world.start([peer('a')]);
  assert.equal(selector.snapshot().silence, undefined);
  await world.timers.pass(MINUTE);
  const silent = selector.snapshot().silence ?? Number.NaN;
  assert.ok(silent >= 50 * SECOND && silent <= MINUTE, `${silent}`);
  world.send('key of a', 128, 128);
  await world.timers.pass(7 * SECOND);
  assert.ok((selector.snapshot().silence ?? Number.NaN) < 7 * SECOND);
});

test('where the handshake took several initiations it takes more of them to prove a peer dead', async () => {
  for (const [latency, knocks] of [
    // 7, others up to five seconds, and 7 again: each with 0.2 s at first
    [40, 18],
    // an initiation was lost: one has five seconds now, and 12 follow
    [6 * SECOND, 13],
  ] as const) {
    const world = new FakeWorld();
    world.traffic = false;
    const gateway = world.alive('address of a', latency);
    world.start([peer('a')], { connectTimeout: 20, probeTimeout: 20 });
    await world.timers.pass(10 * SECOND);
    assert.equal(world.ofType('connected').length, 1);
    gateway.alive = false;
    world.send('key of a', 128, 0);
    await passUntil(world, () => world.ofType('lost').length > 0, 120 * SECOND, 500);
    assert.match(
      world.ofType('lost')[0]?.reason ?? '',
      new RegExp(`^nothing came in for .*, and ${knocks} handshakes in`),
    );
  }
});

/** Somebody removes the peer and installs it as it was: so it has no handshake. */
function reinstall(world: FakeWorld, remote?: { address: string; port: number }): void {
  world.plant('key of a', undefined, true, remote, false);
  Object.assign(world.installed.get('key of a') ?? {}, { allowedIps: ['route of a'] });
}

test('somebody installs the peer anew: the next look at its counters asks for a handshake, however rare the others are', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a');
  world.start([peer('a')], { checkInterval: 3600, probeTimeout: 20, probeInterval: 15 });
  await world.timers.pass(MINUTE);
  reinstall(world, { address: 'address of a', port: 51820 });
  await world.timers.pass(16 * SECOND);
  assert.deepEqual(
    world.ofType('proven').map(({ reason, knocks }) => [reason, knocks]),
    [['no handshake for 150 s', 1]],
  );
  assert.deepEqual(world.ofType('lost'), []);
});

test('a peer without a handshake and without an address is lost at once: there is nobody to ask', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  world.alive('address of a');
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  reinstall(world);
  world.calls.length = 0;
  await passUntil(world, () => world.ofType('lost').length > 0, 6 * SECOND);
  assert.equal(world.ofType('lost')[0]?.code, 'handshake-too-old');
  assert.deepEqual(
    world.calls.filter((call) => /^(kick|knock)/.test(call)),
    [],
  );
});

test('what asks for a new handshake is followed by a probe, where there are probes', async () => {
  for (const [probeInterval, next] of [
    [15, 'probe a'],
    [0, 'device'],
  ] as const) {
    const world = new FakeWorld();
    world.traffic = false;
    world.alive('address of a');
    world.start([peer('a')], { probeInterval, probeTimeout: 20 });
    await world.timers.pass(128 * SECOND);
    const kicked = world.calls.indexOf('kick a');
    assert.ok(kicked >= 0);
    await world.timers.pass(5 * SECOND);
    assert.equal(world.calls[kicked + 1], next, `${probeInterval}`);
  }
});

test('check_address is asked as often as there are looks, and without a timeout never', async () => {
  for (const [probeTimeout, echoes] of [
    [20, 12],
    [0, 0],
  ] as const) {
    const world = new FakeWorld();
    world.alive('address of a');
    world.behind.add('10.0.0.1');
    world.start([peer('a')], { probeTimeout, checkAddress: '10.0.0.1' });
    await world.timers.pass(SECOND);
    world.calls.length = 0;
    await world.timers.pass(MINUTE);
    assert.equal(world.calls.filter((call) => call === 'echo 10.0.0.1').length, echoes);
    if (echoes === 0) continue;
    world.behind.clear();
    await world.timers.pass(30 * SECOND);
    const reason = 'it answers, but 10.0.0.1 behind it does not, for 20 s';
    assert.equal(world.ofType('lost')[0]?.reason, reason);
  }
});

test('what gets lost in a test that was passed counts in the next', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  const gateway = world.alive('address of a');
  world.start([peer('a')], { probeTimeout: 20 });
  await world.timers.pass(10 * SECOND);
  gateway.alive = false;
  world.send('key of a', 128, 0);
  await passUntil(world, () => world.ofType('suspected').length > 0, 60 * SECOND, 100);
  gateway.alive = true; // the first handshake was lost
  await world.timers.pass(10 * SECOND);
  assert.equal(world.ofType('proven')[0]?.knocks, 2);
  gateway.alive = false;
  world.send('key of a', 128, 0);
  await passUntil(world, () => world.ofType('lost').length > 0, 60 * SECOND, 500);
  // 14, instead of 7, others up to five seconds, and 14 again
  assert.match(world.ofType('lost')[0]?.reason ?? '', / and 31 handshakes in /);
});

test('an error of the kernel that a look meets is told as it is', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  const error = new Error('the kernel is out of sorts');
  world.failure = error;
  await world.timers.pass(6 * SECOND);
  assert.deepEqual(
    world.ofType('trouble').map((event) => event.error),
    [error],
  );
  assert.equal(world.ofType('trouble')[0]?.error, error);
});

test('behind a handshake that a test has brought about the next comparison comes in its time, however rare that is', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  const gateway = world.alive('address of a');
  world.start([peer('a')], { checkInterval: 3600 });
  await world.timers.pass(SECOND);
  gateway.alive = false;
  await world.timers.pass(139 * SECOND);
  gateway.alive = true;
  await passUntil(world, () => world.ofType('proven').length > 0, 2 * SECOND);
  world.calls.length = 0;
  await world.timers.pass(60 * SECOND);
  assert.deepEqual(world.calls, []);
});

test('a reload after which the routes lead to the endpoint ends the connection, and says so', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  const held = selector.snapshot().peer;
  assert.ok(held);
  const assignment = assign([held]);
  world.swallowed.add('address of a');
  world.routes.clear();
  const routes = { table: 51, metric: undefined };
  selector.assign({ ...assignment, settings: { ...assignment.settings, routes } });
  await world.timers.pass(SECOND);
  const [lost] = world.ofType('lost');
  assert.equal(lost?.code, 'trouble');
  assert.match(lost.reason, /lead the way to its own endpoint/);
  assert.deepEqual(world.ofType('trouble'), []);
});

test('however often counters are looked at, and whatever is done about them, all is compared in its time', async () => {
  for (const [traffic, probeInterval] of [
    [false, 3],
    [true, 0],
  ] as const) {
    const world = new FakeWorld();
    world.traffic = false;
    world.alive('address of a');
    world.start([peer('a')], { checkInterval: 30, probeTimeout: 20, probeInterval });
    const talk = (): void => {
      world.send('key of a', 128, 128);
      world.timers.after(500, talk);
    };
    if (traffic) talk();
    await world.timers.pass(MINUTE);
    world.routes.clear(); // unsaid
    await world.timers.pass(31 * SECOND);
    assert.deepEqual([...world.routes], ['route of a']);
  }
});
