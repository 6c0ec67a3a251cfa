// The daemon in the sandbox of systemd's unit, without systemd: its filter of system calls, which ends whoever does what is not listed, an ordinary
// user, CAP_NET_ADMIN alone; and what it tells at $NOTIFY_SOCKET meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { block } from '../support/documents.js';
import { chosenProgram, needs } from '../support/needs.js';
import { NotifyReader, type Told } from '../support/notify-reader.js';
import { allowedCalls, makeSandbox, unitText } from '../support/service-unit.js';
import { anyGateway, connected, nextConnection, until, withLab } from './lab/index.js';

const USER = 65534;
const calls = [
  ...allowedCalls(unitText()),
  ...(chosenProgram === 'node' ? allowedCalls(block('docs/linux.md, With Node, 1').text) : []),
];

test(
  "lives in the unit's sandbox: connects, loses a gateway, reloads, ends; and tells of it",
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 2 }, async (lab) => {
      const sandbox = makeSandbox(lab.folder, calls);
      const socket = `@${lab.folder}/notify`;
      const reader = await NotifyReader.listen(lab.folder, [socket], (argv) => lab.router.run(argv));
      await lab.router.exec(['chmod', '-R', 'a+rX', lab.folder]);
      // As systemd has it.
      const range = 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range';
      await lab.router.exec(['sh', '-c', range]);
      const asUser = [
        ...['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'],
        ...['--inh-caps=-all,+net_admin', '--ambient-caps=+net_admin', '--bounding-set=-all,+net_admin'],
        sandbox,
      ];
      const [gw1, gw2] = lab.gateways;
      assert.ok(gw1 && gw2);
      await lab.dns.set('gw1.test', [gw1.address.v4]);
      const daemon = await lab.startDaemon({
        config: lab.config({
          peers: [{ gateway: gw1, options: { endpoint: 'gw1.test:51820' } }, gw2],
          interface: { ntp: 0, check_address: anyGateway.v4 },
        }),
        under: ['env', `NOTIFY_SOCKET=${socket}`, 'WATCHDOG_USEC=2000000', ...asUser],
        withinReach: true,
      });
      /** Waits for what was told by the daemon. @returns its place */
      const told = async (pattern: RegExp, from = 0): Promise<number> => {
        const at = (): number =>
          reader.told.findIndex(({ text }, place) => place >= from && pattern.test(text));
        await until(() => at() >= 0, { what: `to be told ${pattern}` }).catch((error: Error) => {
          throw new Error(`${error.message}; was told ${JSON.stringify(reader.told)}; ${daemon.describe()}`);
        });
        return at();
      };

      const first = await nextConnection(daemon);
      assert.equal(await told(/^READY=1 STATUS=vpn: /), 0);
      await told(new RegExp(`STATUS=vpn: connected to ${first} at [\\d.:[\\]a-f]+$`));
      const beat = await told(/WATCHDOG=1/);
      await told(/WATCHDOG=1/, beat + 1);
      assert.equal(await lab.router.ping(anyGateway.v4), true);

      const other = first === 'gw1' ? 'gw2' : 'gw1';
      await lab.gateway(first).kill();
      await daemon.line(new RegExp(`vpn ${first}: connection ended after`));
      assert.equal(await nextConnection(daemon), other);
      await told(new RegExp(`STATUS=vpn: connected to ${other} `));

      await lab.router.linkDown();
      await told(/STATUS=vpn: waiting for the interface/);
      await lab.router.linkUp();
      await daemon.line(/still connected|connected to/);

      const before = reader.told.length;
      daemon.signal('SIGHUP');
      await daemon.line(/configuration read again/);
      const reloading = await told(/^RELOADING=1 MONOTONIC_USEC=\d+$/, before);
      const ready = await told(/^READY=1 /, reloading);
      const uptime = Number((await lab.router.exec(['cat', '/proc/uptime'])).split(' ')[0]) * 1e6;
      const time = Number(/\d{2,}/.exec(reader.told[reloading]?.text ?? '')?.[0]);
      assert.ok(time > 0 && time <= uptime + 1e6, `${time} by a clock that says ${uptime}`);
      // What the unit's ExecReload= does, in the same sandbox.
      const order = ['reload', '-i', 'vpn', '--ubus-socket', '/nonexistent'];
      const ordered = await lab.command(order, { under: asUser, withinReach: true });
      assert.deepEqual([ordered.code, ordered.signal, ordered.stderr], [0, null, '']);
      await told(/^READY=1 /, await told(/^RELOADING=1 /, ready));

      daemon.signal('SIGTERM');
      const { code, signal } = await daemon.exit();
      assert.deepEqual([code, signal], [0, null]);
      await told(/^STOPPING=1/);
      assert.deepEqual((await lab.router.wg()).peers, []);
      const strangers = reader.told.filter(({ pid }: Told) => pid !== daemon.pid);
      assert.deepEqual(strangers, []);
      assert.deepEqual(daemon.lines(/no probe|cannot be told|hangs|EPERM/), []);
      assert.ok(daemon.lines(connected).length >= 2);
      reader.close();
    }),
);
