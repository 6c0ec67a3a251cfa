import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remotes } from '../../../src/selector/remotes.js';
import { formatRemote, type Peer } from '../../../src/selector/world.js';
import { SeededRandom } from '../../simulation/random.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Endpoint = Peer['endpoints'][number];

const at = (host: string, port = 51820): Endpoint => ({ host, port, kind: 'ipv4' });
const named = (host: string, port = 51820): Endpoint => ({ host, port, kind: 'name' });
const having = (name: string, ...endpoints: Endpoint[]): Peer => ({ ...peer(name), endpoints });

const tried = (world: FakeWorld): string[] =>
  world.ofType('trying').map(({ remote }) => formatRemote(remote));

test('each endpoint of a peer is tried once before any twice, at random, and not first what failed last', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const world = new FakeWorld(seed);
    const gw = having('gw', at('192.0.2.1', 1), at('192.0.2.1', 2), at('192.0.2.2', 1));
    world.start([gw]);
    await world.timers.pass(29 * SECOND);
    const all = ['192.0.2.1:1', '192.0.2.1:2', '192.0.2.2:1'];
    const [first, second] = [tried(world).slice(0, 3), tried(world).slice(3, 6)];
    assert.deepEqual([...first].sort(), all);
    assert.deepEqual([...second].sort(), all);
    assert.notEqual(second[0], first[2]);
    orders.add(first.join());
    assert.deepEqual(
      world.ofType('trying').map(({ remote: { index, count } }) => `${index}/${count}`),
      ['1/3', '2/3', '3/3', '1/3', '2/3', '3/3'],
    );
  }
  assert.equal(orders.size, 6);
});

test('the first that answers is held, on its own port', async () => {
  const world = new FakeWorld();
  world.unroutable.add('2001:db8::1');
  world.alive('192.0.2.2', 10);
  const gw = having('gw', at('192.0.2.1'), { ...at('2001:db8::1', 53), kind: 'ipv6' }, at('192.0.2.2', 443));
  const { selector } = world.start([gw]);
  await world.timers.pass(6 * SECOND);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(world.installed.get('key of gw')?.remote?.port, 443);
});

test('a gateway that asks for the handshake itself is told of where it is, not where it was tried', async () => {
  const world = new FakeWorld();
  const { selector } = world.start([having('gw', at('192.0.2.1'), at('192.0.2.2'))]);
  await world.timers.pass(SECOND);
  const [first = ''] = tried(world);
  world.gatewayAsks('key of gw', { address: '198.51.100.7', port: 4500 });
  await world.timers.pass(SECOND);
  const [connected] = world.ofType('connected');
  assert.ok(connected?.tried);
  assert.equal(formatRemote(connected.remote), '198.51.100.7:4500');
  assert.equal(formatRemote(connected.tried), first);
  assert.deepEqual(selector.snapshot().remote, connected.remote);
});

test('a turn of a peer takes one of its endpoints, and others have theirs between them', async () => {
  const world = new FakeWorld();
  world.start([having('a', at('1'), at('2')), having('b', at('3'), at('4'))]);
  await world.timers.pass(19 * SECOND);
  const peers = world.ofType('trying').map((event) => event.peer.name);
  assert.deepEqual(peers.slice(0, 2).sort(), ['a', 'b']);
  assert.deepEqual(peers.slice(2, 4).sort(), ['a', 'b']);
  assert.equal(new Set(tried(world)).size, 4);
});

test('names and addresses together: the addresses are tried while the names resolve, and all before any twice', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    world.dnsDelay = 2 * SECOND;
    world.names.set('gw.example', ['192.0.2.8', '192.0.2.9']);
    world.start([having('gw', named('gw.example', 443), at('192.0.2.1'), named('gw.example', 53))]);
    await world.timers.pass(24 * SECOND);
    assert.equal(tried(world)[0], '192.0.2.1:51820');
    assert.deepEqual(tried(world).slice(1).sort(), [
      '192.0.2.8:443',
      '192.0.2.8:53',
      '192.0.2.9:443',
      '192.0.2.9:53',
    ]);
  }
});

test('a name that does not resolve is told beside the endpoints that can be tried, once a round', async () => {
  const world = new FakeWorld();
  world.start([having('gw', named('gone.example'), at('192.0.2.1'))]);
  await world.timers.pass(4 * SECOND);
  assert.deepEqual(tried(world), ['192.0.2.1:51820']);
  await world.timers.pass(5 * SECOND);
  const told = world.ofType('failed').map(({ remote, reason }) => [remote?.address, reason]);
  assert.deepEqual(told, [
    ['192.0.2.1', 'no handshake within 5 s'],
    [undefined, 'gone.example does not exist'],
  ]);
  assert.deepEqual(tried(world).length, 2);
});

test('when no endpoint has an address, all the reasons are told at once', async () => {
  const world = new FakeWorld();
  world.names.set('filtered.example', ['0.0.0.0']);
  world.start([having('gw', named('gone.example'), named('filtered.example'), named('gone.example', 53))]);
  await world.timers.pass(100);
  const [failed, ...more] = world.ofType('failed');
  assert.deepEqual(more, []);
  assert.equal(
    failed?.reason,
    "gone.example does not exist; filtered.example has the address 0.0.0.0, which is no gateway's (unspecified): a filtering DNS server answers so",
  );
});

test('a lost connection: all endpoints are tried, where it was not first', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new FakeWorld(seed);
    const endpoints = ['1', '2', '3'].map((host) => at(host));
    for (const { host } of endpoints) world.alive(host, 10);
    world.start([having('gw', ...endpoints)]);
    await world.timers.pass(MINUTE);
    world.gateways.clear();
    world.installed.clear(); // by another hand
    await world.timers.pass(16 * SECOND);
    const [held, ...later] = tried(world);
    assert.equal(new Set(later.slice(0, 3)).size, 3);
    assert.notEqual(later[0], held);
  }
});

test('a reload: another order of the endpoints changes nothing, one more begins anew', async () => {
  const world = new FakeWorld();
  const endpoints = ['1', '2', '3'].map((host) => at(host));
  const { selector } = world.start([having('gw', ...endpoints)]);
  await world.timers.pass(SECOND);
  selector.assign(assign([having('gw', ...[...endpoints].reverse())]));
  await world.timers.pass(9 * SECOND);
  assert.equal(new Set(tried(world)).size, 3);
  selector.assign(assign([having('gw', ...endpoints, at('4'))]));
  await world.timers.pass(19 * SECOND);
  assert.equal(new Set(tried(world).slice(3)).size, 4);
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('names that are looked up anew because they are old: what was tried in this round is not tried again in it', async () => {
  let answer = ['192.0.2.1', '192.0.2.2'];
  const resolver = {
    resolve: async (_name: string, _timeout: number, found: (addresses: readonly string[]) => void) =>
      found(answer),
  };
  for (let seed = 1; seed <= 10; seed++) {
    answer = ['192.0.2.1', '192.0.2.2'];
    const remotes = new Remotes(
      [named('gw.example'), at('192.0.2.9')],
      resolver,
      new SeededRandom(seed),
      () => {},
    );
    remotes.prepare(0, 5 * SECOND);
    await settled();
    const [first] = remotes.untried;
    assert.ok(first !== undefined && remotes.untried.length === 3);
    remotes.take(first);
    answer = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    remotes.prepare(5 * MINUTE, 5 * SECOND);
    await settled();
    assert.equal(remotes.untried.length, 2, 'not old yet');
    remotes.prepare(5 * MINUTE + 1, 5 * SECOND);
    await settled();
    const left = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.9'].filter(
      (address) => address !== first.address,
    );
    assert.deepEqual(remotes.untried.map(({ address }) => address).sort(), left);
    assert.deepEqual(
      remotes.untried.map(({ index, count }) => `${index}/${count}`),
      ['2/4', '3/4', '4/4'],
    );
    assert.deepEqual(remotes.takeUnusable(), []);
  }
});

test('a look-up that may take longer than five minutes is not given up while another endpoint is ready', () => {
  let asked = 0;
  const resolver = {
    resolve: () => {
      asked++;
      return new Promise<void>(() => {});
    },
  };
  const remotes = new Remotes([named('gw.example'), at('1')], resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, HOUR);
  remotes.prepare(6 * MINUTE, HOUR);
  assert.equal(remotes.state, 'ready');
  assert.equal(asked, 1);
});

test('endpoints without a name never become old, however long a round takes', () => {
  const resolver = { resolve: () => Promise.reject(new Error('not asked')) };
  const remotes = new Remotes([at('1'), at('2')], resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, 5 * SECOND);
  const [first, second] = remotes.untried;
  assert.ok(first !== undefined && second !== undefined);
  remotes.take(first);
  remotes.prepare(60 * MINUTE, 5 * SECOND);
  assert.deepEqual(
    remotes.untried.map(({ address }) => address),
    [second.address],
  );
});

test('of each name 32 addresses are tried, and of another endpoint all the same', async () => {
  const world = new FakeWorld();
  world.names.set(
    'many.example',
    Array.from({ length: 40 }, (_, index) => `address ${index}`),
  );
  const { resolver, random } = world;
  const remotes = new Remotes(
    [named('many.example'), named('many.example', 53), at('1')],
    resolver,
    random,
    () => {},
  );
  remotes.prepare(0, 5 * SECOND);
  await world.timers.pass(SECOND);
  const byPort = (port: number): number => remotes.untried.filter((remote) => remote.port === port).length;
  assert.deepEqual([byPort(53), byPort(51820)], [32, 33]);
});

test('an address that was taken is not taken twice, nor one that was not there', () => {
  const resolver = { resolve: () => Promise.reject(new Error('not asked')) };
  const remotes = new Remotes([at('1'), at('2'), at('3')], resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, 5 * SECOND);
  const [first, second, third] = remotes.untried;
  assert.ok(first && second && third);
  const left = (): string[] => remotes.untried.map(({ address, index }) => `${index} ${address}`);
  remotes.take(first);
  remotes.take(first);
  remotes.take({ address: '4', port: 51820 });
  remotes.take({ address: second.address, port: 1 });
  assert.deepEqual(left(), [`2 ${second.address}`, `3 ${third.address}`]);
  remotes.take(third);
  assert.deepEqual(left(), [`3 ${second.address}`]);
});

test('the address that has failed is not the first of the next round, its other port may be', () => {
  const resolver = { resolve: () => Promise.reject(new Error('not asked')) };
  const firsts = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const remotes = new Remotes(
      [at('1', 1), at('1', 2), at('2', 1)],
      resolver,
      new SeededRandom(seed),
      () => {},
    );
    remotes.failed({ address: '1', port: 1 });
    remotes.prepare(0, 5 * SECOND);
    const [first] = remotes.untried;
    firsts.add(`${first?.address}:${first?.port}`);
  }
  assert.deepEqual([...firsts].sort(), ['1:2', '2:1']);
});

test('of a name 32 addresses are tried, however many answers bring them', async () => {
  const many = (from: number): string[] =>
    Array.from({ length: 20 }, (_, index) => `address ${from + index}`);
  const resolver = {
    resolve: async (_name: string, _timeout: number, found: (addresses: readonly string[]) => void) => {
      found(many(0));
      found(many(10));
      found(many(20));
    },
  };
  const remotes = new Remotes([named('gw.example')], resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, 5 * SECOND);
  await settled();
  assert.equal(new Set(remotes.untried.map(({ address }) => address)).size, 32);
});

test('the same address by another interface is another', () => {
  const resolver = { resolve: () => Promise.reject(new Error('not asked')) };
  const zones = ['wan', 'lan'].map((zone): Endpoint => ({ ...at('fe80::1'), kind: 'ipv6', zone }));
  const remotes = new Remotes(zones, resolver, new SeededRandom(1), () => {});
  remotes.prepare(0, 5 * SECOND);
  remotes.take({ address: 'fe80::1', port: 51820, zone: 'wan' });
  assert.deepEqual(
    remotes.untried.map(({ zone }) => zone),
    ['lan'],
  );
});
