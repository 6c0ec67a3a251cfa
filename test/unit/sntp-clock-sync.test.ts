import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClockSync, type ClockSyncOptions } from '../../src/sntp/clock-sync.js';
import type { SyncResult } from '../../src/sntp/outcome.js';
import { type FakeServer, FakeWorld } from '../support/fake-ntp-world.js';
import { NtpServer, referenceId } from '../support/ntp-server.js';

function make(options: Partial<ClockSyncOptions> = {}) {
  const world = new FakeWorld();
  const results: { result: SyncResult; nextTry: number | undefined; at: number }[] = [];
  const sync = new ClockSync({
    servers: ['192.0.2.1'],
    onResult: (result, nextTry) => results.push({ result, nextTry, at: world.seconds }),
    ...options,
    world: world.asWorld,
  });
  return { world, sync, results };
}

describe('ClockSync', () => {
  test('nothing happens before start; a success ends it', async () => {
    const { world, sync, results } = make();
    world.servers.set('192.0.2.1', { shift: 7 });
    await world.pass(100);
    assert.equal(world.sent.length, 0);
    assert.deepEqual(sync.state, { state: 'unsynchronised', attempts: 0, leftAlone: [] });

    const first = sync.start();
    assert.equal(sync.start(), first);
    assert.equal(sync.state.state, 'querying');
    await world.pass(3600);
    const result = await first;
    assert.ok(result.ok);
    assert.equal(sync.success, result);
    assert.equal(results.length, 1);
    assert.equal(world.sent.length, 1);
    const { state, attempts, lastAge, nextTry } = sync.state;
    assert.deepEqual(
      [state, attempts, Math.round(lastAge ?? 0), nextTry],
      ['synchronised', 1, 3600, undefined],
    );
    assert.equal(world.timersPending, 0);
  });

  test('the first attempt ends at its timeout; more follow in growing pauses until one succeeds', async () => {
    const { world, sync, results } = make({ timeout: 5000 });
    world.servers.set('192.0.2.1', { silent: true });
    const first = sync.start();
    await world.pass(5.5);
    assert.equal((await first).ok, false);
    assert.equal(world.seconds, 5.5);
    assert.equal(sync.state.state, 'unsynchronised');
    await world.pass(3600);
    // 15 s doubled up to 300 s, each a quarter less or more.
    const wanted = [15, 30, 60, 120, 240, 300, 300, 300];
    wanted.forEach((pause, index) => {
      const seconds = (results[index]?.nextTry ?? 0) / 1000;
      assert.ok(
        seconds >= 0.75 * pause && seconds <= 1.25 * pause,
        `pause ${index}: ${seconds}, about ${pause}`,
      );
    });
    const gaps = results.slice(1).map(({ at }, index) => at - (results[index]?.at ?? 0) - 5);
    for (const [index, gap] of gaps.entries()) {
      assert.ok(Math.abs(gap - (results[index]?.nextTry ?? 0) / 1000) < 0.001);
    }

    world.servers.set('192.0.2.1', {});
    await world.pass(400);
    assert.equal(sync.state.state, 'synchronised');
    assert.equal(results.at(-1)?.result.ok, true);
    assert.equal(results.at(-1)?.nextTry, undefined);
    const attempts = sync.state.attempts;
    await world.pass(3600);
    assert.equal(sync.state.attempts, attempts);
  });

  test('two runners do not stay in step', async () => {
    const pauses = new Set<number | undefined>();
    const { world, sync, results } = make({ backoff: { first: 1000, most: 1000 } });
    void sync.start();
    await world.pass(300);
    for (const { nextTry } of results) pauses.add(nextTry);
    assert.ok(pauses.size > 5, `${pauses.size} different pauses of ${results.length}`);
    sync.stop();
  });

  /** Lets an hour pass in which something wakes it ten times a second, or never. */
  async function hour(server: FakeServer | undefined, wakes: boolean) {
    const made = make();
    if (server !== undefined) made.world.servers.set('192.0.2.1', server);
    void made.sync.start();
    for (let tenth = 0; tenth < 36_000; tenth++) {
      await made.world.pass(0.1);
      if (wakes) made.sync.wake();
    }
    made.sync.stop();
    return made;
  }

  test('links that come and go all the time do not make servers be asked more often', async () => {
    const calm = await hour({ silent: true }, false);
    const storm = await hour({ silent: true }, true);
    const perMinute = (world: FakeWorld, from: number) =>
      world.sent.filter(({ at }) => at >= from && at < from + 60).length;
    assert.ok(storm.world.sent.length <= calm.world.sent.length * 1.5, `${storm.world.sent.length}`);
    assert.ok(perMinute(storm.world, 0) <= 9, `${perMinute(storm.world, 0)} in the first minute`);
    for (let from = 600; from < 3600; from += 60) assert.ok(perMinute(storm.world, from) <= 3);
  });

  test('a wake ends a long pause, 15 s after the last question; the next one twice as late', async () => {
    const { world, sync, results } = make();
    world.servers.set('192.0.2.1', { silent: true });
    void sync.start();
    await world.pass(2000);
    for (const least of [15, 30, 60]) {
      let before = results.length;
      while (results.length === before) await world.pass(0.5);
      before = results.length;
      assert.ok((results.at(-1)?.nextTry ?? 0) > 200_000);
      const last = results.at(-1)?.at ?? 0;
      while (results.length === before) {
        sync.wake();
        await world.pass(0.5);
      }
      const gap = (results.at(-1)?.at ?? 0) - last - 5;
      assert.ok(Math.abs(gap - least) < 1, `${gap} s, ${least} s were to be waited`);
    }
    sync.stop();
  });

  test('what could not leave is tried again as soon as a link comes, in an attempt and after it', async () => {
    for (const [seconds, wanted] of [
      [3, 3],
      [12, 12],
    ] as const) {
      const { world, sync } = make();
      world.names.set('name', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
      void sync.start();
      await world.pass(seconds);
      world.servers.set('192.0.2.1', {});
      sync.wake();
      await world.pass(0.1);
      assert.equal(sync.state.state, 'synchronised');
      assert.equal(Math.round(world.sent.at(-1)?.at ?? 0), wanted);
    }
  });

  test('without a way out a storm of link events costs a DNS server little', async () => {
    const { world, sync } = make({ servers: ['name'] });
    world.names.set('name', Object.assign(new Error('x'), { code: 'ESERVFAIL' }));
    void sync.start();
    await world.pass(60);
    const before = world.resolversOpened;
    for (let tenth = 0; tenth < 600; tenth++) {
      sync.wake();
      await world.pass(0.1);
    }
    const opened = world.resolversOpened - before;
    assert.ok(opened <= 10, `${opened} resolutions in a minute`);
    sync.stop();
    assert.equal(world.timersPending, 0);
  });

  test('an attempt that is begun anew again and again still ends at its timeout', async () => {
    const { world, sync, results } = make();
    void sync.start();
    for (let tenth = 0; tenth < 60; tenth++) {
      sync.wake();
      await world.pass(0.1);
    }
    assert.equal(results.length, 1);
    sync.stop();
  });

  test('stop ends an attempt, a pause, and what has not begun', async () => {
    const during = make();
    during.world.servers.set('192.0.2.1', { silent: true });
    const first = during.sync.start();
    await during.world.pass(1);
    during.sync.stop();
    const result = await first;
    assert.ok(!result.ok && result.reason === 'stopped');
    assert.deepEqual(
      [during.world.timersPending, during.world.socketsOpen, during.results.length],
      [0, 0, 0],
    );

    const pausing = make();
    void pausing.sync.start();
    await pausing.world.pass(6);
    assert.equal(pausing.results.length, 1);
    pausing.sync.stop();
    pausing.sync.wake();
    assert.equal(pausing.world.timersPending, 0);

    const idle = make();
    idle.sync.stop();
    const never = await idle.sync.start();
    assert.ok(!never.ok && never.reason === 'stopped');
  });

  test('no servers: said once, and no more attempts', async () => {
    const { world, sync, results } = make({ servers: [] });
    const result = await sync.start();
    assert.ok(!result.ok && result.reason === 'no servers');
    await world.pass(3600);
    assert.equal(results.length, 1);
    assert.equal(world.timersPending, 0);
  });

  test('a server that sent a kiss-o-death is not asked again in later attempts', async () => {
    const { world, sync } = make({ servers: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] });
    world.servers.set('192.0.2.1', { packet: { stratum: 0, leap: 3, referenceId: referenceId('DENY') } });
    void sync.start();
    await world.pass(3600);
    assert.equal(world.sent.filter(({ address }) => address === '192.0.2.1').length, 1);
    assert.ok(world.sent.filter(({ address }) => address === '192.0.2.2').length > 10);
    assert.deepEqual(sync.state.leftAlone, ['192.0.2.1 port 123']);
    sync.stop();

    const leftAlone = new Set(sync.state.leftAlone);
    const next = make({ servers: ['192.0.2.1'], leftAlone });
    next.world.servers.set('192.0.2.1', {});
    assert.equal((await next.sync.start()).ok, false);
    assert.equal(next.world.sent.length, 0, 'nor by another ClockSync that is given the same set');
    next.sync.stop();
  });

  test('each attempt opens a resolver of its own, so that a changed resolv.conf counts', async () => {
    const { world, sync } = make({ servers: ['name'] });
    void sync.start();
    await world.pass(60);
    assert.ok(world.resolversOpened > 1);
    assert.equal(world.resolversOpened, sync.state.attempts);
    sync.stop();
  });

  test('the wall clock may jump at any moment: pauses and ages do not care', async () => {
    const { world, sync, results } = make();
    void sync.start();
    for (const jump of [3600, -3600, 1.6e9, -1.7e9, 0]) {
      world.clockError = jump;
      await world.pass(7);
    }
    assert.ok(results.length >= 2);
    const { lastAge = -1, nextTry = -1 } = sync.state;
    assert.ok(lastAge >= 0 && lastAge < 60 && nextTry >= 0 && nextTry < 60);
    sync.stop();
  });
});

test('against a real socket: silent at first, then good', async () => {
  const server = await NtpServer.start({ behaviour: { silent: true } });
  server.onAsked(() => {
    if (server.asked.length === 2) server.behaviour = {};
  });
  let finish: (result: SyncResult) => void = () => {};
  const succeeded = new Promise<SyncResult>((resolve) => {
    finish = resolve;
  });
  const sync = new ClockSync({
    servers: [server.spec],
    timeout: 100,
    backoff: { first: 20, most: 20 },
    onResult: (result) => result.ok && finish(result),
  });
  assert.equal((await sync.start()).ok, false);
  assert.ok((await succeeded).ok);
  assert.equal(sync.state.state, 'synchronised');
  await server.close();
});
