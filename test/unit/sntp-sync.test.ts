import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { summarise } from '../../src/sntp/outcome.js';
import { type SyncOptions, syncOnce } from '../../src/sntp/sync.js';
import { type FakeServer, FakeWorld } from '../support/fake-ntp-world.js';
import { BEHAVIOURS, NtpServer, referenceId } from '../support/ntp-server.js';

/** A world with these servers, and an attempt in it that is let run for so many seconds. */
async function attempt(
  servers: Record<string, FakeServer>,
  options: Partial<SyncOptions> & { names?: Record<string, string[]>; clockError?: number } = {},
) {
  const world = new FakeWorld();
  for (const [address, server] of Object.entries(servers)) world.servers.set(address, server);
  for (const [name, addresses] of Object.entries(options.names ?? {})) world.names.set(name, addresses);
  world.clockError = options.clockError ?? 0;
  const running = syncOnce({ servers: Object.keys(servers), ...options, world: world.asWorld });
  await world.pass(10);
  const result = await running;
  assert.equal(world.socketsOpen, 0, 'all sockets are closed');
  assert.equal(world.timersPending, 0, 'no timer is left');
  assert.equal(world.resolversCancelled, world.resolversOpened, 'no lookup holds the process');
  return { world, result };
}

const outcomes = (result: { servers: { outcome: string }[] }) => result.servers.map(({ outcome }) => outcome);
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.002, `${actual}, expected about ${expected}`);
const KISS = { packet: { stratum: 0, leap: 3, referenceId: referenceId('RATE') } };

describe('who decides', () => {
  test('one server: it does', async () => {
    const { result } = await attempt({ '192.0.2.1': { shift: 3600 } });
    assert.ok(result.ok);
    near(result.offset, 3600);
    near(result.delay, 0.02);
    assert.equal(result.alone, false);
    assert.deepEqual([result.votes, result.needed, result.configured], [1, 1, 1]);
  });

  test('a liar among three, although it answers first', async () => {
    const { result } = await attempt({
      '192.0.2.1': { shift: 3600, path: 1 },
      '192.0.2.2': { path: 40 },
      '192.0.2.3': { path: 300 },
    });
    assert.ok(result.ok);
    near(result.offset, 0);
    assert.deepEqual(outcomes(result), ['disagreed', 'agreed', 'agreed']);
    near(result.took, 0.6);
  });

  test('a liar among three of which the others are dead: nobody', async () => {
    const { result } = await attempt({
      '192.0.2.1': { shift: 3600 },
      '192.0.2.2': { silent: true },
      '192.0.2.3': { silent: true },
    });
    assert.ok(!result.ok && result.reason === 'timeout');
    assert.deepEqual(outcomes(result), ['disagreed', 'silent', 'silent']);
    near(result.took, 5);
  });

  test('a liar with many addresses among three names: still one vote', async () => {
    const { result } = await attempt(
      {
        '192.0.2.1': { shift: 99 },
        '192.0.2.2': { shift: 99 },
        '192.0.2.3': { shift: 99 },
        '192.0.2.7': {},
        '192.0.2.8': { path: 100 },
      },
      {
        servers: ['liar', 'one', 'two'],
        names: { liar: ['192.0.2.1', '192.0.2.2', '192.0.2.3'], one: ['192.0.2.7'], two: ['192.0.2.8'] },
      },
    );
    assert.ok(result.ok);
    near(result.offset, 0);
  });

  test('three names of one machine: one vote', async () => {
    const { result, world } = await attempt(
      { '192.0.2.1': { shift: 99 } },
      { servers: ['a', 'b', 'c'], names: { a: ['192.0.2.1'], b: ['192.0.2.1'], c: ['192.0.2.1'] } },
    );
    assert.ok(!result.ok && result.reason === 'no majority');
    assert.equal(world.sent.length, 1);
  });

  test('two servers: both, if they agree', async () => {
    const { result } = await attempt({ '192.0.2.1': {}, '192.0.2.2': { path: 20 } });
    assert.ok(result.ok);
    assert.deepEqual([result.votes, result.alone], [2, false]);
  });

  test('two servers that disagree: nobody, though both are asked again until the timeout', async () => {
    const { result, world } = await attempt({ '192.0.2.1': {}, '192.0.2.2': { shift: 60 } });
    assert.ok(!result.ok && result.reason === 'no majority');
    near(result.took, 5);
    const at = world.sent.filter(({ address }) => address === '192.0.2.2').map((question) => question.at);
    assert.deepEqual(at, [0, 2, 4], 'no sooner than every 2 s');
  });

  test('servers that disagree at first and agree when they are asked again', async () => {
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', {});
    world.servers.set('192.0.2.2', { shift: 60 });
    world.servers.set('192.0.2.3', { silent: true });
    const running = syncOnce({ servers: [...world.servers.keys()], world: world.asWorld });
    await world.pass(1);
    world.servers.set('192.0.2.2', {});
    await world.pass(10);
    const result = await running;
    assert.ok(result.ok);
    near(result.took, 2.02);
    near(result.offset, 0);
    assert.deepEqual(outcomes(result), ['agreed', 'agreed', 'silent']);
  });

  test('servers that have just been started themselves are asked again, and believed when they are synchronised', async () => {
    const world = new FakeWorld();
    for (const address of ['192.0.2.1', '192.0.2.2']) world.servers.set(address, { packet: { leap: 3 } });
    const running = syncOnce({ servers: [...world.servers.keys()], world: world.asWorld });
    await world.pass(3);
    for (const address of ['192.0.2.1', '192.0.2.2']) world.servers.set(address, {});
    await world.pass(10);
    const result = await running;
    assert.ok(result.ok);
    near(result.took, 4.02);
  });

  test('one that was believed and then says that it is not synchronised has no vote any more; a kiss does not take it', async () => {
    for (const [packet, ok] of [
      [{ leap: 3 }, false],
      [KISS.packet, true],
    ] as const) {
      const world = new FakeWorld();
      world.servers.set('192.0.2.1', {});
      world.servers.set('192.0.2.2', { shift: 60 });
      world.servers.set('192.0.2.3', { silent: true });
      const running = syncOnce({ servers: [...world.servers.keys()], world: world.asWorld });
      await world.pass(1);
      world.servers.set('192.0.2.1', { packet });
      await world.pass(2);
      world.servers.set('192.0.2.2', {});
      await world.pass(10);
      assert.equal((await running).ok, ok);
    }
  });

  test('a long attempt asks less and less often, and holds few sockets open', async () => {
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', { silent: true });
    const running = syncOnce({ servers: ['192.0.2.1'], timeout: 3_600_000, world: world.asWorld });
    await world.pass(62);
    assert.deepEqual(
      world.sent.map(({ at }) => at),
      [0, 2, 4, 8, 16, 32, 48],
    );
    assert.ok(world.socketsOpen <= 3, `${world.socketsOpen} sockets`);
    await world.pass(3600);
    await running;
    assert.ok(world.sent.length < 235, `${world.sent.length} questions in an hour`);
    assert.equal(world.socketsOpen, 0);
  });

  test('two servers of which one is dead: the other, at the timeout and marked', async () => {
    const { result } = await attempt({ '192.0.2.1': { shift: 60 }, '192.0.2.2': { silent: true } });
    assert.ok(result.ok);
    near(result.offset, 60);
    near(result.took, 5);
    assert.deepEqual([result.votes, result.alone], [1, true]);
    assert.match(summarise(result), /the only one of 2 servers heard/);
  });

  test('two servers of which one is unsynchronised: the other, without waiting', async () => {
    const { result } = await attempt({ '192.0.2.1': {}, '192.0.2.2': { packet: { leap: 3 } } });
    assert.ok(result.ok && result.alone);
    assert.ok(result.took < 0.1);
  });

  test('the same server twice is one server', async () => {
    const { result, world } = await attempt(
      { '2001:db8::1': {} },
      { servers: ['2001:db8::1', '[2001:DB8:0::1]:123'] },
    );
    assert.ok(result.ok);
    assert.equal(result.configured, 1);
    assert.equal(world.sent.length, 1);
  });
});

describe('names', () => {
  test('all addresses of all names are asked at once', async () => {
    const { world, result } = await attempt(
      { '192.0.2.1': {}, '192.0.2.2': {}, '2001:db8::1': {}, '192.0.2.9': {} },
      { servers: ['a', 'b'], names: { a: ['192.0.2.1', '192.0.2.2', '2001:db8::1'], b: ['192.0.2.9'] } },
    );
    assert.ok(result.ok);
    assert.deepEqual(new Set(world.sent.map(({ at }) => at)), new Set([0.005]));
    assert.equal(world.sent.length, 4);
  });

  test('a dead address of a name does not matter if another one answers', async () => {
    const { result } = await attempt(
      { '192.0.2.1': { silent: true }, '192.0.2.2': {} },
      { servers: ['a'], names: { a: ['192.0.2.1', '192.0.2.2', '2001:db8::dead'] } },
    );
    assert.ok(result.ok && result.took < 0.1);
  });

  test('a name that DNS does not answer for delays nobody else', async () => {
    const { result } = await attempt(
      { '192.0.2.1': {}, '192.0.2.2': {} },
      { servers: ['192.0.2.1', 'void', '192.0.2.2'] },
    );
    assert.ok(result.ok && result.took < 0.1);
    assert.deepEqual(outcomes(result), ['agreed', 'unresolved', 'agreed']);
  });

  test('a name that does not exist ends the attempt; one that DNS fails for is tried again', async () => {
    const world = new FakeWorld();
    world.names.set('nowhere', Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    const nowhere = syncOnce({ servers: ['nowhere'], world: world.asWorld });
    await world.pass(10);
    const failed = await nowhere;
    assert.ok(!failed.ok && failed.reason === 'no majority' && failed.took < 0.1);
    assert.deepEqual(
      failed.rejected.map(({ reason }) => reason),
      ['dns', 'dns'],
    );

    let refusals = 0;
    world.servers.set('192.0.2.1', {});
    world.names.set('later', () =>
      refusals++ < 4 ? Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) : ['192.0.2.1'],
    );
    const later = syncOnce({ servers: ['later'], world: world.asWorld });
    await world.pass(10);
    const result = await later;
    assert.ok(result.ok && result.took > 2 && result.took < 3);
    assert.equal(result.rejected.length, 2, 'each family is reported once, not each try');
  });

  test('what a DNS filter answers instead of an address is not asked: there our own machine would answer', async () => {
    const filtered = ['0.0.0.0', '127.0.0.1', '::', '::1', '224.0.1.1', 'ff02::101', '255.255.255.255'];
    const { result, world } = await attempt(Object.fromEntries(filtered.map((address) => [address, {}])), {
      servers: ['filtered'],
      names: { filtered },
    });
    assert.ok(!result.ok);
    assert.equal(world.sent.length, 0);
    assert.match(summarise(result), /filtered: DNS says 0\.0\.0\.0, .*which is no server's address/);
  });

  test('servers with IPv6 only', async () => {
    const { result } = await attempt(
      { '2001:db8::1': {}, '2001:db8::2': {} },
      { servers: ['a', '2001:db8::2'], names: { a: ['2001:db8::1'] } },
    );
    assert.ok(result.ok && result.votes === 2);
  });

  test('a malformed entry is named, counts as a server, and stops nobody', async () => {
    const { result } = await attempt(
      { '192.0.2.1': {}, '192.0.2.2': {} },
      { servers: ['192.0.2.1', 'no such thing!', '192.0.2.2'] },
    );
    assert.ok(result.ok && result.configured === 3);
    assert.match(result.servers[1]?.detail ?? '', /'no such thing!' is neither a name nor an address/);
  });

  test('a DNS answer with hundreds of addresses does not make us send hundreds of questions', async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);
    const servers = Object.fromEntries(addresses.map((address) => [address, { silent: true }]));
    const { world } = await attempt(servers, { servers: ['big'], names: { big: addresses }, timeout: 1000 });
    assert.equal(world.sent.length, 16);
  });
});

describe('the clock', () => {
  for (const years of [-56, -50, 50]) {
    test(`the truth is found although the clock is ${years} years off`, async () => {
      const clockError = years * 31_557_600;
      const { result, world } = await attempt(
        { '192.0.2.1': {}, '192.0.2.2': {}, '192.0.2.3': {} },
        { clockError },
      );
      assert.ok(result.ok);
      near(result.offset, -clockError);
      const { unixNs, monotonicNs, errorNs } = result.instant;
      assert.equal(Number(errorNs) / 1e9, result.error);
      near(Number(unixNs + world.monotonic() - monotonicNs - world.trueNs) / 1e9, 0);
    });
  }

  test('it jumps between question and answer, and between two answers', async () => {
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', { path: 100 });
    world.servers.set('192.0.2.2', { path: 1000 });
    const running = syncOnce({ servers: ['192.0.2.1', '192.0.2.2'], world: world.asWorld });
    await world.pass(0.1);
    world.clockError = 1e9;
    await world.pass(0.5);
    world.clockError = -1e9;
    await world.pass(5);
    const result = await running;
    assert.ok(result.ok);
    near(result.offset, 0);
    near(
      Number(result.instant.unixNs + world.monotonic() - result.instant.monotonicNs - world.trueNs) / 1e9,
      0,
    );
  });

  test('the machine sleeps between question and answer: the answer is discarded, the next one is right', async () => {
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', { path: 500 });
    const running = syncOnce({ servers: ['192.0.2.1'], world: world.asWorld });
    await world.pass(0.7);
    world.sleep(8 * 3600);
    await world.pass(4);
    const result = await running;
    assert.ok(result.ok);
    assert.match(result.rejected[0]?.detail ?? '', /its answer took 28801 s/);
    near(result.offset, 0);
    near(result.delay, 1);
  });

  test('the machine sleeps between two answers: both count, and the result is right after it', async () => {
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', {});
    world.servers.set('192.0.2.2', { path: 600 });
    world.clockError = 30;
    const running = syncOnce({ servers: ['192.0.2.1', '192.0.2.2'], world: world.asWorld });
    await world.pass(0.5);
    world.sleep(8 * 3600);
    await world.pass(4);
    const result = await running;
    assert.ok(result.ok && result.votes === 2);
    near(result.offset, -30);
    world.sleep(3600);
    const { unixNs, monotonicNs } = result.instant;
    near(Number(unixNs + world.monotonic() - monotonicNs - world.trueNs) / 1e9, 0);
  });

  for (const date of ['1969-06-01T00:00:00Z', '2107-01-01T00:00:00Z', '2200-01-01T00:00:00Z']) {
    test(`our own clock says ${date}`, async () => {
      const world = new FakeWorld();
      world.clockError = (Date.parse(date) - Number(world.trueNs / 1_000_000n)) / 1000;
      world.servers.set('192.0.2.1', {});
      const running = syncOnce({ servers: ['192.0.2.1'], world: world.asWorld });
      await world.pass(1);
      const result = await running;
      assert.ok(result.ok);
      near(result.offset, -world.clockError);
    });
  }

  test('a leap second is announced: the answer counts', async () => {
    const { result } = await attempt({
      '192.0.2.1': { packet: { leap: 1 } },
      '192.0.2.2': { packet: { leap: 2 } },
    });
    assert.ok(result.ok && result.votes === 2);
  });

  test('it is after 2036, and the program is old', async () => {
    const world = new FakeWorld();
    world.trueNs = BigInt(Date.parse('2061-03-04T05:06:07Z')) * 1_000_000n;
    world.clockError = -2_800_000_000;
    world.servers.set('192.0.2.1', {});
    const running = syncOnce({ servers: ['192.0.2.1'], world: world.asWorld });
    await world.pass(1);
    const result = await running;
    assert.ok(result.ok);
    assert.equal(
      new Date(Number(result.instant.unixNs / 1_000_000_000n) * 1000).toISOString(),
      '2061-03-04T05:06:07.000Z',
    );
  });
});

describe('kiss-o-death', () => {
  test('that address is left alone, its neighbours are not', async () => {
    const leftAlone = new Set<string>();
    const first = await attempt({ '192.0.2.1': KISS, '192.0.2.2': { silent: true } }, { leftAlone });
    assert.deepEqual(outcomes(first.result), ['left alone', 'silent']);
    assert.equal(first.world.sent.filter(({ address }) => address === '192.0.2.1').length, 1);
    assert.deepEqual([...leftAlone], ['192.0.2.1 port 123']);

    const second = await attempt({ '192.0.2.1': {}, '192.0.2.2': {} }, { leftAlone });
    assert.deepEqual(
      second.world.sent.map(({ address }) => address),
      ['192.0.2.2'],
    );
    assert.deepEqual(outcomes(second.result), ['left alone', 'agreed']);
  });
});

describe('the end', () => {
  test('no servers', async () => {
    const { result } = await attempt({});
    assert.ok(!result.ok && result.reason === 'no servers');
  });

  test('what cannot be sent is tried again within the timeout', async () => {
    const world = new FakeWorld();
    const running = syncOnce({ servers: ['192.0.2.1'], world: world.asWorld });
    await world.pass(1);
    world.servers.set('192.0.2.1', {});
    await world.pass(2);
    const result = await running;
    assert.ok(result.ok);
    assert.deepEqual(
      result.rejected.map(({ reason }) => reason),
      ['send'],
    );
  });

  test('what cannot be sent for a long time is reported once', async () => {
    const world = new FakeWorld();
    const running = syncOnce({ servers: ['192.0.2.1'], timeout: 60_000, world: world.asWorld });
    await world.pass(61);
    assert.equal((await running).rejected.length, 1);
    assert.ok(world.sent.length >= 30, 'every 2 s, as nobody is asked too often by that');
  });

  test('a signal stops it at once, before and during', async () => {
    const before = await syncOnce({ servers: ['192.0.2.1'], signal: AbortSignal.abort() });
    assert.ok(!before.ok && before.reason === 'stopped');
    const world = new FakeWorld();
    world.servers.set('192.0.2.1', { silent: true });
    const stop = new AbortController();
    const running = syncOnce({ servers: ['192.0.2.1', 'void'], signal: stop.signal, world: world.asWorld });
    await world.pass(1);
    stop.abort();
    const result = await running;
    assert.ok(!result.ok && result.reason === 'stopped');
    assert.deepEqual([world.socketsOpen, world.timersPending], [0, 0]);
  });

  test('a timeout that is none is refused', async () => {
    for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(syncOnce({ servers: [], timeout }), RangeError);
    }
  });

  test('a failure says in one line what happened to each server', async () => {
    const { result } = await attempt({
      '192.0.2.1': { packet: { leap: 3 } },
      '192.0.2.2': KISS,
      '192.0.2.3': { shift: -60 },
    });
    assert.equal(
      summarise(result),
      'NTP: no majority of servers agrees after 5.0 s, 2 of 3 needed (192.0.2.1: its clock is not synchronised (leap 3); ' +
        "192.0.2.2: kiss-o'-death RATE: it is asked too often; 192.0.2.3 says -60.0 s ± 0.0110 s)",
    );
  });
});

test('real sockets: two good ones and a liar on both families', async () => {
  const servers = await Promise.all([
    NtpServer.start({ behaviour: BEHAVIOURS.lie }),
    NtpServer.start({ address: '::1' }),
    NtpServer.start(),
  ]);
  const result = await syncOnce({ servers: servers.map(({ spec }) => spec), timeout: 60_000 });
  await Promise.all(servers.map((server) => server.close()));
  assert.ok(result.ok);
  assert.ok(Math.abs(result.offset) < 1);
});
