import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../../src/selector/connection.js';
import { remoteAt } from '../../../src/selector/world.js';
import { assign, FakeWorld, peer } from '../../support/fake-world.js';

const a = peer('a');
const ASSIGNMENT = assign([a]);

/** A connection to `a` whose handshake is complete, and that was looked at. */
async function connected() {
  const world = new FakeWorld();
  world.alive('address of a');
  world.traffic = false;
  const connection = new Connection(world);
  const remote = remoteAt({ address: 'address of a', port: 51820 });
  await connection.install(a, remote, undefined, ASSIGNMENT);
  await world.timers.pass(100);
  assert.equal(await connection.handshakeCame(a), true);
  assert.notEqual(await connection.look(a, ASSIGNMENT, true), 'gone');
  await connection.guard.keep(ASSIGNMENT); // what a former run may have left
  const glance = (assignment = ASSIGNMENT, of = a) =>
    connection.glance(of, assignment, true, world.timers.now());
  return { world, connection, glance };
}

test('a glance at what has not changed gives the very same look, and the handshake grows older', async () => {
  const { world, connection, glance } = await connected();
  const look = glance();
  assert.ok(look !== undefined);
  const age = connection.handshakeAge ?? Number.NaN;
  await world.timers.pass(5_000);
  assert.equal(glance(), look);
  assert.equal(connection.handshakeAge, age + 5_000);
});

test('a glance gives another look for other counters, another assignment, and another peer of that key', async () => {
  const { world, glance } = await connected();
  const look = glance();
  const other = glance({ ...ASSIGNMENT });
  assert.ok(other !== undefined && other !== look);
  const configuredAnew = { ...a };
  const another = glance({ ...ASSIGNMENT, peers: [configuredAnew] }, configuredAnew);
  assert.ok(another !== undefined && another !== other);
  const sent = glance()?.sent ?? Number.NaN;
  world.send(a.publicKey, 100, 0);
  assert.equal(glance()?.sent, sent + 100);
});

test('a glance does not tell what only a look can: what others have done, or what holds without a connection', async () => {
  for (const happen of [
    (world: FakeWorld) => void world.installed.delete(a.publicKey),
    (world: FakeWorld) => void world.routes.clear(),
    (world: FakeWorld) => Object.assign(world.installed.get(a.publicKey) ?? {}, { persistentKeepalive: 9 }),
  ]) {
    const { world, glance } = await connected();
    assert.notEqual(glance(), undefined);
    happen(world);
    assert.equal(glance(), undefined);
  }
  const { glance } = await connected();
  const settings = { ...ASSIGNMENT.settings, blockWhenLost: true };
  assert.equal(glance({ ...ASSIGNMENT, settings }), undefined);
});

test('a peer that is installed nowhere is gone, and nothing is left to remove twice', async () => {
  const { world, connection } = await connected();
  world.installed.clear();
  assert.equal(await connection.handshakeCame(a), 'gone');
  assert.equal(await connection.look(a, ASSIGNMENT, true), 'gone');
  await connection.remove(ASSIGNMENT);
  assert.deepEqual([...world.routes], []);
  world.calls.length = 0;
  await connection.remove(ASSIGNMENT);
  assert.deepEqual(world.calls, []);
});
