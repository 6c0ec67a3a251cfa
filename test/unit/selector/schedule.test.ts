import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastRenewal, renewalAge, Schedule } from '../../../src/selector/schedule.js';
import { assign } from '../../support/fake-world.js';

/** A schedule of a connection that begins to be held at the time 1,000,000, with a handshake of this age then. Milliseconds. */
function begun(age: number | undefined, settings: Parameters<typeof assign>[1] = {}) {
  const clock = { now: 1_000_000 };
  const assignment = assign([], {
    checkInterval: 5,
    deadPeerTimeout: 150,
    probeTimeout: 0,
    probeInterval: 0,
    ...settings,
  });
  const schedule = new Schedule({
    world: {
      timers: { now: () => clock.now, after: () => () => {} },
      random: { below: (bound) => bound - 1 }, // nothing is taken off a pause
    },
    connection: {
      handshakeAgeAt: (now) => (age === undefined ? undefined : age + now - 1_000_000),
    },
    assignment: () => assignment,
  });
  schedule.begin();
  return { schedule, clock };
}

test('counters are looked at from the beginning where somebody wants that', () => {
  for (const [probeTimeout, probeInterval, due] of [
    [0, 0, 1_005_000],
    [20, 0, 1_000_000],
    [0, 15, 1_000_000],
    [20, 15, 1_000_000],
  ] as const)
    assert.equal(begun(0, { probeTimeout, probeInterval }).schedule.due, due);
});

test('all is compared in the interval, and for the renewal of the handshake, the last one, and its limit', () => {
  for (const [age, wait] of [
    [0, 5_000],
    [119_999, 5_000],
    [121_000, 4_000],
    [125_000, 5_000],
    [130_000, 5_000],
    [137_000, 3_000],
    [139_500, 1_000],
    [140_000, 1_000],
    [149_500, 500],
    [undefined, 0],
  ] as const)
    assert.equal(begun(age).schedule.due, 1_000_000 + wait, `${age}`);
});

test('however rarely all is compared otherwise', () => {
  for (const [age, wait] of [
    [0, 60_000],
    [64_999, 60_000],
    [65_001, 59_999],
    [100_000, 25_000],
    [126_000, 5_000],
  ] as const)
    assert.equal(begun(age, { checkInterval: 60 }).schedule.due, 1_000_000 + wait, `${age}`);
});

test('a handshake is renewed at 125 s, and its session left 10 s before the limit; half way where that is short', () => {
  assert.deepEqual([renewalAge(150_000), lastRenewal(150_000)], [125_000, 140_000]);
  assert.deepEqual([renewalAge(60_000), lastRenewal(60_000)], [50_000, 50_000]);
  assert.deepEqual([renewalAge(15_000), lastRenewal(15_000)], [7_500, 7_500]);
});

test('a look shortly before a comparison is one', () => {
  const { schedule } = begun(0);
  assert.equal(schedule.isWhole(1_004_799), false);
  assert.equal(schedule.isWhole(1_004_800), true);
  schedule.look = 1_001_000;
  assert.equal(schedule.due, 1_001_000);
  assert.equal(schedule.isWhole(1_001_000), false);
});

test('what happens to routes is looked at a moment later; while it goes on and they change, later each time', () => {
  const { schedule, clock } = begun(0);
  const rest = (): number => {
    schedule.routesInDoubt();
    const { due } = schedule;
    schedule.routesInDoubt();
    assert.equal(schedule.due, due, 'they have their time');
    return due - clock.now;
  };
  const compare = (changed: boolean): void => {
    clock.now = schedule.due;
    schedule.compared(changed, clock.now);
  };
  const rests: number[] = [];
  for (let time = 0; time < 4; time++) {
    rests.push(rest());
    compare(true);
  }
  assert.deepEqual(rests, [200, 400, 800, 1_600]);
  compare(false);
  assert.equal(rest(), 200);
});

test('what happens to routes delays no comparison, and another connection begins anew', () => {
  const { schedule, clock } = begun(0);
  clock.now += 4_900;
  schedule.routesInDoubt();
  assert.equal(schedule.due, 1_005_000);
  schedule.begin();
  assert.equal(schedule.due, clock.now + 5_000);
  schedule.routesInDoubt();
  assert.equal(schedule.due, clock.now + 200);
});
