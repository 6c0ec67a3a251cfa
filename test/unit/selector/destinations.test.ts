import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Destinations } from '../../../src/selector/destinations.js';
import { peer } from '../../support/fake-world.js';

const leading = (...allowedIps: string[]) => peer('a', { allowedIps });

test('each destination stands once, in the order of the peers', () => {
  const peers = [leading('10.0.0.0/8', 'fd00::/8'), leading('fd00::/8', '192.0.2.0/24')];
  assert.deepEqual(new Destinations().of(peers), ['10.0.0.0/8', 'fd00::/8', '192.0.2.0/24']);
});

test('the families are those that are among them', () => {
  const destinations = new Destinations();
  for (const [allowedIps, families] of [
    [[], []],
    [['10.0.0.0/8'], [4]],
    [['fd00::/8', '::/0'], [6]],
    [
      ['fd00::/8', '10.0.0.0/8'],
      [4, 6],
    ],
  ] as const)
    assert.deepEqual(destinations.familiesOf([leading(...allowedIps)]), families);
});

test('the very same lists for the same list of peers, others for others', () => {
  const destinations = new Destinations();
  const peers = [leading('10.0.0.0/8')];
  const [list, families] = [destinations.of(peers), destinations.familiesOf(peers)];
  assert.equal(destinations.of(peers), list);
  assert.equal(destinations.familiesOf(peers), families);
  assert.deepEqual(destinations.of([leading('fd00::/8')]), ['fd00::/8']);
  assert.deepEqual(destinations.of([]), []);
});
