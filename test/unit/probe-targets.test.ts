import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeTargets } from '../../src/daemon/probe-targets.js';

test('a single host among the allowed IPs comes first, wherever it stands', () => {
  assert.deepEqual(probeTargets(['10.0.0.0/8', '0.0.0.0/0', '10.8.0.1/32', 'fe80::1/128']), [
    '10.8.0.1',
    'fe80::1',
    '192.0.0.8',
    '10.0.0.1',
    '0.0.0.1',
  ]);
});

test('where all of a family leads to the peer, an address that is nobody’s', () => {
  assert.deepEqual(probeTargets(['0.0.0.0/0', '::/0']).slice(0, 2), ['192.0.0.8', '100::1']);
  assert.deepEqual(probeTargets(['192.0.0.0/24']), ['192.0.0.8', '192.0.0.1']);
});

test('else the first address of a prefix that a host may have', () => {
  assert.deepEqual(probeTargets(['10.78.3.0/24', 'fd00::/64', '10.0.0.2/31', 'fd00::4/127']), [
    '10.78.3.1',
    'fd00::1',
    '10.0.0.2',
    'fd00::4',
  ]);
});

test('no allowed IPs, no targets', () => {
  assert.deepEqual(probeTargets([]), []);
});
