// What a connection costs on which nothing happens: how often the program is woken for it, and what it does then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const MINUTE = 60_000;

/** So many times a minute at most: a look every 5 s, with four of them a probe, and one more after each of these. */
const WAKINGS = 16;
const PROBES = 4;

test('an hour in silence: few wakings, nearly all of them over at once', async () => {
  const world = new FakeWorld();
  world.alive('address of a', 40);
  world.traffic = false;
  const { selector } = world.serve(
    assign([peer('a')], { probeTimeout: 20, probeInterval: 15, failbackInterval: 300 }),
  );
  await world.timers.pass(5 * MINUTE);
  assert.equal(selector.snapshot().state, 'established');

  const { tunnel, routing } = world;
  const { device, again } = tunnel;
  const { apply } = routing;
  const counted = { glances: 0, devices: 0, applied: 0 };
  tunnel.again = () => {
    counted.glances++;
    return again();
  };
  tunnel.device = () => {
    counted.devices++;
    return device();
  };
  routing.apply = (...wanted) => {
    counted.applied++;
    return apply(...wanted);
  };
  world.calls.length = 0;
  await world.timers.pass(60 * MINUTE);
  const probes = world.calls.filter((call) => call === 'probe a').length;
  const kicks = world.calls.filter((call) => call === 'kick a').length;

  assert.ok(counted.glances <= 60 * WAKINGS + 3 * kicks, `${counted.glances} looks`);
  assert.ok(probes <= 60 * PROBES + kicks, `${probes} probes`);
  assert.deepEqual([counted.devices, counted.applied], [0, 0], 'what is as it was is not asked for anew');
  assert.equal(world.ofType('lost').length, 0);
});
