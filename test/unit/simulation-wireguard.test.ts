// The simulated WireGuard, where the real one cannot easily be brought: packets that are late, lost or in the wrong order. What both
// show alike is compared in test/netns/simulation.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERFECT } from '../simulation/link.js';
import { kick } from '../simulation/node.js';
import type { Content, Packet } from '../simulation/wireguard/packet.js';
import { SimulatedWorld } from '../simulation/world.js';

const DATAGRAM: Content = { kind: 'data', size: 29, number: 1 };

/** A world without a selector: our node with its first gateway as peer, and what our node sends and gets. */
function stage(options: { readonly seed?: number; readonly delay?: number } = {}) {
  const quality = { ...PERFECT, delay: options.delay ?? PERFECT.delay };
  const world = new SimulatedWorld({ seed: options.seed ?? 1, gateways: 1, quality });
  const [gateway] = world.gateways;
  assert.ok(gateway);
  const wire: { readonly at: number; readonly way: 'out' | 'in'; readonly packet: Packet }[] = [];
  const { interface: ours } = world;
  const transmit = ours.transmit.bind(ours);
  const receive = ours.receive.bind(ours);
  ours.transmit = (packet, to) => {
    wire.push({ at: world.timers.now(), way: 'out', packet });
    return transmit(packet, to);
  };
  ours.receive = (packet, from) => {
    wire.push({ at: world.timers.now(), way: 'in', packet });
    receive(packet, from);
  };
  const install = () => {
    const peer = ours.add(gateway.publicKey);
    assert.ok(peer);
    peer.endpoint = gateway.endpoint;
    peer.allowedIps = ['0.0.0.0/0'];
    return peer;
  };
  const sent = (kind: Packet['kind']) =>
    wire.filter(({ way, packet }) => way === 'out' && packet.kind === kind);
  const seconds = (count: number) => world.pass(count * 1_000);
  return { world, gateway, ours, wire, install, sent, seconds };
}

test('a peer that is installed without keepalive and traffic does nothing', async () => {
  const { wire, install, seconds } = stage();
  install();
  await seconds(600);
  assert.deepEqual(wire, []);
});

test('what is sent before there is a session waits for it, and is sent instead of the confirmation', async () => {
  const { install, sent, seconds, ours } = stage();
  const peer = install();
  ours.send(DATAGRAM);
  await seconds(1);
  assert.deepEqual(
    sent('data').map(({ packet }) => packet.size),
    [64],
  );
  assert.ok(peer.lastHandshake > 0);
});

test('of what waits for a session the oldest is thrown away beyond 128 packets', async () => {
  const { install, sent, seconds, ours, gateway } = stage();
  install();
  gateway.die();
  for (let count = 0; count < 200; count++) ours.send({ ...DATAGRAM, number: count });
  gateway.revive();
  await seconds(6);
  const numbers = sent('data').map(({ packet }) =>
    packet.kind === 'data' ? packet.content?.number : undefined,
  );
  assert.deepEqual([numbers.length, numbers[0], numbers.at(-1)], [129, 71, 199]);
});

test('an initiation that is not answered is sent again each 5 s and a bit, 20 times, and then no more', async () => {
  const { install, sent, seconds, gateway, ours } = stage();
  install();
  gateway.die();
  ours.send(DATAGRAM);
  await seconds(600);
  const times = sent('initiation').map(({ at }) => at);
  assert.equal(times.length, 20);
  for (const [index, at] of times.slice(1).entries()) {
    const gap = at - (times[index] ?? 0);
    assert.ok(gap >= 5_000 && gap < 5_000 + 334 + 260, `${gap} ms`);
  }
});

test('the responder of a session can send only when something has come in by it', async () => {
  const { world, install, seconds, gateway, wire } = stage();
  const peer = install();
  gateway.initiate();
  await world.pass(0.7); // the initiation is here, and our response on its way
  assert.deepEqual(
    wire.map(({ way, packet }) => `${way} ${packet.kind}`),
    ['in initiation', 'out response'],
  );
  assert.equal(peer.lastHandshake, 0);
  gateway.link.passes.in = false; // and nothing confirms it
  await seconds(1);
  assert.equal(peer.lastHandshake, 0);
  gateway.link.passes.in = true;
  gateway.send({ ...DATAGRAM, kind: 'data' });
  await seconds(1);
  assert.ok(peer.lastHandshake > 0);
});

test('a response that comes after the next initiation is worth nothing', async () => {
  const { world, install, seconds, sent } = stage({ delay: 2_600 });
  const peer = install();
  kick(peer, 0);
  await seconds(5.15); // nearly there
  assert.equal(peer.lastHandshake, 0);
  await seconds(0.1);
  assert.ok(
    peer.lastHandshake > 0,
    'a round trip of 5.2 s is within the 5 s and a bit to the second initiation, or not',
  );
  assert.equal(sent('initiation').length, 1);
  world.interface.remove(peer.publicKey);
  const again = install();
  kick(again, 0);
  await seconds(1);
  world.interface.remove(again.publicKey); // a knock before the answer to the first is here
  kick(install(), 0);
  await seconds(4.3); // the answer to the first has come
  assert.equal(world.interface.peers.get(peer.publicKey)?.lastHandshake, 0);
});

test('two initiations within 16 ms are one to the gateway: the second has the same time', async () => {
  const { world, install, sent, wire } = stage();
  for (let knock = 0; knock < 2; knock++) {
    world.interface.remove('key of gw1');
    kick(install(), 0);
  }
  await world.pass(100);
  assert.equal(sent('initiation').length, 2);
  assert.equal(wire.filter(({ packet }) => packet.kind === 'response').length, 1);
});

test('both sides initiate at once: neither handshake stands, and the next does', async () => {
  const { install, seconds, gateway, world } = stage({ delay: 50 });
  const peer = install();
  kick(peer, 0);
  gateway.initiate();
  await world.pass(1_000);
  assert.equal(peer.lastHandshake, 0);
  await seconds(6);
  assert.ok(peer.lastHandshake > 0);
});

test('a session is refused after 180 s, and its keys are gone after 540 s', async () => {
  const { install, seconds, gateway, sent, ours } = stage();
  const peer = install();
  kick(peer, 0);
  await seconds(181);
  gateway.send(DATAGRAM); // the gateway has no session either, and initiates
  await seconds(1);
  assert.equal(peer.rxBytes, 92 + 148 + 64);
  await seconds(600);
  assert.equal(ours.indices.size, 0);
  const before = sent('initiation').length;
  ours.send(DATAGRAM);
  await seconds(1);
  assert.equal(sent('initiation').length, before + 1);
});

test('the gateway follows a node that moves, with the first packet', async () => {
  const { world, install, seconds, gateway } = stage();
  const peer = install();
  kick(peer, 0);
  await seconds(1);
  world.move();
  gateway.send(DATAGRAM); // to where the node was
  await seconds(1);
  assert.equal(peer.rxBytes, 92);
  peer.sendKeepalive();
  await seconds(1);
  gateway.send(DATAGRAM);
  await seconds(1);
  assert.equal(peer.rxBytes, 92 + 64);
});

test('another preshared key: no handshake', async () => {
  const { install, seconds } = stage();
  const peer = install();
  peer.presharedKey = 'another';
  kick(peer, 0);
  await seconds(30);
  assert.equal(peer.lastHandshake, 0);
});

test('a gateway with new keys does not answer; one that hung does, late', async () => {
  const { install, seconds, gateway } = stage();
  const peer = install();
  gateway.hang();
  kick(peer, 0);
  await seconds(3);
  assert.equal(peer.lastHandshake, 0);
  gateway.wake();
  await seconds(1);
  assert.ok(peer.lastHandshake > 0);
  const before = peer.rxBytes;
  gateway.restart('new');
  peer.send(DATAGRAM);
  await seconds(60);
  assert.equal(peer.rxBytes, before);
});

test('a keepalive of 25 s comes up to 2 s late, as the kernel counts', async () => {
  const { install, seconds, sent } = stage({ seed: 3 });
  kick(install(), 25);
  await seconds(119); // then it is renewed, which sends more
  const times = sent('data').map(({ at }) => at);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  assert.equal(gaps.length, 4);
  assert.ok(
    gaps.every((gap) => gap >= 25_000 && gap <= 27_100),
    gaps.join(),
  );
});

test('an interface that goes down loses its sessions, and its peers come back by their keepalive', async () => {
  const { world, install, seconds, sent } = stage();
  const peer = install();
  kick(peer, 25);
  await seconds(1);
  world.interface.takeDown();
  await seconds(60);
  assert.equal(sent('data').length, 1);
  world.interface.takeUp();
  await seconds(1);
  assert.equal(sent('initiation').length, 2);
  assert.equal(peer.rxBytes, 2 * 92);
});
