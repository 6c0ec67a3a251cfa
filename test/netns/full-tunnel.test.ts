// option full_tunnel: everything through the tunnel but local networks and WireGuard's own packets, by rules, a table and a mark.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connected,
  type Daemon,
  inside,
  type Lab,
  nextConnection,
  ourProtocol,
  type UciOptions,
  until,
  withLab,
} from './lab/index.js';

/** Somewhere on the Internet: behind every gateway, and behind the provider. */
const outside = { v4: '192.0.2.80', v6: '2001:db8:80::80' };
/** Of each gateway, where only the default route leads. */
const endpoints = ['203.0.113.11', '2001:db8:113::12'];
const everything = ['0.0.0.0/0', '::/0'];

/** For `vpn`; docs/configuration.md shows the first two. */
function rulesOf(mark = '0xcaaf', table = '51887'): string[] {
  return ['-4', '-6'].flatMap((family) => [
    `${family} 32159: from all lookup main suppress_prefixlength 0 proto ${ourProtocol}`,
    `${family} 32415: not from all fwmark ${mark} lookup ${table} proto ${ourProtocol}`,
  ]);
}

/** Gives the router a provider that leads to the Internet, and to the gateways; and the gateways what lies behind them. */
async function connectToInternet(lab: Lab): Promise<void> {
  const provider = await lab.addHost('provider', 3);
  await provider.exec([
    ...['sh', '-c'],
    'cd /proc/sys/net; echo 0 | tee ipv4/conf/all/send_redirects >ipv4/conf/up0/send_redirects; echo 1 | tee ipv4/ip_forward >ipv6/conf/all/forwarding',
  ]);
  // IPv6 routers always redirect whom they know a shorter way for.
  await lab.router.exec(['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/up0/accept_redirects']);
  const here = [`address add ${outside.v4}/32 dev`, `address add ${outside.v6}/128 nodad dev`];
  await provider.ip(...here.map((command) => `${command} lo`));
  for (const [at, gateway] of lab.gateways.entries()) {
    const endpoint = endpoints[at] ?? '';
    const via = endpoint.includes(':') ? gateway.address.v6 : gateway.address.v4;
    await gateway.ip(
      endpoint.includes(':')
        ? `address add ${endpoint}/128 dev up0 nodad`
        : `address add ${endpoint}/32 dev up0`,
      ...here.map((command) => `${command} wg0`),
    );
    await provider.ip(`route add ${endpoint} via ${via}`);
  }
  await lab.router.ip(
    `route add default via ${provider.address.v4}`,
    `route add default via ${provider.address.v6} dev up0`,
  );
}

/** Counts what leaves for the Internet by the uplink, outside of the tunnel. */
async function leakCounter(lab: Lab): Promise<() => Promise<number>> {
  const { router } = lab;
  const leaks = [`ip daddr ${outside.v4}`, `ip6 daddr ${outside.v6}`]
    .map((what) => `oifname "up0" ${what} counter name leaked;`)
    .join(' ');
  const chain = `chain leaving { type filter hook postrouting priority 0; ${leaks} }`;
  await router.exec(['nft', '-f', '-'], `table inet count { counter leaked { }; ${chain}; }`);
  return async () =>
    Number(
      /packets (\d+)/.exec(await router.exec(['nft', 'list', 'counter', 'inet', 'count', 'leaked']))?.[1],
    );
}

function config(lab: Lab, options: UciOptions = {}, allowedIps: readonly string[] = everything): string {
  return lab.config({
    interface: { full_tunnel: 1, connect_timeout: 2, check_interval: 1, ...options },
    peers: lab.gateways.map((gateway, at) => {
      const host = endpoints[at] ?? '';
      const endpoint = host.includes(':') ? `[${host}]:51820` : `${host}:51820`;
      return { gateway, options: { allowed_ips: allowedIps, endpoint } };
    }),
  });
}

/** Our rules as ip(8) shows them, with the family before them. */
async function rules({ router }: Lab, which = ` proto ${ourProtocol}`): Promise<string[]> {
  const lists = ['-4', '-6'].map(async (family) => {
    const lines = (await router.exec(['ip', '-N', family, 'rule'])).split('\n');
    return lines
      .filter((line) => line.includes(which))
      .map((line) => `${family} ${line.replaceAll(/\s+/g, ' ').trim().replace('lookup 254', 'lookup main')}`);
  });
  return (await Promise.all(lists)).flat();
}

async function rulesAre(lab: Lab, wanted: readonly string[]): Promise<void> {
  await until(async () => `${await rules(lab)}` === `${wanted}`, { what: `the rules to be ${wanted}` });
}

async function markIs({ router }: Lab, wanted: string): Promise<void> {
  const mark = async () => (await router.exec(['wg', 'show', 'vpn', 'fwmark'])).trim();
  await until(async () => (await mark()) === wanted, { what: `the mark to be ${wanted}` });
}

/** `DESTINATION TABLE` of our routes. */
async function routes({ router }: Lab): Promise<string[]> {
  return (await router.routes())
    .filter(({ protocol }) => protocol === ourProtocol)
    .map(({ dst, table }) => `${dst} ${table}`)
    .sort();
}

async function goesThrough({ router }: Lab, device: string, address: string): Promise<void> {
  const way = () => router.exec(['ip', 'route', 'get', address]).catch((error: Error) => error.message);
  await until(async () => (await way()).includes(` dev ${device} `), {
    what: `${address} to go by ${device}`,
  });
}

/** Everything goes through the tunnel, and comes back; what is on the network of the uplink does not. */
async function works(lab: Lab): Promise<void> {
  for (const address of [outside.v4, outside.v6]) {
    await goesThrough(lab, 'vpn', address);
    assert.ok(await lab.router.ping(address), address);
  }
  for (const address of [lab.dns.address.v4, lab.dns.address.v6]) {
    await goesThrough(lab, 'up0', address);
    assert.ok(await lab.router.ping(address), address);
  }
}

async function endsWithoutATrace(lab: Lab, daemon: Daemon, mark = 'off'): Promise<void> {
  daemon.signal('SIGTERM');
  assert.equal((await daemon.exit()).code, 0);
  assert.deepEqual(await rules(lab), []);
  assert.deepEqual(await routes(lab), []);
  await markIs(lab, mark);
}

test('0.0.0.0/0 and ::/0 by one option: through the tunnel, WireGuard and local networks outside, another gateway when one dies', () =>
  withLab({ gateways: 2 }, async (lab) => {
    await connectToInternet(lab);
    const leaked = await leakCounter(lab);
    assert.ok(await lab.router.ping(outside.v4));
    assert.ok(await lab.router.ping(outside.v6));
    const before = await leaked();
    assert.ok(before >= 2, 'the counter sees what leaves');
    await lab.router.ip('rule add from 10.99.0.0/16 table 9 priority 32415');
    const foreign = await rules(lab, '');
    const daemon = await lab.startDaemon({ config: config(lab) });
    const first = await nextConnection(daemon);
    assert.deepEqual(await rules(lab), rulesOf());
    await markIs(lab, '0xcaaf');
    assert.deepEqual(await routes(lab), ['default 51887', 'default 51887']);
    await works(lab);
    const flow = await lab.flow(outside.v4);
    assert.equal(await leaked(), before);
    await lab.gateway(first).kill();
    assert.notEqual(await nextConnection(daemon), first);
    await flow.moves(20);
    assert.ok(flow.longestGap > 1_000, 'it was noticed, and is over');
    await works(lab);
    assert.deepEqual(daemon.lines(/no route to|error/), []);
    await endsWithoutATrace(lab, daemon);
    assert.deepEqual(await rules(lab, ''), foreign);
    await goesThrough(lab, 'up0', outside.v4);
  }));

test('rules and mark that somebody takes away come back', () =>
  withLab({ gateways: 2 }, async (lab) => {
    await connectToInternet(lab);
    const daemon = await lab.startDaemon({ config: config(lab) });
    await daemon.line(connected);
    await works(lab);
    for (const family of ['-4', '-6']) {
      for (const priority of ['32159', '32415']) {
        await lab.router.exec(['ip', family, 'rule', 'del', 'priority', priority]);
        await rulesAre(lab, rulesOf());
      }
    }
    await lab.router.wgSet('vpn', ['fwmark', '0']);
    await markIs(lab, '0xcaaf');
    await lab.router.wgSet('vpn', ['fwmark', '9']);
    await rulesAre(lab, rulesOf('0x9'));
    await works(lab);
    await lab.router.wgSet('vpn', ['fwmark', '0']);
    await rulesAre(lab, rulesOf());
    await works(lab);
    assert.deepEqual(daemon.lines(/connection ended/), []);
    await endsWithoutATrace(lab, daemon);
  }));

test('after SIGKILL the next start doubles nothing and loses nothing', () =>
  withLab({ gateways: 2 }, async (lab) => {
    await connectToInternet(lab);
    const first = await lab.startDaemon({ config: config(lab) });
    await first.line(connected);
    const flow = await lab.flow(outside.v6);
    first.signal('SIGKILL');
    await first.exit();
    await flow.moves(20);
    const second = await lab.startDaemon({ config: config(lab) });
    await second.line(/still connected/);
    await flow.moves(60);
    assert.equal((await flow.stop()).lost, 0);
    assert.deepEqual(await rules(lab), rulesOf());
    second.signal('SIGKILL');
    await second.exit();
    const without = await lab.startDaemon({
      config: config(lab, { full_tunnel: 0 }, [inside.v4, inside.v6]),
    });
    await without.line(/still connected/);
    await rulesAre(lab, []);
    await markIs(lab, 'off');
    assert.deepEqual(await routes(lab), [`${inside.v4} 254`, `${inside.v6} 254`]);
    await endsWithoutATrace(lab, without);
  }));

test('a mark that the interface has is used and stays, and so is option table; one family alone has rules of its own alone', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await connectToInternet(lab);
    await lab.router.wgSet('vpn', ['fwmark', '7']);
    const daemon = await lab.startDaemon({ config: config(lab, { table: 100 }, ['0.0.0.0/0']) });
    await daemon.line(connected);
    assert.deepEqual(await rules(lab), rulesOf('0x7', '100').slice(0, 2));
    assert.deepEqual(await routes(lab), ['default 100']);
    await goesThrough(lab, 'vpn', outside.v4);
    await goesThrough(lab, 'up0', outside.v6);
    assert.ok(await lab.router.ping(outside.v4));
    assert.ok(await lab.router.ping(outside.v6));
    await endsWithoutATrace(lab, daemon, '0x7');
  }));

test('a reload turns it on, changes its table, and turns it off: the connection stays', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await connectToInternet(lab);
    const narrow = [inside.v4, inside.v6];
    const place = (table: number) => [`${inside.v4} ${table}`, `${inside.v6} ${table}`];
    const daemon = await lab.startDaemon({ config: config(lab, { full_tunnel: 0 }, narrow) });
    await daemon.line(connected);
    const gateway = lab.gateway('gw1').inside.v4;
    const steps: [UciOptions, number, string[], string][] = [
      [{}, 51887, rulesOf(), '0xcaaf'],
      [{ table: 100 }, 100, rulesOf('0xcaaf', '100'), '0xcaaf'],
      [{ full_tunnel: 0 }, 254, [], 'off'],
    ];
    for (const [options, table, wanted, mark] of steps) {
      await daemon.reload(config(lab, options, narrow));
      await rulesAre(lab, wanted);
      await markIs(lab, mark);
      await until(async () => `${await routes(lab)}` === `${place(table)}`, {
        what: `routes in table ${table}`,
      });
      await goesThrough(lab, 'vpn', gateway);
      assert.ok(await lab.router.ping(gateway));
    }
    assert.deepEqual(daemon.lines(/connection ended|no route to/), []);
    await endsWithoutATrace(lab, daemon);
  }));

test('turned off for a peer that leads to everything: the connection ends, the log says why, and the machine has its way out', () =>
  withLab({ gateways: 1 }, async (lab) => {
    await connectToInternet(lab);
    await lab.router.ip('route delete default', 'route add default via 198.51.100.3 metric 5');
    const daemon = await lab.startDaemon({ config: config(lab, {}, ['0.0.0.0/0']) });
    await daemon.line(connected);
    await daemon.reload(config(lab, { full_tunnel: 0 }, ['0.0.0.0/0']));
    await daemon.line(/connection ended .*: its allowed IPs lead the way .* expected option full_tunnel '1'/);
    await goesThrough(lab, 'up0', outside.v4);
    await daemon.reload(config(lab, {}, ['0.0.0.0/0']));
    await daemon.line(connected);
    await goesThrough(lab, 'vpn', outside.v4);
    await endsWithoutATrace(lab, daemon);
  }));

test('between two connections: by the uplink, but with block_when_lost not one packet', () =>
  withLab({ gateways: 2 }, async (lab) => {
    await connectToInternet(lab);
    const leaked = await leakCounter(lab);
    const args = ['-i', 'vpn', '-v'];
    const open = await lab.startDaemon({ config: config(lab, { connect_timeout: 1 }), args });
    await open.line(connected);
    await lab.router.linkDown();
    await open.line(/waiting for it/);
    for (const address of [outside.v4, outside.v6]) await goesThrough(lab, 'up0', address);
    assert.deepEqual(await rules(lab), rulesOf());
    await endsWithoutATrace(lab, open);
    await lab.router.linkUp();
    const blocking = config(lab, { connect_timeout: 1, block_when_lost: 1 });
    const daemon = await lab.startDaemon({ config: blocking, args });
    await daemon.line(connected);
    const before = await leaked();
    const flows = [await lab.flow(outside.v4, 5), await lab.flow(outside.v6, 5)];
    for (const gateway of lab.gateways) await gateway.kill();
    await daemon.line(/connection ended/);
    for (let tries = 0; tries < 6; tries++) await daemon.line(/no handshake within/);
    for (const gateway of lab.gateways) await gateway.revive();
    await daemon.line(connected);
    for (const flow of flows) {
      await flow.moves(100);
      assert.ok((await flow.stop()).lost > 100);
    }
    assert.equal((await leaked()) - before, 0);
    await endsWithoutATrace(lab, daemon);
  }));

test('two full tunnels: the first carries, the second when that one has no connection', () =>
  withLab({ gateways: 2, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    await connectToInternet(lab);
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const text = lab.gateways
      .map((gateway, at) =>
        lab.config({
          ifname: lab.router.interfaces[at]?.name ?? '',
          interface: { full_tunnel: 1, connect_timeout: 2, check_interval: 1 },
          peers: [{ gateway, options: { allowed_ips: everything } }],
        }),
      )
      .join('\n');
    const daemon = await lab.startDaemon({ config: text, args: ['-i', 'vpn', '-i', 'vpn2'] });
    await until(async () => (await routes(lab)).length === 4, { what: 'the routes of both' });
    assert.equal((await rules(lab)).length, 8);
    for (const address of [outside.v4, outside.v6]) {
      await goesThrough(lab, 'vpn', address);
      assert.ok(await lab.router.ping(address));
    }
    await gw1.kill();
    await lab.router.wgSet('vpn', ['peer', gw1.publicKey, 'remove']);
    for (const address of [outside.v4, outside.v6]) {
      await goesThrough(lab, 'vpn2', address);
      assert.ok(await lab.router.ping(address));
    }
    await gw1.revive();
    await goesThrough(lab, 'vpn', outside.v4);
    assert.deepEqual(daemon.lines(/vpn2 gw2: connection ended|no route to/), []);
    await endsWithoutATrace(lab, daemon);
  }));
