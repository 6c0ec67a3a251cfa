// What lives is not dropped, however bad its way and however quiet it is. Five minutes of waiting, and hardly any work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, until, withLab } from './lab/index.js';

/** Milliseconds. */
const FIVE_MINUTES = 300_000;
const PING = 200;

/** In each direction. */
const BAD = { netem: 'loss 20% delay 100ms 50ms', answered: 0.8 * 0.8 };

/** A session of a gateway's own would be refused after 180 s of silence. Milliseconds. */
const SILENCE = 220_000;

/**
 * Each interface has one gateway as its peer:
 * - bad and quiet: nothing but what the daemon does itself.
 * - initiated: the gateway has begun the session, only WireGuard answers, and nothing is sent, with keepalive and without.
 */
const interfaces = ['busy', 'quiet', 'initiated', 'initiated25'];

test('nothing is dropped: 20 % loss and 100 ± 50 ms each way, busy and quiet, and 220 s of silence in the role of the responder', () =>
  withLab({ gateways: interfaces.length, interfaces }, async (lab) => {
    const { router } = lab;
    const [busy, quiet, ...initiating] = lab.gateways;
    assert.ok(busy && quiet);
    for (const gateway of initiating) await gateway.hush();
    const sections = lab.gateways.map((gateway, at) =>
      lab.config({
        ifname: interfaces[at] ?? '',
        peers: [
          {
            gateway,
            options: {
              allowed_ips: [`${gateway.inside.v4}/32`, `${gateway.inside.v6}/128`],
              persistent_keepalive: interfaces[at]?.endsWith('25') ? 25 : 0,
            },
          },
        ],
      }),
    );
    const daemon = await lab.startDaemon({
      config: sections.join('\n'),
      args: [...interfaces.flatMap((name) => ['-i', name]), '-v'],
    });
    for (const name of interfaces)
      await daemon.line(new RegExp(`info ${name} .*: connected`), { from: 'start' });
    const flow = await lab.flow(busy, PING);
    const answeredBefore = flow.received;
    const sentBefore = flow.sent;
    await Promise.all([busy.impair(BAD.netem), quiet.impair(BAD.netem)]);
    for (const gateway of initiating) {
      const ours = router.interfaces[lab.gateways.indexOf(gateway)];
      assert.ok(ours);
      const { listenPort } = await router.wg(ours.name);
      await gateway.initiate(ours, `${router.address.v4}:${listenPort}`);
      const begun = async () =>
        (await gateway.wg()).peers.some(
          ({ publicKey, latestHandshake }) => publicKey === ours.keys.publicKey && latestHandshake > 0,
        );
      await until(begun, { what: `a session that ${gateway.name} has begun` });
    }
    const begun = performance.now();
    await until(() => flow.sent - sentBefore >= FIVE_MINUTES / PING && performance.now() - begun >= SILENCE, {
      what: 'five minutes',
      every: 1_000,
      deadline: 4 * FIVE_MINUTES,
    });
    assert.deepEqual(daemon.lines(/connection ended/), []);
    assert.equal(daemon.lines(connected).length, interfaces.length);
    const share = (flow.received - answeredBefore) / (flow.sent - sentBefore);
    assert.ok(Math.abs(share - BAD.answered) < 0.1, `the way was as bad as it should be: ${share} came back`);
    for (const gateway of initiating) assert.ok(await router.ping(gateway.inside.v4));
    const tests = daemon.lines(/but it answers/).map(({ text }) => / info (\S+)/.exec(text)?.[1]);
    process.stdout.write(`# put to the test, and alive: ${tests.join(' ') || 'nobody'}\n`);
  }));
