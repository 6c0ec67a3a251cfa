// What a look compares with the kernel: nothing that somebody changes without a word is missed, and nothing is read for nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Kernel, WatchedLink } from '../../src/daemon/kernel.js';
import { KernelRouting } from '../../src/daemon/kernel-routing.js';
import { KernelTunnel } from '../../src/daemon/kernel-tunnel.js';
import { Rtnetlink, WireGuard } from '../../src/netlink/index.js';
import { encodeMessage } from '../../src/netlink/message.js';
import { decodeRoute, encodeRoute } from '../../src/netlink/rtnetlink/route.js';
import type { Peer } from '../../src/selector/world.js';
import { AnsweringSocket } from '../support/answering-socket.js';
import { concat, fixture, recordedMessages } from './netlink-support.js';

const VPN = 3;
const WANTED = ['10.78.0.0/24', '10.79.0.0/24', 'fd78::/64'];
const PLACE = { table: undefined, metric: undefined };

/** A kernel with a table of routes: RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE. */
class RouteTable {
  readonly socket = new AnsweringSocket();
  /** Bodies of RTM_NEWROUTE by destination. */
  readonly routes = new Map<string, Uint8Array>();
  /** The answers to so many changes are lost: they are done all the same. */
  answersLost = 0;
  /** The destination of the route that an address takes, where it is not the address of the prefix. */
  routeOf = (_address: string, _asked: boolean): string | undefined => undefined;
  /** What a kernel without rules answers. */
  rulesRefused = 0;

  constructor() {
    this.socket.answer = (asked) => {
      const { sequence, type, body, acknowledge, dump } = asked;
      const reply = (kind: number, bytes: Uint8Array): Uint8Array =>
        encodeMessage(kind, 0, sequence, this.socket.port, bytes);
      const end = (kind: 2 | 3, errno: number): Uint8Array => {
        const code = new Uint8Array(20);
        new DataView(code.buffer).setInt32(0, -errno, true);
        return reply(kind, code);
      };
      if (dump && type === 34 && this.rulesRefused !== 0) return [end(3, this.rulesRefused)];
      if (type > 31) return dump ? [end(3, 0)] : [end(2, 0)]; // rules: none, and made without a word
      if (dump) {
        const ofFamily = [...this.routes.values()].filter(([family]) => family === body[0]);
        return [concat(...ofFamily.map((route) => reply(24, route)), end(3, 0))];
      }
      if (type === 18) return [end(2, 19)]; // RTM_GETLINK: there is no such interface
      const about = decodeRoute({ ...asked, body: Uint8Array.from(body) }, {}, true);
      const address = about?.destination.replace(/\/.*/, '') ?? '';
      const led = this.routeOf(address, type === 26);
      const [destination, found] =
        [...this.routes].find(
          ([key]) => (led ?? key) === key && (led !== undefined || key.startsWith(`${address}/`)),
        ) ?? [];
      if (type === 24 && found !== undefined) return [end(2, 17)];
      if (type === 24) this.routes.set(about?.destination ?? '', Uint8Array.from(body));
      if (type !== 24 && (found === undefined || destination === undefined))
        return [end(2, type === 25 ? 3 : 101)];
      if (type === 25) this.routes.delete(destination ?? '');
      if (type !== 26 && this.answersLost-- > 0) return [end(2, 105)]; // ENOBUFS
      if (type !== 26 || found === undefined) return [end(2, 0)];
      return acknowledge ? [reply(24, found), end(2, 0)] : [reply(24, found)];
    };
  }
}

function metricOf(body: Uint8Array): number | undefined {
  return decodeRoute({ type: 24, flags: 0, sequence: 0, port: 0, body }, {}, true)?.metric;
}

function setUp(tunnel: Partial<KernelTunnel> = {}) {
  const table = new RouteTable();
  const watched = new WatchedLink('vpn');
  watched.set({ index: VPN, name: 'vpn', up: true } as Parameters<WatchedLink['set']>[0]);
  const kernel = {
    rtnetlink: Rtnetlink.open({ openSocket: table.socket.open }),
    onRoutes: () => {},
    onAnyLink: () => {},
  } as unknown as Kernel;
  return { table, watched, routing: new KernelRouting(kernel, watched, tunnel as KernelTunnel) };
}

test('routes that are as they were cost no reading', async () => {
  const { table, routing } = setUp();
  const first = await routing.apply(WANTED, PLACE);
  assert.deepEqual([first.installed, first.added, first.conflicts], [WANTED, WANTED, []]);
  await routing.apply(WANTED, PLACE);
  const { asked, repeated } = table.socket;
  const again = await routing.apply(WANTED, PLACE);
  assert.deepEqual([again.installed, again.added, again.conflicts], [WANTED, [], []]);
  assert.equal(table.socket.asked, asked);
  assert.equal(table.socket.repeated, repeated + WANTED.length);
});

test('whatever somebody does to our routes without a word is mended by the next look', async () => {
  const step = fc.record({
    what: fc.constantFrom('nothing', 'delete', 'metric', 'protocol', 'interface'),
    destination: fc.constantFrom(...WANTED),
    wanted: fc.subarray(WANTED),
    change: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const { table, routing } = setUp();
      let wanted: readonly string[] = WANTED;
      for (const { what, destination, change, ...other } of steps) {
        if (change) wanted = other.wanted;
        await routing.apply(wanted, PLACE);
        if (!table.routes.has(destination)) continue;
        table.routes.delete(destination);
        const route = { destination, interfaceIndex: what === 'interface' ? VPN + 1 : VPN };
        if (what === 'nothing') table.routes.set(destination, encodeRoute(route));
        else if (what === 'metric') table.routes.set(destination, encodeRoute({ ...route, metric: 7 }));
        else if (what === 'protocol') table.routes.set(destination, encodeRoute({ ...route, protocol: 3 }));
        else if (what === 'interface') table.routes.set(destination, encodeRoute(route));
        const { installed, added, conflicts } = await routing.apply(wanted, PLACE);
        const foreign = what === 'protocol' || what === 'interface';
        assert.deepEqual(
          conflicts.map((conflict) => conflict.destination),
          foreign ? [destination] : [],
        );
        assert.deepEqual(
          [...installed].sort(),
          wanted.filter((one) => !foreign || one !== destination).sort(),
        );
        assert.deepEqual(added, what === 'delete' || what === 'metric' ? [destination] : []);
        if (foreign) table.routes.delete(destination);
      }
    }),
  );
});

test('a route whose answer was lost is found at the next look, and removed in the end', async () => {
  const { table, routing } = setUp();
  table.answersLost = 1;
  const first = await routing.apply(WANTED, PLACE);
  assert.deepEqual(
    first.conflicts.map(({ destination }) => destination),
    WANTED.slice(0, 1),
  );
  const second = await routing.apply(WANTED, PLACE);
  assert.deepEqual([[...second.installed].sort(), second.conflicts], [[...WANTED].sort(), []]);
  table.answersLost = 1;
  await assert.rejects(routing.apply([], PLACE), /ENOBUFS/);
  await routing.apply([], PLACE);
  assert.equal(table.routes.size, 0);
});

/** The interface, whose mark somebody may set besides. */
function markedTunnel(fwmark = 0) {
  const marks: number[] = [];
  const tunnel = {
    link: 'up' as const,
    fwmark,
    device: async () => ({ fwmark: tunnel.fwmark, peers: [] }),
    mark: async (mark: number) => {
      marks.push(mark);
      tunnel.fwmark = mark;
    },
  };
  return { tunnel, marks };
}

const OWN_TABLE = { table: 51887, metric: undefined };

test('a full tunnel: the mark of an interface without one is ours, and is taken back; that of others stays', async () => {
  const { tunnel, marks } = markedTunnel();
  const { routing } = setUp(tunnel);
  const both = [4, 6] as const;
  await routing.lead(both, OWN_TABLE);
  assert.deepEqual(routing.led, { families: both, table: 51887, mark: 51887 });
  tunnel.fwmark = 0; // by somebody
  await routing.lead(both, OWN_TABLE);
  await routing.lead(both, OWN_TABLE);
  assert.deepEqual(marks, [51887, 51887]);
  tunnel.fwmark = 7;
  await routing.lead(both, OWN_TABLE);
  assert.deepEqual(routing.led, { families: both, table: 51887, mark: 7 });
  await routing.lead([], OWN_TABLE);
  assert.deepEqual([routing.led, marks], [undefined, [51887, 51887]]);
  tunnel.fwmark = 51887; // as a former run leaves it
  await setUp(tunnel).routing.lead([], OWN_TABLE);
  assert.deepEqual(marks, [51887, 51887, 0]);
});

test('a full tunnel: routes in its table cost no reading either', async () => {
  const { table, routing } = setUp(markedTunnel().tunnel);
  const wanted = ['0.0.0.0/0', '10.0.0.0/8', '::/0'];
  const ways: Readonly<Record<string, string>> = { '1.0.0.0': '0.0.0.0/0', '0.0.0.0': 'the machine itself' };
  table.routeOf = (address, asked) => (asked ? ways[address] : undefined);
  await routing.lead([4, 6], OWN_TABLE);
  await routing.apply(wanted, OWN_TABLE);
  await routing.apply(wanted, OWN_TABLE);
  const { asked } = table.socket;
  assert.ok(routing.stand(wanted, OWN_TABLE));
  assert.equal(table.socket.asked, asked);
  table.routes.delete('0.0.0.0/0');
  assert.ok(!routing.stand(wanted, OWN_TABLE));
  assert.deepEqual((await routing.apply(wanted, OWN_TABLE)).added, ['0.0.0.0/0']);
});

test('a full tunnel on a kernel without rules: no route is made that would be of no use, and why is told', async () => {
  const { table, routing } = setUp(markedTunnel().tunnel);
  table.rulesRefused = 97; // EAFNOSUPPORT
  const place = { table: 51887, metric: undefined };
  const families = [4] as const;
  await routing.lead(families, place);
  const { installed, conflicts } = await routing.apply(['0.0.0.0/0'], place);
  assert.deepEqual(installed, []);
  assert.match(conflicts[0]?.reason ?? '', /^this kernel has no rules for IPv4 \(EAFNOSUPPORT\)/);
  assert.equal(table.routes.size, 0);
  const { asked } = table.socket;
  await routing.lead(families, place);
  assert.equal(table.socket.asked, asked);
});

test('another metric for the same routes', async () => {
  const { table, routing } = setUp();
  for (let look = 0; look < 3; look++) await routing.apply(WANTED, PLACE);
  const { added } = await routing.apply(WANTED, { table: undefined, metric: 7 });
  assert.deepEqual(added, WANTED);
  assert.ok([...table.routes.values()].every((body) => metricOf(body) === 7));
});

test('metric 0, which is none for IPv6: nothing is to be done at the second look', async () => {
  const { table, routing } = setUp();
  const place = { table: undefined, metric: 0 };
  await routing.apply(WANTED, place);
  const again = await routing.apply(WANTED, place);
  assert.deepEqual([again.installed, again.added], [WANTED, []]);
  assert.deepEqual([...table.routes.values()].map(metricOf), [0, 0, 1024]);
});

test('what is shared has the metric that is said of it', async () => {
  const { table, routing } = setUp();
  const place = { table: undefined, metric: 7, shared: new Map([[WANTED[1] ?? '', 8]]) };
  for (let look = 0; look < 2; look++) await routing.apply(WANTED, place);
  assert.deepEqual([...table.routes.values()].map(metricOf), [7, 8, 7]);
});

test('settings of a peer that somebody changes are seen at each look, and counters are no settings', async () => {
  const socket = new AnsweringSocket();
  const [family] = recordedMessages(fixture('wireguard-family').datagrams);
  const [message] = recordedMessages(fixture('wireguard-device').datagrams);
  assert.ok(family && message);
  const body = Uint8Array.from(message.body);
  socket.answer = ({ sequence, type }) =>
    type === 16
      ? [
          encodeMessage(family.type, 0, sequence, socket.port, family.body),
          encodeMessage(2, 0, sequence, socket.port, new Uint8Array(20)),
        ]
      : [
          concat(
            encodeMessage(message.type, 0, sequence, socket.port, body),
            encodeMessage(3, 0, sequence, socket.port, new Uint8Array(4)),
          ),
        ];
  const wireguard = await WireGuard.open({ openSocket: socket.open });
  const tunnel = new KernelTunnel({ wireguard } as unknown as Kernel, new WatchedLink('vpn'));
  const [entry] = (await wireguard.device('vpn')).peers;
  assert.ok(entry);
  const secret = entry.presharedKey?.revealBase64();
  assert.ok(secret);
  const peer = { ...entry, presharedKey: { reveal: () => secret } } as unknown as Peer;
  /** Whether the settings of the first peer match after a byte of a value was changed, and then after it is as before. */
  const changed = async (what: string, value: Uint8Array, at: number): Promise<boolean[]> => {
    const place = Buffer.from(body).indexOf(value);
    assert.ok(place >= 0, what);
    const found: boolean[] = [];
    for (let time = 0; time < 2; time++) {
      body[place + at] = (body[place + at] ?? 0) ^ 1;
      await tunnel.device();
      found.push(tunnel.matches(peer));
      await tunnel.device();
      assert.equal(tunnel.matches(peer), found[time], 'at the look after that, too');
    }
    return found;
  };
  await tunnel.device();
  assert.equal(tunnel.matches(peer), true);
  const keepalive = Uint8Array.of(6, 0, 5, 0, entry.persistentKeepalive);
  assert.deepEqual(await changed('keepalive', keepalive, 4), [false, true]);
  assert.deepEqual(await changed('preshared key', Uint8Array.of(36, 0, 2, 0), 10), [false, true]);
  assert.deepEqual(await changed('allowed IPs', Uint8Array.of(5, 0, 3, 0), 4), [false, true]);
  assert.deepEqual(await changed('bytes received', Uint8Array.of(12, 0, 7, 0), 4), [true, true]);
  const { asked } = socket;
  await changed('bytes sent', Uint8Array.of(12, 0, 8, 0), 5);
  assert.equal(socket.asked, asked);
});
