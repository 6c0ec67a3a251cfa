import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../../src/selector/connection.js';
import { Refused } from '../../../src/selector/loops.js';
import { type Doubt, remoteAt } from '../../../src/selector/world.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const [a, b] = [peer('a'), peer('b')];
const AT_A = remoteAt({ address: 'address of a', port: 51820 });
const ASSIGNMENT = assign([a]);

/** A connection to `a` whose handshake is complete, and that was looked at. */
async function connected() {
  const world = new FakeWorld();
  world.alive('address of a');
  world.traffic = false;
  const connection = new Connection(world);
  await connection.install(a, AT_A, undefined, ASSIGNMENT);
  await world.timers.pass(100);
  assert.equal(await connection.handshakeCame(a), true);
  assert.notEqual(await connection.look(a, ASSIGNMENT, true), 'gone');
  await connection.guard.keep(ASSIGNMENT); // what a former run may have left
  const glance = (assignment = ASSIGNMENT, of = a) =>
    connection.glance(of, assignment, true, world.timers.now());
  return { world, connection, glance };
}

test('a glance at what has not changed gives the very same look, and the handshake grows older', async () => {
  const { world, connection, glance } = await connected();
  const look = glance();
  assert.deepEqual(look?.mended, []);
  const age = connection.handshakeAge ?? Number.NaN;
  await world.timers.pass(5_000);
  assert.equal(glance(), look);
  assert.equal(connection.handshakeAge, age + 5_000);
});

test('a glance gives another look for other counters, another assignment, and another peer of that key', async () => {
  const { world, glance } = await connected();
  const look = glance();
  const other = glance({ ...ASSIGNMENT });
  assert.ok(other !== undefined && other !== look);
  const configuredAnew = { ...a };
  const another = glance({ ...ASSIGNMENT, peers: [configuredAnew] }, configuredAnew);
  assert.ok(another !== undefined && another !== other);
  const sent = glance()?.sent ?? Number.NaN;
  world.send(a.publicKey, 100, 0);
  assert.equal(glance()?.sent, sent + 100);
});

test('a glance does not tell what only a look can: what others have done, or what holds without a connection', async () => {
  for (const happen of [
    (world: FakeWorld) => void world.installed.delete(a.publicKey),
    (world: FakeWorld) => void world.routes.clear(),
    (world: FakeWorld) => Object.assign(world.installed.get(a.publicKey) ?? {}, { persistentKeepalive: 9 }),
  ]) {
    const { world, glance } = await connected();
    assert.notEqual(glance(), undefined);
    happen(world);
    assert.equal(glance(), undefined);
  }
  const { glance } = await connected();
  const settings = { ...ASSIGNMENT.settings, blockWhenLost: true };
  assert.equal(glance({ ...ASSIGNMENT, settings }), undefined);
});

test('a peer that is installed nowhere is gone, and nothing is left to remove twice', async () => {
  const { world, connection } = await connected();
  world.installed.clear();
  assert.equal(await connection.handshakeCame(a), 'gone');
  assert.equal(await connection.look(a, ASSIGNMENT, true), 'gone');
  await connection.remove(ASSIGNMENT);
  assert.deepEqual([...world.routes], []);
  world.calls.length = 0;
  await connection.remove(ASSIGNMENT);
  assert.deepEqual(world.calls, []);
});

/** Nothing of ours is there yet; `a` and `b` answer after 40 ms. */
function unconnected() {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 40);
  world.traffic = false;
  const connection = new Connection(world);
  const install = async (doubt?: Doubt, assignment = ASSIGNMENT): Promise<void> =>
    await connection.install(a, AT_A, doubt, assignment);
  return { world, connection, install };
}

test('who answers from where it was tried is reached there; from another address or another port, at that one', async () => {
  for (const [address, port, other] of [
    ['address of a', 51820, false],
    ['192.0.2.1', 51820, true],
    ['address of a', 4500, true],
  ] as const) {
    const { world, connection, install } = unconnected();
    const tried = { ...AT_A, index: 2, count: 3 };
    assert.equal(connection.reached(tried), tried, 'nobody has answered yet');
    await install();
    world.gatewayAsks(a.publicKey, { address, port });
    assert.equal(await connection.handshakeCame(a), true);
    if (other) assert.deepEqual(connection.reached(tried), { address, port, index: 1, count: 1 });
    else assert.equal(connection.reached(tried), tried);
  }
});

test('the round trip is that of the handshake that was asked for; where the connection was found, that of a renewal', async () => {
  const { world, connection } = await connected();
  assert.deepEqual([connection.roundTrip, connection.likelyRoundTrip], [40, 40]);
  await connection.takeOver(ASSIGNMENT, undefined, () => {});
  assert.deepEqual([connection.roundTrip, connection.likelyRoundTrip], [undefined, undefined]);
  assert.notEqual(await connection.look(a, ASSIGNMENT, true), 'gone');
  await world.timers.pass(125_000);
  await connection.renew(a);
  await world.timers.pass(100);
  assert.notEqual(await connection.look(a, ASSIGNMENT, true), 'gone');
  assert.deepEqual([connection.roundTrip, connection.likelyRoundTrip], [undefined, 40]);
});

test('only the peer that was asked for is taken over, though another has a younger handshake', async () => {
  for (const only of [a, b]) {
    const { world, connection } = unconnected();
    world.plant(a.publicKey, 100_000);
    world.plant(b.publicKey, 1_000);
    const removed: string[] = [];
    const kept = await connection.takeOver(assign([a, b]), only, (key) => void removed.push(key));
    assert.equal(kept?.peer, only);
    assert.deepEqual([...world.installed.keys()], [only.publicKey]);
    assert.deepEqual(removed, [only === a ? b.publicKey : a.publicKey]);
  }
});

test('what is as configured is taken over before what is younger, whichever is found first', async () => {
  for (const order of [
    [a, b],
    [b, a],
  ]) {
    const { world, connection } = unconnected();
    for (const { publicKey } of order) world.plant(publicKey, publicKey === a.publicKey ? 100_000 : 1_000);
    Object.assign(world.installed.get(a.publicKey) ?? {}, { allowedIps: a.allowedIps });
    const kept = await connection.takeOver(assign([a, b]), undefined, () => {});
    assert.equal(kept?.peer, a);
  }
});

test('routes that lead to the endpoint are held against a peer if they are new and nothing was known against the way', async () => {
  for (const [doubt, refused] of [
    [undefined, true],
    [{ kind: 'no-route', reason: 'no route' }, true],
    [{ kind: 'through-tunnel', reason: 'it leads there without us' }, false],
  ] as const) {
    const { world, install } = unconnected();
    world.swallowed.add(AT_A.address);
    const end = install(doubt);
    if (refused) await assert.rejects(end, Refused);
    else await end;
  }
  const { world, install } = unconnected();
  world.swallowed.add(AT_A.address);
  world.routes.add('route of a');
  await install();
});

/** How many seconds it takes until the peer may be tried again. */
async function leftAlone(world: FakeWorld, install: () => Promise<void>): Promise<number> {
  for (let seconds = 0; ; seconds++) {
    const before = world.calls.filter((call) => call.startsWith('install')).length;
    await install().catch((error: unknown) => assert.ok(error instanceof Refused));
    if (world.calls.filter((call) => call.startsWith('install')).length > before) return seconds;
    await world.timers.pass(1_000);
  }
}

test('who leads its packets into the tunnel is left alone for 30 s, and for 10 minutes where that cost a connection', async () => {
  const tried = unconnected();
  tried.world.swallowed.add(AT_A.address);
  await assert.rejects(tried.install(), Refused);
  assert.equal(await leftAlone(tried.world, tried.install), 30);

  const { world, connection } = await connected();
  world.swallowed.add(AT_A.address);
  await connection.look(a, ASSIGNMENT, true); // the routes are where they were
  world.routes.clear();
  const elsewhere = { table: 51, metric: undefined };
  const moved = { ...ASSIGNMENT, settings: { ...ASSIGNMENT.settings, routes: elsewhere } };
  await assert.rejects(connection.look(a, moved, true), Refused);
  assert.equal(await leftAlone(world, () => connection.install(a, AT_A, undefined, moved)), 600);
});

test('what is shared with other interfaces is routed with the handshake, and held against the peer if it leads to it', async () => {
  const shared = peer('a', { allowedIps: ['shared'] });
  const routes = { ...ASSIGNMENT.settings.routes, shared: new Map([['shared', 1]]) };
  const assignment = { ...assign([shared]), settings: { ...ASSIGNMENT.settings, routes } };
  for (const [doubt, refused] of [
    [undefined, true],
    [{ kind: 'no-route', reason: 'no route' }, true],
    [{ kind: 'through-tunnel', reason: 'it leads there without us' }, false],
  ] as const) {
    const { world, connection } = unconnected();
    world.swallowed.add(AT_A.address);
    await connection.install(shared, AT_A, doubt, assignment);
    assert.deepEqual([...world.routes], []);
    const end = connection.share(shared, AT_A, doubt, assignment);
    if (refused) await assert.rejects(end, Refused);
    else await end;
    assert.deepEqual([...world.routes], ['shared']);
  }
});

test('where nothing is shared there is nothing to add with the handshake', async () => {
  const { world, connection, install } = unconnected();
  await install();
  world.applied.length = 0;
  await connection.share(a, AT_A, undefined, ASSIGNMENT);
  assert.deepEqual(world.applied, []);
});

test('a glance tells nothing of what others have done, though somebody has read it meanwhile', async () => {
  const happenings: readonly ((world: FakeWorld) => unknown)[] = [
    () => {},
    (world) => world.installed.delete(a.publicKey),
    (world) => Object.assign(world.installed.get(a.publicKey) ?? {}, { persistentKeepalive: 9 }),
    (world) => world.plant(b.publicKey, undefined),
  ];
  const told: boolean[] = [];
  for (const happen of happenings) {
    const { world, connection } = await connected();
    const assignment = assign([a, b]);
    assert.notEqual(await connection.look(a, assignment, true), 'gone');
    happen(world);
    await world.tunnel.device();
    told.push(connection.glance(a, assignment, true, world.timers.now()) !== undefined);
  }
  assert.deepEqual(told, [true, false, false, false]);
});

test('a glance at a peer that is configured otherwise is none at the one before', async () => {
  const { glance } = await connected();
  assert.notEqual(glance(), undefined);
  assert.equal(glance(ASSIGNMENT, { ...a, persistentKeepalive: 9 }), undefined);
});

test('a look tells what it has mended, and leaves the peer alone that is tried beside', async () => {
  const { world, connection } = await connected();
  const assignment = assign([a, b, peer('c')]);
  await connection.beside.install(b, remoteAt({ address: 'address of b', port: 51820 }), assignment);
  const mended = async (): Promise<readonly string[]> => {
    const look = await connection.look(a, assignment, true);
    assert.ok(look !== 'gone');
    return look.mended;
  };
  assert.deepEqual(await mended(), []);
  assert.notEqual(connection.glance(a, assignment, true, world.timers.now()), undefined);
  world.plant('key of c', undefined);
  Object.assign(world.installed.get(a.publicKey) ?? {}, { persistentKeepalive: 9 });
  assert.deepEqual(await mended(), [
    'another peer of ours was there too, public key key of c: removed',
    'somebody had changed its allowed IPs, keepalive or preshared key: set again',
  ]);
  assert.deepEqual([...world.installed.keys()], [a.publicKey, b.publicKey]);
});

test('a look at the counters alone asks nothing of the routes, and without a guard nothing is kept', async () => {
  const { world, connection } = await connected();
  let kept = 0;
  world.routing.block = async () => void kept++;
  world.applied.length = 0;
  world.routes.clear();
  const look = await connection.look(a, ASSIGNMENT, false);
  assert.ok(look !== 'gone' && !look.routesChanged);
  assert.deepEqual(world.applied, []);
  await connection.look(a, ASSIGNMENT, true);
  assert.deepEqual([world.applied.length, kept], [1, 0]);
  const blocking = { ...ASSIGNMENT, settings: { ...ASSIGNMENT.settings, blockWhenLost: true } };
  await connection.look(a, blocking, true);
  assert.equal(kept, 1);
});

test('of two routes that are refused each is told, and that another is refused is a change', async () => {
  const two = peer('a', { allowedIps: ['r1', 'r2'] });
  const assignment = assign([two]);
  const { world, connection } = unconnected();
  world.conflicts.set('r1', 'x');
  await connection.install(two, AT_A, undefined, assignment);
  const changed = async (): Promise<boolean> => {
    const look = await connection.look(two, assignment, true);
    return look !== 'gone' && look.routesChanged;
  };
  assert.equal(await changed(), false);
  world.conflicts.set('r2', 'y');
  world.routes.clear();
  assert.deepEqual([await changed(), await changed()], [true, false]);
  world.conflicts.set('r2', 'z');
  assert.deepEqual([await changed(), await changed()], [true, false]);
});

test('a peer beside is installed without allowed IPs and anew, so that its handshake is of now', async () => {
  const { world, connection } = await connected();
  world.alive('address of b', 40);
  const assignment = assign([a, b]);
  const atB = remoteAt({ address: 'address of b', port: 51820 });
  assert.equal(await connection.beside.handshakeCame(), 'gone', 'there is none');
  world.plant(b.publicKey, 1_000);
  world.calls.length = 0;
  await connection.beside.install(b, atB, assignment);
  assert.deepEqual(
    world.calls.filter((call) => call !== 'device'),
    ['remove key of b', 'install b address of b'],
  );
  assert.deepEqual(world.installed.get(b.publicKey)?.allowedIps, []);
  assert.equal(await connection.beside.handshakeCame(), undefined);
  await world.timers.pass(50);
  assert.equal(await connection.beside.handshakeCame(), 40);
  world.installed.delete(b.publicKey);
  assert.equal(await connection.beside.handshakeCame(), 'gone');
  world.calls.length = 0;
  await connection.beside.install(b, atB, assignment);
  assert.deepEqual(world.calls.filter((call) => call.startsWith('remove')).length, 1, 'the one before');
});

test('a link-local place of the kernel has its interface as zone', () => {
  const place = { address: 'fe80::1', port: 51820 };
  assert.deepEqual(remoteAt(place), { ...place, index: 1, count: 1 });
  assert.deepEqual(remoteAt({ ...place, scopeId: 3 }), { ...place, zone: '3', index: 1, count: 1 });
});
