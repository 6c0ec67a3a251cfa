// Gateways that die, hang, forget, and come back, and our own way out: how soon that is noticed, and what is left alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  anyGateway,
  connected,
  type Daemon,
  type Gateway,
  inside,
  type Lab,
  nextConnection,
  until,
  withLab,
} from './lab/index.js';

/** A host behind whoever is connected, which answers probes unless the gateway is hushed. */
const behind = [`${anyGateway.v4}/32`, `${anyGateway.v6}/128`, inside.v4, inside.v6];

/** All gateways as peers that have something behind them. */
function peersOf(lab: Lab): string {
  return lab.config({
    peers: lab.gateways.map((gateway) => ({ gateway, options: { allowed_ips: behind } })),
  });
}

async function connect(
  lab: Lab,
  more: readonly string[] = ['-v'],
): Promise<{ daemon: Daemon; gateway: Gateway }> {
  const daemon = await lab.startDaemon({ config: peersOf(lab), args: ['-i', 'vpn', ...more] });
  return { daemon, gateway: lab.gateway(await nextConnection(daemon)) };
}

/** Waits until the gateway has heard so many probes: then it is known whether it answers them. */
async function acquainted(gateway: Gateway): Promise<void> {
  const heard = async (): Promise<number> => {
    const counters = await gateway.exec(['cat', '/proc/net/snmp']);
    const [, values = ''] = counters.split('\n').filter((line) => line.startsWith('Udp:'));
    return Number(values.split(' ')[2]); // NoPorts
  };
  await until(async () => (await heard()) >= 3, { what: 'three probes at the gateway', every: 500 });
}

/** What was measured, for the person who watches. */
function tell(text: string): void {
  process.stdout.write(`# ${text}\n`);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Milliseconds from the death of the gateway until the next connection. */
async function failover(traffic: boolean, silent: boolean, wanted: number): Promise<number> {
  let took = 0;
  await withLab({ gateways: 2 }, async (lab) => {
    if (silent) for (const gateway of lab.gateways) await gateway.hush();
    const { daemon, gateway } = await connect(lab);
    const flow = traffic ? await lab.flow(anyGateway.v4, 200) : undefined;
    await acquainted(gateway);
    await flow?.moves(40);
    const killed = performance.now();
    await gateway.kill();
    const { text } = await daemon.line(/connection ended/);
    assert.match(text, /were not answered|although data went out/, 'not by the age of its handshake');
    await daemon.line(connected);
    took = performance.now() - killed;
    assert.ok(await lab.router.ping(anyGateway.v4));
    await flow?.moves();
    const how = `${traffic ? 'under traffic' : 'in silence'}, ${silent ? 'WireGuard alone answers' : 'probes are answered'}`;
    const gap = flow === undefined ? '' : `, longest gap between two answers ${seconds(flow.longestGap)}`;
    tell(`${how}: next connection after ${seconds(took)} (wanted ${wanted} s)${gap}`);
  });
  return took;
}

/** Wanted, in seconds: under traffic, and in silence; of a gateway that answers probes, and of one that does not. */
const CASES = [
  { traffic: true, silent: false, wanted: 9 },
  { traffic: true, silent: true, wanted: 23 },
  { traffic: false, silent: false, wanted: 25 },
  { traffic: false, silent: true, wanted: 38 },
];

/** Counts initiations that reach a host: UDP datagrams of 148 bytes. */
async function countInitiations(gateway: Gateway): Promise<() => Promise<number>> {
  const chain = 'type filter hook prerouting priority -300; udp length 156 counter name initiations';
  await gateway.exec(
    ['nft', '-f', '-'],
    `table inet count { counter initiations { }; chain arriving { ${chain}; }; }`,
  );
  return async () => {
    const said = await gateway.exec(['nft', 'list', 'counter', 'inet', 'count', 'initiations']);
    return Number(/packets (\d+)/.exec(said)?.[1]);
  };
}

/** The uplink is lost under traffic until that has been said, and comes back. @param how with a link event, or without */
async function uplink(how: 'unplugged' | 'silently dead'): Promise<void> {
  await withLab({ gateways: 2 }, async (lab) => {
    const { router } = lab;
    const { daemon, gateway } = await connect(lab, []);
    const flow = await lab.flow(anyGateway.v4, 200);
    await acquainted(gateway);
    const lines = daemon.log.length;
    await (how === 'unplugged' ? router.unplug() : router.kill());
    await daemon.line(/warning vpn: no peer answers: this machine's own way out seems to be dead/);
    const counters = await Promise.all(lab.gateways.map(countInitiations));
    const back = performance.now();
    await (how === 'unplugged' ? router.plug() : router.revive());
    await daemon.line(connected);
    tell(`uplink ${how}: connected ${seconds(performance.now() - back)} after it is back`);
    await flow.moves(5);
    const arrived = await Promise.all(counters.map((count) => count()));
    // The first packet that gets through makes the connection, one of the gateway's own perhaps. What had waited for the address of
    // the peer tried before (ARP keeps a packet for 3 s) may get through with it. An event makes us ask; WireGuard itself may in the
    // same moment.
    const bound = how === 'unplugged' ? 2 : 1;
    for (const [at, count] of arrived.entries())
      assert.ok(count <= bound, `${count} initiations at ${lab.gateways[at]?.name}`);
    assert.ok(arrived.reduce((all, count) => all + count, 0) <= 2, `${arrived} initiations`);
    assert.ok(daemon.log.length - lines < 20, daemon.describe());
  });
}

// Side by side, since all of it is waiting; but the measures among themselves, since a lab that is being made keeps the machine busy.
describe('a dead gateway is noticed in seconds', { concurrency: true }, () => {
  for (const { traffic, silent, wanted } of CASES) {
    const how = `${traffic ? 'traffic' : 'silence'}, ${silent ? 'WireGuard alone answers' : 'probes are answered'}`;
    test(how, async () => {
      // A busy machine makes it later, but never as late as the age of the handshake would.
      assert.ok((await failover(traffic, silent, wanted)) < 120_000);
    });
  }
});

describe('gateways that forget, and the own uplink', { concurrency: true }, () => {
  test('a gateway that has forgotten its sessions answers a handshake, and the connection stays', () =>
    withLab({ gateways: 2 }, async (lab) => {
      const { daemon, gateway } = await connect(lab);
      await acquainted(gateway);
      const flow = await lab.flow(gateway, 200);
      await flow.moves(5);
      await gateway.restart();
      await daemon.line(/but it answers/);
      await flow.moves(5);
      assert.deepEqual(daemon.lines(/connection ended/), []);
    }));

  test('a gateway that knows us no longer, or has other keys, is left, and gone to when it is as configured', () =>
    withLab({ gateways: 2 }, async (lab) => {
      const { daemon, gateway: one } = await connect(lab);
      const other = lab.gateways.find((gateway) => gateway !== one);
      assert.ok(other);
      const flow = await lab.flow(anyGateway.v4, 200);
      const goesTo = async (gateway: Gateway): Promise<void> => {
        await daemon.line(/connection ended .*(were not answered|although data went out)/);
        assert.equal(await nextConnection(daemon), gateway.name);
        await flow.moves(5);
      };
      await one.forget();
      await goesTo(other);
      await one.finish(); // it knows us again
      await other.restartWithOtherKeys();
      await goesTo(one);
      await daemon.reload(peersOf(lab)); // with the new key
      await one.kill();
      await goesTo(other);
    }));

  for (const how of ['unplugged', 'silently dead'] as const) {
    test(`the own uplink is ${how}, which is said, and back: so is the connection`, () => uplink(how));
  }
});
