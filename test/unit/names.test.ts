import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, mock, test } from 'node:test';
import { MOST_AT_ONCE } from '../../src/names/queue.js';
import { SystemResolver } from '../../src/names/system-resolver.js';
import type { Answer, Family, Lookups } from '../../src/platform/lookup.js';
import { openDnsLookups } from '../../src/platform/node/dns-lookups.js';
import { openNativeLookups } from '../../src/platform/node/native-lookups.js';
import { readHosts, readResolvConf } from '../../src/platform/resolv-conf.js';

/** A system whose answers the test gives. */
class FakeSystem implements Lookups {
  readonly asked: { name: string; family: Family; milliseconds: number; done: (answer: Answer) => void }[] =
    [];
  closed = false;

  start(name: string, family: Family, milliseconds: number, done: (answer: Answer) => void): void {
    this.asked.push({ name, family, milliseconds, done });
  }

  close(): void {
    this.closed = true;
  }

  /** Answers the look-up of a family that is under way. */
  answer(family: Family, answer: Answer, name = 'gw.test'): void {
    const at = this.asked.findIndex((each) => each.family === family && each.name === name);
    assert.notEqual(at, -1, `nobody asked for ${name}, family ${family}`);
    this.asked.splice(at, 1)[0]?.done(answer);
  }
}

const nothing = (failure: string): Answer => ({ failure, addresses: [] });

/** A resolution under way: what was found, and how it ended. */
function begin(system: FakeSystem, timeout = 5_000) {
  const resolver = new SystemResolver(() => system);
  const found: string[][] = [];
  let ended = false;
  const end = resolver
    .resolve('gw.test', timeout, (addresses) => found.push([...addresses]))
    .then(
      () => 'resolved',
      (error: Error) => error.message,
    )
    .finally(() => {
      ended = true;
    });
  const settled = async (): Promise<boolean> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return ended;
  };
  return { resolver, found, end, settled };
}

describe('resolving', () => {
  test('each family tells of its addresses when it has them; both have to answer', async () => {
    const system = new FakeSystem();
    const { found, end, settled } = begin(system);
    assert.deepEqual(system.asked.map(({ family }) => family).sort(), [4, 6]);
    system.answer(4, { addresses: ['192.0.2.1', '192.0.2.2'] });
    assert.deepEqual(found, [['192.0.2.1', '192.0.2.2']]);
    assert.equal(await settled(), false, 'the other may have some, too');
    system.answer(6, { addresses: ['2001:db8::1'] });
    assert.deepEqual(found, [['192.0.2.1', '192.0.2.2'], ['2001:db8::1']]);
    assert.equal(await end, 'resolved');
  });

  test('one family has none: resolved all the same', async () => {
    const system = new FakeSystem();
    const { found, end } = begin(system);
    system.answer(4, nothing('NODATA'));
    system.answer(6, { addresses: ['2001:db8::1'] });
    assert.equal(await end, 'resolved');
    assert.deepEqual(found, [['2001:db8::1']]);
  });

  test('silence of one family ends at the timeout, and what comes later is not told', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const system = new FakeSystem();
      const { found, end, settled } = begin(system, 2_000);
      const [silent] = system.asked.filter(({ family }) => family === 6);
      system.answer(4, { addresses: ['192.0.2.1'] });
      mock.timers.tick(1_999);
      assert.equal(await settled(), false);
      mock.timers.tick(1);
      assert.equal(await end, 'resolved');
      silent?.done({ addresses: ['2001:db8::1'] });
      assert.deepEqual(found, [['192.0.2.1']]);
    } finally {
      mock.timers.reset();
    }
  });

  for (const [v4, v6, expected] of [
    ['NODATA', 'NODATA', /^gw\.test has no address \(DNS server /],
    ['NODATA', 'NONAME', /^gw\.test has no address \(/],
    ['NONAME', 'NONAME', /^gw\.test does not exist \(DNS server /],
    ['NONAME', 'AGAIN', /^gw\.test does not exist \(/],
    ['REFUSED', 'REFUSED', /^gw\.test does not resolve: DNS server .* is not reachable$/],
    ['AGAIN', 'TIMEOUT', /^gw\.test does not resolve: DNS server .* is not reachable, or cannot answer now/],
    ['TIMEOUT', 'TIMEOUT', /^gw\.test does not resolve: no answer from DNS server .* within 5 s$/],
    ['Out of memory', 'Out of memory', /^gw\.test does not resolve: DNS server .*: Out of memory$/],
  ] as const) {
    test(`IPv4 ${v4}, IPv6 ${v6}: the message says it`, async () => {
      const system = new FakeSystem();
      const { end } = begin(system);
      system.answer(4, nothing(v4));
      system.answer(6, nothing(v6));
      assert.match(await end, expected);
    });
  }

  test('silence of both is told at the timeout', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { end } = begin(new FakeSystem(), 2_000);
      mock.timers.tick(2_000);
      assert.match(await end, /^gw\.test does not resolve: no answer from DNS server .* within 2 s$/);
    } finally {
      mock.timers.reset();
    }
  });

  test('close() gives everything up at once', async () => {
    const system = new FakeSystem();
    const { resolver, found, end } = begin(system);
    const [first] = system.asked;
    resolver.close();
    assert.equal(await end, 'the look-up of gw.test was given up');
    assert.equal(system.closed, true);
    first?.done({ addresses: ['192.0.2.1'] });
    assert.deepEqual(found, []);
    await assert.rejects(resolver.addresses('gw.test', 1_000), /resolver was closed/);
  });
});

describe('many names', () => {
  test('few are under way at once; all get their answer', async () => {
    const system = new FakeSystem();
    const resolver = new SystemResolver(() => system);
    const names = Array.from({ length: 300 }, (_, i) => `gw${i}.test`);
    const all = Promise.all(names.map((name) => resolver.addresses(name, 60_000)));
    let asked = 0;
    for (let next = system.asked[0]; next !== undefined; next = system.asked[0]) {
      assert.ok(system.asked.length <= MOST_AT_ONCE);
      asked++;
      system.answer(
        next.family,
        next.family === 4 ? { addresses: ['192.0.2.1'] } : nothing('NODATA'),
        next.name,
      );
    }
    assert.equal(asked, 600);
    assert.equal((await all).length, 300);
    resolver.close();
  });

  test('what was given up keeps its place until the system lets go; who never had one is told so', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const system = new FakeSystem();
      const resolver = new SystemResolver(() => system);
      const ends = Array.from({ length: MOST_AT_ONCE }, (_, i) =>
        resolver.addresses(`gw${i}.test`, 2_000).then(
          () => assert.fail('resolved'),
          (error: Error) => error.message,
        ),
      );
      assert.equal(system.asked.length, MOST_AT_ONCE);
      mock.timers.tick(2_000);
      const reasons = await Promise.all(ends);
      assert.ok(reasons.some((text) => /within 2 s$/.test(text)));
      assert.ok(reasons.some((text) => /within 2 s, to other names before it$/.test(text)));

      const later = resolver.addresses('gw.test', 2_000);
      assert.ok(
        system.asked.every(({ name }) => name !== 'gw.test'),
        'no place yet',
      );
      for (const { done } of system.asked.splice(0)) done(nothing('TIMEOUT'));
      assert.deepEqual(
        system.asked.map(({ name, family }) => `${name} ${family}`).sort(),
        ['gw.test 4', 'gw.test 6'],
        'nobody asks any more for those who have given up',
      );
      system.answer(4, { addresses: ['192.0.2.1'] });
      system.answer(6, nothing('NODATA'));
      assert.deepEqual(await later, ['192.0.2.1']);
    } finally {
      mock.timers.reset();
    }
  });
});

describe('the C library', () => {
  const ask = (name: string, family: Family): Promise<Answer> =>
    new Promise((resolve) => {
      const lookups = openNativeLookups();
      assert.ok(lookups, 'native.node was built');
      const keep = setTimeout(() => assert.fail('no answer'), 60_000);
      lookups.start(name, family, 5_000, (answer) => {
        clearTimeout(keep);
        lookups.close();
        resolve(answer);
      });
    });

  test('addresses, each of the family that was asked for', async () => {
    assert.deepEqual(await ask('127.0.0.1', 4), { failure: undefined, addresses: ['127.0.0.1'] });
    assert.deepEqual(await ask('2001:db8::0:1', 6), { failure: undefined, addresses: ['2001:db8::1'] });
    assert.equal((await ask('127.0.0.1', 6)).failure, 'NODATA');
  });

  test('localhost, which only /etc/hosts knows', async () => {
    assert.ok((await ask('localhost', 4)).addresses.includes('127.0.0.1'));
  });

  test('what is no name fails and harms nobody', async () => {
    for (const name of ['a\0b', 'a'.repeat(255), 'a'.repeat(100_000)]) {
      const { failure, addresses } = await ask(name, 4);
      assert.match(failure ?? '', /^(EINVAL|ENAMETOOLONG)$/);
      assert.deepEqual(addresses, []);
    }
  });

  test('closed with look-ups under way: nothing comes any more', async () => {
    const lookups = openNativeLookups();
    assert.ok(lookups);
    for (let i = 0; i < MOST_AT_ONCE; i++) lookups.start('localhost', 4, 5_000, () => assert.fail('closed'));
    lookups.close();
    lookups.close();
    await ask('localhost', 4);
  });
});

describe('without native code', () => {
  const folder = mkdtempSync(`${tmpdir()}/wgps-names-`);
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const file = (text: string): string => {
    writeFileSync(`${folder}/file`, text);
    return `${folder}/file`;
  };

  test('localhost', async () => {
    const resolver = new SystemResolver(openDnsLookups);
    assert.ok((await resolver.addresses('localhost', 60_000)).includes('127.0.0.1'));
    resolver.close();
  });

  test('resolv.conf: servers, search list, ndots', () => {
    const path = file(
      '# by hand\n; too\nnameserver 192.0.2.53 # the router\nnameserver fe80::1%wan\ndomain old.example\nsearch lan.example example.org\noptions timeout:1 ndots:2\n',
    );
    assert.deepEqual(readResolvConf(path), {
      servers: ['192.0.2.53', 'fe80::1%wan'],
      search: ['lan.example', 'example.org'],
      ndots: 2,
    });
    assert.deepEqual(readResolvConf(`${folder}/absent`), { servers: [], search: [], ndots: 1 });
  });

  test('hosts: every name of a line, capitals or not, comments left out', () => {
    const path = file(
      '192.0.2.77 gw.example.net gw\n2001:db8::77\tGW.example.net # gw3\n#192.0.2.78 gw\nfe80::1%wan gw2\n',
    );
    assert.deepEqual(readHosts('gw.EXAMPLE.net', path), ['192.0.2.77', '2001:db8::77']);
    assert.deepEqual(readHosts('gw', path), ['192.0.2.77']);
    assert.deepEqual(readHosts('gw2', path), ['fe80::1']);
    assert.deepEqual(readHosts('gw3', path), []);
  });
});
