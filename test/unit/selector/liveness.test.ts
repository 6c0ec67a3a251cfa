import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from '../../../src/selector/liveness.js';
import { Trials } from '../../../src/selector/trials.js';
import { assign, FakeWorld, type Gateway, peer, type SettingsInSeconds } from '../../support/fake-world.js';

const [a, b] = [peer('a'), peer('b')];
const DEFAULTS = { probeTimeout: 20, probeInterval: 15 };

/** A world with a connection to `a` that has been quiet for two minutes, and its gateway. */
async function held(options: { silent?: boolean; settings?: Partial<SettingsInSeconds> } = {}) {
  const world = new FakeWorld();
  const gateway: Gateway = { alive: true, latency: 40, silent: options.silent ?? false };
  world.gateways.set('address of a', gateway);
  world.traffic = false;
  const { selector, run } = world.serve(assign([a], { ...DEFAULTS, ...options.settings }));
  await world.timers.pass(120_000);
  assert.equal(selector.snapshot().state, 'established');
  world.alive('address of b');
  selector.assign(assign([a, b], { ...DEFAULTS, ...options.settings }));
  return { world, gateway, selector, run };
}

/** Somebody pings through the tunnel, five times a second. @returns how to end it */
function ping(world: FakeWorld, answer = 128): () => void {
  let going = true;
  const once = (): void => {
    if (!going) return;
    for (const key of world.installed.keys()) world.send(key, 128, answer);
    world.timers.after(200, once);
  };
  once();
  return () => {
    going = false;
  };
}

/** Lets time pass until the connection is lost. @returns after how many seconds, and why */
async function timeToLoss(world: FakeWorld): Promise<{ seconds: number; code: string; reason: string }> {
  const begin = world.timers.now();
  for (let waited = 0; waited < 1_000; waited++) {
    await world.timers.pass(200);
    const [lost] = world.ofType('lost');
    if (lost !== undefined)
      return { seconds: (world.timers.now() - begin) / 1000, code: lost.code, reason: lost.reason };
  }
  return { seconds: Number.POSITIVE_INFINITY, code: '', reason: '' };
}

test('a gateway that answers probes dies under traffic: lost within 9 s, not before 8', async () => {
  const { world, gateway } = await held();
  ping(world);
  await world.timers.pass(60_000);
  gateway.alive = false;
  const { seconds, code } = await timeToLoss(world);
  assert.ok(seconds >= 7 && seconds <= 9.3, `${seconds} s`);
  assert.equal(code, 'no-answer');
});

test('a gateway that answers nothing inside the tunnel dies under traffic: lost within 23 s', async () => {
  const { world, gateway } = await held({ silent: true });
  ping(world);
  await world.timers.pass(60_000);
  assert.deepEqual(world.ofType('lost'), []);
  gateway.alive = false;
  const { seconds, code } = await timeToLoss(world);
  assert.ok(seconds >= 15 && seconds <= 23, `${seconds} s`);
  assert.equal(code, 'no-answer');
});

test('a way that comes back after five seconds of the test, and loses two more packets, is alive', async () => {
  const { world, gateway } = await held({ silent: true });
  const stop = ping(world);
  await world.timers.pass(60_000);
  gateway.alive = false;
  while (world.ofType('suspected').length === 0) await world.timers.pass(100);
  stop();
  await world.timers.pass(4_900);
  gateway.alive = true;
  gateway.loses = 2;
  await world.timers.pass(5_000);
  assert.equal(world.ofType('proven').length, 1);
  assert.deepEqual(world.ofType('lost'), []);
});

test('probes that are lost by chance, and an interruption of five seconds right behind them, are no death', async () => {
  const { world, gateway } = await held();
  const probes = (): number => world.calls.filter((call) => call === 'probe a').length;
  gateway.alive = false;
  const before = probes();
  while (probes() === before) await world.timers.pass(10);
  // This one and two more by chance; the fourth, three seconds later, is the first of the interruption.
  await world.timers.pass(3_000 + 4_900);
  assert.equal(world.ofType('suspected').length, 1);
  gateway.alive = true;
  await world.timers.pass(5_000);
  assert.equal(world.ofType('proven').length, 1);
  assert.deepEqual(world.ofType('lost'), []);
});

test('what was lost before a test of somebody who lives is learned: of the way, and of probes', () => {
  const settings = { probeTimeout: 20_000, probeInterval: 15_000 };
  const prior = { missed: 1, of: 3 };
  const way = new Trials();
  way.add({ answered: 10 });
  const clean = way.missRate(prior);
  const liveness = new Liveness(way, 0, { received: 0, sent: 0 }, 0);
  let now = 0;
  for (let sent = 0; ; sent += 1_000) {
    now += 1_000;
    const advice = liveness.observe({ received: 0, sent }, () => false, settings, now);
    liveness.nextLook();
    if (advice.suspicion !== undefined) break;
  }
  liveness.lives(now);
  assert.ok(way.missRate(prior) > clean);
});

test('a busy way that loses answers to probes does not seem to lose nothing', () => {
  const settings = { probeTimeout: 20_000, probeInterval: 15_000 };
  const way = new Trials();
  const liveness = new Liveness(way, 0, { received: 0, sent: 0 }, 0);
  for (let second = 1; second <= 400; second++) {
    const counters = { received: second * 1_400, sent: second * 1_400 };
    liveness.observe(counters, () => second % 3 > 0, settings, second * 1_000);
    liveness.probed(second * 1_000);
  }
  const missed = way.missRate({ missed: 0, of: 0 });
  assert.ok(missed > 0.3 && missed < 0.37, `${missed}`);
});

test('traffic that goes one way only is no reason, as long as WireGuard answers', async () => {
  for (const silent of [false, true]) {
    const { world } = await held({ silent });
    ping(world, 0);
    await world.timers.pass(600_000);
    assert.deepEqual(world.ofType('suspected'), []);
  }
});

test('in silence it takes the probe interval more', async () => {
  for (const [silent, most] of [
    [false, 25],
    [true, 38],
  ] as const) {
    const { world, gateway } = await held({ silent });
    gateway.alive = false;
    const { seconds } = await timeToLoss(world);
    assert.ok(seconds <= most, `${seconds} s`);
  }
});

test('silence alone is no reason: for hours nothing is lost, and nobody is put to the test', async () => {
  for (const silent of [false, true]) {
    const { world, selector } = await held({ silent });
    await world.timers.pass(4 * 3_600_000);
    assert.deepEqual(world.ofType('lost'), []);
    assert.deepEqual(world.ofType('suspected'), []);
    assert.equal(selector.snapshot().state, 'established');
  }
});

test('a living gateway that is suspected proves itself by a handshake, and the connection stays', async () => {
  const { world, gateway } = await held();
  ping(world);
  await world.timers.pass(10_000);
  gateway.alive = false;
  while (world.ofType('suspected').length === 0) await world.timers.pass(100);
  gateway.alive = true;
  await world.timers.pass(5_000);
  assert.equal(world.ofType('proven').length, 1);
  assert.deepEqual(world.ofType('lost'), []);
  assert.ok(world.calls.some((call) => call.startsWith('knock a address of a')));
});

test('what comes between ends the test: a peer that is left, or is gone, has proven nothing', async () => {
  for (const end of ['next', 'gone'] as const) {
    const { world, gateway, selector } = await held();
    ping(world);
    await world.timers.pass(10_000);
    gateway.alive = false;
    while (world.ofType('suspected').length === 0) await world.timers.pass(100);
    if (end === 'next') selector.next();
    else world.installed.clear();
    await world.timers.pass(1_000);
    assert.deepEqual(
      world.ofType('lost').map(({ code }) => code),
      [end === 'next' ? 'told-to' : 'removed-by-others'],
    );
    assert.deepEqual(world.ofType('proven'), []);
  }
});

test('a peer without an address cannot be asked for a handshake, and is lost without one', async () => {
  const { world, gateway } = await held();
  const [installed] = world.installed.values();
  if (installed !== undefined) installed.remote = undefined;
  gateway.alive = false;
  ping(world);
  const { code, reason } = await timeToLoss(world);
  assert.equal(code, 'no-answer');
  assert.match(reason, /, and 0 handshakes in 0\.0 s neither$/);
  assert.deepEqual(
    world.calls.filter((call) => call.startsWith('knock')),
    [],
  );
});

test('probe_timeout 0 leaves it to the age of the handshake', async () => {
  const { world, gateway } = await held({ settings: { probeTimeout: 0 } });
  ping(world);
  gateway.alive = false;
  const { seconds, code } = await timeToLoss(world);
  assert.ok(seconds > 25, `${seconds} s`);
  assert.equal(code, 'handshake-too-old');
});

test('probe_interval 0 sends no probe, and judges what traffic there is', async () => {
  const { world, gateway } = await held({ settings: { probeInterval: 0 } });
  await world.timers.pass(60_000);
  assert.ok(!world.calls.some((call) => call.startsWith('probe')));
  ping(world);
  await world.timers.pass(10_000);
  gateway.alive = false;
  const { seconds } = await timeToLoss(world);
  assert.ok(seconds >= 20 && seconds <= 25, `${seconds} s`);
});

test('where no probe can be sent it is said once, and tried again only now and then', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  world.unprobable = 'vpn has no address for it';
  world.serve(assign([a], DEFAULTS));
  await world.timers.pass(600_000);
  assert.deepEqual(
    world.ofType('not-probed').map(({ reason }) => reason),
    ['vpn has no address for it'],
  );
  const looks = world.calls.filter((call) => call === 'device').length;
  assert.ok(looks < 200, `${looks} looks in 10 min`);
});

for (const [what, more] of [
  ['a probe', {}],
  ['an echo', { probeInterval: 0, checkAddress: '10.0.0.1' }],
] as const) {
  test(`${what} that the kernel refuses for a moment, as while the interface goes down, is not spoken of, and soon sent again`, async () => {
    const { world } = await held({ settings: more });
    world.behind.add('10.0.0.1');
    await world.timers.pass(60_000);
    const refused = 'ENETUNREACH: network is unreachable';
    world.unprobable = refused;
    while (world.refusals === 0) await world.timers.pass(100);
    world.unprobable = undefined;
    world.calls.length = 0;
    await world.timers.pass(6_000);
    assert.ok(world.calls.some((call) => /^(probe|echo) /.test(call)));
    assert.deepEqual(world.ofType('not-probed'), []);
    world.unprobable = refused;
    await world.timers.pass(60_000);
    assert.deepEqual(
      world.ofType('not-probed').map(({ reason }) => reason),
      [refused],
    );
  });
}

test('the machine sleeps: what it did not hear meanwhile is not held against the peer', async () => {
  const { world } = await held();
  ping(world);
  await world.timers.pass(10_000);
  world.timers.sleep(60_000);
  await world.timers.pass(10_000);
  assert.deepEqual(world.ofType('suspected'), []);
});

/** Two peers, and nobody answers for ten minutes. */
async function nobodyAnswers(): Promise<FakeWorld> {
  const world = new FakeWorld();
  world.start([a, b], DEFAULTS);
  await world.timers.pass(600_000);
  assert.deepEqual(world.ofType('connected'), []);
  return world;
}

test('nobody answers: the first try of each round lasts longer and longer, up to 30 s more', async () => {
  const world = await nobodyAnswers();
  const before = world.ofType('trying').length;
  await world.timers.pass(600_000);
  const tries = world.ofType('trying').length - before;
  assert.ok(tries >= 28 && tries <= 38, `${tries} tries in ten minutes`); // rounds of 5 + 5 + 22.5 … 30 s
  assert.ok(world.ofType('round-over').some(({ silent }) => silent));
});

test('the uplink is back, unsaid: connected with the first handshake that gets through', async () => {
  const world = await nobodyAnswers();
  for (const address of ['address of a', 'address of b']) world.alive(address);
  for (const key of world.installed.keys()) world.retry(key); // as WireGuard does every 5 s
  await world.timers.pass(1_000);
  assert.equal(world.ofType('connected').length, 1);
});

test('the uplink is back, and the kernel tells of a link or a route: connected within a second', async () => {
  for (const after of [0, 2_000, 7_000, 20_000, 33_000]) {
    const world = await nobodyAnswers();
    await world.timers.pass(after);
    for (const address of ['address of a', 'address of b']) world.alive(address);
    world.routeAppears();
    await world.timers.pass(1_000);
    assert.equal(world.ofType('connected').length, 1, `${after}`);
  }
});

test('a network that changes all the time keeps nobody from their turn', async () => {
  const world = await nobodyAnswers();
  const before = world.ofType('trying').length;
  for (let changes = 0; changes < 1_200; changes++) {
    world.routeAppears();
    await world.timers.pass(100);
  }
  const installs = world.calls.filter((call) => call.startsWith('install')).length;
  assert.ok(world.ofType('trying').length - before >= 18, 'each has its turn');
  assert.ok(installs < 250, `${installs} installations in 12 min`);
});

test('check_address: the peer answers, what is behind it does not: lost with no-data, and the next peer is tried', async () => {
  const world = new FakeWorld();
  for (const address of ['address of a', 'address of b']) world.alive(address);
  world.behind.add('10.0.0.1');
  world.start([a, b], { ...DEFAULTS, checkAddress: '10.0.0.1' });
  await world.timers.pass(600_000);
  assert.deepEqual(world.ofType('lost'), []);
  const echoes = world.calls.filter((call) => call === 'echo 10.0.0.1').length;
  assert.ok(echoes >= 110 && echoes <= 130, `${echoes} in 10 min`);
  world.behind.clear();
  const { seconds, code, reason } = await timeToLoss(world);
  assert.equal(code, 'no-data');
  assert.match(reason, /10\.0\.0\.1 behind it does not/);
  assert.ok(seconds >= 15 && seconds <= 26, `${seconds} s`);
});

test('check_address without the right to ask: said once, and nothing is lost', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  world.unprobable = 'EACCES';
  world.start([a], { probeTimeout: 20, checkAddress: '10.0.0.1' });
  await world.timers.pass(300_000);
  assert.deepEqual(world.ofType('lost'), []);
  assert.equal(world.ofType('not-probed').length, 1);
});

test('block_when_lost: all allowed IPs are refused as long as the selector runs, whoever is connected', async () => {
  const world = new FakeWorld();
  const { selector, run } = world.start([a, b], { blockWhenLost: true });
  const routes = ['route of a', 'route of b'];
  await world.timers.pass(1_000);
  assert.deepEqual([...world.blocked].sort(), routes);
  const { blocked } = world;
  world.alive('address of a');
  await world.timers.pass(20_000);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(world.blocked, blocked, 'the same list: nobody has to compare thousands of destinations');
  selector.assign(assign([a], { blockWhenLost: true }));
  await world.timers.pass(10_000);
  assert.deepEqual(world.blocked, ['route of a']);
  selector.stop();
  await run;
  assert.deepEqual(world.blocked, []);
});

test('block_when_lost is in force before the interface is there', async () => {
  const world = new FakeWorld();
  world.setLink('absent');
  world.start([a], { blockWhenLost: true });
  await world.timers.pass(1_000);
  assert.deepEqual(world.blocked, ['route of a']);
});

test('full_tunnel: the families that some peer leads to are led, with and without a connection, and none in the end', async () => {
  const world = new FakeWorld();
  const both = [peer('a', { allowedIps: ['0.0.0.0/0'] }), peer('b', { allowedIps: ['10.0.0.0/8', '::/0'] })];
  const { selector, run } = world.start(both, { fullTunnel: true });
  await world.timers.pass(30_000);
  assert.deepEqual(world.led, [4, 6]);
  const { led } = world;
  const beforeLeads = world.calls.filter((_, at) => world.calls[at + 1] === 'lead');
  assert.ok(beforeLeads.length > 2);
  assert.ok(
    beforeLeads.every((call) => call === 'device'),
    'the mark is looked at before each',
  );
  world.alive('address of a');
  await world.timers.pass(20_000);
  assert.equal(selector.snapshot().state, 'established');
  assert.equal(world.led, led, 'the same list');
  selector.assign(assign([both[0] ?? a], { fullTunnel: true }));
  await world.timers.pass(1_000);
  assert.deepEqual(world.led, [4]);
  selector.assign(assign([both[0] ?? a]));
  await world.timers.pass(1_000);
  assert.deepEqual(world.led, []);
  const said = world.leads.length;
  await world.timers.pass(60_000);
  assert.equal(world.leads.length, said, 'where it is off, nobody thinks of it');
  selector.assign(assign(both, { fullTunnel: true }));
  await world.timers.pass(1_000);
  assert.deepEqual(world.led, [4, 6]);
  assert.deepEqual(world.ofType('lost'), []);
  selector.stop();
  await run;
  assert.deepEqual(world.led, []);
});

test('what holds without a connection is seen to while the interface is missing: at a reload, and when somebody takes it away', async () => {
  const world = new FakeWorld();
  world.setLink('absent');
  const { selector } = world.start([a]);
  await world.timers.pass(1_000);
  selector.assign(assign([a], { blockWhenLost: true, fullTunnel: true }));
  await world.timers.pass(1_000);
  assert.deepEqual(world.blocked, ['route of a']);
  assert.deepEqual(world.led, [4]);
  world.led = [];
  for (let time = 0; time < 1_000; time++) {
    world.routesInDoubt();
    await world.timers.pass(1);
  }
  assert.deepEqual(world.led, [4]);
  assert.ok(
    world.leads.length <= 8,
    `${world.leads.length} times in a second of somebody who does it all the time`,
  );
  assert.equal(world.ofType('interface-missing').length, 1);
});

test('full_tunnel: in force before the interface is there; what a former run has left is taken back where it is off', async () => {
  const world = new FakeWorld();
  world.setLink('absent');
  world.start([peer('a', { allowedIps: ['::/0'] })], { fullTunnel: true });
  await world.timers.pass(1_000);
  assert.deepEqual(world.led, [6]);
  const later = new FakeWorld();
  later.start([a]);
  await later.timers.pass(60_000);
  assert.deepEqual(later.leads, [[]]);
});

test('full_tunnel ends while the interface is away: what it may have brought back is taken back then, once', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  const { selector } = world.start([a], { fullTunnel: true });
  await world.timers.pass(5_000);
  assert.equal(selector.snapshot().state, 'established');
  world.setLink('absent');
  await world.timers.pass(1_000);
  selector.assign(assign([a]));
  await world.timers.pass(1_000);
  const said = world.leads.length;
  world.setLink('up');
  await world.timers.pass(60_000);
  assert.deepEqual(world.leads.slice(said), [[]]);
});

test('a reload by which the way to the endpoint leads into the tunnel ends the connection, and says why', async () => {
  const world = new FakeWorld();
  const all = peer('a', { allowedIps: ['0.0.0.0/0'] });
  world.alive('address of a');
  const { selector } = world.start([all], { fullTunnel: true });
  await world.timers.pass(1_000);
  assert.equal(selector.snapshot().state, 'established');
  world.swallowed.add('address of a');
  await world.timers.pass(60_000);
  world.takeRoute('0.0.0.0/0');
  await world.timers.pass(10_000);
  assert.ok(world.routes.has('0.0.0.0/0'));
  assert.deepEqual(world.ofType('lost'), [], 'where it is as before it is not asked for');
  world.routes.clear(); // they are in another table now
  selector.assign(assign([all]));
  await world.timers.pass(1_000);
  assert.match(
    world.ofType('lost')[0]?.reason ?? '',
    /^its allowed IPs lead the way .*: expected option full_tunnel '1'/,
  );
  assert.equal(world.routes.size, 0);
  await world.timers.pass(60_000);
  assert.equal(world.ofType('connected').length, 1);
});

test('where no probe can be sent any more the counters are not looked at all the time', async () => {
  const world = new FakeWorld();
  world.alive('address of a');
  world.start([a], { probeTimeout: 20, probeInterval: 15 });
  await world.timers.pass(1_500); // the first probes are under way
  assert.ok(world.calls.filter((call) => call === 'probe a').length >= 1);
  world.unprobable = 'vpn has no address for it';
  world.calls.length = 0;
  await world.timers.pass(10_000);
  const looks = world.calls.filter((call) => call === 'device').length;
  assert.ok(looks < 20, `${looks} looks in 10 s`);
});
