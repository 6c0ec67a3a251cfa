import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/config/secret.js';
import type { Peer } from '../../../src/selector/world.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

for (const order of [
  ['a', 'b'],
  ['b', 'a'],
]) {
  test(`of two living peers the one with the youngest handshake is kept, found as ${order.join(', ')}`, async () => {
    const world = new FakeWorld();
    for (const name of order) world.plant(`key of ${name}`, name === 'a' ? 100_000 : 20_000);
    world.start([peer('a'), peer('b'), peer('c')]);
    await world.timers.pass(10);
    assert.equal(world.ofType('kept')[0]?.peer.name, 'b');
    assert.equal(world.ofType('kept')[0]?.handshakeAge, 20_000);
    assert.deepEqual([...world.installed.keys()], ['key of b']);
  });
}

test('a handshake as old as the dead peer timeout proves nothing, a millisecond less is enough', async () => {
  for (const [age, timeout, kept] of [
    [150_000, 150, 0],
    [149_999, 150, 1],
    [40_000, 40, 0],
    [39_999, 40, 1],
  ] as const) {
    const world = new FakeWorld();
    world.plant('key of a', age);
    world.start([peer('a')], { deadPeerTimeout: timeout });
    await world.timers.pass(0);
    assert.equal(world.ofType('kept').length, kept, `${age} of ${timeout} s`);
  }
});

test('the kept peer is brought to the configuration, and its session stays', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 20_000);
  const entry = world.installed.get('key of a');
  world.routes.add('an old route');
  const presharedKey = new Secret('psk');
  const a: Peer = { ...peer('a', { allowedIps: ['r1', 'r2'] }), persistentKeepalive: 25, presharedKey };
  world.start([a]);
  await world.timers.pass(10);
  assert.equal(world.installed.get('key of a'), entry, 'not removed and made again');
  assert.ok(entry);
  const { allowedIps, persistentKeepalive } = entry;
  assert.deepEqual(
    { allowedIps, persistentKeepalive },
    { allowedIps: ['r1', 'r2'], persistentKeepalive: 25 },
  );
  assert.equal(entry.presharedKey, presharedKey);
  assert.deepEqual(
    [...world.routes].sort(),
    ['r1', 'r2'],
    'routes of the former run that nobody wants are gone',
  );
  assert.ok(world.calls.includes('kick a'));
  assert.deepEqual(world.ofType('kept')[0]?.routes.installed, ['r1', 'r2']);
});

test('the kept peer shows where the kernel sends to', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 20_000, true, { address: '192.0.2.1', port: 4500 });
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(10);
  const { peer: held, remote, state, handshakeAge } = selector.snapshot();
  assert.equal(held?.name, 'a');
  assert.deepEqual(remote, { address: '192.0.2.1', port: 4500, index: 1, count: 1 });
  assert.equal(state, 'established');
  assert.equal(handshakeAge, 20_010);
});

test('the address of a kept peer that dies is not the first to be tried again', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two', 'three']);
    world.plant('key of gw', 140_000, true, { address: 'two', port: 51820 });
    world.start([peer('gw', { host: 'gw.example', kind: 'name' })]);
    await world.timers.pass(15_000);
    assert.equal(world.ofType('lost').length, 1);
    assert.notEqual(world.ofType('trying')[0]?.remote.address, 'two');
  }
});

test('a kept peer that dies is not the first of the next round', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new FakeWorld(seed);
    world.plant('key of a', 140_000);
    world.start([peer('a'), peer('b')]);
    await world.timers.pass(15_000);
    assert.equal(world.ofType('lost').length, 1);
    assert.equal(world.ofType('trying')[0]?.peer.name, 'b');
  }
});

test('a peer that is kept in the middle of a round counts as tried in it', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const names = ['a', 'b', 'c', 'd'];
    const { selector } = world.start(names.map((name) => peer(name)));
    await world.timers.pass(1_000);
    const first = selector.snapshot().peer?.name ?? '';
    const [found, ...others] = selector.snapshot().untried;
    assert.ok(found);
    world.plant(`key of ${found}`, 140_000); // by another hand
    world.setLink('down');
    world.setLink('up');
    await world.timers.pass(10);
    assert.equal(world.ofType('kept')[0]?.peer.name, found);
    assert.deepEqual([...selector.snapshot().tried].sort(), [first, found].sort());
    assert.deepEqual(selector.snapshot().untried, others);
    await world.timers.pass(25_000);
    assert.equal(world.ofType('lost').length, 1);
    assert.deepEqual(
      world
        .ofType('trying')
        .map((event) => event.peer.name)
        .slice(0, 3),
      [first, ...others],
      'the round goes on with those it has not tried',
    );
    const [next] = world.ofType('trying').slice(3);
    assert.ok(next && next.peer.name !== others[1], 'and then the next one begins');
  }
});

test('every other peer of ours is told of: by its name, or by its key where no peer has it', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 1_000);
  world.plant('key of b', 1_000);
  world.serve({ ...assign([peer('b')]), ownKeys: new Set(['key of a', 'key of b']) });
  await world.timers.pass(10);
  assert.equal(world.ofType('kept')[0]?.peer.name, 'b');
  assert.deepEqual(
    world.ofType('leftover-removed').map(({ peer: found, publicKey }) => [found, publicKey]),
    [[undefined, 'key of a']],
  );
});

test('what is on the interface and has been cleared is not told of again', async () => {
  const world = new FakeWorld();
  world.plant('key of a', undefined);
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(MINUTE);
  assert.equal(world.ofType('leftover-removed').length, 1);
  assert.equal(world.ofType('leftover-removed')[0]?.peer?.name, 'a');
});

for (const [what, wait] of [
  ['held', MINUTE],
  ['tried', 1_000],
] as const) {
  test(`our own peer gets another key while it is ${what}: the old one goes`, async () => {
    const world = new FakeWorld();
    if (what === 'held') world.alive('address of a', 10);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(wait);
    assert.deepEqual([...world.installed.keys()], ['key of a']);
    selector.assign(assign([{ ...peer('a'), publicKey: 'another key' }]));
    await world.timers.pass(1_000);
    assert.deepEqual([...world.installed.keys()], ['another key']);
  });
}

test('our own peer gets another key while the interface is down: the old one goes when it is up again', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.setLink('down');
  await world.timers.pass(1_000);
  assert.deepEqual([...world.installed.keys()], ['key of a'], 'kept for its return');
  selector.assign(assign([{ ...peer('a'), publicKey: 'another key' }]));
  world.setLink('up');
  await world.timers.pass(1_000);
  assert.deepEqual([...world.installed.keys()], ['another key']);
  assert.equal(world.ofType('connected').length, 2);
});

test('the kernel refuses to remove a peer that is configured no longer: it goes when the state was read anew', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  world.failure = new Error('cannot remove it');
  selector.assign(assign([{ ...peer('a'), publicKey: 'another key' }]));
  await world.timers.pass(10_000);
  assert.ok(world.ofType('trouble').length >= 1);
  assert.deepEqual([...world.installed.keys()], ['another key']);
});

test('the kernel cannot be read at the start: told, and then read before anything else is done', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 1_000);
  world.plant('key of b', undefined);
  world.failure = new Error('no answer');
  world.start([peer('a'), peer('b')]);
  await world.timers.pass(0);
  assert.deepEqual(
    world.ofType('trouble').map(({ error }) => error),
    [new Error('no answer')],
  );
  await world.timers.pass(5_000);
  assert.equal(world.ofType('trouble').length, 1);
  assert.equal(world.ofType('kept').length, 1);
  assert.equal(world.ofType('trying').length, 0);
  assert.deepEqual([...world.installed.keys()], ['key of a']);
});

test('the kernel refuses in the middle of a take-over: it is begun again', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 1_000);
  const { tunnel } = world;
  const adjust = tunnel.adjust;
  tunnel.adjust = (wanted) => {
    tunnel.adjust = adjust;
    return Promise.reject(new Error(`cannot adjust ${wanted.name}`));
  };
  world.start([peer('a')]);
  await world.timers.pass(5_000);
  assert.equal(world.ofType('trouble').length, 1);
  assert.equal(world.ofType('kept').length, 1);
  assert.deepEqual(world.installed.get('key of a')?.allowedIps, ['route of a']);
  assert.deepEqual([...world.routes], ['route of a']);
});

test('the interface goes down and up while the kernel is read: read once more, and the routes are there', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.plant('key of a', 1_000);
  const { tunnel } = world;
  const adjust = tunnel.adjust;
  tunnel.adjust = async (wanted) => {
    tunnel.adjust = adjust;
    await adjust(wanted);
    world.setLink('down'); // takes the routes along
    world.setLink('up');
  };
  world.start([peer('a')]);
  await world.timers.pass(1_000);
  assert.deepEqual([...world.routes], ['route of a']);
  assert.deepEqual([...world.installed.keys()], ['key of a']);
});

test('down and up while somebody sets the clock: the connection that was watched is kept', async () => {
  for (const step of [HOUR, -HOUR]) {
    const world = new FakeWorld();
    world.alive('address of a', 10);
    world.start([peer('a')]);
    await world.timers.pass(MINUTE);
    world.setLink('down');
    world.stepClock(step);
    world.setLink('up');
    await world.timers.pass(50);
    assert.equal(world.ofType('kept').length, 1);
    assert.equal(world.ofType('connected').length, 1);
    const age = world.ofType('kept')[0]?.handshakeAge ?? 0;
    assert.ok(age > MINUTE - 100 && age <= MINUTE, `${age}`);
  }
});

test('the watch goes on over a take-over: the kept connection is lost when its handshake is too old', async () => {
  const world = new FakeWorld();
  world.traffic = false;
  const gateway = world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  gateway.alive = false;
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(89_000);
  assert.equal(world.ofType('lost').length, 1, 'the interface went down');
  await world.timers.pass(1_100);
  assert.match(world.ofType('lost')[1]?.reason ?? '', /no handshake for 150 s/);
});

test('a kept peer whose endpoint the kernel does not know has no address to show', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 20_000);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(10);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(selector.snapshot().remote, undefined);
});

test('stop after a connection was taken over: peer and routes are removed, and nothing else', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 20_000);
  world.plant('a foreign key', undefined, false);
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(10);
  assert.equal(selector.snapshot().state, 'established');
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.deepEqual([...world.installed.keys()], ['a foreign key']);
  assert.equal(world.routes.size, 0);
});

test('stop before anything was installed looks what there is, and changes nothing', async () => {
  const world = new FakeWorld();
  const { selector, run } = world.start([]);
  await world.timers.pass(10);
  const before = world.calls.length;
  selector.stop();
  await world.timers.pass(0);
  await run;
  assert.deepEqual(world.calls.slice(before), ['device']);
  assert.equal(world.ofType('trouble').length, 0);
});

test('what a former run left goes although the stop comes before it was looked at', async () => {
  const world = new FakeWorld();
  world.plant('key of a', undefined);
  world.setLink('down');
  const { selector, run } = world.start([peer('a')]);
  await world.timers.pass(10);
  selector.stop();
  await world.timers.pass(10);
  await run;
  assert.equal(world.installed.size, 0);
});

test('another peer of ours that appears between two attempts is removed before the next', async () => {
  const world = new FakeWorld();
  world.serve({
    ...assign([peer('a'), peer('b')]),
    ownKeys: new Set(['key of a', 'key of b', 'key of x']),
  });
  await world.timers.pass(2_000);
  world.plant('key of x', 1_000); // by another hand
  await world.timers.pass(4_000);
  assert.equal(world.ofType('trying').length, 2);
  assert.deepEqual([...world.installed.keys()], [world.ofType('trying')[1]?.peer.publicKey]);
  assert.equal(world.ofType('failed')[0]?.reason, 'no handshake within 5 s');
  assert.equal(world.ofType('failed')[0]?.code, 'no-handshake');
  await world.timers.pass(5_000);
  assert.equal(world.ofType('failed')[1]?.reason, 'no handshake within 5 s');
});

for (const how of ['was removed', 'went with its interface'] as const) {
  test(`a key that ${how} and is configured no longer is ours no longer`, async () => {
    const world = new FakeWorld();
    for (const name of ['a', 'b']) world.alive(`address of ${name}`, 10);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(MINUTE);
    if (how !== 'was removed') world.setLink('absent');
    selector.assign(assign([peer('b')]));
    await world.timers.pass(MINUTE);
    world.plant('key of a', undefined, false); // now another's
    world.setLink('up');
    await world.timers.pass(MINUTE);
    assert.equal(selector.snapshot().peer?.name, 'b');
    assert.deepEqual([...world.installed.keys()].sort(), ['key of a', 'key of b']);
  });
}

for (const [what, peers, tried] of [
  ['takes the peer away', [], []],
  ['moves the peer', [peer('a', { host: 'another address' })], ['another address']],
] as const) {
  test(`a reload ${what} while its connection is being taken over: what there is of it goes`, async () => {
    const world = new FakeWorld();
    world.plant('key of a', 1_000);
    const { tunnel } = world;
    const kick = tunnel.kick;
    tunnel.kick = async (wanted) => {
      await kick(wanted);
      started.selector.assign(assign(peers));
    };
    const started = world.start([peer('a')]);
    await world.timers.pass(0);
    assert.deepEqual(
      [...world.installed.values()].map(({ remote }) => remote?.address),
      tried,
    );
    assert.equal(world.routes.size, tried.length);
    assert.equal(world.ofType('kept').length, 0);
  });
}

test('the interface vanishes under an installation: its key is not ours on the next interface of that name', async () => {
  const world = new FakeWorld();
  world.alive('address of b', 10);
  const { tunnel } = world;
  const device = tunnel.device;
  let asked = 0;
  tunnel.device = async () => {
    const answer = await device();
    if (++asked === 2) world.setLink('absent'); // the first was for the take-over
    return answer;
  };
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(1_000);
  assert.equal(selector.snapshot().state, 'waiting-for-interface');
  selector.assign(assign([peer('b')]));
  world.plant('key of a', undefined, false); // now another's
  world.setLink('up');
  await world.timers.pass(1_000);
  assert.deepEqual([...world.installed.keys()].sort(), ['key of a', 'key of b']);
});

test('another peer of ours that the kernel refuses to remove is not told of as removed', async () => {
  const world = new FakeWorld();
  world.plant('key of a', undefined);
  const { tunnel } = world;
  const remove = tunnel.remove;
  tunnel.remove = () => {
    tunnel.remove = remove;
    return Promise.reject(new Error('cannot remove it'));
  };
  world.start([peer('a')]);
  await world.timers.pass(0);
  assert.equal(world.ofType('trouble').length, 1);
  assert.equal(world.ofType('leftover-removed').length, 0);
  await world.timers.pass(1_000);
  assert.equal(world.ofType('leftover-removed').length, 1);
});

test('a kept peer is looked at again after the check interval, not at once', async () => {
  const world = new FakeWorld();
  world.plant('key of a', 20_000);
  world.start([peer('a')]);
  await world.timers.pass(4_900);
  assert.deepEqual(world.calls, ['device', 'adjust a', 'kick a']);
  await world.timers.pass(200);
  assert.deepEqual(world.calls.slice(3), ['device']);
});

test('a kept peer that is as configured is not written to the kernel again', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  const before = world.calls.length;
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(10);
  assert.equal(world.ofType('kept').length, 1);
  assert.deepEqual(world.calls.slice(before), ['device', 'kick a']);
});

test('what was watched of one peer says nothing of the handshake of another', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a'), peer('b')]);
  selector.select('a');
  await world.timers.pass(MINUTE);
  const { tunnel } = world;
  const { install, remove } = tunnel;
  tunnel.install = () => {
    tunnel.install = install;
    world.plant('key of b', HOUR); // by another hand
    tunnel.remove = () => {
      tunnel.remove = remove;
      return Promise.reject(new Error('cannot remove it'));
    };
    return Promise.reject(new Error('cannot install it'));
  };
  selector.next();
  await world.timers.pass(2_000);
  assert.equal(world.ofType('trouble').length, 1, 'b is still there, and has to be judged');
  assert.equal(world.ofType('leftover-removed')[0]?.peer?.name, 'b');
  assert.equal(world.ofType('kept').length, 0);
});

test('a key that was removed, with nobody in its place, is ours no longer', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 10);
  const { selector } = world.start([peer('a')]);
  await world.timers.pass(MINUTE);
  selector.assign(assign([]));
  await world.timers.pass(1_000);
  assert.equal(world.installed.size, 0);
  world.plant('key of a', undefined, false); // now another's
  world.setLink('down');
  world.setLink('up');
  await world.timers.pass(1_000);
  assert.deepEqual([...world.installed.keys()], ['key of a']);
});
