// Links and addresses that are made, changed and removed: what is sent, and what errors say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAddress, encodeAddress } from '../../src/netlink/address.js';
import { Rtnetlink } from '../../src/netlink/index.js';
import type { NetlinkMessage } from '../../src/netlink/message.js';
import {
  decodeInterfaceAddress,
  encodeInterfaceAddress,
} from '../../src/netlink/rtnetlink/interface-address.js';
import { decodeLink, encodeLinkChange, encodeNewLink } from '../../src/netlink/rtnetlink/link.js';
import { end, FakeKernel } from './netlink-support.js';

const messageOf = (body: Uint8Array): NetlinkMessage => ({ type: 16, flags: 0, sequence: 1, port: 0, body });

test('a new link is read back as written: its name, kind, MTU and group', () => {
  const link = decodeLink(
    messageOf(encodeNewLink({ name: 'vpn', kind: 'wireguard', mtu: 1300, group: 51887 })),
  );
  assert.deepEqual(link, {
    ...{ index: 0, name: 'vpn', kind: 'wireguard', flags: 0, up: false, mtu: 1300, group: 51887 },
  });
  const bare = decodeLink(messageOf(encodeNewLink({ name: 'a', kind: 'dummy' })));
  assert.deepEqual([bare?.mtu, bare?.group], [0, 0], 'left to the kernel');
  assert.throws(
    () => encodeNewLink({ name: 'sixteen-bytes-it', kind: 'dummy' }),
    /cannot be an interface name/,
  );
});

test('a change of a link names its flags only where it means them', () => {
  const hex = (body: Uint8Array): string => Buffer.from(body).toString('hex');
  assert.equal(hex(encodeLinkChange(7)), '00000000070000000000000000000000');
  assert.equal(hex(encodeLinkChange(7, { up: true })), '00000000070000000100000001000000');
  assert.equal(hex(encodeLinkChange(7, { up: false })), '00000000070000000000000001000000');
  assert.equal(hex(encodeLinkChange(7, { mtu: 1400 })), '000000000700000000000000000000000800040078050000');
  assert.throws(() => encodeLinkChange(0), /0 cannot be an interface index/);
});

test('an address is read back as written', () => {
  const spec = fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(32), fc.nat(255), fc.integer({ min: 1, max: 0x7fffffff }))
    .map(([address, prefixLength, protocol, interfaceIndex]) => {
      return { address, prefixLength, protocol, interfaceIndex };
    });
  fc.assert(
    fc.property(spec, (wanted) => {
      const read = decodeInterfaceAddress(messageOf(encodeInterfaceAddress(wanted)));
      assert.deepEqual(read, {
        ...{ ...wanted, address: decodeAddress(encodeAddress(wanted.address)) ?? '' },
        ...{ family: wanted.address.includes(':') ? 6 : 4, scope: 0, flags: 0 },
        ...{ tentative: false, deprecated: false },
      });
    }),
  );
  const address = { address: '10.0.0.1', interfaceIndex: 7 };
  for (const prefixLength of [-1, 33, 1.5]) {
    assert.throws(
      () => encodeInterfaceAddress({ ...address, prefixLength }),
      /cannot be the length of its prefix/,
    );
  }
});

test('requests say what they are, and errors what was tried and what it means', async () => {
  const kernel = new FakeKernel();
  let errno = 0;
  kernel.onRequest = (message, socket) => socket.deliver(end(message, 2, errno));
  const rt = Rtnetlink.open({ openSocket: kernel.open });
  const link = { name: 'vpn', kind: 'wireguard' };
  const address = { address: '10.0.0.1', prefixLength: 24, interfaceIndex: 7 };
  await rt.addLink(link);
  await rt.changeLink(7, { up: true });
  await rt.removeLink(7);
  await rt.addAddress(address);
  await rt.removeAddress(address);
  assert.deepEqual(
    kernel.socket.sent.map(({ type, flags }) => [type, flags]),
    [
      [16, 0x605],
      [16, 0x5],
      [17, 0x5],
      [20, 0x605],
      [21, 0x5],
    ],
  );
  errno = 17;
  await assert.rejects(rt.addLink(link), {
    message:
      'make interface vpn of kind wireguard: file already exists (EEXIST): there is an interface of that name already',
  });
  await assert.rejects(rt.addAddress(address), {
    request: 'add address 10.0.0.1/24 on interface 7',
    detail: 'the interface has it already',
  });
  errno = 95;
  await assert.rejects(rt.addLink(link), { detail: 'this kernel has no interfaces of that kind' });
  errno = 19;
  await assert.rejects(rt.changeLink(7, {}), { request: 'change interface with index 7', code: 'ENODEV' });
  await assert.rejects(rt.removeLink(7), { request: 'remove interface with index 7', code: 'ENODEV' });
  await assert.rejects(rt.removeAddress(address), { detail: 'there is no such interface' });
  errno = 22;
  await assert.rejects(rt.addAddress({ ...address, address: 'fd00::1' }), {
    detail: /its MTU has to be 1280/,
  });
});
