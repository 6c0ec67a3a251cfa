import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remotes } from '../../../src/selector/remotes.js';
import { formatRemote, type Peer, type Resolver } from '../../../src/selector/world.js';
import { SeededRandom } from '../../simulation/random.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const named = (name: string, changes: Partial<Peer> = {}): Peer => ({
  ...peer(name, { host: `${name}.example`, kind: 'name' }),
  ...changes,
});

const addresses = (world: FakeWorld): string[] => world.ofType('trying').map(({ remote }) => remote.address);

test('an address that comes twice in an answer is one address; each has its number', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['one', 'two', 'one', 'two', 'one']);
  world.start([named('gw')]);
  await world.timers.pass(19 * SECOND);
  assert.deepEqual(addresses(world).slice(0, 2).sort(), ['one', 'two']);
  assert.deepEqual(addresses(world).slice(2).sort(), ['one', 'two']);
  assert.deepEqual(
    world.ofType('trying').map(({ remote: { index, count } }) => `${index} of ${count}`),
    ['1 of 2', '2 of 2', '1 of 2', '2 of 2'],
  );
  assert.equal(world.resolutions.length, 2);
});

test('the order of the addresses of an answer is drawn at random', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['x', 'y', 'z']);
    world.start([named('gw')], { connectTimeout: 1 });
    await world.timers.pass(2_900);
    orders.add(addresses(world).join());
  }
  assert.equal(orders.size, 6);
});

test('the zone and the port of an endpoint reach the kernel', async () => {
  const world = new FakeWorld();
  world.alive('fe80::1', 10);
  const asked: unknown[] = [];
  const { routing } = world;
  const doubt = routing.doubt;
  routing.doubt = (remote) => {
    asked.push([remote.address, remote.port, remote.zone]);
    return doubt(remote);
  };
  world.start([{ ...peer('a'), endpoints: [{ host: 'fe80::1', port: 4500, kind: 'ipv6', zone: 'wan' }] }]);
  await world.timers.pass(SECOND);
  const remote = world.ofType('connected')[0]?.remote;
  assert.deepEqual(remote, { address: 'fe80::1', port: 4500, zone: 'wan', index: 1, count: 1 });
  assert.deepEqual(world.installed.get('key of a')?.remote, remote);
  assert.deepEqual(new Set(asked.map(String)), new Set(['fe80::1,4500,wan']));
});

test('a reload in the middle of the addresses: those of the same endpoint are gone on with', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two', 'three']);
    const { selector } = world.start([named('gw')]);
    await world.timers.pass(SECOND);
    selector.assign(assign([named('gw', { persistentKeepalive: 25 })]));
    await world.timers.pass(9 * SECOND);
    assert.deepEqual(addresses(world).sort(), ['one', 'three', 'two']);
    assert.deepEqual(world.resolutions, ['gw.example']);
    assert.equal(world.ofType('failed')[0]?.reason, 'its configuration has changed');
  }
});

for (const [what, endpoint, expected] of [
  ['port', { host: '192.0.2.1', port: 1, kind: 'ipv4' }, '192.0.2.1 1 undefined'],
  ['host', { host: '192.0.2.2', port: 51820, kind: 'ipv4' }, '192.0.2.2 51820 undefined'],
  ['zone', { host: '192.0.2.1', port: 51820, kind: 'ipv4', zone: 'wan' }, '192.0.2.1 51820 wan'],
] as const) {
  test(`a reload that changes the ${what} of an endpoint: it is tried there, and not where it was`, async () => {
    const world = new FakeWorld();
    const { selector } = world.start([peer('a', { host: '192.0.2.1' })]);
    await world.timers.pass(SECOND);
    selector.assign(assign([{ ...peer('a'), endpoints: [endpoint] }]));
    await world.timers.pass(SECOND);
    const remote = world.ofType('trying').at(-1)?.remote;
    assert.equal(`${remote?.address} ${remote?.port} ${remote?.zone}`, expected);
    assert.equal(world.ofType('trying').length, 2);
  });
}

test('a peer that comes back by another reload begins with addresses of its own', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['one', 'two', 'three']);
  const { selector } = world.start([named('gw')]);
  await world.timers.pass(SECOND);
  selector.assign(assign([]));
  await world.timers.pass(SECOND);
  assert.equal(selector.select('gw'), false);
  world.names.set('gw.example', ['moved']);
  selector.assign(assign([named('gw')]));
  await world.timers.pass(MINUTE);
  assert.deepEqual(new Set(addresses(world).slice(1)), new Set(['moved']));
});

/** A resolver whose answers the test gives when it wants, and what has been asked. */
function resolverByHand() {
  const asked: {
    name: string;
    timeout: number;
    answer: (found: string[]) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const resolver: Resolver = {
    resolve: (name, timeout, found) =>
      new Promise((resolve, fail) => {
        const answer = (addresses: string[]): void => {
          found(addresses);
          resolve();
        };
        asked.push({ name, timeout, answer, fail });
      }),
  };
  return { asked, resolver };
}

/** Takes the next address of the round, as the selector does. */
function takeNext(remotes: Remotes): string | undefined {
  const [next] = remotes.untried;
  if (next !== undefined) remotes.take(next);
  return next?.address;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const late of ['answer', 'failure'] as const) {
  test(`the late ${late} of a resolution that was given up changes nothing`, async () => {
    const { asked, resolver } = resolverByHand();
    let changes = 0;
    const remotes = new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => changes++);
    remotes.prepare(1_000, 5_000);
    assert.equal(remotes.state, 'resolving');
    assert.equal(remotes.since, 1_000);
    remotes.prepare(1_500, 5_000);
    assert.equal(asked.length, 1, 'one is under way');
    remotes.forget();
    remotes.prepare(2_000, 4_000);
    assert.equal(remotes.since, 2_000);
    assert.deepEqual(
      asked.map(({ name, timeout }) => [name, timeout]),
      [
        ['gw.example', 5_000],
        ['gw.example', 4_000],
      ],
    );
    if (late === 'answer') asked[0]?.answer(['old']);
    else asked[0]?.fail(new Error('too late'));
    await settled();
    assert.equal(remotes.state, 'resolving');
    assert.equal(changes, 0);
    asked[1]?.answer(['new']);
    await settled();
    assert.equal(remotes.state, 'ready');
    assert.ok(changes > 0);
    assert.equal(takeNext(remotes), 'new');
    assert.equal(remotes.state, 'none');
    assert.equal(takeNext(remotes), undefined);
  });
}

test('a failure stays, with its reason, until it is forgotten', async () => {
  for (const [error, reason] of [
    [new Error('no such name'), 'no such name'],
    ['a text', 'a text'],
  ] as const) {
    const { asked, resolver } = resolverByHand();
    const remotes = new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => {});
    remotes.prepare(0, 5_000);
    asked[0]?.fail(error);
    await settled();
    assert.equal(remotes.state, 'failed');
    assert.equal(remotes.reason, reason);
    remotes.prepare(10, 5_000);
    assert.equal(asked.length, 1);
    remotes.forget();
    remotes.prepare(20, 5_000);
    assert.equal(asked.length, 2);
  }
});

test('addresses are forgotten, and those of the next resolution are another round', async () => {
  const { asked, resolver } = resolverByHand();
  const remotes = new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, 5_000);
  asked[0]?.answer(['one', 'two']);
  await settled();
  takeNext(remotes);
  assert.equal(remotes.state, 'ready');
  remotes.forget();
  assert.equal(remotes.state, 'none');
  assert.equal(takeNext(remotes), undefined);
});

test('the answer of a resolution that was given up and not begun again is nothing', async () => {
  const { asked, resolver } = resolverByHand();
  let changes = 0;
  const remotes = new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => changes++);
  remotes.prepare(0, 5_000);
  remotes.forget();
  asked[0]?.answer(['old']);
  await settled();
  assert.equal(remotes.state, 'none');
  assert.equal(changes, 0);
});

test('who is told that a resolution has ended finds its result', async () => {
  const { asked, resolver } = resolverByHand();
  const seen: string[] = [];
  const remotes = new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => {
    seen.push(remotes.state);
  });
  remotes.prepare(0, 5_000);
  asked[0]?.answer(['one']);
  await settled();
  assert.deepEqual(new Set(seen), new Set(['ready']), 'at the answer, and at the end');
});

/** Addresses of a name whose DNS the test plays. */
function remotesByHand() {
  const { asked, resolver } = resolverByHand();
  return { asked, remotes: new Remotes(named('gw').endpoints, resolver, new SeededRandom(1), () => {}) };
}

test('addresses that were found more than five minutes ago are asked for anew before they are tried', async () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(1_000, 5_000);
  asked[0]?.answer(['one', 'two']);
  await settled();
  takeNext(remotes);
  remotes.prepare(301_000, 5_000);
  assert.equal(remotes.state, 'ready');
  remotes.prepare(301_001, 5_000);
  assert.equal(remotes.state, 'resolving');
  assert.equal(asked.length, 2);
});

test('a resolution that may take longer than that is not given up for it', () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(0, 3_600_000);
  remotes.prepare(400_000, 3_600_000);
  assert.equal(asked.length, 1);
});

test('a name that fails is asked for again after 1 s, and after twice as long each time up to 30 s', async () => {
  const { asked, remotes } = remotesByHand();
  let now = 0;
  const fail = async (wait: number): Promise<void> => {
    const before = asked.length;
    if (before > 0) {
      remotes.failureSeen();
      remotes.prepare(now + wait - 1, 5_000);
      assert.equal(asked.length, before, `not before ${wait}`);
      assert.equal(remotes.state, 'failed');
      assert.equal(remotes.reason, 'no such name');
      remotes.failureSeen();
    }
    now += wait;
    remotes.prepare(now, 5_000);
    assert.equal(asked.length, before + 1, `after ${wait}`);
    asked.at(-1)?.fail(new Error('no such name'));
    await settled();
  };
  for (const wait of [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) await fail(wait);
  remotes.forget();
  remotes.prepare(now + 1, 5_000);
  asked.at(-1)?.answer(['one']);
  await settled();
  takeNext(remotes);
  remotes.prepare(now + 2, 5_000);
  assert.equal(remotes.state, 'resolving', 'a name that has resolved is asked for at once');
  asked.at(-1)?.fail(new Error('no such name'));
  await settled();
  now += 2;
  await fail(1_000);
});

test('of a name with many addresses 32 are tried, each with its number', async () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(0, 5_000);
  asked[0]?.answer(Array.from({ length: 40 }, (_, index) => `address ${index}`));
  await settled();
  const numbers = (): string[] => remotes.untried.map(({ index, count }) => `${index} of ${count}`);
  assert.equal(numbers().length, 32);
  takeNext(remotes);
  assert.deepEqual(
    numbers(),
    Array.from({ length: 31 }, (_, index) => `${index + 2} of 32`),
  );
});

test('an address of before a new answer is not taken from it', async () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(0, 5_000);
  asked[0]?.answer(['one', 'two']);
  await settled();
  const [old] = remotes.untried;
  assert.ok(old);
  remotes.forget();
  remotes.prepare(10, 5_000);
  asked[1]?.answer(['three']);
  await settled();
  remotes.take(old);
  assert.deepEqual(
    remotes.untried.map(({ address }) => address),
    ['three'],
  );
});

test('a name with nothing but addresses of no gateway has failed, and is not told of them besides', async () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(0, 5_000);
  asked[0]?.answer(['0.0.0.0']);
  await settled();
  assert.equal(remotes.state, 'failed');
  assert.match(remotes.reason, /0\.0\.0\.0/);
  assert.deepEqual(remotes.takeUnusable(), []);
});

test('an address that is passed over is told with its address; localhost is no excuse for others than loopback', async () => {
  for (const [host, passedOver] of [
    ['gw.example', ['0.0.0.0', '127.0.0.1']],
    ['localhost.example', ['0.0.0.0', '127.0.0.1']],
    ['localhost', ['0.0.0.0']],
  ] as const) {
    const world = new FakeWorld();
    world.names.set(host, ['0.0.0.0', '127.0.0.1', '192.0.2.1']);
    world.alive('192.0.2.1', 10);
    world.start([peer('gw', { host, kind: 'name' })]);
    await world.timers.pass(6 * SECOND);
    const told = world.ofType('failed').filter(({ reason }) => reason.includes('gateway'));
    assert.deepEqual(told.map(({ remote }) => remote?.address).sort(), passedOver);
    assert.equal(world.ofType('connected').length, 1);
  }
});

test('an answer that comes later adds what is new, and nothing that was there', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.names.set('gw.example', ['one', 'two']);
    world.lateNames.set('gw.example', { after: SECOND, addresses: ['one', 'three', 'two'] });
    world.start([named('gw')]);
    await world.timers.pass(14 * SECOND);
    assert.deepEqual(addresses(world).sort(), ['one', 'three', 'two']);
    assert.deepEqual(world.resolutions, ['gw.example']);
  }
});

test('an answer that comes when all were tried and brings nothing new: the next round begins', async () => {
  const world = new FakeWorld();
  world.names.set('gw.example', ['one']);
  world.lateNames.set('gw.example', { after: 8 * SECOND, addresses: ['one'] });
  world.start([named('gw')]);
  await world.timers.pass(7_900);
  assert.deepEqual(addresses(world), ['one']);
  await world.timers.pass(10 * SECOND);
  assert.ok(addresses(world).length > 1);
});

test('an address that is passed over is none of the numbered ones', async () => {
  for (const late of [['0.0.0.0'], ['0.0.0.0', 'three']]) {
    const world = new FakeWorld();
    world.names.set('gw.example', ['one', 'two']);
    world.lateNames.set('gw.example', { after: SECOND, addresses: late });
    world.start([named('gw')]);
    await world.timers.pass(12 * SECOND);
    const told = world.ofType('failed').filter(({ reason }) => reason.includes('gateway'));
    assert.deepEqual(
      told.map(({ remote }) => remote),
      [{ address: '0.0.0.0', port: 51820, index: 1, count: 1 }],
    );
  }
});

test('an address for the log: IPv6 in brackets, with its zone', () => {
  for (const [remote, text] of [
    [{ address: '192.0.2.1', port: 4500 }, '192.0.2.1:4500'],
    [{ address: '2001:db8::1', port: 4500, zone: undefined }, '[2001:db8::1]:4500'],
    [{ address: 'fe80::1', port: 4500, zone: 'wan' }, '[fe80::1%wan]:4500'],
  ] as const) {
    assert.equal(formatRemote(remote), text);
  }
});

test('a name for which there is no address, and no error, has none', async () => {
  const { asked, remotes } = remotesByHand();
  remotes.prepare(0, 5_000);
  asked[0]?.answer([]);
  await settled();
  assert.deepEqual([remotes.state, remotes.reason], ['failed', 'gw.example has no address']);
});
