// Questions that are asked again and again: whatever differs from the answer before is found, as by reading all of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NetlinkConnection, Rtnetlink, WireGuard, type WireGuardDevice } from '../../src/netlink/index.js';
import { decodeMessages, encodeMessage } from '../../src/netlink/message.js';
import { decodeDevice } from '../../src/netlink/wireguard/decode.js';
import { REPEATED } from '../../src/platform/netlink.js';
import { AnsweringSocket } from '../support/answering-socket.js';
import { concat, fixture, recordedMessages, unhex } from './netlink-support.js';

/** The recorded device of twelve peers, one of which goes on in the second datagram. */
const recording = fixture('wireguard-device').datagrams.map(unhex);
const family = recordedMessages(fixture('wireguard-family').datagrams)[0];

/** The datagrams as answers to a request: with its sequence number, and this port. */
function answering(datagrams: readonly Uint8Array[], sequence: number, port: number): Uint8Array[] {
  return datagrams.map((datagram) =>
    concat(
      ...decodeMessages(datagram).map(({ type, flags, body }) =>
        concat(encodeMessage(type, flags, sequence, port, body), new Uint8Array(-body.length & 3)),
      ),
    ),
  );
}

/** Every place of a datagram that a peer's counters take, found by their attributes: 6, 7 and 8 of a peer (linux/wireguard.h). */
function counterBytes(datagram: Uint8Array): Set<number> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const found = new Set<number>();
  const walk = (
    start: number,
    end: number,
    visit: (type: number, start: number, end: number) => void,
  ): void => {
    for (let at = start; at < end; at += (view.getUint16(at, true) + 3) & ~3) {
      visit(view.getUint16(at + 2, true) & 0x3fff, at + 4, at + view.getUint16(at, true));
    }
  };
  for (let at = 0; at < datagram.length; at += (view.getUint32(at, true) + 3) & ~3) {
    if (view.getUint16(at + 4, true) < 16) continue;
    walk(at + 20, at + view.getUint32(at, true), (attribute, start, end) => {
      if (attribute !== 8) return;
      walk(start, end, (_index, peer, peerEnd) =>
        walk(peer, peerEnd, (type, value, valueEnd) => {
          if (type === 6 || type === 7 || type === 8) for (let i = value; i < valueEnd; i++) found.add(i);
        }),
      );
    });
  }
  return found;
}

/** Where a message ends in its datagram. */
function end(datagram: Uint8Array, body: Uint8Array): number {
  return body.byteOffset - datagram.byteOffset + body.length;
}

/** A WireGuard whose device is what `datagrams` says. */
async function setUp(datagrams: Uint8Array[]) {
  const kernel = new AnsweringSocket();
  assert.ok(family);
  kernel.answer = ({ sequence }) => [
    encodeMessage(family.type, 0, sequence, kernel.port, family.body),
    encodeMessage(2, 0, sequence, kernel.port, new Uint8Array(20)),
  ];
  const wireguard = await WireGuard.open({ openSocket: kernel.open });
  kernel.answer = ({ sequence }) => answering(datagrams, sequence, kernel.port);
  return { kernel, wireguard, question: wireguard.repeatedDevice('vpn') };
}

function read(datagrams: readonly Uint8Array[]): WireGuardDevice {
  return decodeDevice(
    datagrams.flatMap((datagram) => decodeMessages(datagram)).filter(({ type }) => type >= 16),
  );
}

/** What an error says, without what was being done. */
function wordsOf(error: unknown): string {
  return String(error).replace(/: get WireGuard device vpn.*: the answer cannot be read/, '');
}

/** All of a device, secrets too. */
function reveal(device: WireGuardDevice): unknown {
  const peers = device.peers.map((peer) => ({ ...peer, presharedKey: peer.presharedKey?.revealBase64() }));
  return { ...device, peers, privateKey: device.privateKey?.revealBase64() };
}

test('a device that is as before is the very same, and nothing is read', async () => {
  const { kernel, wireguard, question } = await setUp(recording);
  const first = await question.ask();
  assert.deepEqual(reveal(first), reveal(read(recording)));
  const { asked } = kernel;
  assert.equal(await question.ask(), first);
  assert.equal(question.again(), first);
  assert.equal(kernel.asked, asked);
  assert.deepEqual(reveal(await wireguard.device('vpn')), reveal(first), 'as when it is asked for once');
});

test('every single byte of a device: one of a counter is taken over, and any other has all of it read', async () => {
  const datagrams = fixture('wireguard-handshake').datagrams.map(unhex);
  const { kernel, question } = await setUp(datagrams);
  let counters = 0;
  for (const datagram of datagrams) {
    const ofCounters = counterBytes(datagram);
    for (let at = 0; at < datagram.length; at++) {
      const part = decodeMessages(datagram).find(({ body }) => at < end(datagram, body));
      const inBody = part !== undefined && at >= end(datagram, part.body) - part.body.length;
      if (!inBody) continue; // lengths and numbers: the answer to something else
      await question.ask().catch(() => {});
      const { asked } = kernel;
      const byte = datagram[at] ?? 0;
      datagram[at] = byte ^ 1;
      let expected: unknown;
      try {
        expected = reveal(read(datagrams));
      } catch (error) {
        expected = wordsOf(error);
      }
      const found = await question.ask().then(reveal, wordsOf);
      if (part.type >= 16) assert.deepEqual(found, expected, `byte ${at}`); // and not the end of the dump
      assert.equal(kernel.asked > asked, !ofCounters.has(at), `byte ${at}`);
      datagram[at] = byte;
      if (ofCounters.has(at)) counters++;
    }
  }
  assert.equal(counters, 16 + 8 + 8);
});

test('counters that move, among them those of a peer in the second datagram: as if all were read', async () => {
  const datagrams = recording.map((datagram) => Uint8Array.from(datagram));
  const { kernel, question } = await setUp(datagrams);
  const places = datagrams.flatMap((datagram) => [...counterBytes(datagram)].map((at) => ({ datagram, at })));
  let before = await question.ask();
  const { asked } = kernel;
  const change = fc.tuple(fc.integer({ min: 0, max: places.length - 1 }), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
      for (const [index, byte] of changes) {
        const place = places[index];
        if (place !== undefined) place.datagram[place.at] = byte;
      }
      const now = await question.ask();
      assert.deepEqual(reveal(now), reveal(read(datagrams)));
      for (const [index, peer] of now.peers.entries()) {
        const was = before.peers[index];
        assert.equal(peer.allowedIps, was?.allowedIps, 'what has not changed is the same object');
        assert.equal(peer.presharedKey, was?.presharedKey);
      }
      before = now;
    }),
  );
  assert.equal(kernel.asked, asked);
});

test('a counter that moves at the same time as something behind it is not lost', async () => {
  const datagrams = recording.map((datagram) => Uint8Array.from(datagram));
  const { question } = await setUp(datagrams);
  await question.ask();
  const [first, last] = [datagrams[0], datagrams.at(-1)];
  assert.ok(first && last);
  const [counter = 0] = counterBytes(first);
  const keepalive = Buffer.from(last).lastIndexOf(Uint8Array.of(6, 0, 5, 0)) + 4;
  first[counter] = (first[counter] ?? 0) ^ 1;
  last[keepalive] = (last[keepalive] ?? 0) ^ 1;
  assert.equal(question.again(), undefined);
  last[keepalive] = (last[keepalive] ?? 0) ^ 1;
  assert.deepEqual(reveal(await question.ask()), reveal(read(datagrams)));
});

test('where a peer lacks a counter, each answer is read', async () => {
  const datagrams = recording.map((datagram) => Uint8Array.from(datagram));
  const { question } = await setUp(datagrams);
  const [first] = datagrams;
  assert.ok(first);
  first[Buffer.from(first).indexOf(Uint8Array.of(12, 0, 7, 0)) + 2] = 99; // bytes received of the first peer
  await question.ask();
  for (const at of counterBytes(first)) {
    first[at] = (first[at] ?? 0) ^ 1;
    assert.deepEqual(reveal(await question.ask()), reveal(read(datagrams)));
  }
});

test('where one peer comes twice and another lacks its counters, each answer is read', async () => {
  const datagrams = recording.map((datagram) => Uint8Array.from(datagram));
  const [first] = datagrams;
  assert.ok(first);
  const attribute = Buffer.from(first).indexOf(Uint8Array.of(12, 0, 7, 0)); // bytes received of the first peer
  const keyFrom = (from: number): number => Buffer.from(first).indexOf(Uint8Array.of(36, 0, 1, 0), from) + 4;
  const key = keyFrom(0);
  const again = keyFrom(key);
  assert.ok(4 < key && key < attribute && attribute < again);
  first[attribute + 2] = 99;
  // The third is now the second once more: as many counters as peers, but not theirs.
  const second = first.slice(again, again + 32);
  const third = keyFrom(again);
  first.set(second, third);
  const { question } = await setUp(datagrams);
  await question.ask();
  for (const at of counterBytes(first)) {
    first[at] = (first[at] ?? 0) ^ 1;
    assert.deepEqual(reveal(await question.ask()), reveal(read(datagrams)));
  }
});

test('a device that grows, and one that goes', async () => {
  const datagrams = recording.map((datagram) => Uint8Array.from(datagram));
  const { kernel, question } = await setUp(datagrams);
  const whole = await question.ask();
  const [first] = datagrams.splice(0, 1);
  assert.ok(first);
  await assert.rejects(question.ask(), { name: 'NetlinkDecodeError' }); // peers, and no device
  datagrams.unshift(first);
  assert.deepEqual(reveal(await question.ask()), reveal(whole));
  kernel.answer = ({ sequence }) => [
    encodeMessage(2, 0, sequence, kernel.port, concat(Uint8Array.of(237, 255, 255, 255), new Uint8Array(16))),
  ];
  assert.equal(question.again(), undefined);
  await assert.rejects(question.ask(), { code: 'ENODEV' });
});

test('a question is repeated without the acknowledgement, and not while anything else is under way', async () => {
  const [answer] = recordedMessages(fixture<{ datagrams: string[][] }>('lookups').datagrams[0] ?? []);
  assert.ok(answer);
  const { body } = answer;
  const kernel = new AnsweringSocket();
  const acknowledged: boolean[] = [];
  kernel.answer = ({ sequence, acknowledge, dump }) => {
    if (dump) return []; // its answer takes a while
    acknowledged.push(acknowledge);
    const route = encodeMessage(24, 0, sequence, kernel.port, body);
    return acknowledge ? [route, encodeMessage(2, 0, sequence, kernel.port, new Uint8Array(20))] : [route];
  };
  const rt = Rtnetlink.open({ openSocket: kernel.open });
  const question = rt.repeatedLookup('10.98.0.7');
  assert.equal(question.again(), undefined, 'it was never asked');
  const first = await question.ask();
  assert.equal(question.again(), first);
  assert.deepEqual(acknowledged, [true, false]);
  const links = rt.links();
  const { repeated } = kernel;
  assert.equal(question.again(), undefined);
  assert.deepEqual(await question.ask(), first);
  assert.equal(kernel.repeated, repeated, 'the answer of the dump could have been thrown away');
  rt.close();
  await assert.rejects(links, { code: 'ECANCELED' });
  assert.equal(question.again(), undefined);
  await assert.rejects(question.ask(), { code: 'ECANCELED' });
});

test('where the socket cannot compare, or hands on an answer with its acknowledgement, each is read', async () => {
  const kernel = new AnsweringSocket();
  kernel.answer = ({ sequence }) => [
    concat(
      encodeMessage(24, 0, sequence, kernel.port, new Uint8Array(12)),
      encodeMessage(2, 0, sequence, kernel.port, new Uint8Array(20)),
    ),
  ];
  const connection = new NetlinkConnection(0, { openSocket: kernel.open });
  const { messages, exchange } = await connection.record(
    { what: 'ask', type: 26, body: new Uint8Array(12) },
    false,
  );
  assert.equal(messages.length, 1);
  assert.equal(exchange, undefined);
  // Two datagrams, of which the first has no whole number of words.
  kernel.answer = ({ sequence }) => [
    encodeMessage(24, 0, sequence, kernel.port, new Uint8Array(13)),
    encodeMessage(3, 0, sequence, kernel.port, new Uint8Array(4)),
  ];
  const unpadded = await connection.record({ what: 'ask', type: 26, body: new Uint8Array(12) }, true);
  assert.deepEqual([unpadded.messages.length, unpadded.exchange], [1, undefined]);
  const mute = new NetlinkConnection(0, {
    openSocket: (...args) => ({ ...kernel.open(...args), repeat: undefined as never }),
  });
  kernel.answer = ({ sequence }) => [
    encodeMessage(24, 0, sequence, kernel.port, new Uint8Array(12)),
    encodeMessage(2, 0, sequence, kernel.port, new Uint8Array(20)),
  ];
  const recorded = await mute.record({ what: 'ask', type: 26, body: new Uint8Array(12) }, false);
  assert.ok(recorded.exchange);
  assert.equal(mute.repeat(recorded.exchange), REPEATED.other);
});
