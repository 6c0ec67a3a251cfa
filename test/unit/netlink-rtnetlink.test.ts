import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalPrefix, decodeAddress, encodeAddress } from '../../src/netlink/address.js';
import {
  NetlinkDecodeError,
  NetlinkError,
  type Route,
  Rtnetlink,
  type Rule,
} from '../../src/netlink/index.js';
import type { NetlinkMessage } from '../../src/netlink/message.js';
import { decodeInterfaceAddress } from '../../src/netlink/rtnetlink/interface-address.js';
import { decodeLink } from '../../src/netlink/rtnetlink/link.js';
import { decodeRoute, encodeRoute } from '../../src/netlink/rtnetlink/route.js';
import { decodeRule, encodeRule } from '../../src/netlink/rtnetlink/rule.js';
import { concat, end, FakeKernel, fixture, recordedMessages, reply } from './netlink-support.js';

const LITTLE = endianness() === 'LE';

/** What `ip -j -N -d route` prints of a route. */
interface IpRoute {
  dst: string;
  dev?: string;
  gateway?: string;
  via?: { host: string };
  metric?: number;
  table?: string;
  protocol: string;
  type: string;
  scope?: string;
}

const names = new Map(
  fixture<{ ip: { ifindex: number; ifname: string }[] }>('links').ip.map((link) => [
    link.ifindex,
    link.ifname,
  ]),
);
const types: Readonly<Record<string, number>> = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
};

for (const family of [4, 6] as const) {
  test(`a dump of IPv${family} routes reads as ip reads it`, () => {
    const { datagrams, ip } = fixture<{ datagrams: string[]; ip: IpRoute[] }>(`routes-ipv${family}`);
    const routes = recordedMessages(datagrams).flatMap((message) => decodeRoute(message) ?? []);
    assert.ok(routes.length >= 8);
    const ours = routes.map((route) => ({
      destination: route.destination,
      dev: names.get(route.interfaceIndex ?? 0),
      gateway: route.gateway,
      metric: route.metric,
      table: route.table,
      protocol: route.protocol,
      type: route.type,
    }));
    const whole = family === 4 ? 32 : 128;
    const theirs = ip.map((route) => ({
      destination:
        route.dst === 'default'
          ? family === 4
            ? '0.0.0.0/0'
            : '::/0'
          : route.dst.includes('/')
            ? route.dst
            : `${route.dst}/${whole}`,
      dev: route.dev,
      gateway: route.gateway ?? route.via?.host,
      metric: route.metric ?? 0,
      table: Number(route.table ?? 254),
      protocol: Number(route.protocol),
      type: types[route.type] ?? Number(route.type),
    }));
    assert.deepEqual(ours, theirs);
  });
}

test('a filter takes what it says, and nothing else', () => {
  const messages = recordedMessages(fixture('routes-ipv4').datagrams);
  const found = (filter: Parameters<typeof decodeRoute>[1]): string[] =>
    messages.flatMap((message) => decodeRoute(message, filter)?.destination ?? []);
  assert.deepEqual(found({ protocol: 87 }), ['10.98.0.0/24']);
  assert.deepEqual(found({ table: 1000 }), ['10.96.0.0/16']);
  assert.deepEqual(found({ family: 6 }), []);
  const index = [...names].find(([, name]) => name === 'vpn')?.[0];
  assert.ok(index !== undefined);
  assert.ok(found({ interfaceIndex: index }).includes('10.98.0.0/24'));
  assert.ok(!found({ interfaceIndex: index }).includes('10.97.0.0/16'));
});

test('copies that the kernel made for itself are no routes, but for who asks for them', async () => {
  const recorded = recordedMessages(fixture('routes-ipv6').datagrams);
  const cloned = recorded.map((message) => {
    const body = Uint8Array.from(message.body);
    const view = new DataView(body.buffer);
    view.setUint32(8, view.getUint32(8, LITTLE) | 0x200, LITTLE); // RTM_F_CLONED
    return { ...message, body };
  });
  assert.equal(cloned.flatMap((message) => decodeRoute(message) ?? []).length, 0);
  assert.deepEqual(
    cloned.map((message) => decodeRoute(message, {}, true)),
    recorded.map((message) => decodeRoute(message)),
  );
  const { rt } = setUp((message, socket) => {
    for (const { type, body } of [...cloned, ...recorded]) socket.deliver(reply(message, type, body, 2));
    socket.deliver(end(message, 3));
  });
  assert.equal((await rt.routes({ family: 6 })).length, recorded.length);
});

test('links read as ip reads them', () => {
  const { datagrams, ip } = fixture<{
    datagrams: string[];
    ip: { ifindex: number; ifname: string; mtu: number; kind?: string; flags: string[] }[];
  }>('links');
  const links = recordedMessages(datagrams).map((message) => decodeLink(message));
  assert.deepEqual(
    links.map(
      (link) => link && { index: link.index, name: link.name, mtu: link.mtu, kind: link.kind, up: link.up },
    ),
    ip.map(({ ifindex, ifname, mtu, kind, flags }) => ({
      index: ifindex,
      name: ifname,
      mtu,
      kind,
      up: flags.includes('UP'),
    })),
  );
});

/** What `ip -j -d addr` prints of the addresses of a link. */
interface IpAddresses {
  ifindex: number;
  addr_info: {
    family: 'inet' | 'inet6';
    local: string;
    prefixlen: number;
    scope: 'global' | 'link' | 'host';
    tentative?: boolean;
    deprecated?: boolean;
  }[];
}

test('addresses of interfaces read as ip reads them, and a filter takes what it says', () => {
  const { datagrams, ip } = fixture<{ datagrams: string[]; ip: IpAddresses[] }>('addresses');
  const messages = recordedMessages(datagrams);
  const scopes = { global: 0, link: 253, host: 254 };
  const theirs = ip.flatMap(({ ifindex, addr_info }) =>
    addr_info.map((address) => ({
      family: address.family === 'inet' ? 4 : 6,
      interfaceIndex: ifindex,
      address: address.local,
      prefixLength: address.prefixlen,
      scope: scopes[address.scope],
      tentative: address.tentative ?? false,
      deprecated: address.deprecated ?? false,
    })),
  );
  const read = (filter?: Parameters<typeof decodeInterfaceAddress>[1]) =>
    messages.flatMap((message) => decodeInterfaceAddress(message, filter) ?? []);
  const byAddress = (a: { address: string }, b: { address: string }): number =>
    a.address < b.address ? -1 : 1;
  assert.deepEqual(
    read()
      .map(({ flags: _, protocol: _whose, ...rest }) => rest)
      .sort(byAddress),
    theirs.sort(byAddress),
  );
  assert.ok(theirs.some(({ deprecated }) => deprecated));
  const setBy = (wanted: string) => read().find(({ address }) => address.startsWith(wanted))?.protocol;
  assert.deepEqual(
    [setBy('::1'), setBy('fe80:'), setBy('10.98.')],
    [1, 3, 0],
    'IFAPROT_KERNEL_LO, _LL; nobody',
  );
  assert.deepEqual(
    read({ interfaceIndex: 2 }).map(({ address }) => address),
    ['10.98.0.1', 'fd00:98::1'],
    'the own ones, not those of the other end',
  );
  assert.deepEqual(
    read({ interfaceIndex: 1, family: 6 }).map(({ address }) => address),
    ['::1'],
  );
});

const prefix = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, length]) => `${address}/${length}`),
);

test('a route is read back as written, host bits masked', () => {
  const spec = fc.record(
    {
      destination: prefix,
      interfaceIndex: fc.integer({ min: 1, max: 0x7fffffff }),
      metric: fc.nat(0xffffffff),
      table: fc.integer({ min: 1, max: 0xffffffff }),
      protocol: fc.nat(255),
    },
    { requiredKeys: ['destination', 'interfaceIndex'] },
  );
  fc.assert(
    fc.property(spec, (wanted) => {
      const route = decodeRoute({ type: 24, flags: 0, sequence: 1, port: 0, body: encodeRoute(wanted) });
      const family = wanted.destination.includes(':') ? 6 : 4;
      assert.deepEqual(route, {
        family,
        destination: canonicalPrefix(wanted.destination),
        source: undefined,
        interfaceIndex: wanted.interfaceIndex,
        gateway: undefined,
        metric: wanted.metric || (family === 6 ? 1024 : 0),
        table: wanted.table ?? 254,
        protocol: wanted.protocol ?? 87,
        type: 1,
        scope: family === 4 ? 253 : 0,
      } satisfies Route);
    }),
  );
});

test('a rule is read back as written', () => {
  const number = fc.nat(0xffffffff);
  const spec = fc.record(
    {
      family: fc.constantFrom(4 as const, 6 as const),
      table: fc.integer({ min: 1, max: 0xffffffff }),
      priority: number,
      mark: fc.record({ value: number, mask: number }, { requiredKeys: ['value'] }),
      invert: fc.boolean(),
      suppressPrefixLength: fc.nat(128),
      protocol: fc.nat(255),
    },
    { requiredKeys: ['family', 'table'] },
  );
  fc.assert(
    fc.property(spec, (wanted) => {
      const {
        family,
        priority = 0,
        table,
        mark,
        invert = false,
        suppressPrefixLength,
        protocol = 87,
      } = wanted;
      const rule = decodeRule({ type: 32, flags: 0, sequence: 1, port: 0, body: encodeRule(wanted) });
      assert.deepEqual(rule, {
        family,
        priority,
        action: 1,
        table,
        mark: mark && { value: mark.value, mask: mark.mask ?? 0xffffffff },
        invert,
        suppressPrefixLength,
        source: undefined,
        destination: undefined,
        inputInterface: undefined,
        outputInterface: undefined,
        protocol,
      } satisfies Rule);
    }),
  );
  assert.throws(() => encodeRule({ family: 4, table: 0 }), /a rule needs a table of 1 or more, not 0/);
});

test('masking leaves the prefix, clears the rest, and is done after once', () => {
  assert.equal(canonicalPrefix('10.78.0.1/24'), '10.78.0.0/24');
  assert.equal(canonicalPrefix('10.78.0.129/25'), '10.78.0.128/25');
  assert.equal(canonicalPrefix('255.255.255.255/0'), '0.0.0.0/0');
  assert.equal(canonicalPrefix('192.0.2.1'), '192.0.2.1/32');
  assert.equal(canonicalPrefix('2001:DB8:0:0:ffff::1/65'), '2001:db8:0:0:8000::/65');
  assert.equal(canonicalPrefix('::ffff:192.0.2.1/128'), canonicalPrefix('::ffff:c000:201'));
  fc.assert(
    fc.property(prefix, (text) => {
      const once = canonicalPrefix(text);
      assert.equal(canonicalPrefix(once), once);
    }),
  );
});

test('addresses are read back as written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const bytes = encodeAddress(text);
      assert.deepEqual(encodeAddress(decodeAddress(bytes) ?? ''), bytes);
    }),
  );
});

test('any link, address, route or rule is decoded or is a NetlinkDecodeError', () => {
  const recorded = ['links', 'addresses', 'routes-ipv4', 'routes-ipv6'].flatMap((name) =>
    recordedMessages(fixture(name).datagrams),
  );
  const damaged = fc
    .tuple(
      fc.constantFrom(...recorded),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 8 }),
      fc.nat(2000),
    )
    .map(([message, hits, length]): NetlinkMessage => {
      const body = Uint8Array.from(message.body);
      for (const [at, value] of hits) body[at % body.length] = value;
      return { ...message, body: body.subarray(0, length) };
    });
  fc.assert(
    fc.property(damaged, (message) => {
      for (const decode of [decodeLink, decodeInterfaceAddress, decodeRoute, decodeRule]) {
        try {
          decode(message);
        } catch (error) {
          assert.ok(error instanceof NetlinkDecodeError, String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

function setUp(onRequest: FakeKernel['onRequest']) {
  const kernel = new FakeKernel();
  kernel.onRequest = onRequest;
  return { kernel, rt: Rtnetlink.open({ openSocket: kernel.open }) };
}

test('what no network can be is refused: a prefix longer than its address, an address of another family', () => {
  const attribute = (type: number, value: number[]): number[] => [value.length + 4, 0, type, 0, ...value];
  const message = (body: number[]): NetlinkMessage => ({
    type: 24,
    flags: 0,
    sequence: 0,
    port: 0,
    body: Uint8Array.from(body),
  });
  const route = (family: number, length: number, source: number, attributes: number[]): NetlinkMessage =>
    message([family, length, source, 0, 254, 87, 0, 1, 0, 0, 0, 0, ...attributes]);
  const v4 = [10, 0, 0, 1];
  const v6 = [0xfd, ...new Array(15).fill(0)];
  assert.equal(decodeRoute(route(2, 32, 0, attribute(1, v4)))?.destination, '10.0.0.1/32');
  assert.equal(decodeRoute(route(2, 0, 0, []))?.destination, '0.0.0.0/0');
  for (const bad of [
    route(2, 33, 0, attribute(1, v4)),
    route(10, 129, 0, attribute(1, v6)),
    route(10, 32, 0, attribute(1, v4)),
    route(2, 32, 0, attribute(1, v6)),
    route(10, 0, 129, attribute(2, v6)),
    route(2, 24, 0, []), // no destination, and no default route
  ])
    assert.throws(() => decodeRoute(bad), NetlinkDecodeError);
  const address = (length: number): NetlinkMessage =>
    message([2, length, 0, 0, 1, 0, 0, 0, ...attribute(2, v4)]);
  assert.equal(decodeInterfaceAddress(address(32))?.prefixLength, 32);
  assert.throws(() => decodeInterfaceAddress(address(33)), NetlinkDecodeError);
});

test('a lookup gives the way, or the error that a packet would get', async () => {
  const { datagrams } = fixture<{ datagrams: string[][] }>('lookups');
  const [answer] = recordedMessages(datagrams[0] ?? []);
  assert.ok(answer);
  let type = 1;
  const { kernel, rt } = setUp((message, socket) => {
    const body = Uint8Array.from(answer.body);
    body[7] = type;
    socket.deliver(concat(reply(message, 24, body), end(message, 2)));
  });
  const route = await rt.lookup('10.98.0.7', { mark: 1, scopeId: 3 });
  assert.equal(names.get(route.interfaceIndex ?? 0), 'vpn');
  assert.equal(route.destination, '10.98.0.7/32');
  assert.deepEqual(
    Buffer.from(kernel.socket.sent[0]?.body ?? []).toString('hex'),
    '022000000000000000100000' + '08000100' + '0a620007' + '08001000' + '01000000' + '08000400' + '03000000',
  );
  for (const [refusing, code] of [
    [6, 'EINVAL'],
    [7, 'EHOSTUNREACH'],
    [8, 'EACCES'],
  ] as const) {
    type = refusing;
    await assert.rejects(
      rt.lookup('10.98.0.7'),
      (error) => error instanceof NetlinkError && error.code === code,
    );
  }
});

test('a repeated lookup gives each answer, whatever the one before was', async () => {
  const { datagrams } = fixture<{ datagrams: string[][] }>('lookups');
  const [answer] = recordedMessages(datagrams[0] ?? []);
  assert.ok(answer);
  const body = Uint8Array.from(answer.body);
  let there = true;
  const { kernel, rt } = setUp((message, socket) => {
    if (there) socket.deliver(concat(reply(message, 24, Uint8Array.from(body)), end(message, 2)));
    else socket.deliver(end(message, 2, 101));
  });
  const question = rt.repeatedLookup('10.98.0.7');
  const ask = async (): Promise<Route> => await question.ask();
  const first = await ask();
  assert.deepEqual(await ask(), first);
  body[5] = 87; // its protocol
  const second = await ask();
  assert.deepEqual([first.protocol, second.protocol], [answer.body[5], 87]);
  there = false;
  await assert.rejects(ask(), { code: 'ENETUNREACH' });
  there = true;
  assert.deepEqual(await ask(), second);
  const [one, other] = kernel.socket.sent.map(({ body: question }) => question);
  assert.deepEqual(one, other);
});

test('a lookup names source and interface, and asks for the route itself if it is to', async () => {
  const { datagrams } = fixture<{ datagrams: string[][] }>('lookups-source');
  const answers = datagrams.map((lines) => recordedMessages(lines)[0]);
  assert.equal(answers[0], undefined);
  const { kernel, rt } = setUp((message, socket) => {
    const answer = answers[kernel.socket.sent.length - 1];
    if (answer === undefined) socket.deliver(end(message, 2, 101));
    else socket.deliver(concat(reply(message, 24, answer.body), end(message, 2)));
  });
  const target = '2001:db8:99::1';
  await assert.rejects(rt.lookup(target), { code: 'ENETUNREACH', request: `look up the route to ${target}` });
  const source = '2001:db8:1::1';
  const way = await rt.lookup(target, { source, interfaceIndex: 3 });
  assert.deepEqual([way.destination, way.source, way.gateway], [`${target}/128`, `${source}/128`, 'fe80::1']);
  const route = {
    family: 6,
    destination: '::/0',
    source: '2001:db8:1::/64',
    interfaceIndex: 3,
    gateway: 'fe80::1',
  };
  assert.deepEqual(await rt.lookup(target, { source, fibMatch: true }), {
    ...{ ...route, metric: 512, table: 254, protocol: 3, type: 1, scope: 0 },
  });
  const marked = await rt.lookup('198.51.100.1', { mark: 7, fibMatch: true });
  assert.deepEqual([marked.destination, marked.table], ['198.51.0.0/16', 700]);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const destination = `14000100${hex(encodeAddress(target))}`;
  const from = `14000200${hex(encodeAddress(source))}`;
  assert.deepEqual(
    kernel.socket.sent.map(({ body }) => hex(body)),
    [
      `0a8000000000000000000000${destination}`,
      `0a8080000000000000000000${destination}${from}0800040003000000`,
      `0a8080000000000000200000${destination}${from}`,
      '022000000000000000300000' + '08000100c6336401' + '0800100007000000',
    ],
  );
  for (const options of [{ source: '192.0.2.1' }, { scopeId: 3, interfaceIndex: 4 }]) {
    await assert.rejects(rt.lookup(target, options), { name: 'NetlinkEncodeError' });
  }
});

test('a link that is absent is undefined, other errors are errors', async () => {
  let errno = 19;
  const { rt } = setUp((message, socket) => socket.deliver(end(message, 2, errno)));
  assert.equal(await rt.link('vpn'), undefined);
  assert.equal(await rt.link(4711), undefined);
  errno = 1;
  await assert.rejects(rt.link('vpn'), { name: 'NetlinkError', code: 'EPERM', request: 'get link vpn' });
  await assert.rejects(rt.link(0), { name: 'NetlinkEncodeError' });
  await assert.rejects(rt.link(1.5), { name: 'NetlinkEncodeError' });
});

test('routes that exist or do not are told in words', async () => {
  let errno = 17;
  const { kernel, rt } = setUp((message, socket) => socket.deliver(end(message, 2, errno)));
  const route = { destination: '10.78.0.1/24', interfaceIndex: 7, metric: 5, table: 1000 };
  await assert.rejects(rt.addRoute(route), {
    code: 'EEXIST',
    message:
      'add route 10.78.0.1/24 on interface 7 metric 5 table 1000: file already exists (EEXIST): there is a route to this destination with this metric already',
  });
  await assert.rejects(rt.addRoute(route, { append: true }), {
    request: 'append route 10.78.0.1/24 on interface 7 metric 5 table 1000',
    detail: 'this very route is there already',
  });
  errno = 3;
  await assert.rejects(rt.removeRoute(route), { code: 'ESRCH', detail: 'there is no such route' });
  assert.deepEqual(
    kernel.socket.sent.map(({ type, flags }) => [type, flags]),
    [
      [24, 0x605],
      [24, 0xc05],
      [25, 0x5],
    ],
  );
});

test('addresses of an interface are asked for, and of one that is gone there are none', async () => {
  const { kernel, rt } = setUp((message, socket) => socket.deliver(end(message, 3, 19)));
  assert.deepEqual(await rt.addresses({ interfaceIndex: 258 }), []);
  assert.deepEqual(
    kernel.socket.sent.map(({ type, body }) => [type, Buffer.from(body).toString('hex')]),
    [
      [22, '0200000002010000'],
      [22, '0a00000002010000'],
    ],
  );
  await assert.rejects(rt.addresses({ interfaceIndex: -1 }), { name: 'NetlinkEncodeError' });
});

test('a kernel without IPv6 answers its dump with IPv4 routes, which are not taken twice', async () => {
  const recorded = recordedMessages(fixture('routes-ipv4').datagrams);
  const { rt } = setUp((message, socket) => {
    for (const { type, body } of recorded) socket.deliver(reply(message, type, body, 2));
    socket.deliver(end(message, 3));
  });
  assert.equal((await rt.routes()).length, recorded.length);
  assert.equal((await rt.routes({ family: 6 })).length, 0);
});
