// Who has which metric where several interfaces lead to the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, parseUci } from '../../src/config/index.js';
import { sharedMetrics } from '../../src/daemon/shared-routes.js';

/** Interfaces in the order of the configuration: what their peers lead to, and options of their own. */
function metrics(
  interfaces: Readonly<
    Record<string, { allowed: readonly string[]; options?: readonly string[]; enabled?: 0 | 1 }>
  >,
): Record<string, Record<string, number>> {
  const sections = Object.entries(interfaces).map(
    ([name, { allowed, options = [], enabled = 1 }]) => `config interface '${name}'
${options.map((option) => `\toption ${option}\n`).join('')}
config peer 'of_${name}'
	option enabled '${enabled}'
	option ifname '${name}'
	option public_key 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0='
	option endpoint '192.0.2.1:51820'
${allowed.map((prefix) => `\tlist allowed_ips '${prefix}'\n`).join('')}`,
  );
  const config = new Config(parseUci(sections.join('\n')), 'file');
  const names = Object.keys(interfaces);
  return Object.fromEntries(names.map((name) => [name, Object.fromEntries(sharedMetrics(config, name))]));
}

test('what two have is shared in the order of the configuration, and nothing else has another metric', () => {
  assert.deepEqual(
    metrics({
      b: { allowed: ['fe80::1/128', '10.0.0.0/8', '10.1.0.0/16'] },
      a: { allowed: ['10.0.0.0/8', 'fe80::1', 'fd00::/8'] },
    }),
    { b: { 'fe80::1/128': 1024, '10.0.0.0/8': 0 }, a: { 'fe80::1/128': 1025, '10.0.0.0/8': 1 } },
  );
});

test('metrics that are configured stay, unless another interface has them already', () => {
  const allowed = ['10.0.0.0/8', 'fd00::/8'];
  assert.deepEqual(
    metrics({
      first: { allowed, options: ["metric '7'"] },
      second: { allowed, options: ["metric '5'"] },
      third: { allowed, options: ["metric '7'"] },
      fourth: { allowed, options: ["metric '0'"] }, // which IPv6 takes for none
    }),
    {
      first: { '10.0.0.0/8': 7, 'fd00::/8': 7 },
      second: { '10.0.0.0/8': 5, 'fd00::/8': 5 },
      third: { '10.0.0.0/8': 8, 'fd00::/8': 8 },
      fourth: { '10.0.0.0/8': 0, 'fd00::/8': 1024 },
    },
  );
});

test('routes in another table, and peers that are not enabled, are in nobody’s way', () => {
  const allowed = ['10.0.0.0/8'];
  assert.deepEqual(
    metrics({
      off: { allowed, enabled: 0 },
      main: { allowed, options: ["table 'main'"] },
      apart: { allowed, options: ["table '51'"] },
      beside: { allowed, options: ["table '51'"] },
      lost: { allowed, options: ["table 'nowhere'"] }, // which is not served
    }),
    { off: {}, main: {}, apart: { '10.0.0.0/8': 0 }, beside: { '10.0.0.0/8': 1 }, lost: {} },
  );
});
