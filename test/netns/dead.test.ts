// Gateways that die, hang, forget, and come back: how soon that is noticed, and what is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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

/** A host behind whoever is connected, which answers probes unless {@link hush} keeps it from that. */
const behind = [`${anyGateway.v4}/32`, `${anyGateway.v6}/128`, inside.v4, inside.v6];

/** The gateway drops what comes to it through the tunnel, but for echo requests: port unreachable is never said. */
async function hush(gateway: Gateway): Promise<void> {
  const never = 'echo 1000000000 >/proc/sys/net/ipv';
  await gateway.exec(['sh', '-c', `${never}4/icmp_ratelimit; ${never}6/icmp/ratelimit`]);
}

/** All gateways as peers that have something behind them. */
function peersOf(lab: Lab): string {
  return lab.config({
    peers: lab.gateways.map((gateway) => ({ gateway, options: { allowed_ips: behind } })),
  });
}

async function connect(lab: Lab): Promise<{ daemon: Daemon; gateway: Gateway }> {
  const daemon = await lab.startDaemon({ config: peersOf(lab), args: ['-i', 'vpn', '-v'] });
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

/** From the death of the gateway until the next connection. */
async function failover(traffic: boolean, silent: boolean): Promise<number> {
  let seconds = 0;
  await withLab({ gateways: 2 }, async (lab) => {
    if (silent) for (const gateway of lab.gateways) await hush(gateway);
    const { daemon, gateway } = await connect(lab);
    const flow = traffic ? await lab.flow(gateway, 200) : undefined;
    await acquainted(gateway);
    await flow?.moves(40);
    const killed = performance.now();
    await gateway.kill();
    const { text } = await daemon.line(/connection ended/);
    assert.match(text, /were not answered|although data went out/, 'not by the age of its handshake');
    await daemon.line(connected);
    seconds = (performance.now() - killed) / 1000;
    assert.ok(await lab.router.ping(anyGateway.v4));
  });
  return seconds;
}

/** Wanted, in seconds: under traffic, and in silence; of a gateway that answers probes, and of one that does not. */
const CASES = [
  { traffic: true, silent: false, wanted: 9 },
  { traffic: true, silent: true, wanted: 23 },
  { traffic: false, silent: false, wanted: 25 },
  { traffic: false, silent: true, wanted: 38 },
];

test('a dead gateway is noticed in seconds, under traffic and in silence, whatever it answers inside the tunnel', async () => {
  const found = await Promise.all(
    CASES.map(async ({ traffic, silent, wanted }) => {
      const seconds = await failover(traffic, silent);
      const how = `${traffic ? 'under traffic' : 'in silence'}, ${silent ? 'WireGuard alone answers' : 'probes are answered'}`;
      process.stdout.write(`# ${how}: next connection after ${seconds.toFixed(1)} s (wanted ${wanted} s)\n`);
      return { how, seconds };
    }),
  );
  // A busy machine makes it later, but never as late as the age of the handshake would.
  for (const { how, seconds } of found) assert.ok(seconds < 120, `${how}: ${seconds} s`);
});

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
