// The lab itself, without the daemon: what it promises to the other tests is so.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { anyGateway, inside, until, withLab } from './lab/index.js';

test('the router reaches a gateway through a tunnel made by hand', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const { router } = lab;
    const gw1 = lab.gateway('gw1');
    assert.deepEqual((await router.wg()).peers, []);
    assert.equal(await router.ping(gw1.inside.v4, 500), false);

    await router.connectByHand(gw1);
    await until(() => router.ping(gw1.inside.v4), { what: 'an answer over IPv4' });
    assert.ok(await router.ping(gw1.inside.v6), 'an answer over IPv6');
    assert.ok(await router.ping(anyGateway.v4), 'an answer at the address that all gateways have');

    const [peer, ...others] = (await router.wg()).peers;
    assert.deepEqual(others, []);
    assert.equal(peer?.publicKey, gw1.publicKey);
    assert.equal(peer?.endpoint, gw1.endpoint);
    assert.deepEqual(peer?.allowedIps, [inside.v4, inside.v6]);
    assert.ok(peer.latestHandshake > 0 && peer.rxBytes > 0 && peer.txBytes > 0);
    const [atGateway] = (await gw1.wg()).peers;
    assert.equal(atGateway?.latestHandshake, peer.latestHandshake);
    assert.equal((await lab.gateway('gw2').wg()).peers[0]?.latestHandshake, 0);

    const routes = await router.routes({ dev: 'vpn' });
    assert.deepEqual(
      routes
        .filter(({ dst }) => dst === inside.v4 || dst === inside.v6)
        .map(({ family, table }) => [family, table]),
      [
        [4, 254],
        [6, 254],
      ],
    );
    assert.ok(
      routes.some(({ dst, protocol }) => dst === inside.v4 && protocol === 3),
      'installed by RTPROT_BOOT',
    );
  }));

test('IPv6 endpoints, preshared keys and second addresses work', () =>
  withLab({ gateways: 1 }, async ({ router, gateways: [gw1] }) => {
    assert.ok(gw1);
    await router.connectByHand(gw1);
    const psk = await gw1.requirePresharedKey();
    const peer = ['peer', gw1.publicKey];
    await router.wgSet('vpn', [...peer, 'endpoint', gw1.endpoint6]);
    assert.equal(await router.ping(gw1.inside.v4, 1_000), false, 'no answer without the preshared key');
    await router.wgSet('vpn', [...peer, 'remove']);
    await router.connectByHand(gw1);
    await router.wgSet('vpn', [...peer, 'preshared-key', 'SECRET', 'endpoint', gw1.endpoint6], psk);
    await until(() => router.ping(gw1.inside.v4), { what: 'an answer by the IPv6 endpoint' });
    assert.equal((await router.wg()).peers[0]?.hasPresharedKey, true);

    for (const address of ['203.0.113.7', '2001:db8:7::7']) {
      await gw1.addAddress(address);
      const endpoint = address.includes(':') ? `[${address}]:51820` : `${address}:51820`;
      await router.wgSet('vpn', [...peer, 'remove']);
      await router.connectByHand(gw1);
      await router.wgSet('vpn', [...peer, 'preshared-key', 'SECRET', 'endpoint', endpoint], psk);
      await until(() => router.ping(gw1.inside.v4), { what: `an answer by ${endpoint}` });
    }
  }));

test('a flow counts what is lost: nothing while the gateway lives, all while it is dead', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const { router } = lab;
    const [gw1, gw2] = [lab.gateway('gw1'), lab.gateway('gw2')];
    await router.connectByHand(gw1);

    const calm = await lab.flow(gw1);
    await calm.moves(20);
    const undisturbed = await calm.stop();
    assert.equal(undisturbed.lost, 0);
    assert.ok(undisturbed.sent > 20);

    const flow = await lab.flow(gw1);
    await gw1.kill();
    const sendMore = async () => {
      const { sent } = flow;
      await until(() => flow.sent > sent + 20, { what: 'packets to be sent to a dead gateway' });
    };
    await sendMore(); // the answers that were under way have come
    const { received } = flow;
    await sendMore();
    assert.equal(flow.received, received, 'nothing comes back');
    await gw1.revive();
    await flow.moves(20);
    const broken = await flow.stop();
    assert.ok(broken.lost >= 10, `lost ${broken.lost} of ${broken.sent}`);
    assert.ok(broken.lost <= broken.sent - 20);

    // The same address, another gateway.
    const moved = await lab.flow(anyGateway.v4);
    await router.wgSet('vpn', ['peer', gw1.publicKey, 'remove']);
    await router.connectByHand(gw2);
    await moved.moves(5);
    await moved.stop();
  }));

test('kill is silent, unplug is not, and both can be undone', () =>
  withLab({ gateways: 1 }, async ({ router, gateways: [gw1] }) => {
    assert.ok(gw1);
    assert.ok(await router.ping(gw1.address.v4));
    assert.ok(await router.ping(gw1.address.v6));
    const carrier = async () => (await router.exec(['cat', '/sys/class/net/up0/carrier'])).trim();

    await gw1.kill();
    assert.equal(await router.ping(gw1.address.v4, 500), false);
    assert.equal(await router.ping(gw1.address.v6, 500), false);
    assert.equal(await carrier(), '1');
    await gw1.revive();
    assert.ok(await router.ping(gw1.address.v4));
    assert.ok(await router.ping(gw1.address.v6));

    await router.unplug();
    await until(async () => (await carrier()) === '0', { what: 'the carrier to go' });
    await router.plug();
    await until(async () => (await carrier()) === '1', { what: 'the carrier to come' });
    await until(() => router.ping(gw1.address.v4), { what: 'an answer over IPv4' });
    await until(() => router.ping(gw1.address.v6), { what: 'an answer over IPv6' });
  }));

test('DNS answers, changes, is mute, is dead, and recovers', () =>
  withLab({ gateways: 0 }, async ({ router, dns }) => {
    const asker = router.run([process.execPath, fileURLToPath(new URL('lab/ask.js', import.meta.url))]);
    const answers = createInterface({ input: asker.stdout })[Symbol.asyncIterator]();
    const ask = async (type: 'A' | 'AAAA', name: string) => {
      asker.stdin.write(`${dns.address.v4} ${type} ${name}\n`);
      return (await answers.next()).value;
    };
    assert.equal(await ask('A', 'gw1.test'), 'ENOTFOUND');
    await dns.set('gw1.test', ['198.51.100.11', '198.51.100.99', '2001:db8::b']);
    assert.equal(await ask('A', 'gw1.test'), '198.51.100.11 198.51.100.99');
    assert.equal(await ask('AAAA', 'gw1.test'), '2001:db8::b');
    await dns.set('gw1.test', ['198.51.100.12']);
    assert.equal(await ask('A', 'gw1.test'), '198.51.100.12');
    assert.equal(await ask('AAAA', 'gw1.test'), 'ENODATA');
    await dns.mute();
    assert.equal(await ask('A', 'gw1.test'), 'ETIMEOUT');
    await dns.unmute();
    assert.equal(await ask('A', 'gw1.test'), '198.51.100.12');
    await dns.stop();
    assert.equal(await ask('A', 'gw1.test'), 'ECONNREFUSED');
    await dns.set('gw1.test', ['198.51.100.13']);
    await dns.start();
    assert.equal(await ask('A', 'gw1.test'), '198.51.100.13');
  }));

test('interfaces come and go, routes are refused, addresses are dead', () =>
  withLab({ gateways: 1, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const { router } = lab;
    const gw1 = lab.gateway('gw1');
    await router.connectByHand(gw1);
    await router.linkDown();
    assert.deepEqual(
      (await router.routes({ dev: 'vpn' })).filter(({ dst }) => dst === inside.v4),
      [],
    );
    assert.equal((await router.wg()).peers.length, 1);
    await router.linkUp();
    await router.connectByHand(gw1);
    await until(() => router.ping(gw1.inside.v6), { what: 'an answer after the link went down and up' });
    await router.deleteInterface();
    await assert.rejects(router.wg(), /No such device/);
    await router.createInterface();
    assert.deepEqual((await router.wg()).peers, []);
    await router.connectByHand(gw1, 'vpn2');
    await until(() => router.ping(gw1.inside.v4), { what: 'an answer through the second interface' });

    await router.refuse('192.0.2.0/24');
    assert.ok((await router.routes()).some(({ dst, type }) => dst === '192.0.2.0/24' && type === 7));
    await router.allow('192.0.2.0/24');
    await lab.deadAddress('192.0.2.1');
    assert.equal(await router.ping('192.0.2.1', 500), false);
    await router.loseIpv6();
    assert.equal(await router.ping(gw1.address.v6, 500), false);
    assert.ok(await router.ping(gw1.address.v4));
  }));

test('a daemon is started with its configuration, heard, signalled and timed', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await lab.dns.set('gw1.test', ['198.51.100.11']);
    const config = lab.config({
      peers: [{ gateway: lab.gateway('gw1'), options: { endpoint: 'gw1.test:51820' } }],
    });
    const daemon = await lab.startDaemon({
      config,
      files: { system: "config timeserver 'ntp'\n" },
      program: [process.execPath, fileURLToPath(new URL('lab/stand-in.js', import.meta.url))],
    });
    assert.match((await daemon.line(/^arguments/)).text, /-i vpn --config-dir \S+\/config0$/);
    assert.match((await daemon.line(/^resolved/)).text, /^resolved 198\.51\.100\.11$/);
    await daemon.line(/^interfaces .*\bvpn\b/, { from: 'start' });
    const first = await daemon.line(/^configuration/);
    assert.match(first.text, /gw1\.test:51820.*list allowed_ips '10\.78\.0\.0\/24'/);
    assert.ok(first.at > 0);
    await daemon.reload('config nothing\n');
    assert.match((await daemon.line(/^configuration/)).text, /config nothing/);
    assert.equal(daemon.lines(/^configuration/).length, 2);
    await assert.rejects(daemon.line(/^never/, { deadline: 50 }), /waited 50 ms.*\/\^never\/.*arguments/s);
    assert.ok(daemon.running);
    daemon.signal('SIGTERM');
    const { code, signal, duration } = await daemon.exit();
    assert.deepEqual({ code, signal }, { code: 3, signal: null });
    assert.ok(duration > 0);
    assert.equal(daemon.stdout, 'bye\n');
    await assert.rejects(daemon.line(/^never/), /ended without the line/);
  }));

test('a closed lab leaves neither namespaces nor processes', async () => {
  const { Lab } = await import('./lab/index.js');
  const lab = await Lab.create({ gateways: 1 });
  const daemon = await lab.startDaemon({
    program: [process.execPath, fileURLToPath(new URL('lab/stand-in.js', import.meta.url))],
    under: ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=execve'],
  });
  const stranger = Number(/process (\d+)/.exec((await daemon.line(/^arguments/)).text)?.[1]);
  assert.notEqual(stranger, daemon.pid);
  process.kill(stranger, 0);
  const { execFileSync } = await import('node:child_process');
  const namespaces = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  assert.match(namespaces(), new RegExp(lab.prefix));
  await lab.close();
  assert.doesNotMatch(namespaces(), new RegExp(lab.prefix));
  for (const pid of [daemon.pid, stranger]) {
    await until(() => isGone(pid), { what: `process ${pid} to be gone` });
  }
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
