// The daemon on the bus, without the kernel; test/netns/ubus.test.ts has the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bus } from '../../src/daemon/bus.js';
import { TestBus, until } from '../support/bus.js';

test('an ubusd that comes and goes fills no log', async (t) => {
  const bus = TestBus.prepare(t);
  const lines: string[] = [];
  const log = { write: (level: string, _: string, text: string) => void lines.push(`${level} ${text}`) };
  const daemon = new Bus({ path: bus.path, log, reload: async () => undefined });
  t.after(() => daemon.close());
  const count = (line: RegExp) => lines.filter((text) => line.test(text)).length;
  for (let round = 1; round <= 3; round += 1) {
    await bus.startDaemon();
    await until(() => count(/^debug connected to ubus/) === round, 'it is connected');
    await bus.stopDaemon();
    await until(() => count(/ubus is not there/) >= round, 'it has noticed');
  }
  assert.equal(count(/^info ubus is not there/), 1);
});
