/**
 * The demo: the daemon's life on a real kernel, told while it happens. `npm run demo` runs it where WireGuard is.
 * It ends with exit status 0 only if every step really happened. `--keep` opens a shell before the daemon ends.
 */
import assert from 'node:assert/strict';
import { chosenProgram } from '../support/needs.js';
import { anyGateway, type Daemon, type Gateway, inside, Lab } from './lab/index.js';
import { Narrator } from './narrator.js';

/** The daemon's mark on its routes (`rtm_protocol`). */
const OURS = 87;
/** Nobody has this address. */
const NOBODY = '198.51.100.66';
/** The name of gw3, with two addresses; one is {@link NOBODY}. */
const NAME = 'gw3.test';

/** What lies behind each gateway, an address that answers among it. */
const allowed_ips = [`${anyGateway.v4}/32`, inside.v4, inside.v6];

const connected = /info vpn (\S+): connected to .*handshake after/;

const tell = new Narrator();
const keep = process.argv.includes('--keep');

tell.part('A small Internet in network namespaces of this kernel');
const lab = await Lab.create({ gateways: 3 });
try {
  await perform();
  process.exitCode = 0;
} catch (error) {
  tell.failed(error instanceof Error ? error.message : String(error));
  tell.close();
  process.stdout.write(`\n${await lab.describe()}\n`);
  process.exitCode = 1;
} finally {
  tell.close();
  await lab.close();
}

async function perform(): Promise<void> {
  const [gw1, gw2, gw3] = lab.gateways;
  assert.ok(gw1 && gw2 && gw3);
  await lab.dns.set(NAME, [NOBODY, gw3.address.v4]);
  await lab.deadAddress(NOBODY);
  tell.say(
    'A router with the WireGuard interface vpn, which has no peer yet; three gateways, and a DNS server.',
  );
  tell.say(`  gw1  ${gw1.endpoint}`);
  tell.say(`  gw2  ${gw2.endpoint6}`);
  tell.say(`  gw3  ${NAME}:51820, two addresses, one of them dead`);

  const { daemon: first, gateway } = await start([gw1, gw2, gw3]);
  await ping(gateway);
  const second = await loseAndMove(first, gateway);
  const restarted = await killAndRestart(first, second);
  if (keep) await shell(second);
  await terminate(restarted);
  tell.part(`Every step happened. ${tell.elapsed.toFixed(0)} seconds.`);
}

/** The configuration: every gateway as a peer, each in its own way. */
function config(): string {
  const [gw1, gw2, gw3] = lab.gateways;
  assert.ok(gw1 && gw2 && gw3);
  return lab.config({
    peers: [
      { gateway: gw1, options: { allowed_ips } },
      { gateway: gw2, options: { allowed_ips, endpoint: gw2.endpoint6 } },
      { gateway: gw3, options: { allowed_ips, endpoint: `${NAME}:51820` } },
    ],
    interface: { ntp: 0 }, // no time servers here
  });
}

async function launch(): Promise<Daemon> {
  const daemon = await lab.startDaemon({
    config: config(),
    files: { system: '' },
    args: ['-i', 'vpn', '-v'],
  });
  tell.listen(daemon);
  return daemon;
}

async function start(gateways: readonly Gateway[]): Promise<{ daemon: Daemon; gateway: Gateway }> {
  tell.part('The daemon starts and takes one of them at random');
  const program = chosenProgram === 'router' ? "the router's program, one executable" : "Node's program";
  tell.say(`$ wgpeerselector -i vpn -v        (${program}; its log stands behind the bars)`);
  const daemon = await launch();
  const line = await daemon.line(connected);
  const gateway = lab.gateway(connected.exec(line.text)?.[1] ?? '');
  assert.ok(gateways.includes(gateway));
  tell.done(`connected to ${gateway.name}, ${(line.at / 1000).toFixed(1)} s after the process was started`);
  await installed(gateway);
  return { daemon, gateway };
}

/** Shows what the kernel holds, and checks that it is this gateway as the only peer, and its routes. */
async function installed(gateway: Gateway): Promise<void> {
  tell.part("What the kernel holds, by Debian's own tools");
  tell.shown('wg show vpn', await lab.router.exec(['wg', 'show', 'vpn']));
  const routes: string[] = [];
  for (const family of ['-4', '-6']) {
    routes.push(await lab.router.exec(['ip', family, 'route', 'show', 'proto', String(OURS)]));
  }
  tell.shown(`ip -4 route show proto ${OURS}; ip -6 route show proto ${OURS}`, routes.join(''));
  const { peers } = await lab.router.wg();
  assert.deepEqual(
    peers.map(({ publicKey }) => publicKey),
    [gateway.publicKey],
    `the interface has one peer, ${gateway.name}`,
  );
  assert.ok((peers[0]?.latestHandshake ?? 0) > 0, 'WireGuard tells of a handshake');
  assert.deepEqual(await ourRoutes(), [...allowed_ips].sort(), 'the routes are those of the allowed IPs');
  tell.done(`one peer, ${gateway.name}, and the routes to what lies behind it`);
}

async function ourRoutes(): Promise<string[]> {
  const routes = (await lab.router.routes()).filter(({ protocol }) => protocol === OURS);
  return routes.map(({ dst }) => (/[/]/.test(dst) ? dst : `${dst}/32`)).sort();
}

async function ping(gateway: Gateway): Promise<void> {
  tell.part(`A ping through the tunnel to ${gateway.name}`);
  const argv = ['ping', '-n', '-c', '3', '-i', '0.3', gateway.inside.v4];
  tell.shown(argv.join(' '), await lab.router.exec(argv));
  tell.done('three sent, three answered');
}

async function loseAndMove(daemon: Daemon, lost: Gateway): Promise<Gateway> {
  tell.part(`${lost.name} dies while a ping is running: whatever is sent to it is lost silently`);
  const flow = await lab.flow(lost, 200);
  await flow.moves(10);
  await lost.kill();
  const died = performance.now();
  const since = (): string => `${((performance.now() - died) / 1000).toFixed(1)} s`;
  tell.say(
    'WireGuard itself says nothing of it, and its latest handshake will look young for two minutes. But what goes out has to be answered: the daemon probes, and then lets a handshake decide.',
  );
  const progress = setInterval(() => void watch(lost), 5_000);
  try {
    await daemon.line(new RegExp(`info vpn ${lost.name}: connection ended`));
  } finally {
    clearInterval(progress);
  }
  tell.done(`the loss is noticed after ${since()}`);
  const line = await daemon.line(connected);
  const next = lab.gateway(connected.exec(line.text)?.[1] ?? '');
  assert.notEqual(next, lost, 'another gateway');
  tell.done(`connected to ${next.name}, ${since()} after ${lost.name} died`);
  await flow.stop();
  await installed(next);
  await ping(next);
  return next;
}

/** Tells what WireGuard knows of a peer that says nothing any more. */
async function watch(gateway: Gateway): Promise<void> {
  const peer = (await lab.router.wg()).peers.find(({ publicKey }) => publicKey === gateway.publicKey);
  // It is not there, or has no handshake, while it is put to the test.
  if (peer === undefined || peer.latestHandshake === 0) return;
  const age = Math.round(Date.now() / 1000 - peer.latestHandshake);
  tell.say(`  latest handshake ${age} s ago`);
}

async function killAndRestart(first: Daemon, gateway: Gateway): Promise<Daemon> {
  tell.part('SIGKILL while packets flow: the daemon has no chance to tidy up');
  const flow = await lab.flow(gateway, 50);
  await flow.moves(20);
  first.signal('SIGKILL');
  assert.equal((await first.exit()).signal, 'SIGKILL');
  await flow.moves(20);
  tell.done('the daemon is gone, the kernel goes on: peer, routes and packets');
  tell.part('The next start finds the connection and keeps it');
  const second = await launch();
  await second.line(new RegExp(`info vpn ${gateway.name}: still connected`));
  await flow.moves(20);
  const { sent, lost } = await flow.stop();
  assert.equal(second.lines(/trying|connected to/).length, 0, 'nothing was connected anew');
  assert.equal(lost, 0, `${lost} of ${sent} packets were lost`);
  tell.done(`${sent} packets sent meanwhile, one each 50 ms: none lost`);
  return second;
}

async function shell(gateway: Gateway): Promise<void> {
  tell.part('A shell on the router; `exit` goes on with the end of the demo');
  tell.say(`Try: wg; ip route; ping ${gateway.inside.v4}; kill -HUP ${lab.daemons.at(-1)?.pid ?? ''}`);
  tell.pause();
  await lab.shell();
  tell.resume();
}

async function terminate(daemon: Daemon): Promise<void> {
  tell.part('SIGTERM');
  daemon.signal('SIGTERM');
  const { code, duration } = await daemon.exit();
  assert.equal(code, 0, 'the exit status');
  tell.done(`exit status 0 after ${duration.toFixed(0)} ms`);
  assert.deepEqual((await lab.router.wg()).peers, [], 'no peer is left');
  assert.deepEqual(await ourRoutes(), [], 'no route of ours is left');
  tell.shown('wg show vpn peers', await lab.router.exec(['wg', 'show', 'vpn', 'peers']));
  const shown = await lab.router.exec(['ip', 'route', 'show', 'table', 'all', 'proto', String(OURS)]);
  tell.shown(`ip route show table all proto ${OURS}`, shown);
  tell.done('nothing is left behind');
}
