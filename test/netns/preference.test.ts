// Which gateway is preferred, and by which way it is reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anyGateway,
  deadOneFirst,
  type Gateway,
  type Host,
  inside,
  type Lab,
  nextConnection,
  ourRoutes,
  until,
  withLab,
} from './lab/index.js';

/** Takes the peer off the interface, as a person would; the daemon sees that at its next look. */
async function takeAway({ router }: Lab, { publicKey }: Gateway): Promise<void> {
  await router.exec(['wg', 'set', 'vpn', 'peer', publicKey, 'remove']);
}

test('priorities: the better are tried first, the lesser in their order when those are dead', () =>
  withLab({ gateways: 4 }, async (lab) => {
    const [gw1, gw2, gw3, gw4] = lab.gateways;
    assert.ok(gw1 && gw2 && gw3 && gw4);
    await gw2.kill();
    await gw4.kill();
    const daemon = await lab.startDaemon({
      config: lab.config({
        peers: [prefer(gw1, 9), prefer(gw2, 0), prefer(gw3, 1), prefer(gw4, 0)],
        interface: { connect_timeout: 2, check_interval: 1 },
      }),
    });
    assert.equal(await nextConnection(daemon), 'gw3');
    const failed = daemon.lines(/no handshake/).map(({ text }) => /vpn (\S+):/.exec(text)?.[1]);
    assert.deepEqual(failed.sort(), ['gw2', 'gw4'], 'both of the best group, and before anybody else');
    await takeAway(lab, gw3);
    assert.equal(await nextConnection(daemon), 'gw1', 'the round goes on');
    await gw2.revive();
    await takeAway(lab, gw1);
    assert.equal(await nextConnection(daemon), 'gw2', 'the next round begins with the best');
  }));

test('two endpoints of one gateway, one of them blocked: the other is tried next', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const guard =
      'table inet guard { chain out { type filter hook output priority 0; udp dport 4500 drop; }; }';
    await lab.router.exec(['nft', '-f', '-'], guard);
    const blocked = `${gw1.address.v4}:4500`;
    const config = lab.config({
      peers: [{ gateway: gw1, options: { endpoint: [blocked, gw1.endpoint] } }],
      interface: { connect_timeout: 10 },
    });
    await deadOneFirst(lab, gw1, config, blocked);
  }));

/** The gateway as a peer of this priority. */
function prefer(gateway: Gateway, priority: number) {
  return { gateway, options: { priority } };
}

/** How many echo requests a host has sent or received, by its kernel's own count (RFC 2011, /proc/net/snmp). */
async function echoRequests(host: Host, counter: 'OutEchos' | 'InEchos'): Promise<number> {
  const [names, values] = (await host.exec(['cat', '/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Icmp: '))
    .map((line) => line.split(' '));
  const index = names?.indexOf(counter) ?? -1;
  assert.ok(index > 0, `${counter} in /proc/net/snmp`);
  return Number(values?.[index]);
}

test('failback: the better gateway comes back, and no packet is lost on its way there', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    const arrived = async () => (await echoRequests(gw1, 'InEchos')) + (await echoRequests(gw2, 'InEchos'));
    await gw1.kill();
    const daemon = await lab.startDaemon({
      args: ['-i', 'vpn', '-v'],
      config: lab.config({
        peers: [prefer(gw1, 0), prefer(gw2, 1)],
        interface: { connect_timeout: 2, failback_interval: 10 },
      }),
    });
    assert.equal(await nextConnection(daemon), 'gw2');
    await daemon.line(/debug vpn gw1: asked beside the connection .*no handshake within 2 s/);
    assert.deepEqual(daemon.lines(/connection ended/), [], 'that it was asked is not noticed');
    const before = await lab.router.routes({ dev: 'vpn' });
    const sentBefore = await echoRequests(lab.router, 'OutEchos');
    const arrivedBefore = await arrived();
    const flow = await lab.flow(anyGateway.v4, 2);
    await flow.moves(100);
    await gw1.revive();
    await daemon.line(/info vpn gw2: connection ended .*: gw1 answers, which has priority 0 instead of 1/);
    assert.equal(await nextConnection(daemon), 'gw1');
    await flow.moves(100);
    const { sent, lostNumbers } = await flow.stop();
    const sentSince = (await echoRequests(lab.router, 'OutEchos')) - sentBefore;
    assert.ok(sentSince >= sent, `${sentSince} of ${sent}`);
    await until(async () => (await arrived()) - arrivedBefore === sentSince, {
      what: 'each request at a gateway',
    });
    // What can be lost is an answer: one that is on its way from gw2 at the instant of the move comes from a peer without allowed IPs.
    const span = (lostNumbers.at(-1) ?? 0) - (lostNumbers[0] ?? 0);
    assert.ok(span <= 50, `answers lost around more than one instant: ${lostNumbers.join(', ')} of ${sent}`);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw1.publicKey],
    );
    assert.deepEqual(await lab.router.routes({ dev: 'vpn' }), before);
  }));

test('killed while a better gateway is tried: the next start keeps the connection and removes what was tried', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    await gw1.kill();
    const config = lab.config({
      peers: [prefer(gw1, 0), prefer(gw2, 1)],
      interface: { connect_timeout: 8, failback_interval: 10 },
    });
    const first = await lab.startDaemon({ config });
    assert.equal(await nextConnection(first), 'gw2');
    const flow = await lab.flow(anyGateway.v4);
    await until(async () => (await lab.router.wg()).peers.length === 2, { what: 'gw1 beside gw2' });
    first.signal('SIGKILL');
    await first.exit();
    assert.equal((await lab.router.wg()).peers.length, 2);
    const second = await lab.startDaemon({ config });
    await second.line(/info vpn gw2: still connected/);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw2.publicKey],
    );
    assert.equal(second.lines(/info vpn gw1: removed from the interface/).length, 1);
    assert.equal((await flow.stop()).lost, 0);
  }));

test('fastest: the gateway with the shorter way is gone to, the other is not', () =>
  withLab({ gateways: 3 }, async (lab) => {
    const [gw1, gw2, gw3] = lab.gateways;
    assert.ok(gw1 && gw2 && gw3);
    await gw1.delay(400);
    await gw2.delay(800);
    await gw3.delay(1_000);
    await gw1.kill();
    await gw3.kill();
    const daemon = await lab.startDaemon({
      args: ['-i', 'vpn', '-v'],
      config: lab.config({
        peers: [prefer(gw1, 0), prefer(gw2, 0), prefer(gw3, 0)],
        interface: { strategy: 'fastest' },
      }),
    });
    assert.equal(await nextConnection(daemon), 'gw2');
    await gw1.revive();
    await gw3.revive();
    await daemon.line(/info vpn gw2: connection ended .*: gw1 is faster: a round trip of /, {
      deadline: 240_000,
    });
    assert.equal(await nextConnection(daemon), 'gw1');
    assert.equal(daemon.lines(/debug vpn gw3: asked beside .*: handshake after \d/).length, 1);
    assert.deepEqual(
      (await lab.router.wg()).peers.map(({ publicKey }) => publicKey),
      [gw1.publicKey],
    );
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
  }));
