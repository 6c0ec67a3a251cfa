import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AcceptanceRule, judge, type Verdict } from '../../src/sntp/accept.js';
import type { Rejection } from '../../src/sntp/outcome.js';
import { decodePacket, encodePacket, type NtpPacket } from '../../src/sntp/packet.js';
import { syncOnce } from '../../src/sntp/sync.js';
import {
  BEHAVIOURS,
  type Behaviour,
  type BehaviourName,
  NtpServer,
  referenceId,
} from '../support/ntp-server.js';

const question = { address: '192.0.2.1', port: 123, transmit: 0xabcdefn };
const good: NtpPacket = {
  ...decodePacket(new Uint8Array(48)),
  version: 4,
  mode: 4,
  stratum: 2,
  origin: question.transmit,
  receive: 1n << 40n,
  transmit: 1n << 41n,
};

function verdict(change: Partial<NtpPacket>, from: { address: string; port: number } = question): Verdict {
  return judge(encodePacket({ ...good, ...change }), from, question);
}

function assertBroken(result: Verdict, rule: AcceptanceRule): void {
  assert.equal(result.accepted ? 'accepted' : result.rule, rule);
}

describe('judge: each rule at its edges', () => {
  test('a good answer is accepted', () => {
    assert.ok(verdict({}).accepted);
  });
  test('source: another address or another port', () => {
    assertBroken(verdict({}, { address: '192.0.2.2', port: 123 }), 'source');
    assertBroken(verdict({}, { address: '192.0.2.1', port: 124 }), 'source');
  });
  test('source: the zone of a link-local address is a matter of notation', () => {
    const asked = { address: 'fe80::1%br-lan', port: 123, transmit: question.transmit };
    assert.ok(judge(encodePacket(good), { address: 'fe80::1%7', port: 123 }, asked).accepted);
    assertBroken(judge(encodePacket(good), { address: 'fe80::2%br-lan', port: 123 }, asked), 'source');
  });
  test('size: 47 bytes are no packet, 48 are, more are', () => {
    const bytes = encodePacket(good);
    assertBroken(judge(bytes.subarray(0, 47), question, question), 'size');
    assert.ok(judge(Buffer.concat([bytes, Buffer.alloc(20)]), question, question).accepted);
  });
  test('origin: one bit of 64 wrong', () => {
    for (let bit = 0n; bit < 64n; bit++) {
      assertBroken(verdict({ origin: question.transmit ^ (1n << bit) }), 'origin');
    }
  });
  test('mode: only 4', () => {
    for (let mode = 0; mode < 8; mode++) {
      if (mode === 4) assert.ok(verdict({ mode }).accepted);
      else assertBroken(verdict({ mode }), 'mode');
    }
  });
  test('version: only 3 and 4', () => {
    for (let version = 0; version < 8; version++) {
      if (version === 3 || version === 4) assert.ok(verdict({ version }).accepted);
      else assertBroken(verdict({ version }), 'version');
    }
  });
  test('kiss: RATE, DENY and RSTR at stratum 0, and only there', () => {
    for (const code of ['RATE', 'DENY', 'RSTR'] as const) {
      const result = verdict({ stratum: 0, leap: 3, referenceId: referenceId(code) });
      assertBroken(result, 'kiss');
      assert.equal(result.accepted ? undefined : result.kiss, code);
      assert.ok(verdict({ referenceId: referenceId(code) }).accepted);
    }
    assertBroken(verdict({ stratum: 0, referenceId: referenceId('INIT') }), 'stratum');
  });
  test('leap: 3 is not synchronised, 0 to 2 are', () => {
    for (const leap of [0, 1, 2]) assert.ok(verdict({ leap }).accepted);
    assertBroken(verdict({ leap: 3 }), 'leap');
  });
  test('stratum: 1 to 15', () => {
    for (const stratum of [1, 15]) assert.ok(verdict({ stratum }).accepted);
    for (const stratum of [0, 16, 255]) assertBroken(verdict({ stratum }), 'stratum');
  });
  test('root distance: half the delay and the dispersion, below 1.5 s', () => {
    assert.ok(verdict({ rootDelay: 1, rootDispersion: 0.99 }).accepted);
    assertBroken(verdict({ rootDelay: 1, rootDispersion: 1 }), 'root distance');
    assertBroken(verdict({ rootDelay: 3, rootDispersion: 0 }), 'root distance');
    assertBroken(verdict({ rootDelay: 0, rootDispersion: 65535 }), 'root distance');
  });
  test('transmit: not zero', () => {
    assert.ok(verdict({ transmit: 1n }).accepted);
    assertBroken(verdict({ transmit: 0n }), 'transmit');
  });
  test('strangers cannot end a question, the server can', () => {
    const final = (result: Verdict) => (result.accepted ? undefined : result.final);
    assert.equal(final(verdict({}, { address: '192.0.2.2', port: 123 })), false);
    assert.equal(final(judge(new Uint8Array(3), question, question)), false);
    // Without our timestamp even a kiss-o'-death is nothing: anybody could silence a server for us.
    assert.equal(final(verdict({ origin: 0n, stratum: 0, referenceId: referenceId('DENY') })), false);
    assert.equal(final(verdict({ leap: 3 })), true);
  });
  test('any bytes from anywhere give a verdict', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string(), fc.nat(), (bytes, address, port) => {
        const result = judge(bytes, { address, port }, question);
        assert.equal(result.accepted, false);
      }),
    );
  });
});

/** One server at work with one behaviour, asked over a real socket. */
async function askOne(address: string, behaviour: Behaviour, timeout: number, repeat = 60_000) {
  const server = await NtpServer.start({ address, behaviour });
  try {
    return { result: await syncOnce({ servers: [server.spec], timeout, repeat }), server };
  } finally {
    await server.close();
  }
}

/** The different reasons, in the order of their first appearance. */
function reasons(rejected: readonly Rejection[]): string[] {
  return [...new Set(rejected.map(({ reason }) => reason))];
}

const LAST_WORDS: [BehaviourName, AcceptanceRule][] = [
  ['client-mode', 'mode'],
  ['broadcast', 'mode'],
  ['version-1', 'version'],
  ['kiss-rate', 'kiss'],
  ['kiss-deny', 'kiss'],
  ['kiss-rstr', 'kiss'],
  ['kiss-other', 'leap'],
  ['unsynchronised', 'leap'],
  ['stratum-0', 'stratum'],
  ['stratum-16', 'stratum'],
  ['root-distance', 'root distance'],
  ['zero-transmit', 'transmit'],
];

const STRAYS: [BehaviourName, AcceptanceRule][] = [
  ['wrong-origin', 'origin'],
  ['zero-origin', 'origin'],
  ['other-port', 'source'],
  ['short', 'size'],
];

for (const address of ['127.0.0.1', '::1']) {
  describe(`over a socket, ${address}`, () => {
    test('a good server is believed', async () => {
      const { result, server } = await askOne(address, {}, 10_000);
      assert.ok(result.ok);
      assert.deepEqual(result.rejected, []);
      assert.equal(server.asked.length, 1);
      assert.ok(Math.abs(result.offset) <= result.error, `offset ${result.offset} ± ${result.error}`);
    });

    for (const [name, rule] of LAST_WORDS) {
      if (rule === 'kiss') {
        test(`${name} breaks the rule '${rule}', and the attempt ends with it`, async () => {
          const { result, server } = await askOne(address, BEHAVIOURS[name], 60_000);
          assert.equal(result.ok, false);
          assert.deepEqual(reasons(result.rejected), [rule]);
          assert.ok(!result.ok && result.reason === 'no majority');
          assert.equal(result.servers[0]?.outcome, 'left alone');
          assert.equal(server.asked.length, 1);
        });
      } else {
        test(`${name} breaks the rule '${rule}', and the question ends with it; the next one is believed`, async () => {
          const server = await NtpServer.start({ address, behaviour: BEHAVIOURS[name] });
          server.onAsked(() => {
            if (server.asked.length > 1) server.behaviour = {};
          });
          const result = await syncOnce({ servers: [server.spec], timeout: 60_000, repeat: 200 });
          await server.close();
          assert.ok(result.ok);
          assert.deepEqual(reasons(result.rejected), [rule]);
          assert.equal(result.servers[0]?.outcome, 'agreed');
        });
      }
    }

    for (const [name, rule] of STRAYS) {
      test(`${name} breaks the rule '${rule}', and the question stays open`, async () => {
        const { result, server } = await askOne(address, { ...BEHAVIOURS[name], thenGood: true }, 60_000);
        assert.ok(result.ok);
        assert.deepEqual(reasons(result.rejected), [rule]);
        assert.equal(server.asked.length, 1);
      });
    }

    test('a silent server is asked again and again, each time from another port with another timestamp', async () => {
      const server = await NtpServer.start({ address, behaviour: { silent: true } });
      const stop = new AbortController();
      server.onAsked(() => {
        if (server.asked.length === 4) stop.abort();
      });
      const result = await syncOnce({
        servers: [server.spec],
        timeout: 60_000,
        repeat: 20,
        signal: stop.signal,
      });
      await server.close();
      assert.ok(!result.ok && result.reason === 'stopped');
      assert.deepEqual(result.rejected, []);
      assert.equal(new Set(server.asked.map(({ port }) => port)).size, server.asked.length);
      assert.equal(new Set(server.asked.map(({ packet }) => packet.transmit)).size, server.asked.length);
    });

    test('a lost question is asked again', async () => {
      const { result, server } = await askOne(address, { from: 3 }, 60_000, 50);
      assert.ok(result.ok);
      assert.ok(server.asked.length >= 3);
    });

    test('a late answer counts, with the wider bound that goes with it', async () => {
      const { result } = await askOne(address, { delay: 300, hideDelay: true }, 60_000);
      assert.ok(result.ok);
      assert.ok(result.delay >= 0.29 && result.error >= 0.14, `delay ${result.delay}, error ${result.error}`);
      assert.ok(Math.abs(result.offset) <= result.error);
    });

    test('the time that the server itself took is no delay', async () => {
      const { result } = await askOne(address, { delay: 300 }, 60_000);
      assert.ok(result.ok);
      assert.ok(result.delay < result.took - 0.29, `delay ${result.delay}, took ${result.took}`);
    });
  });
}

describe('answers from elsewhere', () => {
  test('another address of the same host', async () => {
    const { result } = await askOne('127.0.0.1', { otherAddress: '127.0.0.2', thenGood: true }, 60_000);
    assert.ok(result.ok);
    assert.deepEqual(reasons(result.rejected), ['source']);
    assert.match(result.rejected[0]?.detail ?? '', /127\.0\.0\.2 port \d+/);
  });

  test('a flood of forged packets neither ends a question nor fills the memory', async () => {
    const server = await NtpServer.start({ behaviour: { delay: 200 } });
    const flood = createSocket('udp4');
    flood.bind(0, '127.0.0.1');
    await once(flood, 'listening');
    server.onAsked(({ port }) => {
      for (let count = 0; count < 100; count++) flood.send(encodePacket(good), port, '127.0.0.1');
    });
    const result = await syncOnce({ servers: [server.spec], timeout: 60_000, repeat: 60_000 });
    flood.close();
    await server.close();
    assert.ok(result.ok);
    assert.ok(
      result.rejected.length > 0 && result.rejected.length <= 8,
      `${result.rejected.length} rejections`,
    );
  });
});
