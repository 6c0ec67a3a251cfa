import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { canonicalPrefix } from '../../src/netlink/address.js';
import { decodeFamily } from '../../src/netlink/generic.js';
import {
  NetlinkDecodeError,
  NetlinkEncodeError,
  NetlinkError,
  SecretKey,
  WireGuard,
  type WireGuardConfig,
  type WireGuardDevice,
  type WireGuardPeer,
} from '../../src/netlink/index.js';
import type { NetlinkMessage } from '../../src/netlink/message.js';
import { decodeDevice } from '../../src/netlink/wireguard/decode.js';
import { encodeConfig } from '../../src/netlink/wireguard/encode.js';
import { concat, end, FakeKernel, fixture, recordedMessages, reply } from './netlink-support.js';

interface Recording {
  datagrams: string[];
  wgShowDump: string;
}

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');

/** What `wg show DEVICE dump` prints, from what was decoded. */
function likeWgShowDump(device: WireGuardDevice): string {
  const hide = (secret: SecretKey | undefined) => secret?.revealBase64() ?? '(none)';
  const lines = [
    [
      hide(device.privateKey),
      device.publicKey ?? '(none)',
      device.listenPort,
      device.fwmark === 0 ? 'off' : `0x${device.fwmark.toString(16)}`,
    ],
    ...device.peers.map((peer) => [
      peer.publicKey,
      hide(peer.presharedKey),
      likeWgEndpoint(peer),
      peer.allowedIps.join(',') || '(none)',
      Math.floor(peer.lastHandshake / 1000),
      peer.rxBytes,
      peer.txBytes,
      peer.persistentKeepalive || 'off',
    ]),
  ];
  return lines.map((line) => `${line.join('\t')}\n`).join('');
}

function likeWgEndpoint({ endpoint }: WireGuardPeer): string {
  if (endpoint === undefined) return '(none)';
  const { address, port, scopeId } = endpoint;
  // The recording was made where interface 1 is lo.
  const zone = scopeId === undefined ? '' : scopeId === 1 ? '%lo' : `%${scopeId}`;
  return address.includes(':') ? `[${address}${zone}]:${port}` : `${address}:${port}`;
}

test('a device of twelve peers over three messages reads as wg reads it', () => {
  const { datagrams, wgShowDump } = fixture<Recording>('wireguard-device');
  const messages = recordedMessages(datagrams);
  assert.equal(messages.length, 3);
  const device = decodeDevice(messages);
  assert.equal(likeWgShowDump(device), wgShowDump);
  assert.equal(device.name, 'vpn');
  assert.equal(device.peers[7]?.allowedIps.length, 200);
  assert.ok(device.peers.every(({ protocolVersion }) => protocolVersion === 1));
});

test('a handshake and traffic read as wg reads them', () => {
  const { datagrams, wgShowDump } = fixture<Recording>('wireguard-handshake');
  const device = decodeDevice(recordedMessages(datagrams));
  assert.equal(likeWgShowDump(device), wgShowDump);
  const [peer] = device.peers;
  assert.ok(peer && peer.lastHandshake > 1e12 && peer.rxBytes > 0n);
  assert.notEqual(peer.lastHandshake % 1000, 0, 'finer than seconds');
});

test('a new device has no key and no peer', () => {
  const { index, ...device } = decodeDevice(recordedMessages(fixture('wireguard-new').datagrams));
  assert.ok(index > 0);
  assert.deepEqual(device, { name: 'vpn', listenPort: 0, fwmark: 0, peers: [] });
});

test('the family as the kernel describes it', () => {
  const [message] = recordedMessages(fixture('wireguard-family').datagrams);
  assert.ok(message);
  const { id, ...family } = decodeFamily(message);
  assert.ok(id > 16);
  assert.deepEqual(family, { name: 'wireguard', version: 1, groups: new Map() });
});

const address4 = fc.ipV4();
const address6 = fc.ipV6().filter((text) => !text.includes('.'));
const prefix = fc.oneof(
  fc.tuple(address4, fc.nat(32)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(address6, fc.nat(128)).map(([address, length]) => `${address}/${length}`),
  address4,
  address6,
);
const publicKey = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
const secret = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) => SecretKey.fromBytes(bytes));
const port = fc.integer({ min: 1, max: 65535 });
const endpoint = fc.oneof(
  fc.record({ address: address4, port }),
  fc.record(
    { address: address6, port, scopeId: fc.integer({ min: 1, max: 0xffffffff }) },
    { requiredKeys: ['address', 'port'] },
  ),
);
const peerConfig = fc.record(
  {
    publicKey,
    presharedKey: secret,
    endpoint,
    persistentKeepalive: fc.nat(65535),
    allowedIps: fc.array(prefix, { maxLength: 30 }),
    replaceAllowedIps: fc.constant(true as const),
  },
  { requiredKeys: ['publicKey'] },
);
const config = fc.record(
  {
    privateKey: secret,
    listenPort: fc.nat(65535),
    fwmark: fc.nat(0xffffffff),
    replacePeers: fc.constant(true as const),
    peers: fc.uniqueArray(peerConfig, { maxLength: 12, selector: (peer) => peer.publicKey }),
  },
  { requiredKeys: [] },
);

/** The messages of a SET_DEVICE, to be read as if they answered a GET_DEVICE: the attributes are the same. */
function messagesOf(config: WireGuardConfig, limit?: number): NetlinkMessage[] {
  return encodeConfig({ version: 1 }, 7, config, limit).map((writer) => {
    return { type: 30, flags: 0, sequence: 1, port: 1, body: writer.finish() };
  });
}

test('a configuration is read back as written, in messages of any size', () => {
  fc.assert(
    fc.property(config, fc.integer({ min: 0, max: 4000 }), (wanted, limit) => {
      const messages = messagesOf(wanted, limit);
      // Where not even one allowed IP of a peer fits, the message is as long as that needs.
      for (const { body } of messages) assert.ok(body.length <= Math.max(limit, 300));
      const read = decodeDevice(messages);
      assert.equal(read.index, 7);
      assert.equal(read.listenPort, wanted.listenPort ?? 0);
      assert.equal(read.fwmark, wanted.fwmark ?? 0);
      assert.ok(
        wanted.privateKey === read.privateKey ||
          (wanted.privateKey && read.privateKey?.equals(wanted.privateKey)),
      );
      assert.equal(read.peers.length, wanted.peers?.length ?? 0);
      for (const [i, peer] of (wanted.peers ?? []).entries()) {
        const got = read.peers[i];
        assert.equal(got?.publicKey, peer.publicKey);
        assert.equal(got?.presharedKey?.revealBase64(), peer.presharedKey?.revealBase64());
        assert.equal(got?.persistentKeepalive, peer.persistentKeepalive ?? 0);
        assert.deepEqual(got?.allowedIps, (peer.allowedIps ?? []).map(canonicalPrefix));
        assert.equal(got?.endpoint?.port, peer.endpoint?.port);
        assert.equal(
          got?.endpoint?.scopeId,
          peer.endpoint && 'scopeId' in peer.endpoint ? peer.endpoint.scopeId : undefined,
        );
      }
    }),
  );
});

/** A kernel that does to a map what WireGuard's set_peer does (drivers/net/wireguard/netlink.c). */
function apply(peers: Map<string, string[]>, messages: readonly NetlinkMessage[]): void {
  for (const { body } of messages) {
    const { flags, list } = readConfig(body);
    if ((flags & 1) !== 0) peers.clear();
    for (const { publicKey, peerFlags, allowedIps } of list) {
      if (!peers.has(publicKey)) {
        if ((peerFlags & (1 | 4)) !== 0) continue;
        peers.set(publicKey, []);
      }
      if ((peerFlags & 1) !== 0) {
        peers.delete(publicKey);
        continue;
      }
      peers.set(publicKey, [...((peerFlags & 2) !== 0 ? [] : (peers.get(publicKey) ?? [])), ...allowedIps]);
    }
  }
}

/** Reads the flags and lists that a device read with GET_DEVICE does not have. Written apart from the code under test. */
function readConfig(body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = (from: number, to: number): [type: number, from: number, to: number][] => {
    const found: [number, number, number][] = [];
    for (let at = from; at < to; ) {
      const length = view.getUint16(at, true);
      found.push([view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length]);
      at += (length + 3) & ~3;
    }
    return found;
  };
  const top = attributes(4, body.length);
  const flagsAt = top.find(([type]) => type === 5)?.[1];
  const peers = top.filter(([type]) => type === 8).flatMap(([, from, to]) => attributes(from, to));
  return {
    types: top.map(([type]) => type),
    flags: flagsAt === undefined ? 0 : view.getUint32(flagsAt, true),
    list: peers.map(([, from, to]) => {
      const inner = attributes(from, to);
      const at = (type: number) => inner.find(([t]) => t === type);
      const flags = at(3)?.[1];
      const keyAt = at(1)?.[1] ?? 0;
      const ips = inner.filter(([t]) => t === 9).flatMap(([, a, b]) => attributes(a, b));
      return {
        types: inner.map(([type]) => type),
        publicKey: Buffer.from(body.subarray(keyAt, keyAt + 32)).toString('base64'),
        peerFlags: flags === undefined ? 0 : view.getUint32(flags, true),
        allowedIps: ips.map(([, a, b]) => Buffer.from(body.subarray(a, b)).toString('hex')),
      };
    }),
  };
}

test('split or whole, a configuration has the same effect', () => {
  const flagged = fc.tuple(peerConfig, fc.boolean(), fc.boolean()).map(([peer, remove, updateOnly]) => ({
    ...peer,
    ...(remove && { remove: true as const }),
    ...(updateOnly && { updateOnly: true as const }),
  }));
  const peers = fc.uniqueArray(flagged, { maxLength: 8, selector: (peer) => peer.publicKey });
  fc.assert(
    fc.property(peers, fc.boolean(), fc.nat(2000), fc.nat(7), (list, replace, limit, known) => {
      const wanted: WireGuardConfig = { peers: list, ...(replace && { replacePeers: true as const }) };
      const before = new Map(list.slice(0, known).map((peer) => [peer.publicKey, ['before']]));
      before.set('somebody else', []);
      const whole = new Map(before);
      const split = new Map(before);
      apply(whole, messagesOf(wanted));
      apply(split, messagesOf(wanted, limit));
      assert.deepEqual(split, whole);
    }),
  );
});

test('a peer that goes on in the next message repeats nothing but its key', () => {
  const allowedIps = Array.from({ length: 100 }, (_, i) => `10.0.${i}.0/24`);
  const messages = messagesOf(
    {
      privateKey: SecretKey.fromBase64(key(1)),
      listenPort: 1,
      replacePeers: true,
      peers: [
        {
          publicKey: key(2),
          presharedKey: null,
          endpoint: { address: '192.0.2.1', port: 9 },
          persistentKeepalive: 25,
          replaceAllowedIps: true,
          allowedIps,
        },
      ],
    },
    1500,
  );
  const read = messages.map(({ body }) => readConfig(body));
  assert.ok(read.length > 1);
  for (const [i, { types, flags, list }] of read.entries()) {
    assert.deepEqual(types, i === 0 ? [1, 3, 6, 5, 8] : [1, 8]);
    assert.equal(flags, i === 0 ? 1 : 0);
    assert.equal(list.length, 1);
    assert.deepEqual(list[0]?.types, i === 0 ? [1, 3, 2, 4, 5, 9] : [1, 3, 9]);
    assert.equal(list[0]?.peerFlags, i === 0 ? 2 : 4);
  }
  assert.deepEqual(decodeDevice(messages).peers[0]?.allowedIps, allowedIps);
});

test('an allowed IP whose prefix is longer than its address is refused', () => {
  const messages = recordedMessages(fixture('wireguard-device').datagrams);
  const body = messages[0]?.body ?? new Uint8Array();
  const mask = Buffer.from(body).indexOf(Uint8Array.of(5, 0, 3, 0)) + 4; // WGALLOWEDIP_A_CIDR_MASK
  assert.ok(mask > 4);
  const [prefix = ''] = decodeDevice(messages).peers.flatMap(({ allowedIps }) => allowedIps);
  assert.equal(prefix.split('/')[1], String(body[mask]));
  body[mask] = prefix.includes(':') ? 129 : 33;
  assert.throws(() => decodeDevice(messages), NetlinkDecodeError);
});

test('any answer is decoded or is a NetlinkDecodeError', () => {
  const recorded = recordedMessages(fixture('wireguard-device').datagrams);
  const damage = fc.array(fc.tuple(fc.nat(8000), fc.nat(255)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(damage, (hits) => {
      const messages = recorded.map((message) => ({ ...message, body: Uint8Array.from(message.body) }));
      for (const [at, value] of hits) {
        const body = messages[at % messages.length]?.body;
        if (body) body[at % body.length] = value;
      }
      try {
        decodeDevice(messages);
      } catch (error) {
        assert.ok(error instanceof NetlinkDecodeError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('a secret shows itself only when asked by name', () => {
  const text = key(65);
  const value = SecretKey.fromBase64(text);
  const shown = [
    String(value),
    `${value}`,
    JSON.stringify({ value }),
    inspect({ value }, { showHidden: true, depth: 9 }),
  ];
  for (const one of shown) {
    assert.match(one, /\[secret\]/);
    assert.ok(!one.includes(text) && !one.includes('65') && !one.includes('AAAA'));
  }
  assert.equal(value.revealBase64(), text);
  assert.deepEqual(value.revealBytes(), new Uint8Array(32).fill(65));
  assert.ok(value.equals(SecretKey.fromBytes(value.revealBytes())));
  assert.ok(!value.equals(SecretKey.fromBase64(key(66))));
  value.revealBytes().fill(0);
  assert.equal(value.revealBase64(), text, 'what is revealed is a copy');
  const bytes = value.revealBytes();
  const taken = SecretKey.fromBytes(bytes);
  bytes.fill(0);
  assert.equal(taken.revealBase64(), text, 'what was given is copied');
  for (const bad of ['', text.slice(1), `${text}=`, `${text.slice(0, 42)}B=`, ` ${text}`]) {
    assert.throws(
      () => SecretKey.fromBase64(bad),
      (error) => {
        assert.ok(error instanceof NetlinkDecodeError);
        return bad === '' || !error.message.includes(bad);
      },
    );
  }
  assert.throws(() => SecretKey.fromBytes(new Uint8Array(31)), /31 bytes instead of 32/);
});

test('arguments that cannot be sent are refused before anything is sent', async () => {
  const peer = (fields: object): WireGuardConfig => ({ peers: [{ publicKey: key(1), ...fields }] });
  const cases: [string | number, WireGuardConfig, RegExp][] = [
    ['a-name-too-long-x', {}, /'a-name-too-long-x' cannot be an interface name/],
    ['', {}, /cannot be an interface name/],
    ['vpn', { listenPort: 65536 }, /65536 is not a whole number from 0 to 65535/],
    ['vpn', { peers: [{ publicKey: 'abc' }] }, /public key 'abc' is not 32 bytes in base64/],
    ['vpn', peer({ persistentKeepalive: -1 }), /persistent keepalive -1/],
    ['vpn', peer({ endpoint: { address: '127.1', port: 1 } }), /'127.1' is not an IP address/],
    ['vpn', peer({ endpoint: { address: '192.0.2.1', port: 0 } }), /port 0 is not/],
    ['vpn', peer({ endpoint: { address: 'fe80::1%eth0', port: 1 } }), /'fe80::1%eth0' is not an IP address/],
    ['vpn', peer({ allowedIps: ['10.0.0.0/33'] }), /'10.0.0.0\/33': the prefix length/],
    ['vpn', peer({ allowedIps: ['::/129'] }), /'::\/129': the prefix length/],
    ['vpn', peer({ allowedIps: ['10.0.0.0/'] }), /prefix length/],
    ['vpn', peer({ allowedIps: ['010.0.0.1'] }), /is not an IP address/],
  ];
  const { kernel, wg } = await openFake();
  const before = kernel.socket.sent.length;
  for (const [device, wanted, message] of cases) {
    await assert.rejects(wg.configure(device, wanted), (error) => {
      assert.ok(error instanceof NetlinkEncodeError || error instanceof NetlinkDecodeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(kernel.socket.sent.length, before);
});

async function openFake() {
  const kernel = new FakeKernel();
  const [family] = recordedMessages(fixture('wireguard-family').datagrams);
  kernel.onRequest = (message, socket) => {
    if (message.type !== 16 || !family) return;
    socket.deliver(concat(reply(message, 16, family.body), end(message, 2)));
  };
  const wg = await WireGuard.open({ openSocket: kernel.open });
  return { kernel, wg, family };
}

test('a device is asked for by name or index, and read over several datagrams', async () => {
  const { kernel, wg } = await openFake();
  const recorded = recordedMessages(fixture('wireguard-device').datagrams);
  kernel.onRequest = (message, socket) => {
    for (const { type, body } of recorded) socket.deliver(reply(message, type, body, 2));
    socket.deliver(end(message, 3));
  };
  const byName = await wg.device('vpn');
  const byIndex = await wg.device(byName.index);
  assert.deepEqual(byIndex, byName);
  const [asked, again] = kernel.socket.sent.slice(-2).map(({ body }) => Buffer.from(body));
  assert.deepEqual(asked, Buffer.from([0, 1, 0, 0, 8, 0, 2, 0, 0x76, 0x70, 0x6e, 0]));
  assert.deepEqual(again, Buffer.from([0, 1, 0, 0, 8, 0, 1, 0, byName.index, 0, 0, 0]));
});

test('a refused step says which one, and shows no secret', async () => {
  const { kernel, wg } = await openFake();
  let step = 0;
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2, ++step === 2 ? 1 : 0));
  const peers = Array.from({ length: 600 }, (_, i) => ({
    publicKey: Buffer.alloc(32, i)
      .fill(i >> 8, 0, 1)
      .toString('base64'),
    presharedKey: SecretKey.fromBase64(key(77)),
  }));
  await assert.rejects(wg.configure('vpn', { privateKey: SecretKey.fromBase64(key(78)), peers }), (error) => {
    assert.ok(error instanceof NetlinkError);
    assert.match(
      error.message,
      /^configure WireGuard device vpn \(step 2 of 2\): .*\(EPERM\): this needs CAP_NET_ADMIN$/,
    );
    assert.ok(!inspect(error).includes(key(77)) && !inspect(error).includes(key(78)));
    return true;
  });
});

test('a kernel without WireGuard answers ENOENT', async () => {
  const kernel = new FakeKernel();
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2, 2));
  await assert.rejects(WireGuard.open({ openSocket: kernel.open }), (error) => {
    assert.ok(error instanceof NetlinkError);
    assert.equal(error.code, 'ENOENT');
    assert.match(error.message, /^find generic netlink family wireguard: .* this kernel has no such family/);
    return true;
  });
  assert.equal(kernel.socket.closed, true);
});
