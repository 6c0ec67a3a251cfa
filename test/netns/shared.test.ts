// Two interfaces that lead to the same: the first of the configuration that is connected carries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anyGateway,
  connected,
  type Daemon,
  inside,
  type Lab,
  ourProtocol,
  until,
  withLab,
} from './lab/index.js';

const linkLocal = 'fe80::1';
const destinations = [inside.v4, inside.v6, `${linkLocal}/128`];

/** Each gateway is the only peer of one interface, and knows the router by its link-local addresses, too. */
async function twoTunnels(lab: Lab): Promise<string> {
  for (const gateway of lab.gateways) await gateway.ip(`address add ${linkLocal}/128 dev wg0 nodad`);
  for (const [at, { name, keys, address }] of lab.router.interfaces.entries()) {
    const ours = `fe80::${at + 10}`;
    await lab.router.ip(`address add ${ours}/128 dev ${name} nodad`);
    const gateway = lab.gateways[at];
    await gateway?.wgSet('wg0', [
      ...['peer', keys.publicKey, 'allowed-ips', `${address.v4}/32,${address.v6}/128,${ours}/128`],
    ]);
    await gateway?.ip(`route add ${ours}/128 dev wg0`);
  }
  return lab.gateways
    .map((gateway, at) =>
      lab.config({
        ifname: lab.router.interfaces[at]?.name ?? '',
        interface: { connect_timeout: 2, check_interval: 1 },
        peers: [{ gateway, options: { allowed_ips: destinations } }],
      }),
    )
    .join('\n');
}

/** Our routes, as `DESTINATION INTERFACE METRIC`. */
async function routes({ router }: Lab): Promise<string[]> {
  return (await router.routes())
    .filter(({ protocol }) => protocol === ourProtocol)
    .map(({ dst, dev, metric }) => `${dst} ${dev} ${metric ?? 0}`)
    .sort();
}

const first = ['10.78.0.0/24 vpn 0', 'fd78::/64 vpn 1024', 'fe80::1 vpn 1024'];
const second = ['10.78.0.0/24 vpn2 1', 'fd78::/64 vpn2 1025', 'fe80::1 vpn2 1025'];
const all = [...first, ...second].sort();

async function routesAre(lab: Lab, wanted: readonly string[]): Promise<void> {
  await until(async () => `${await routes(lab)}` === `${wanted}`, { what: `the routes to be ${wanted}` });
}

/** What goes to destinations of both goes through this interface, and comes back. */
async function carries(lab: Lab, ifname: string): Promise<void> {
  for (const address of [anyGateway.v4, anyGateway.v6]) {
    assert.match(await lab.router.exec(['ip', 'route', 'get', address]), new RegExp(` dev ${ifname} `));
    assert.ok(await lab.router.ping(address));
  }
  assert.ok(await lab.router.ping(`${linkLocal}%${ifname}`));
}

async function ends(daemon: Daemon): Promise<void> {
  daemon.signal('SIGTERM');
  assert.equal((await daemon.exit()).code, 0);
}

test('two interfaces of one process: the first carries, the second while that has no connection', () =>
  withLab({ gateways: 2, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const config = await twoTunnels(lab);
    const daemon = await lab.startDaemon({ config, args: ['-i', 'vpn', '-i', 'vpn2', '-v'] });
    await routesAre(lab, all);
    await carries(lab, 'vpn');
    assert.ok(await lab.router.ping(`${linkLocal}%vpn2`));
    await gw1.kill();
    await lab.router.wgSet('vpn', ['peer', gw1.publicKey, 'remove']);
    await daemon.line(/info vpn gw1: connection ended/);
    for (let tries = 0; tries < 2; tries++) {
      await carries(lab, 'vpn2'); // also while the first looks for a connection
      assert.deepEqual(await routes(lab), second);
      await daemon.line(/vpn gw1: .*no handshake/);
    }
    await gw1.revive();
    await daemon.line(connected);
    await routesAre(lab, all);
    await carries(lab, 'vpn');
    assert.deepEqual(daemon.lines(/no route to|vpn2 gw2: connection ended/), []);
    await ends(daemon);
    assert.deepEqual(await routes(lab), []);
  }));

test('two processes with one interface each share in the same way, whichever is first to start or to stop', () =>
  withLab({ gateways: 2, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const config = await twoTunnels(lab);
    const later = await lab.startDaemon({ config, args: ['-i', 'vpn2'] });
    await later.line(connected);
    await carries(lab, 'vpn2');
    const earlier = await lab.startDaemon({ config, args: ['-i', 'vpn'] });
    await earlier.line(connected);
    assert.deepEqual(await routes(lab), all);
    await carries(lab, 'vpn');
    await ends(earlier);
    assert.deepEqual(await routes(lab), second);
    await carries(lab, 'vpn2');
    for (const daemon of [earlier, later]) assert.deepEqual(daemon.lines(/no route to/), []);
  }));
