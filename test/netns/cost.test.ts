// What the router's program costs, as far as a busy machine does not change it. `npm run bench` measures the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../bench/process-figures.js';
import { limits } from '../support/limits.js';
import { routerOnly } from '../support/needs.js';
import { connected, nextConnection, withLab } from './lab/index.js';

test("connected, the router's program stays within its memory", routerOnly('a bound of its own'), () =>
  withLab({ gateways: 2 }, async (lab) => {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    // Reloads do not add up.
    for (let time = 0; time < 20; time++) {
      daemon.signal('SIGHUP');
      await daemon.line(/configuration read again/);
    }
    const { private: own, resident } = memory(daemon.pid);
    process.stdout.write(`# private ${own.toFixed(2)} MB, resident ${resident.toFixed(2)} MB\n`);
    assert.ok(own * 1e6 <= limits.private, `${own} MB private`);
    assert.ok(resident * 1e6 <= limits.resident, `${resident} MB resident`);
  }),
);

test(
  'beyond the bound of its memory it ends with a word, and the next start keeps the connection',
  routerOnly('a bound of its own'),
  () =>
    withLab({ gateways: 2 }, async (lab) => {
      const first = await lab.startDaemon();
      const name = await nextConnection(first);
      const flow = await lab.flow(lab.gateway(name), 20);
      await flow.moves(5);
      await first.reload('#\n'.repeat(14 * 2 ** 20)); // 28 MiB; the bound is 24
      await first.line(/^error: out of memory: \d+ bytes more would be beyond the limit of 24576 KiB$/);
      assert.equal((await first.exit()).code, 70);
      const second = await lab.startDaemon();
      await second.line(new RegExp(`info vpn ${name}: still connected`));
      await flow.moves(5);
      assert.equal((await flow.stop()).lost, 0);
    }),
);
