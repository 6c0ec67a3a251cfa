import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import {
  type InterfaceAddress,
  type Link,
  type Route,
  type RouteFilter,
  RtnetlinkMonitor,
} from '../../src/netlink/index.js';
import { FakeKernel, fixture, unhex } from './netlink-support.js';

const { EBADF, EMFILE, ENOBUFS } = constants.errno;

function setUp(routes: RouteFilter = {}) {
  const kernel = new FakeKernel();
  const links: [string, Link][] = [];
  const found: [string, Route][] = [];
  let lost = 0;
  const waiters: (() => void)[] = [];
  const monitor = RtnetlinkMonitor.open(
    {
      link: (change, link) => links.push([change, link]),
      route: (change, route) => found.push([change, route]),
      lost: () => {
        lost++;
        for (const waiter of waiters.splice(0)) waiter();
      },
    },
    { openSocket: kernel.open, routes },
  );
  const whenLost = () => new Promise<void>((resolve) => waiters.push(resolve));
  return { kernel, monitor, links, routes: found, lost: () => lost, whenLost };
}

test('a link comes, goes up and down, is renamed, changes its MTU, and goes', () => {
  const { kernel, monitor, links } = setUp();
  for (const text of fixture('link-events').datagrams) kernel.socket.deliver(unhex(text));
  monitor.close();
  assert.ok(links.length >= 6);
  const states = links.map(([change, { name, up, mtu }]) => `${change} ${name} ${up ? 'up' : 'down'} ${mtu}`);
  const distinct = states.filter((state, index) => state !== states[index - 1]);
  assert.deepEqual(distinct, [
    'new ev0 down 1420',
    'new ev0 up 1420',
    'new ev0 down 1420',
    'new ev1 down 1420',
    'new ev1 down 1280',
    'gone ev1 down 1280',
  ]);
  assert.ok(links.every(([, { kind }]) => kind === 'wireguard'));
  assert.equal(new Set(links.map(([, { index }]) => index)).size, 1);
});

test('a port that leaves its bridge is not a link that is gone', () => {
  const { kernel, monitor, links } = setUp();
  for (const text of fixture('bridge-events').datagrams) kernel.socket.deliver(unhex(text));
  monitor.close();
  assert.ok(links.some(([, { name }]) => name === 'va'));
  assert.ok(links.every(([change]) => change === 'new'));
});

test('routes come and go, and a filter leaves out what is not wanted', () => {
  const deliver = (filter: RouteFilter): string[] => {
    const { kernel, monitor, routes } = setUp(filter);
    for (const text of fixture('route-events').datagrams) kernel.socket.deliver(unhex(text));
    monitor.close();
    return routes.map(([change, { destination, protocol }]) => `${change} ${destination} ${protocol}`);
  };
  const ours = ['new 10.94.0.0/16 87', 'gone 10.94.0.0/16 87'];
  assert.deepEqual(deliver({}), [...ours, 'new fd00:94::/64 3', 'gone fd00:94::/64 3']);
  assert.deepEqual(deliver({ protocol: 87 }), ours);
  assert.deepEqual(deliver({ family: 6 }), ['new fd00:94::/64 3', 'gone fd00:94::/64 3']);
  assert.deepEqual(deliver({ table: 7 }), []);
});

test('a route that takes the place of another is told apart from one that comes besides', () => {
  const kernel = new FakeKernel();
  const told: [string, string, boolean][] = [];
  const monitor = RtnetlinkMonitor.open(
    {
      route: (change, { destination }, replaced) => told.push([change, destination, replaced]),
      lost: () => {},
    },
    { openSocket: kernel.open },
  );
  for (const text of fixture('route-replace-events').datagrams) kernel.socket.deliver(unhex(text));
  monitor.close();
  assert.deepEqual(told, [
    ['new', '10.77.0.0/24', true],
    ['new', 'fe80::7/128', true],
    // `replace` where nothing was, append and prepend
    ['new', '10.76.0.0/24', false],
    ['new', 'fd00:76::/64', false],
    ['new', '10.76.0.0/24', false],
    ['new', 'fd00:76::/64', false],
    ['new', '10.76.0.0/24', false],
    // change
    ['new', 'fd00:76::/64', true],
  ]);
});

test('rules come and go', () => {
  const kernel = new FakeKernel();
  const told: string[] = [];
  const monitor = RtnetlinkMonitor.open(
    {
      rule: (change, { family, priority, table, protocol, mark, invert, suppressPrefixLength, source }) =>
        told.push(
          `${change} ${family} ${priority} ${table} ${protocol} ${invert} ${mark?.value} ${suppressPrefixLength} ${source}`,
        ),
      lost: () => {},
    },
    { openSocket: kernel.open },
  );
  for (const text of fixture('rule-events').datagrams) kernel.socket.deliver(unhex(text));
  monitor.close();
  assert.deepEqual(
    told,
    [
      '4 32415 51887 87 true 51887 undefined undefined',
      '6 32159 254 87 false undefined 0 undefined',
      '4 9 7 0 false undefined undefined 192.0.2.0/24',
    ].flatMap((rule) => [`new ${rule}`, `gone ${rule}`]),
  );
});

test('addresses come, are tentative no longer, and go, with their interface too', () => {
  const kernel = new FakeKernel();
  const told: [string, InterfaceAddress][] = [];
  const monitor = RtnetlinkMonitor.open(
    { address: (change, address) => told.push([change, address]), lost: () => {} },
    { openSocket: kernel.open },
  );
  for (const text of fixture('address-events').datagrams) kernel.socket.deliver(unhex(text));
  monitor.close();
  const linkLocal = 'fe80::7cb6:67ff:febe:d5a';
  assert.deepEqual(
    told.map(
      ([change, { interfaceIndex, address, prefixLength, tentative }]) =>
        `${change} ${interfaceIndex} ${address}/${prefixLength}${tentative ? ' tentative' : ''}`,
    ),
    [
      'new 3 10.51.0.1/24',
      'new 3 2001:db8:2::1/64 tentative',
      'new 3 2001:db8:2::1/64',
      'gone 3 10.51.0.1/24',
      `new 4 ${linkLocal}/64`,
      'new 4 10.52.0.1/24',
      'new 4 fd00:52::1/64',
      'gone 4 fd00:52::1/64',
      `gone 4 ${linkLocal}/64`,
      'gone 4 10.52.0.1/24',
    ],
  );
});

test('only the groups somebody listens to are joined', () => {
  const groups = (
    handlers: { link?: () => void; address?: () => void; route?: () => void; rule?: () => void },
    routes: RouteFilter = {},
  ) => {
    const kernel = new FakeKernel();
    RtnetlinkMonitor.open({ ...handlers, lost: () => {} }, { openSocket: kernel.open, routes }).close();
    return kernel.socket.options?.groups;
  };
  assert.deepEqual(groups({ link: () => {} }), [1]);
  assert.deepEqual(groups({ link: () => {}, route: () => {} }), [1, 7, 11]);
  assert.deepEqual(groups({ address: () => {} }), [5, 9]);
  assert.deepEqual(groups({ rule: () => {} }, { family: 4 }), [8, 19]);
  assert.deepEqual(groups({ route: () => {} }, { family: 4 }), [7]);
  assert.deepEqual(groups({ route: () => {} }, { family: 6 }), [11]);
});

test('events of other senders are not believed', () => {
  const { kernel, monitor, links } = setUp();
  for (const text of fixture('link-events').datagrams) kernel.socket.deliver(unhex(text), 4711);
  monitor.close();
  assert.equal(links.length, 0);
});

test('ENOBUFS on a socket that lives: everything is to be read again', () => {
  const { kernel, monitor, lost } = setUp();
  kernel.socket.fail(ENOBUFS, false);
  assert.equal(lost(), 1);
  assert.equal(kernel.sockets.length, 1);
  monitor.close();
});

test('a dead socket is opened and joined again before it is told', () => {
  const { kernel, monitor, links, lost } = setUp();
  const dead = kernel.socket;
  dead.fail(EBADF, true);
  assert.equal(lost(), 1);
  assert.equal(dead.closed, true);
  assert.equal(kernel.sockets.length, 2);
  assert.deepEqual(kernel.socket.options?.groups, [1, 7, 11]);
  kernel.socket.deliver(unhex(fixture('link-events').datagrams[0] ?? ''));
  assert.equal(links.length, 1);
  monitor.close();
  assert.equal(kernel.socket.closed, true);
});

test('a socket that cannot be opened again is tried until it can', async () => {
  const { kernel, monitor, lost, whenLost } = setUp();
  kernel.refuse = Object.assign(new Error('open'), { errno: EMFILE });
  kernel.socket.fail(EBADF, true);
  assert.equal(lost(), 0);
  kernel.refuse = undefined;
  await whenLost();
  assert.equal(kernel.sockets.length, 2);
  monitor.close();
});

test('a flood is left, and what it changed is to be read again', async () => {
  const { kernel, monitor, lost, whenLost } = setUp({ protocol: 87 });
  const first = kernel.socket;
  const event = unhex(fixture('route-events').datagrams[2] ?? '');
  let delivered = 0;
  while (!first.closed && delivered < 100_000) {
    first.deliver(event);
    delivered++;
  }
  assert.ok(first.closed, 'left the flood');
  assert.equal(lost(), 0);
  await whenLost();
  assert.equal(kernel.sockets.length, 2);
  assert.equal(kernel.socket.closed, false);
  monitor.close();
});

test('what cannot be read is to be read again', () => {
  const { kernel, monitor, lost } = setUp();
  const event = unhex(fixture('link-events').datagrams[0] ?? '');
  kernel.socket.deliver(event.subarray(0, 40));
  assert.equal(lost(), 1);
  // An attribute longer than the message.
  const broken = Uint8Array.from(event);
  broken[32] = 0xff;
  broken[33] = 0xff;
  kernel.socket.deliver(broken);
  assert.equal(lost(), 2);
  monitor.close();
});

test('nothing is told after close', () => {
  const { kernel, monitor, links, lost } = setUp();
  const { socket } = kernel;
  monitor.unref();
  assert.equal(socket.referenced, false);
  monitor.ref();
  assert.equal(socket.referenced, true);
  monitor.close();
  socket.deliver(unhex(fixture('link-events').datagrams[0] ?? ''));
  socket.fail(EBADF, true);
  assert.equal(links.length + lost(), 0);
});
