// A kernel that has no WireGuard: for as long as this lasts, nobody else in this machine has it either.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { needs } from '../support/needs.js';
import { attempt } from './lab/exec.js';
import { section, withLab } from './lab/index.js';

test('a kernel without WireGuard: exit code 69', needs('a kernel of its own'), () =>
  withLab({ gateways: 0, interfaces: [] }, async (lab) => {
    // Take the module away, and keep the kernel from loading it again, for as long as this test lasts.
    const helper = '/proc/sys/kernel/modprobe';
    const before = await readFile(helper, 'latin1');
    await attempt(['modprobe', '--remove', 'wireguard']);
    await writeFile(helper, '/bin/false\n');
    try {
      const config = section('peer', 'a', {
        enabled: 1,
        ifname: 'vpn',
        public_key: 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=',
        endpoint: '192.0.2.1:51820',
      });
      const daemon = await lab.startDaemon({ config });
      assert.equal((await daemon.exit()).code, 69);
      await daemon.line(
        /error: this kernel has no WireGuard \(.*ENOENT.*\): load the module wireguard, or install it/,
      );
    } finally {
      await writeFile(helper, before);
      await attempt(['modprobe', 'wireguard']);
    }
  }),
);
