// netifd's interface follows the connection on a real kernel; test/unit/netifd.test.ts has what goes wrong on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestBus } from '../support/bus.js';
import { FakeNetifd } from '../support/fake-netifd.js';
import { type Gateway, until, withLab } from './lab/index.js';

test('hotplug scripts see connect, change and loss, by an interface that is up while connected', (t) =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const bus = await TestBus.start(t);
    const client = await bus.connect();
    const netifd = new FakeNetifd('vpn_peerselector');
    await netifd.publish(client);
    const follows = ['--netifd', 'vpn_peerselector', '--ubus-socket', bus.path];
    const daemon = await lab.startDaemon({ args: ['-i', 'vpn', ...follows] });
    const up = ({ name, address }: Gateway) =>
      `ifup {"peer":"${name}","remote_address":"${address.v4}:51820"}`;
    /** Waits until the last event is of that kind, and gives it. */
    const last = async (action: string) => {
      const found = () => netifd.hotplug.at(-1)?.startsWith(`${action} `) === true;
      await until(found, { what: `${action} as the last event` });
      return netifd.hotplug.at(-1);
    };

    const first = await last('ifup');
    const [held, other] = first === up(gw1) ? [gw1, gw2] : [gw2, gw1];
    assert.equal(first, up(held));

    // A loss, and nobody to go to.
    for (const gateway of lab.gateways) await gateway.kill();
    await lab.router.wgSet('vpn', ['peer', held.publicKey, 'remove']);
    assert.equal(await last('ifdown'), 'ifdown {}');

    await other.revive();
    assert.equal(await last('ifup'), up(other));

    // The interface is as it was, and so is the daemon, by which it is down without a connection, too.
    await lab.router.linkDown();
    assert.equal(await last('ifdown'), 'ifdown {}');
    await lab.router.linkUp();
    assert.equal(await last('ifup'), up(other));

    // Whoever ends the daemon knows it.
    const events = netifd.hotplug.length;
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    assert.equal(netifd.hotplug.length, events);
  }));
