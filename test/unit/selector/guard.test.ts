import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guard } from '../../../src/selector/guard.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const PEERS = [peer('a', { allowedIps: ['10.0.0.0/8', 'fd00::/8'] })];
const NOTHING = assign(PEERS);
const BLOCKING = assign(PEERS, { blockWhenLost: true });
const LEADING = assign(PEERS, { fullTunnel: true });

/** A guard, and what it asks for, in order. */
function guarded() {
  const world = new FakeWorld();
  const asked: string[] = [];
  const { routing, tunnel } = world;
  const { block, lead } = routing;
  const { device } = tunnel;
  routing.block = (destinations, place) => {
    asked.push(`block ${destinations}`);
    return block(destinations, place);
  };
  routing.lead = (families, place) => {
    asked.push(`lead ${families}`);
    return lead(families, place);
  };
  tunnel.device = () => {
    asked.push('device');
    return device();
  };
  return { world, asked, guard: new Guard(world) };
}

test('what a former run may have left is taken away, once', async () => {
  const { asked, guard } = guarded();
  assert.ok(guard.has(NOTHING.settings));
  await guard.keep(NOTHING);
  assert.deepEqual(asked.splice(0), ['block ', 'lead ']);
  assert.ok(!guard.has(NOTHING.settings));
  await guard.keep(NOTHING);
  assert.deepEqual(asked, ['block '], 'without a full tunnel nothing is led, and nobody asks for it again');
});

test('there is something to keep while it is wanted, and until it was taken away', async () => {
  for (const wanted of [BLOCKING, LEADING]) {
    const { guard } = guarded();
    await guard.keep(NOTHING);
    assert.ok(guard.has(wanted.settings));
    await guard.keep(wanted);
    assert.ok(guard.has(wanted.settings));
    assert.ok(guard.has(NOTHING.settings));
    await guard.keep(NOTHING);
    assert.ok(!guard.has(NOTHING.settings));
  }
});

test('what the kernel refuses is still to be kept', async () => {
  for (const method of ['block', 'lead'] as const) {
    const { world, guard } = guarded();
    world.routing[method] = () => Promise.reject(new Error('refused'));
    await assert.rejects(guard.keep(NOTHING), /refused/);
    assert.ok(guard.has(NOTHING.settings), method);
  }
});

test('what refuses packets is there before anything is led, and both go in that order, whatever is known', async () => {
  const { asked, guard } = guarded();
  const both = assign(PEERS, { blockWhenLost: true, fullTunnel: true });
  await guard.keep(both);
  assert.deepEqual(asked.splice(0), ['block 10.0.0.0/8,fd00::/8', 'lead 4,6']);
  await guard.keep(NOTHING);
  asked.length = 0;
  for (const step of guard.removal(both.settings)) await step();
  assert.deepEqual(asked, ['block ', 'lead ']);
});

test('before anything is led the mark is read, where there is an interface that has one', async () => {
  const { world, asked, guard } = guarded();
  await guard.prepare(LEADING);
  assert.deepEqual(asked.splice(0), ['device', 'block ', 'lead 4,6']);
  await guard.prepare(BLOCKING);
  assert.deepEqual(asked.splice(0), ['block 10.0.0.0/8,fd00::/8', 'lead ']);
  world.setLink('absent');
  await guard.prepare(LEADING);
  assert.deepEqual(asked, ['block ', 'lead 4,6']);
});

test('while the interface is away nobody knows that its mark was taken back', async () => {
  const { world, asked, guard } = guarded();
  await guard.keep(LEADING);
  world.setLink('absent');
  await guard.keep(NOTHING);
  assert.ok(guard.has(NOTHING.settings));
  world.setLink('up');
  asked.length = 0;
  await guard.keep(NOTHING);
  assert.deepEqual(asked, ['block ', 'lead ']);
  assert.ok(!guard.has(NOTHING.settings));
});
