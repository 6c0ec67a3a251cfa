// What keeps traffic from going astray: routes that refuse it between two connections, and an address that has to answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anyGateway,
  connected,
  inside,
  type Lab,
  nextConnection,
  ourProtocol,
  until,
  withLab,
} from './lab/index.js';

/** An address that all of the tunnel's destinations hold, and no gateway has. */
const somewhere = '10.78.0.77';

/** How the router would send a packet there: the kernel's own words. */
async function way(lab: Lab): Promise<string> {
  return await lab.router.exec(['ip', 'route', 'get', somewhere]).catch((error: Error) => error.message);
}

async function refusing(lab: Lab): Promise<string[]> {
  const routes = ['-4', '-6'].map((family) =>
    lab.router.exec([
      'ip',
      family,
      'route',
      'show',
      'table',
      'all',
      'type',
      'unreachable',
      'proto',
      String(ourProtocol),
    ]),
  );
  return (await Promise.all(routes))
    .join('')
    .split('\n')
    .filter((line) => line !== '');
}

test('block_when_lost: between two connections nothing for the tunnel leaves by another way, nor after SIGKILL', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.router.ip('route add default via 198.51.100.254 dev up0'); // the way by which it would leak
    assert.match(await way(lab), /dev up0/);
    const config = lab.config({ interface: { block_when_lost: 1 } });
    await gw1.kill();
    const first = await lab.startDaemon({ config });
    // While it is tried they wait in the tunnel, and in between they are refused.
    await until(async () => !/dev up0/.test(await way(lab)), { what: 'the way out to be closed' });
    assert.equal((await refusing(lab)).length, 2);
    await gw1.revive();
    await first.line(connected);
    assert.match(await way(lab), /dev vpn/);
    assert.ok(await lab.router.ping(gw1.inside.v4));
    first.signal('SIGKILL');
    await first.exit();
    await lab.router.wgSet('vpn', ['peer', gw1.publicKey, 'remove']);
    await lab.router.ip('link set vpn down');
    assert.match(
      await way(lab),
      /No route to host/,
      'the interface and its routes are gone, those that refuse are not',
    );
    await lab.router.ip('link set vpn up');
    const second = await lab.startDaemon({ config });
    await second.line(connected);
    assert.equal((await refusing(lab)).length, 2, 'one of each family, not doubled');
    second.signal('SIGTERM');
    assert.equal((await second.exit()).code, 0);
    assert.deepEqual(await refusing(lab), []);
    assert.match(await way(lab), /dev up0/);
  }));

test('block_when_lost: not one packet for the tunnel leaves by the uplink, by the count of the kernel that would send it', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const { router } = lab;
    await router.ip(
      'route add default via 198.51.100.254 dev up0',
      'route add default via 2001:db8::254 dev up0',
    );
    const leaks = [`ip daddr ${inside.v4}`, `ip6 daddr ${inside.v6}`]
      .map((what) => `oifname "up0" ${what} counter name leaked;`)
      .join(' ');
    const chain = `chain leaving { type filter hook postrouting priority 0; ${leaks} }`;
    await router.exec(['nft', '-f', '-'], `table inet count { counter leaked { }; ${chain}; }`);
    const leaked = async (): Promise<number> =>
      Number(
        /packets (\d+)/.exec(await router.exec(['nft', 'list', 'counter', 'inet', 'count', 'leaked']))?.[1],
      );
    await router.ping(somewhere, 10);
    const before = await leaked();
    assert.ok(before > 0, 'the counter sees what leaves');
    const daemon = await lab.startDaemon({
      config: lab.config({ interface: { block_when_lost: 1, connect_timeout: 1 } }),
      args: ['-i', 'vpn', '-v'],
    });
    await daemon.line(connected);
    const flow = await lab.flow(anyGateway.v4, 5);
    for (const gateway of lab.gateways) await gateway.kill();
    await daemon.line(/connection ended/);
    for (let tries = 0; tries < 6; tries++) await daemon.line(/no handshake within/);
    for (const gateway of lab.gateways) await gateway.revive();
    await daemon.line(connected);
    await flow.moves(100);
    assert.ok((await flow.stop()).lost > 100);
    assert.equal((await leaked()) - before, 0);
  }));

test('block_when_lost is taken back by a reload, and what a former run left by the next start', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const config = lab.config({ interface: { block_when_lost: 1 } });
    const first = await lab.startDaemon({ config });
    await first.line(connected);
    assert.equal((await refusing(lab)).length, 2);
    await first.reload(lab.config());
    await until(async () => (await refusing(lab)).length === 0, { what: 'the routes to be gone' });
    await first.reload(config);
    await until(async () => (await refusing(lab)).length === 2, { what: 'the routes to be back' });
    first.signal('SIGKILL');
    await first.exit();
    const second = await lab.startDaemon({ config: lab.config() });
    await second.line(/still connected/);
    await until(async () => (await refusing(lab)).length === 0, { what: 'the left routes to be gone' });
  }));

test('check_address: the gateway answers, what is behind it does not any more: the next peer is taken', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const config = lab.config({ interface: { check_address: anyGateway.v4, probe_timeout: 11 } });
    const daemon = await lab.startDaemon({ config });
    const gateway = lab.gateway(await nextConnection(daemon));
    await gateway.ip(`address del ${anyGateway.v4}/32 dev wg0`);
    await daemon.line(new RegExp(`connection ended .*: it answers, but ${anyGateway.v4} behind it does not`));
    assert.notEqual(await nextConnection(daemon), gateway.name);
    assert.ok(await lab.router.ping(inside.v4.replace('0/24', '254')));
  }));
