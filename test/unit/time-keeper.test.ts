import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Log } from '../../src/daemon/log.js';
import { TimeKeeper, type TimeSettings } from '../../src/daemon/time-keeper.js';
import { ClockError } from '../../src/sntp/clock-error.js';
import { stepClock } from '../../src/sntp/set-clock.js';
import { FakeWorld } from '../support/fake-ntp-world.js';
import { kiss } from '../support/ntp-server.js';

const HOURS_BEHIND = -8 * 3600;

interface Options {
  plausible?: boolean;
  /** What the kernel thinks of its clock; undefined: it cannot be asked. */
  believed?: boolean | undefined;
  settings?: Partial<TimeSettings>;
  /** The right to set the clock is missing. */
  forbidden?: boolean;
}

/** A time keeper in a fake world: a clock hours behind that the kernel does not believe, and one server. */
function make(options: Options = {}) {
  const network = new FakeWorld();
  network.clockError = HOURS_BEHIND;
  const state = {
    plausible: options.plausible ?? true,
    believed: 'believed' in options ? options.believed : false,
  };
  const vouched: number[] = [];
  const lines: string[] = [];
  const log: Pick<Log, 'write'> = { write: (level, _, text) => void lines.push(`${level} ${text}`) };
  const settings: TimeSettings = { servers: ['192.0.2.1'], wanted: true, timeout: 5000, ...options.settings };
  const keeper = new TimeKeeper(settings, log, {
    network: network.asWorld,
    plausible: () => state.plausible,
    believed: () => state.believed,
    step: (instant) => {
      if (options.forbidden) throw new ClockError('not permitted', 'no CAP_SYS_TIME');
      return stepClock(instant, {
        world: network,
        setRealtime: (seconds, nanoseconds) => {
          network.clockError = seconds + nanoseconds / 1e9 - Number(network.trueNs) / 1e9;
          Object.assign(state, { plausible: true, believed: false }); // as the kernel does
          return 0;
        },
      });
    },
    vouch: (error) => {
      state.believed = true;
      vouched.push(error);
      return true;
    },
  });
  const opened: number[] = [];
  keeper.onReady(() => opened.push(network.seconds));
  return { network, state, keeper, opened, vouched, lines, settings };
}

/** Seconds until the clock is ready, to a twentieth; Infinity if it is not within a minute. */
async function readyAfter({ network, keeper }: ReturnType<typeof make>): Promise<number> {
  keeper.start();
  const start = network.seconds;
  while (!keeper.ready) {
    if (network.seconds - start > 60) return Number.POSITIVE_INFINITY;
    await network.pass(0.05);
  }
  return network.seconds - start;
}

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 0.15, `${actual} s, expected about ${expected} s`);

describe('how long the first connection waits', () => {
  test('a clock that the kernel believes: not at all, and NTP is asked all the same', async () => {
    const made = make({ believed: true });
    made.network.servers.set('192.0.2.1', {});
    assert.equal(await readyAfter(made), 0);
    await made.network.pass(1);
    assert.equal(made.network.sent.length, 1);
  });

  test('nobody vouches for it and NTP answers: until the clock is set, and then the kernel is told', async () => {
    const made = make();
    made.network.servers.set('192.0.2.1', {});
    near(await readyAfter(made), 0);
    assert.ok(Math.abs(made.network.clockError) < 0.01, 'set before anything was tried');
    assert.equal(made.opened.length, 1);
    assert.equal(made.vouched.length, 1);
    assert.ok((made.vouched[0] ?? 1) < 0.1);
    assert.equal(
      await readyAfter(make({ believed: made.state.believed })),
      0,
      'the next start does not wait',
    );
  });

  test('… and NTP is silent: 2 s, whatever ntp_timeout, and once', async () => {
    const made = make({ settings: { timeout: 60_000 } });
    made.network.servers.set('192.0.2.1', { silent: true });
    near(await readyAfter(made), 2);
    for (let minute = 0; minute < 10; minute++) {
      made.keeper.wake();
      await made.network.pass(60);
      assert.equal(made.keeper.ready, true);
    }
    assert.equal(made.opened.length, 1);
  });

  test('… and ntp_timeout is shorter than that: so long', async () => {
    const made = make({ settings: { timeout: 1000 } });
    made.network.servers.set('192.0.2.1', { silent: true });
    near(await readyAfter(made), 1);
  });

  test('certainly wrong: until ntp_timeout', async () => {
    for (const believed of [true, false, undefined]) {
      const made = make({ plausible: false, believed, settings: { timeout: 9_000 } });
      made.network.servers.set('192.0.2.1', { silent: true });
      near(await readyAfter(made), 9);
    }
  });

  test('the kernel cannot be asked, as without the native part, which could not set the clock either: not at all', async () => {
    assert.equal(await readyAfter(make({ believed: undefined })), 0);
  });

  test('no servers, or nobody wants it: not at all', async () => {
    for (const settings of [{ servers: [] }, { wanted: false }]) {
      const made = make({ plausible: false, settings });
      assert.equal(await readyAfter(made), 0);
      assert.equal(made.keeper.status().state, 'off');
    }
  });

  test('stop while it is waited for', async () => {
    const made = make();
    made.network.servers.set('192.0.2.1', { silent: true });
    made.keeper.start();
    await made.network.pass(0.1);
    assert.equal(made.keeper.ready, false);
    made.keeper.stop();
    assert.equal(made.network.timersPending, 0);
  });

  test('the right to set the clock is missing: no longer than the answer takes', async () => {
    const made = make({ forbidden: true });
    made.network.servers.set('192.0.2.1', {});
    near(await readyAfter(made), 0);
    assert.ok(made.lines.includes('warning no CAP_SYS_TIME'));
    assert.deepEqual(made.vouched, []);
  });

  test('somebody else sets the clock meanwhile: no longer than that, and it is left alone', async () => {
    const made = make({ plausible: false, settings: { timeout: 60_000 } });
    made.network.servers.set('192.0.2.1', { silent: true });
    made.keeper.start();
    await made.network.pass(3);
    assert.equal(made.keeper.ready, false);
    Object.assign(made.state, { plausible: true, believed: true });
    made.network.clockError = 0;
    made.network.servers.set('192.0.2.1', {});
    await made.network.pass(0.3);
    assert.equal(made.keeper.ready, true);
    await made.network.pass(30);
    assert.equal(made.keeper.status().stepped, undefined);
    assert.deepEqual(made.vouched, [], 'who vouches for it knows better');
  });

  test('a clock that is right, but nobody vouches for it: left alone, and the kernel is told for the next start', async () => {
    const made = make();
    made.network.clockError = 0.3;
    made.network.servers.set('192.0.2.1', {});
    near(await readyAfter(made), 0);
    assert.equal(made.keeper.status().stepped, undefined);
    assert.ok((made.vouched[0] ?? 0) > 0.3, `${made.vouched}`);
  });

  test('a clock that is ahead, as with an RTC in local time: set back, with a warning', async () => {
    const made = make();
    made.network.clockError = 7200;
    made.network.servers.set('192.0.2.1', {});
    near(await readyAfter(made), 0);
    assert.equal(Math.round(made.keeper.status().stepped ?? 0), -7200);
    assert.ok(made.lines.some((line) => line.startsWith('warning clock stepped back')));
  });

  test('suspended while it waits: no longer than to the next look', async () => {
    const made = make();
    made.network.servers.set('192.0.2.1', { silent: true });
    made.keeper.start();
    await made.network.pass(0.5);
    made.network.sleep(3600);
    await made.network.pass(0.3);
    assert.equal(made.keeper.ready, true);
    made.keeper.stop();
  });
});

describe('a router whose uplink comes later', () => {
  test('the time counts from the first question that leaves, and a link that comes up holds a connection up until then', async () => {
    const made = make();
    near(await readyAfter(made), 2);
    await made.network.pass(28);
    made.network.servers.set('192.0.2.1', {});
    made.keeper.wake();
    assert.equal(made.keeper.ready, false, 'the selector is woken by the same event, and would be quicker');
    await made.network.pass(0.1);
    assert.equal(made.keeper.ready, true);
    assert.ok(Math.abs(made.network.clockError) < 0.01);
  });

  test('a name that resolves late: the 2 s count from the question', async () => {
    const made = make({ settings: { servers: ['name'] } });
    made.network.servers.set('192.0.2.1', { silent: true });
    made.network.names.set('name', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    made.keeper.start();
    await made.network.pass(0.9);
    made.network.names.set('name', ['192.0.2.1']);
    await made.network.pass(2);
    const asked = made.network.sent[0]?.at ?? 0;
    assert.ok(asked > 0.9 && made.network.seconds > 2.5, `asked at ${asked}`);
    assert.equal(made.keeper.ready, false);
    await made.network.pass(1);
    near(made.opened[0] ?? 0, asked + 2);
    made.keeper.stop();
  });

  test('links come and go, and NTP has no way out: connections are hardly held up', async () => {
    const made = make();
    await readyAfter(made);
    let held = 0;
    for (let tenth = 0; tenth < 600; tenth++) {
      made.keeper.wake();
      await made.network.pass(0.1);
      if (!made.keeper.ready) held += 0.1;
    }
    assert.ok(held < 8, `held up for ${held} s of a minute`);
    made.keeper.stop();
  });
});

describe('reload', () => {
  test('a kiss of death is remembered, whatever is configured meanwhile', async () => {
    const made = make();
    made.network.servers.set('192.0.2.1', kiss('DENY'));
    made.network.servers.set('192.0.2.2', { silent: true });
    made.keeper.start();
    await made.network.pass(10);
    made.keeper.reload({ ...made.settings, servers: ['192.0.2.2'] });
    await made.network.pass(10);
    made.keeper.reload({ ...made.settings, wanted: false });
    made.keeper.reload({ ...made.settings, servers: ['192.0.2.1', '192.0.2.2'] });
    await made.network.pass(600);
    assert.equal(made.network.sent.filter(({ address }) => address === '192.0.2.1').length, 1);
    assert.ok(made.network.sent.filter(({ address }) => address === '192.0.2.2').length > 5);
    made.keeper.stop();
  });

  test('other servers, after the first ones were silent: they are asked, and nothing waits again', async () => {
    const made = make();
    for (const address of ['192.0.2.1', '192.0.2.2']) made.network.servers.set(address, { silent: true });
    made.keeper.start();
    await made.network.pass(6);
    made.keeper.reload({ ...made.settings, servers: ['192.0.2.2'] });
    assert.equal(made.keeper.ready, true);
    await made.network.pass(0.1);
    assert.equal(made.network.sent.at(-1)?.address, '192.0.2.2');
    made.keeper.stop();
  });

  test('the same servers in another order, or twice: nobody is asked anew', async () => {
    const made = make({ settings: { servers: ['192.0.2.1', '192.0.2.2'] } });
    for (const address of ['192.0.2.1', '192.0.2.2']) made.network.servers.set(address, { silent: true });
    made.keeper.start();
    await made.network.pass(6);
    const { length } = made.network.sent;
    for (let count = 0; count < 50; count++) {
      made.keeper.reload({ ...made.settings, servers: ['192.0.2.2', '192.0.2.1', '192.0.2.2'] });
      await made.network.pass(0.1);
    }
    assert.equal(made.network.sent.length, length);
    made.keeper.stop();
  });
});
