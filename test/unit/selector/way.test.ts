import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wayTo } from '../../../src/selector/way.js';
import { type Doubt, remoteAt } from '../../../src/selector/world.js';
import { FakeWorld } from '../../support/fake-world.js';

const at = (address: string) => remoteAt({ address, port: 51820 });
const [one, two, three] = [at('192.0.2.1'), at('192.0.2.2'), at('192.0.2.3')];
const NO_ROUTE: Doubt = { kind: 'no-route', reason: 'no route' };

test('the first address with a way is taken; where none has one, the first, with what speaks against it', async () => {
  const world = new FakeWorld();
  const untried = [one, two, three];
  assert.deepEqual(await wayTo({ untried }, world.routing), { remote: one, doubt: undefined });
  world.unroutable.add(one.address);
  assert.deepEqual(await wayTo({ untried }, world.routing), { remote: two, doubt: undefined });
  for (const { address } of untried) world.unroutable.add(address);
  assert.deepEqual(await wayTo({ untried }, world.routing), { remote: one, doubt: NO_ROUTE });
  assert.equal(await wayTo({ untried: [] }, world.routing), undefined);
});
