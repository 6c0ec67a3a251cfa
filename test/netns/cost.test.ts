// What the router's program costs, as far as a busy machine does not change it. `npm run bench` measures the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../bench/process-figures.js';
import { limits } from '../support/limits.js';
import { routerOnly } from '../support/needs.js';
import { connected, withLab } from './lab/index.js';

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
