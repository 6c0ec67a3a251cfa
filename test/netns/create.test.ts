// The interface that the daemon makes itself (option create), on a real kernel: made, kept, taken over, given back, and nobody else's touched.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connected, type Lab, nextConnection, type UciOptions, until, withLab } from './lab/index.js';

const GROUP = '51887';
const made = /info vpn: the interface is made/;

/** A link as `ip -d -j link` tells it. */
interface IpLink {
  readonly mtu: number;
  readonly group: string;
  readonly operstate: string;
  readonly flags: readonly string[];
}

/** The interface as `ip` shows it; undefined where there is none. */
async function linkOf(lab: Lab, name = 'vpn'): Promise<IpLink | undefined> {
  const links: (IpLink & { readonly ifname: string })[] = JSON.parse(
    await lab.router.exec(['ip', '-N', '-d', '-j', 'link', 'show']),
  );
  return links.find(({ ifname }) => ifname === name);
}

/** Addresses of the interface as `ip` shows them, but for those that the kernel gives it. */
async function addressesOf(lab: Lab): Promise<string[]> {
  const [link] = JSON.parse(await lab.router.exec(['ip', '-j', 'address', 'show', 'dev', 'vpn']));
  return (link.addr_info as { local: string; prefixlen: number; scope: string }[])
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .sort();
}

/** The mark of WireGuard's own packets as `wg` shows it: `off`, or in hexadecimal digits. */
async function markOf(lab: Lab): Promise<string> {
  return (await lab.router.exec(['wg', 'show', 'vpn', 'fwmark'])).trim();
}

/** A world in which the router's interface is the daemon's to make: its options with the key's file, and the configuration. */
async function withoutInterface(
  gateways: number,
  work: (lab: Lab, config: (change?: UciOptions) => string, addresses: string[]) => Promise<void>,
): Promise<void> {
  await withLab({ gateways }, async (lab) => {
    const [vpn] = lab.router.interfaces;
    assert.ok(vpn);
    await lab.router.deleteInterface();
    const file = `${lab.folder}/vpn.key`;
    await writeFile(file, `${vpn.keys.privateKey}\n`, { mode: 0o600 });
    const { v4, v6 } = vpn.address;
    const options = { create: 1, private_key_file: file, addresses: [`${v4}/32`, `${v6}/128`] };
    await work(
      lab,
      (change) => lab.config({ interface: { ...options, ...change } }),
      [`${v4}/32`, `${v6}/128`].sort(),
    );
  });
}

async function addressesAre(lab: Lab, wanted: readonly string[]): Promise<void> {
  const what = `the addresses to be ${wanted}`;
  await until(async () => `${await addressesOf(lab)}` === `${wanted}`, { what });
}

test('it is made with all that is configured, connected, and removed at the end with everything on it', () =>
  withoutInterface(1, async (lab, config, addresses) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const daemon = await lab.startDaemon({
      config: config({ mtu: 1400, listen_port: 40_000, fwmark: '0x1234' }),
    });
    await daemon.line(made);
    await daemon.line(connected);
    assert.ok(await lab.router.ping(gw1.inside.v4));
    assert.ok(await lab.router.ping(gw1.inside.v6));
    const link = await linkOf(lab);
    assert.deepEqual([link?.mtu, link?.group, link?.flags.includes('UP')], [1400, GROUP, true]);
    assert.deepEqual(await addressesOf(lab), addresses);
    assert.equal(await markOf(lab), '0x1234');
    const { listenPort, publicKey } = await lab.router.wg();
    assert.deepEqual([listenPort, publicKey], [40_000, lab.router.interfaces[0]?.keys.publicKey]);
    assert.deepEqual(daemon.lines(/waiting for it|no such interface/), []);
    daemon.signal('SIGTERM');
    await daemon.line(/the interface is removed/);
    assert.equal((await daemon.exit()).code, 0);
    assert.equal(await linkOf(lab), undefined);
    assert.ok(!daemon.describe().includes(lab.router.interfaces[0]?.keys.privateKey ?? ''));
  }));

test('after SIGKILL it stays, and the next start takes it over with its connection: no packet is lost', () =>
  withoutInterface(2, async (lab, config) => {
    const first = await lab.startDaemon({ config: config() });
    const flow = await lab.flow(lab.gateway(await nextConnection(first)));
    first.signal('SIGKILL');
    await first.exit();
    const next = await lab.startDaemon({ config: config() });
    await next.line(/still connected/);
    await flow.moves();
    assert.equal((await flow.stop()).lost, 0);
    assert.deepEqual(next.lines(/interface is (made|changed)|put back/), []);
    next.signal('SIGTERM');
    assert.equal((await next.exit()).code, 0);
    assert.equal(await linkOf(lab), undefined);
  }));

test('an interface that somebody else has made is used and left as it is, and said once', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const before = [await linkOf(lab), await addressesOf(lab)];
    const file = `${lab.folder}/vpn.key`;
    await writeFile(file, `${lab.router.interfaces[0]?.keys.privateKey}\n`);
    const options = { create: 1, private_key_file: file, addresses: '10.99.0.1', mtu: 1300, fwmark: 7 };
    const daemon = await lab.startDaemon({ config: lab.config({ interface: options }) });
    await daemon.line(/warning vpn: somebody else has made vpn/);
    await daemon.line(connected);
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    assert.deepEqual([await linkOf(lab), await addressesOf(lab)], before);
    assert.equal(await markOf(lab), 'off');
    assert.equal(daemon.lines(/somebody else/).length, 1);
    assert.deepEqual(daemon.lines(/interface is (made|changed|removed)/), []);
  }));

test('an interface of another kind is named as an error and left alone', () =>
  withoutInterface(1, async (lab, config) => {
    await lab.router.ip('link add vpn type dummy');
    const daemon = await lab.startDaemon({ config: config() });
    await daemon.line(/error vpn: .*not WireGuard/);
    await daemon.line(/warning vpn: somebody else has made vpn/);
    daemon.signal('SIGTERM');
    await daemon.exit();
    assert.ok(await linkOf(lab));
  }));

test('somebody deletes it: it is made again, and connected', () =>
  withoutInterface(1, async (lab, config, addresses) => {
    const daemon = await lab.startDaemon({ config: config() });
    await daemon.line(connected);
    await lab.router.deleteInterface();
    await daemon.line(/somebody had deleted the interface, it is made again/);
    await daemon.line(connected);
    assert.deepEqual(await addressesOf(lab), addresses);
    assert.equal((await linkOf(lab))?.group, GROUP);
  }));

test('addresses, MTU, mark, port and key that somebody changes come back', () =>
  withoutInterface(1, async (lab, config, addresses) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const daemon = await lab.startDaemon({ config: config({ check_interval: 1, listen_port: 40_000 }) });
    await daemon.line(connected);
    await lab.router.ip('address flush dev vpn', 'address add 10.99.0.1/32 dev vpn');
    await addressesAre(lab, [...addresses, '10.99.0.1/32'].sort());
    await lab.router.ip('link set vpn mtu 1200'); // takes all IPv6 with it
    await until(async () => (await linkOf(lab))?.mtu === 1420, { what: 'the MTU' });
    await addressesAre(lab, [...addresses, '10.99.0.1/32'].sort());
    await lab.router.wgSet('vpn', ['fwmark', '5', 'listen-port', '40001']);
    await until(async () => (await markOf(lab)) === 'off' && (await lab.router.wg()).listenPort === 40_000, {
      what: 'mark and port',
    });
    const other = (await lab.router.exec(['wg', 'genkey'])).trim();
    await lab.router.wgSet('vpn', ['private-key', 'SECRET'], other);
    const { publicKey } = lab.router.interfaces[0]?.keys ?? {};
    await until(async () => (await lab.router.wg()).publicKey === publicKey, { what: 'the key' });
    await lab.router.ip('address del 10.99.0.1/32 dev vpn'); // the kernel would send from it
    await until(() => lab.router.ping(gw1.inside.v4), { what: 'the tunnel to carry' });
    assert.ok(daemon.lines(/somebody had changed the interface, put back: .*private key/).length > 0);
    daemon.signal('SIGTERM');
    await daemon.exit();
    assert.equal(await linkOf(lab), undefined);
  }));

test('who sets it down means it: it is waited for, and used again when it is up', () =>
  withoutInterface(1, async (lab, config, addresses) => {
    const daemon = await lab.startDaemon({ config: config() });
    await daemon.line(connected);
    await lab.router.linkDown();
    await daemon.line(/the interface is down, waiting for it/);
    await addressesAre(lab, addresses); // IPv6 addresses go with the link, and are put back
    assert.ok(!(await linkOf(lab))?.flags.includes('UP'));
    await lab.router.ip('link set vpn up');
    await daemon.line(/still connected|: connected to/);
    assert.deepEqual(await addressesOf(lab), addresses);
  }));

test('a reload changes addresses, MTU, mark and port while packets flow; without the option it is left', () =>
  withoutInterface(1, async (lab, config, addresses) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const daemon = await lab.startDaemon({ config: config() });
    await daemon.line(connected);
    const flow = await lab.flow(gw1);
    const both = [...addresses, '10.99.0.1/24'].sort();
    await daemon.reload(config({ addresses: both, mtu: 1380, fwmark: 9, listen_port: 40_000 }));
    await daemon.line(/the interface is changed: /);
    await addressesAre(lab, both);
    assert.deepEqual([(await linkOf(lab))?.mtu, await markOf(lab)], [1380, '0x9']);
    assert.equal((await lab.router.wg()).listenPort, 40_000);
    await daemon.reload(config());
    await addressesAre(lab, addresses);
    await flow.moves();
    // What was under way to the old port when that changed: a round trip takes some ten milliseconds there, and a packet leaves each fifty.
    const { lost } = await flow.stop();
    assert.ok(lost <= 2, `${lost} packets lost`);
    assert.deepEqual(daemon.lines(/connection ended/), []);
    await daemon.reload(lab.config({ interface: { create: 0 } }));
    await daemon.line(/configuration read again/);
    daemon.signal('SIGTERM');
    await daemon.exit();
    assert.deepEqual(await addressesOf(lab), addresses);
    const next = await lab.startDaemon({ config: config() });
    await next.line(connected);
    next.signal('SIGTERM');
    await next.exit();
    assert.equal(await linkOf(lab), undefined);
  }));

test('without its key the daemon says what to do and ends; one that is lost later leaves the connection', () =>
  withoutInterface(1, async (lab, config) => {
    const none = await lab.startDaemon({ config: config({ private_key_file: `${lab.folder}/none` }) });
    const { code } = await none.exit();
    assert.equal(code, 78);
    assert.match(
      none.log.at(-1)?.text ?? '',
      /interface vpn cannot be made: .*none: does not exist: expected the private key there/,
    );
    assert.equal(await linkOf(lab), undefined);
    const daemon = await lab.startDaemon({ config: config() });
    await daemon.line(connected);
    await rm(`${lab.folder}/vpn.key`);
    await daemon.reload(config({ mtu: 1300 }));
    await daemon.line(/error vpn: .*vpn\.key: does not exist/);
    await until(async () => (await linkOf(lab))?.mtu === 1300, { what: 'the MTU' });
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));

test('two daemons make and remove each their own', () =>
  withLab({ gateways: 1, interfaces: ['vpn', 'vpn2'] }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const start = async (name: string) => {
      const own = lab.router.interfaces.find((one) => one.name === name);
      assert.ok(own);
      await lab.router.deleteInterface(name);
      const file = `${lab.folder}/${name}.key`;
      await writeFile(file, own.keys.privateKey);
      const options = { create: 1, private_key_file: file, addresses: [own.address.v4] };
      const config = lab.config({ ifname: name, interface: options });
      return await lab.startDaemon({ config, args: ['-i', name] });
    };
    const [first, second] = [await start('vpn'), await start('vpn2')];
    await first.line(connected);
    await second.line(/vpn2 gw1: connected/);
    first.signal('SIGTERM');
    await first.exit();
    assert.deepEqual([await linkOf(lab, 'vpn'), (await linkOf(lab, 'vpn2'))?.group], [undefined, GROUP]);
  }));

test('a full tunnel has its mark on it, another one by a reload, and packets go on', () =>
  withoutInterface(1, async (lab, config) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const daemon = await lab.startDaemon({ config: config({ full_tunnel: 1 }) });
    await daemon.line(connected);
    assert.equal(await markOf(lab), '0xcaaf');
    await daemon.reload(config({ full_tunnel: 1, fwmark: 77 }));
    await daemon.line(/the interface is changed: fwmark 77/);
    await until(
      async () => /not from all fwmark 0x4d lookup 51887/.test(await lab.router.exec(['ip', 'rule'])),
      {
        what: 'the rule to name the mark',
      },
    );
    await until(() => lab.router.ping(gw1.inside.v4), { what: 'the tunnel to carry' });
    await daemon.reload(config());
    await until(async () => (await markOf(lab)) === 'off', { what: 'no mark' });
    await until(async () => !(await lab.router.exec(['ip', 'rule'])).includes('51887'), { what: 'no rules' });
    assert.deepEqual(daemon.lines(/connection ended/), []);
  }));
