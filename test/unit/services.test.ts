import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, parseUci } from '../../src/config/index.js';
import { InterfaceLock } from '../../src/daemon/interface-lock.js';
import type { Shared } from '../../src/daemon/interface-service.js';
import { Services } from '../../src/daemon/services.js';
import { toJson } from '../../src/json.js';

const NAME = `t${process.pid}s`;

/** A configuration with so many peers. */
function configOf(count: number): Config {
  const peers = [
    'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=',
    'hXnDyTzSH2nUhLPxlUUVNpQsVzN4qWYTeKYQEtsP/iI=',
  ]
    .slice(0, count)
    .map(
      (key, place) => `config peer 'gw${place}'
  option enabled '1'
  option ifname '${NAME}'
  option public_key '${key}'
  option endpoint '192.0.2.1:51820'
  list allowed_ips '10.0.0.0/8'
`,
    );
  return new Config(parseUci(peers.join('')), 'test');
}

/** What an interface's service asks for before it runs. */
const shared = {
  kernel: {
    wireguard: { device: async () => ({}), repeatedDevice: () => ({}) },
    rtnetlink: {},
    watch: async (name: string) => ({ name, link: undefined, onChange() {} }),
    onRoutes: () => () => {},
    onAnyLink: () => () => {},
  },
  time: { ready: true, onReady: () => () => {} },
  timers: { now: () => 0, after: () => () => {} },
  random: { below: () => 0 },
  wallClock: () => 0,
  log: { write() {} },
} as unknown as Shared;

test('peers that somebody gives before it runs change the configuration, and nobody is left for that', async () => {
  const left: string[] = [];
  const services = new Services(
    {
      shared,
      bus: {
        serve:
          ({ name }) =>
          () =>
            left.push(name),
      },
      control: { serve: async () => () => {} },
      manager: undefined,
    },
    configOf(1),
    false,
  );
  const lock = await InterfaceLock.take(NAME);
  try {
    const service = await services.add(NAME, lock);
    await services.change(configOf(2), services.wanted);
    assert.deepEqual(left, []);
    assert.deepEqual([...services.served.keys()], [NAME]);
    assert.equal(toJson(service.status()), '{"peers":{"gw0":false,"gw1":false}}');
  } finally {
    lock.release();
  }
});
