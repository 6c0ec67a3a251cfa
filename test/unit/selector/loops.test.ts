import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loops, Refused } from '../../../src/selector/loops.js';
import { assign, FakeTimers, FakeWorld, peer } from '../../support/fake-world.js';

const MINUTE = 60_000;

/** A peer whose allowed IPs swallow its endpoint. */
function swallowing() {
  const world = new FakeWorld();
  world.swallowed.add('address of a');
  const a = peer('a', { allowedIps: ['0.0.0.0/0'] });
  const installations = (): number => world.calls.filter((call) => call.startsWith('install')).length;
  return { world, a, installations, ...world.start([a]) };
}

test('a peer that led its packets into the tunnel is tried again ever more rarely, with the same words all the time', async () => {
  const { world, installations } = swallowing();
  await world.timers.pass(29_000);
  assert.equal(installations(), 1);
  await world.timers.pass(60 * MINUTE);
  // After 30 s, 60 s, …, 480 s, 600 s: the pauses of the rounds come on top.
  assert.ok(installations() >= 8 && installations() <= 10, `${installations()}`);
  const reasons = new Set(world.ofType('failed').map(({ reason }) => reason));
  assert.equal(reasons.size, 1);
  assert.ok(world.ofType('failed').length > 50);
});

test('who has led its packets into the tunnel reads what to do, with a full tunnel and without', async () => {
  for (const [fullTunnel, expected] of [
    [true, /expected no rule before those of full_tunnel/],
    [false, /expected option full_tunnel '1' for vpn/],
  ] as const) {
    const world = new FakeWorld();
    world.swallowed.add('address of a');
    world.start([peer('a', { allowedIps: ['0.0.0.0/0'] })], { fullTunnel });
    await world.timers.pass(1_000);
    assert.match(world.ofType('failed')[0]?.reason ?? '', expected);
  }
});

test('what leads its packets around the tunnel comes unsaid: it is found within a minute', async () => {
  const { world, selector } = swallowing();
  world.alive('address of a', 10);
  await world.timers.pass(5_000);
  world.swallowed.clear();
  await world.timers.pass(55_000);
  assert.equal(selector.snapshot().state, 'established');
});

for (const [what, routes] of [
  ['table', { table: 51, metric: undefined }],
  ['metric', { table: undefined, metric: 5 }],
] as const) {
  test(`another ${what} of its routes: it is tried again`, async () => {
    const { world, a, installations, selector } = swallowing();
    await world.timers.pass(5_000);
    assert.equal(installations(), 1);
    const assignment = assign([a]);
    selector.assign({ ...assignment, settings: { ...assignment.settings, routes } });
    await world.timers.pass(4_000);
    assert.equal(installations(), 2);
  });
}

test('an address whose way leads into the tunnel before anything was installed is tried all the same, for a second', async () => {
  for (const alive of [false, true]) {
    const world = new FakeWorld();
    world.routing.doubt = async () => ({ kind: 'through-tunnel', reason: 'a loop' });
    if (alive) world.alive('address of a', 40);
    const { selector } = world.start([peer('a')]);
    await world.timers.pass(1_050);
    if (alive) assert.equal(selector.snapshot().state, 'established');
    else {
      const [failed] = world.ofType('failed');
      assert.equal(failed?.reason, 'a loop; tried all the same: no handshake within 1 s');
    }
  }
});

test('a peer none of whose routes went in is not blamed for where the way leads', async () => {
  const world = new FakeWorld();
  world.conflicts.set('route of a', 'there is one already');
  world.routing.doubt = async () =>
    world.installed.size > 0 ? { kind: 'through-tunnel', reason: "another's route" } : undefined;
  world.start([peer('a')]);
  await world.timers.pass(5_100);
  assert.equal(world.ofType('failed')[0]?.reason, 'no handshake within 5 s');
});

test('a peer is left alone for half a minute, then for twice as long, to the millisecond', async () => {
  const timers = new FakeTimers();
  const loops = new Loops(timers);
  const device = { fwmark: 0, peers: [] };
  const place = { table: undefined, metric: undefined };
  const a = peer('a');
  for (const rest of [30_000, 60_000]) {
    loops.add(a, device, place, 'a loop');
    await timers.pass(rest - 1);
    assert.throws(() => loops.check(a, device, place), new Refused('a loop'));
    await timers.pass(1);
    loops.check(a, device, place);
  }
  loops.add(a, { ...device, fwmark: 1 }, place, 'a loop with another mark');
  await timers.pass(30_000);
  loops.check(a, { ...device, fwmark: 1 }, place);
});

test('a refusal is told apart from other errors by its name, too', () => {
  const loops = new Loops(new FakeTimers());
  const refused = loops.add(
    peer('a'),
    { fwmark: 0, peers: [] },
    { table: undefined, metric: undefined },
    'why',
  );
  assert.deepEqual([refused.name, refused.message], ['Refused', 'why']);
});
