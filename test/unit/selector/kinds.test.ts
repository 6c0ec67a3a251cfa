// Faults that were met in the field, each with its kind: what the selector must not do again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const MINUTE = 60_000;

/** Everything that was asked of the kernel to change. */
const changes = (world: FakeWorld) => world.calls.filter((call) => !call.startsWith('device'));

/** Keeps doing something, each time after so many milliseconds. */
async function repeatedly(world: FakeWorld, times: number, pause: number, what: () => void): Promise<void> {
  for (let i = 0; i < times; i++) {
    what();
    await world.timers.pass(pause);
  }
}

// Kind: a lookup of ours that differs from WireGuard's own decides.

test('an address without a route is tried last and for a second, and never left out', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['2001:db8::1', '192.0.2.1']);
    world.unroutable.add('2001:db8::1');
    world.alive('2001:db8::1', 40); // the kernel says that there is no way, and there is one
    world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(6_000);
    const [first, second] = world.ofType('trying');
    assert.equal(first?.remote.address, '192.0.2.1');
    assert.equal(second?.remote.address, '2001:db8::1');
    assert.equal(world.ofType('connected')[0]?.remote.address, '2001:db8::1');
  }
});

test('the try of an address without a route costs a second, and says why', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  await world.timers.pass(1_100);
  assert.match(
    world.ofType('failed')[0]?.reason ?? '',
    /^no route; tried all the same: no handshake within 1 s$/,
  );
});

test('a round of nothing but such addresses pauses, one with a living timeout does not', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(MINUTE);
  assert.equal(world.ofType('pausing').length, 0, 'b takes its five seconds each round');
  world.unroutable.add('address of b');
  await world.timers.pass(MINUTE);
  assert.ok(world.ofType('pausing').length > 2);
});

test('allowed IPs that swallow the endpoint: named, taken back at once, and rarely tried again until something changes', async () => {
  const world = new FakeWorld();
  world.swallowed.add('address of a');
  world.alive('address of a', 40);
  const a = peer('a', { allowedIps: ['0.0.0.0/0'] });
  const { selector } = world.start([a]);
  await world.timers.pass(9 * MINUTE);
  assert.match(
    world.ofType('failed')[0]?.reason ?? '',
    /into vpn: expected option full_tunnel .1. for vpn, or option fwmark/,
  );
  assert.equal(world.ofType('failed')[0]?.code, 'refused');
  const installed = world.calls.filter((call) => call.startsWith('install')).length;
  assert.ok(installed <= 5, `${installed} times`);
  assert.equal(world.routes.size, 0);
  world.fwmark = 51;
  world.swallowed.clear();
  await world.timers.pass(MINUTE);
  assert.equal(selector.snapshot().state, 'established');
});

test('a peer that leads its packets into the tunnel does not keep the others from being used', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = new FakeWorld(seed);
    world.swallowed.add('address of a');
    world.alive('address of b', 40);
    const { selector } = world.start([peer('a', { allowedIps: ['0.0.0.0/0'] }), peer('b')]);
    await world.timers.pass(500);
    assert.equal(selector.snapshot().peer?.name, 'b');
  }
});

// Kind: a failure at once spins.

test("the interface's own key: named, never installed, and a pause", async () => {
  const world = new FakeWorld();
  world.publicKey = 'key of a';
  world.start([peer('a')]);
  await world.timers.pass(10 * MINUTE);
  assert.match(world.ofType('failed')[0]?.reason ?? '', /public key of vpn itself/);
  assert.equal(world.ofType('failed')[0]?.code, 'refused');
  assert.equal(changes(world).filter((call) => call.startsWith('install')).length, 0);
  assert.ok(world.ofType('failed').length < 40, `${world.ofType('failed').length} in ten minutes`);
});

test('the kernel refuses at once, whatever it is: a pause after each round', async () => {
  const world = new FakeWorld();
  world.tunnel.install = () => Promise.reject(new Error('refused'));
  world.start([peer('a'), peer('b'), peer('c')]);
  await world.timers.pass(10 * MINUTE);
  assert.ok(world.ofType('failed').length < 120, `${world.ofType('failed').length}`);
  assert.equal(world.ofType('failed')[0]?.code, 'trouble');
});

test('somebody removes the peer as soon as it is there: a pause after each round, longer each time', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10_000);
  world.start([peer('a')]);
  await repeatedly(world, 6_000, 100, () => world.installed.clear());
  assert.ok(world.ofType('failed').length < 60, `${world.ofType('failed').length} in ten minutes`);
  assert.equal(world.ofType('failed')[0]?.code, 'interrupted');
});

test('somebody removes the peer as soon as it is connected: the same', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  let connected = 0;
  await repeatedly(world, 12_000, 50, () => {
    const now = world.ofType('connected').length;
    if (now > connected) world.installed.clear();
    connected = now;
  });
  assert.ok(connected >= 10 && connected < 60, `${connected} in ten minutes`);
});

test('links and routes that change all the time do not end every pause', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', 'no answer');
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await repeatedly(world, 6_000, 100, () => world.routeAppears());
  assert.ok(world.ofType('pausing').length < 120, `${world.ofType('pausing').length} pauses in ten minutes`);
  assert.ok(world.resolutions.length < 60, `${world.resolutions.length} questions in ten minutes`);
});

test('a storm that has passed: the first change ends a pause at once again', async () => {
  const world = new FakeWorld();
  world.unroutable.add('address of a');
  world.start([peer('a')]);
  await repeatedly(world, 600, 100, () => world.routeAppears());
  await world.timers.pass(5 * MINUTE);
  const before = world.ofType('pausing').length;
  while (world.ofType('pausing').length === before) await world.timers.pass(100);
  await world.timers.pass(1_000);
  world.alive('address of a', 10);
  world.routeAppears();
  await world.timers.pass(100);
  assert.equal(world.ofType('connected').length, 1);
});

test('a fight over routes gets slower, and a gateway that dies meanwhile is noticed', async () => {
  const world = new FakeWorld();
  const gateway = world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  const fight = (times: number) =>
    repeatedly(world, times, 100, () => {
      if (world.routes.has('route of a')) world.takeRoute('route of a');
    });
  const before = world.ofType('routes-restored').length;
  await fight(600);
  const restored = world.ofType('routes-restored').length - before;
  assert.ok(restored >= 10 && restored <= 25, `${restored} in a minute`);
  gateway.alive = false;
  await fight(1_560);
  assert.match(world.ofType('lost')[0]?.reason ?? '', /no handshake for 15\d s/);
});

// Kind: what we think is in the kernel, and what is.

test('routes that went without an event are back at the next look', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a', { allowedIps: ['r1', 'r2'] })]);
  await world.timers.pass(MINUTE);
  world.routes.clear();
  await world.timers.pass(5_100);
  assert.deepEqual([...world.routes], ['r1', 'r2']);
  assert.deepEqual(selector.snapshot().routes.installed, ['r1', 'r2']);
});

test("a conflict is tried again: when the other's route goes, ours comes, and it is told", async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.conflicts.set('r1', 'there is one already');
  world.start([peer('a', { allowedIps: ['r1'] })]);
  await world.timers.pass(MINUTE);
  assert.equal(world.ofType('routes-restored').length, 0, 'the same conflict is no news');
  world.conflicts.clear();
  await world.timers.pass(5_100);
  assert.deepEqual([...world.routes], ['r1']);
  assert.deepEqual(world.ofType('routes-restored')[0]?.routes.added, ['r1']);
});

test('a route of ours that becomes a conflict is told once', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a', { allowedIps: ['r1'] })]);
  await world.timers.pass(MINUTE);
  world.routes.clear();
  world.conflicts.set('r1', 'replaced');
  await world.timers.pass(MINUTE);
  assert.deepEqual(
    world.ofType('routes-restored').map(({ routes }) => routes.conflicts),
    [[{ destination: 'r1', reason: 'replaced' }]],
  );
});

test('another peer of ours that appears while one is held is removed, a foreign one stays', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a'), peer('b')]);
  selector.select('a');
  await world.timers.pass(MINUTE);
  world.plant('key of b', 1_000);
  world.plant('a foreign key', 1_000, false);
  await world.timers.pass(5_100);
  assert.deepEqual([...world.installed.keys()], ['key of a', 'a foreign key']);
  assert.match(world.ofType('mended')[0]?.what ?? '', /key of b/);
  assert.equal(world.ofType('mended')[0]?.peer.name, 'a');
  assert.equal(world.ofType('lost').length, 0);
});

test('allowed IPs and keepalive that somebody changes are set again', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  for (const change of [{ allowedIps: ['0.0.0.0/0'] }, { persistentKeepalive: 25 }]) {
    const entry = world.installed.get('key of a');
    assert.ok(entry);
    Object.assign(entry, change);
    await world.timers.pass(5_100);
    assert.deepEqual([entry.allowedIps, entry.persistentKeepalive], [['route of a'], 0]);
  }
  assert.equal(world.ofType('mended').length, 2);
});

test('a connection in order costs the kernel nothing but looks', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(1_000);
  const before = changes(world).length;
  await world.timers.pass(2 * MINUTE);
  assert.equal(changes(world).length, before);
});

test('what went with the interface is not told as if it were there', async () => {
  for (const link of ['absent', 'down'] as const) {
    const world = new FakeWorld();
    world.alive('address of a', 10);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(MINUTE);
    assert.deepEqual(selector.snapshot().routes.installed, ['route of a']);
    world.setLink(link);
    assert.deepEqual(selector.snapshot().routes.installed, []);
  }
});

test('a reload restores routes, at their new place', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const a = peer('a');
  const { selector } = world.start([a]);
  await world.timers.pass(1_000);
  world.routes.clear();
  const assignment = assign([a]);
  const routes = { table: 7, metric: 8 };
  selector.assign({ ...assignment, settings: { ...assignment.settings, routes } });
  await world.timers.pass(250);
  assert.deepEqual([...world.routes], ['route of a']);
  assert.deepEqual(world.applied.at(-1)?.place, routes);
  assert.equal(world.ofType('lost').length, 0);
});

test('what other interfaces have too is routed with the handshake, and not before', async () => {
  const world = new FakeWorld();
  const gateway = world.alive('address of a', 10);
  gateway.alive = false;
  const a = peer('a', { allowedIps: ['own', 'shared'] });
  const assignment = assign([a]);
  const routes = { table: undefined, metric: undefined, shared: new Map([['shared', 1]]) };
  world.serve({ ...assignment, settings: { ...assignment.settings, routes } });
  await world.timers.pass(7_000);
  assert.deepEqual([...world.routes], ['own']);
  gateway.alive = true;
  await world.timers.pass(5_000);
  assert.deepEqual([...world.routes], ['own', 'shared']);
  assert.deepEqual(world.ofType('connected')[0]?.routes.installed, ['own', 'shared']);
});

test('a shared route that leads to the endpoint of its own peer is taken back', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.swallowed.add('address of a');
  const a = peer('a', { allowedIps: ['shared'] });
  const assignment = assign([a]);
  const routes = { table: undefined, metric: undefined, shared: new Map([['shared', 1]]) };
  world.serve({ ...assignment, settings: { ...assignment.settings, routes } });
  await world.timers.pass(1_000);
  assert.match(world.ofType('failed')[0]?.reason ?? '', /its allowed IPs lead the way to its own endpoint/);
  assert.deepEqual([...world.routes], []);
});

// Kind: names.

test('an answer of the other address family that comes late joins the round', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['192.0.2.1']);
  world.lateNames.set('gw.example', { after: 2_000, addresses: ['2001:db8::1'] });
  world.alive('2001:db8::1', 10);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(6_000);
  assert.equal(world.ofType('connected')[0]?.remote.address, '2001:db8::1');
  assert.equal(world.resolutions.length, 1);
});

test('an answer that comes when all addresses so far have failed is waited for', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['192.0.2.1']);
  world.lateNames.set('gw.example', { after: 3_000, addresses: ['2001:db8::1'] });
  world.alive('2001:db8::1', 10);
  world.unroutable.add('192.0.2.1'); // fails within a second
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(4_500);
  assert.equal(world.ofType('connected')[0]?.remote.address, '2001:db8::1');
});

test('addresses that can be no gateway are passed over, and said', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['0.0.0.0', '::', '127.0.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.1']);
  world.alive('192.0.2.1', 10);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(100);
  assert.equal(world.ofType('connected')[0]?.remote.address, '192.0.2.1');
  const reasons = world.ofType('failed').map(({ reason }) => reason);
  assert.equal(reasons.length, 5);
  assert.match(reasons[0] ?? '', /0\.0\.0\.0, which is no gateway's \(unspecified\)/);
});

test('a name with nothing but such addresses does not resolve', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['0.0.0.0']);
  world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
  await world.timers.pass(500);
  assert.equal(world.ofType('trying').length, 0);
  assert.match(world.ofType('failed')[0]?.reason ?? '', /unspecified/);
  assert.equal(world.ofType('failed')[0]?.code, 'no-address');
});

test('localhost is where a relay of the same machine listens', async () => {
  const world = new FakeWorld();
  world.names.set('localhost', ['127.0.0.1']);
  world.alive('127.0.0.1', 10);
  world.start([peer('gw', { host: 'localhost', kind: 'name' })]);
  await world.timers.pass(100);
  assert.equal(world.ofType('connected').length, 1);
});

test('addresses of days ago are not tried: each has an age', async () => {
  const world = new FakeWorld();
  world.names.set('a.example', ['192.0.2.1']);
  world.names.set('b.example', ['192.0.2.2']);
  const gateways = ['192.0.2.1', '192.0.2.2'].map((address) => world.alive(address, 10));
  world.start(['a', 'b'].map((name) => peer(name, { host: `${name}.example`, kind: 'name' })));
  await world.timers.pass(24 * 60 * MINUTE);
  assert.equal(world.ofType('connected').length, 1);
  world.names.set('a.example', ['198.51.100.1']);
  world.names.set('b.example', ['198.51.100.2']);
  for (const gateway of gateways) gateway.alive = false;
  for (const address of ['198.51.100.1', '198.51.100.2']) world.alive(address, 10);
  await world.timers.pass(4 * MINUTE);
  assert.deepEqual(
    world
      .ofType('trying')
      .slice(1)
      .map(({ remote }) => remote.address.split('.')[0]),
    ['198'],
    'the first address that is tried is one of now',
  );
});

test('300 names: a few are resolved at a time, in the order of their turns', async () => {
  const world = new FakeWorld();
  const peers = Array.from({ length: 300 }, (_, i) => peer(`p${i}`, { host: `p${i}.example`, kind: 'name' }));
  for (const { name } of peers) world.names.set(`${name}.example`, 'silent');
  world.start(peers);
  await world.timers.pass(1_000);
  assert.ok(world.resolutions.length <= 4, `${world.resolutions.length}`);
});

test('a literal address behind many silent names is tried within the second', async () => {
  const world = new FakeWorld();
  const peers = Array.from({ length: 50 }, (_, i) => peer(`p${i}`, { host: `p${i}.example`, kind: 'name' }));
  for (const { name } of peers) world.names.set(`${name}.example`, 'silent');
  world.alive('192.0.2.1', 10);
  world.start([...peers, peer('literal', { host: '192.0.2.1' })]);
  await world.timers.pass(1_000);
  assert.equal(world.ofType('connected').length, 1);
});

// Kind: clocks.

test('a forward step in the gap between two looks does not make a living tunnel old', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')], { checkInterval: 3600 });
  await world.timers.pass(122_000); // a handshake at 120 s
  world.stepClock(60 * MINUTE);
  await world.timers.pass(10 * MINUTE);
  assert.equal(world.ofType('lost').length, 0);
});

// Kind: start, stop, restart.

test('select while the interface is down is not forgotten, though another connection still works', async () => {
  const world = new FakeWorld();
  for (const name of ['a', 'b']) world.alive(`address of ${name}`, 10);
  const { selector } = world.start([peer('a'), peer('b')]);
  selector.select('a');
  await world.timers.pass(MINUTE);
  world.setLink('down');
  await world.timers.pass(100);
  assert.equal(selector.select('b'), true);
  world.setLink('up');
  await world.timers.pass(500);
  assert.equal(selector.snapshot().peer?.name, 'b');
  assert.equal(selector.snapshot().state, 'established');
});

test('an entry of our key with an old handshake is not a connection', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(2_500); // trying, in vain
  world.installed.clear();
  await world.timers.pass(100);
  world.plant('key of a', 3_600_000);
  await world.timers.pass(20_000);
  assert.equal(world.ofType('connected').length, 0);
  assert.notEqual(selector.snapshot().state, 'established');
});

test('a peer that is corrected has its turn in the same round', async () => {
  const world = new FakeWorld();
  const others = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name) => peer(name));
  const { selector } = world.start([peer('a'), ...others]);
  selector.select('a');
  await world.timers.pass(5_200); // a has failed, and the first of the others is being tried
  world.alive('the right address', 10);
  selector.assign(assign([peer('a', { host: 'the right address' }), ...others]));
  await world.timers.pass(42_000); // the last place in it is 40 s away
  assert.equal(world.ofType('connected')[0]?.peer.name, 'a');
  assert.equal(world.ofType('round-over').length, 0);
});

test('the interface goes while its routes are compared: they are not shown as if they were there', async () => {
  for (const link of ['absent', 'down'] as const) {
    for (const when of ['look', 'install', 'take-over'] as const) {
      const world = new FakeWorld();
      world.alive('address of a', 10);
      if (when === 'take-over') world.plant('key of a', 1_000);
      const { routing } = world;
      const apply = routing.apply;
      let left = { look: 2, install: 1, 'take-over': 0 }[when];
      routing.stand = () => false;
      routing.apply = async (destinations, place) => {
        const report = await apply(destinations, place);
        if (left-- === 0) world.setLink(link);
        return report;
      };
      const { selector } = world.start([peer('a')]);
      await world.timers.pass(MINUTE);
      assert.equal(selector.snapshot().state, 'waiting-for-interface', when);
      assert.deepEqual(selector.snapshot().routes.installed, [], `${link}, ${when}`);
    }
  }
});
