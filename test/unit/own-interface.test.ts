// The interface that the daemon makes: its own, as it was told, whoever changes it, and nobody else's.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { FULL_TUNNEL, OWN_GROUP } from '../../src/config/index.js';
import type { Making } from '../../src/daemon/own-link.js';
import { making, OwnInterfaceKernel } from '../support/own-interface-kernel.js';

const { EADDRINUSE, EACCES, ENOBUFS } = constants.errno;

const KEY = 'aJi3Yk1nE6cUy5Y2gkDPmx4nzXVNkXxTEBbJHnw0EHM=';
/** The same as the kernel has it: no bit of the lowest three, the highest cleared, the next set. */
const OTHER_KEY = '//////////////////////////////////////////8=';
const OTHER_CLAMPED = '+P///////////////////////////////////////38=';

const folder = mkdtempSync(`${tmpdir()}/wgps-own-`);
after(() => rmSync(folder, { recursive: true }));
const file = `${folder}/key`;
writeFileSync(file, `${KEY}\n`);

function want(change: Partial<Making> = {}): Making {
  return making(file, change);
}

/** One that stands, and of which nothing has been said yet. */
async function standing(change: Partial<Making> = {}) {
  const kernel = new OwnInterfaceKernel();
  const own = await kernel.start();
  await own.become(want(change));
  await kernel.timers.pass(1_000);
  kernel.said();
  kernel.asked.length = 0;
  return { kernel, own };
}

test('it comes with mark of ours and MTU, is up when all else is set, and goes in the end', async () => {
  const kernel = new OwnInterfaceKernel();
  const own = await kernel.start();
  await own.become(want({ listenPort: 51820, fwmark: 7, mtu: 1300 }));
  assert.deepEqual(kernel.asked, ['add vpn', 'set key port 51820 mark 7', 'add 10.0.0.2/32', 'up']);
  assert.deepEqual(
    [kernel.held?.link.group, kernel.held?.link.mtu, kernel.held?.link.up],
    [OWN_GROUP, 1300, true],
  );
  assert.equal(kernel.marks, 1);
  assert.deepEqual(kernel.states, ['down', 'up'], 'and nothing seems to be undone by events that come late');
  assert.deepEqual(kernel.said(), [
    'info vpn: the interface is made: listen port 51820, fwmark 7, private key, address 10.0.0.2/32',
  ]);
  await kernel.timers.pass(60_000);
  assert.deepEqual([kernel.asked.length, kernel.timers.pending], [4, 0], 'nothing is left to do');
  await own.end();
  assert.equal(kernel.held, undefined);
  assert.deepEqual(kernel.said(), ['info vpn: the interface is removed']);
});

test('the next run takes over what a killed one has left, wherever that one was, and nothing is set anew', async () => {
  const { kernel } = await standing({ listenPort: 1 });
  const next = await kernel.start();
  await next.become(want({ listenPort: 1 }));
  assert.deepEqual(kernel.asked, ['set key']); // the kernel has it, and so takes no notice
  assert.deepEqual(kernel.said(), []);

  const early = new OwnInterfaceKernel();
  early.make({ group: OWN_GROUP, mtu: 1420 }); // killed right behind the first request
  await (await early.start()).become(want());
  assert.deepEqual([early.held?.link.up, early.addresses], [true, ['10.0.0.2/32']]);
});

test('one of that name that others have made is left alone, said once, and not removed', async () => {
  for (const link of [{ group: 0 }, { group: OWN_GROUP, kind: 'dummy' }]) {
    const kernel = new OwnInterfaceKernel();
    kernel.make({ ...link, mtu: 1400 });
    const own = await kernel.start();
    await own.become(want());
    kernel.change({ mtu: 1300 });
    await kernel.changeDevice({ fwmark: 1 });
    await kernel.timers.pass(60_000);
    assert.match(kernel.said().join('\n'), /^warning vpn: somebody else has made vpn, .*$/);
    await own.end();
    assert.deepEqual(kernel.asked, []);
    assert.ok(kernel.held);
  }
});

test('when that one goes, ours comes; and who takes the mark away has taken it', async () => {
  const kernel = new OwnInterfaceKernel();
  kernel.make();
  const own = await kernel.start();
  await own.become(want());
  kernel.delete();
  await kernel.timers.pass(200);
  assert.equal(kernel.held?.link.group, OWN_GROUP);
  kernel.said();
  await kernel.timers.pass(1_000);
  kernel.change({ group: 0, mtu: 1400 });
  await kernel.timers.pass(60_000);
  assert.match(kernel.said().join('\n'), /^warning vpn: somebody else has made vpn, .*$/);
  await own.end();
  assert.equal(kernel.held?.link.mtu, 1400);
});

test('somebody who makes one in the moment in which ours would come has made it', async () => {
  const kernel = new OwnInterfaceKernel();
  kernel.refuse.set('add vpn', constants.errno.EEXIST);
  const own = await kernel.start();
  await own.become(want());
  kernel.make();
  await kernel.timers.pass(1_000);
  assert.match(kernel.said().join('\n'), /^error vpn: .*EEXIST.*\nwarning vpn: somebody else/);
});

test('what somebody changes is put back after 200 ms, and said', async () => {
  const { kernel } = await standing({ listenPort: 5, fwmark: 6 });
  const publicKey = kernel.held?.device.publicKey;
  for (const [change, text] of [
    [
      () => kernel.delete(),
      /deleted the interface, it is made again: listen port 5, fwmark 6, private key, address/,
    ],
    [() => kernel.change({ mtu: 1400 }), /changed the interface, put back: mtu 1420$/],
    [() => kernel.removeAddress('10.0.0.2'), /put back: address 10\.0\.0\.2\/32$/],
    [() => kernel.changeDevice({ fwmark: 0 }), /put back: fwmark 6$/],
    [() => kernel.changeDevice({ listenPort: 7 }), /put back: listen port 5$/],
    [() => kernel.changeDevice({ publicKey: 'another' }), /put back: private key$/],
  ] as const) {
    await change();
    await kernel.timers.pass(199);
    assert.deepEqual(kernel.said(), []);
    await kernel.timers.pass(1);
    assert.match(kernel.said().join('\n'), text);
    await kernel.timers.pass(600_000); // peace
  }
  const { link, device } = kernel.held ?? {};
  assert.deepEqual(
    [link?.mtu, link?.up, device?.publicKey, kernel.addresses],
    [1420, true, publicKey, ['10.0.0.2/32']],
  );
});

test('one that is deleted while it is being made is made again, and nobody is told of an error', async () => {
  for (const step of ['get', 'set ', 'add 10', 'up', 'mtu']) {
    const kernel = new OwnInterfaceKernel();
    let times = 0;
    kernel.before = (what) => {
      if (what.startsWith(step) && times++ === 0) kernel.delete();
    };
    const own = await kernel.start();
    if (step === 'mtu') kernel.make({ group: OWN_GROUP, mtu: 1300 });
    await own.become(want());
    await kernel.timers.pass(1_000);
    assert.deepEqual(
      [times > 0, kernel.held?.link.up, kernel.addresses],
      [true, true, ['10.0.0.2/32']],
      step,
    );
    assert.deepEqual(
      kernel.said().filter((line) => line.startsWith('error')),
      [],
      step,
    );
  }
});

test('what no event tells, or none of it tells, is put right as well; and what is told of others asks for nothing', async () => {
  const { kernel } = await standing();
  await kernel.vanish();
  await kernel.timers.pass(1_000);
  assert.equal(kernel.held?.link.up, true);
  kernel.loseAddresses();
  await kernel.timers.pass(1_000);
  assert.deepEqual(kernel.addresses, ['10.0.0.2/32']);
  await kernel.timers.pass(60_000);
  const { lists } = kernel;
  kernel.addElsewhere('10.7.7.7');
  await kernel.timers.pass(60_000);
  assert.equal(kernel.lists, lists);
});

test('where no event tells of what was done, it is asked for after a second', async () => {
  const kernel = new OwnInterfaceKernel();
  kernel.deaf = true;
  const own = await kernel.start();
  const made = own.become(want());
  await kernel.timers.pass(1_000);
  await made;
  assert.deepEqual(kernel.states, ['up']);
});

test('one thing is done after the other: what was wished last counts, and the end comes last', async () => {
  const kernel = new OwnInterfaceKernel();
  const own = await kernel.start();
  void own.become(want({ listenPort: 1 }));
  await own.become(want({ listenPort: 2 }));
  assert.deepEqual(kernel.asked, ['add vpn', 'set key port 1', 'add 10.0.0.2/32', 'up', 'set key port 2']);
  const late = new OwnInterfaceKernel();
  const other = await late.start();
  void other.become(want());
  await other.end();
  await late.timers.pass(1_000);
  assert.equal(late.held, undefined);
  const never = new OwnInterfaceKernel();
  const failing = await never.start();
  await failing.become(want({ privateKeyFile: `${folder}/none` }));
  await failing.end();
  assert.equal(never.timers.pending, 0);
});

test('who changes it again and again is answered more and more slowly, and told of a few times', async () => {
  const { kernel } = await standing();
  for (let seconds = 0; seconds < 3_600; seconds++) {
    kernel.delete();
    await kernel.timers.pass(1_000);
  }
  const made = kernel.asked.filter((what) => what === 'add vpn').length;
  assert.ok(made > 100 && made < 140, `${made} times in an hour`);
  const told = kernel.said().filter((line) => !line.startsWith('debug'));
  assert.equal(told.length, 6);
  assert.match(told[5] ?? '', /^warning vpn: somebody changes the interface again and again/);
  await kernel.timers.pass(400_000);
  kernel.delete();
  await kernel.timers.pass(200);
  assert.match(kernel.said().join('\n'), /info vpn: somebody had deleted/, 'after some peace it begins anew');
});

test('who sets it down means it; one that is down at the start is set up', async () => {
  const { kernel } = await standing();
  kernel.change({ up: false });
  kernel.removeAddress('10.0.0.2'); // as IPv6 addresses go with it
  await kernel.timers.pass(60_000);
  assert.deepEqual([kernel.held?.link.up, kernel.addresses], [false, ['10.0.0.2/32']]);
  await (await kernel.start()).become(want());
  assert.equal(kernel.held?.link.up, true);
});

test('addresses of others stay; those that are not configured any more go, also after a restart', async () => {
  const { kernel, own } = await standing();
  kernel.addAddress('10.9.9.9', 32);
  await own.become(want({ addresses: [{ address: 'fd00::2', prefixLength: 64 }] }));
  assert.deepEqual(kernel.addresses, ['10.9.9.9/32', 'fd00::2/64']);
  await (await kernel.start()).become(want({ addresses: [{ address: 'fd00::2', prefixLength: 128 }] }));
  assert.deepEqual(
    kernel.addresses,
    ['10.9.9.9/32', 'fd00::2/128'],
    'the same with another prefix comes when that one has gone',
  );

  const old = new OwnInterfaceKernel();
  old.knowsProtocols = false;
  const ours = await old.start();
  await ours.become(want());
  await ours.become(want({ addresses: [] }));
  assert.deepEqual(old.addresses, [], 'a kernel that does not tell whose it is');
});

test('an address that goes with another of its network comes back', async () => {
  const { kernel, own } = await standing({ addresses: [{ address: '10.0.0.2', prefixLength: 24 }] });
  const addresses = [{ address: '10.0.0.3', prefixLength: 24 }];
  const remove = kernel.removeAddress.bind(kernel);
  kernel.removeAddress = (address) => {
    remove(address);
    if (address === '10.0.0.2') remove('10.0.0.3'); // the kernel takes secondary addresses away with the first
  };
  await own.become(want({ addresses }));
  assert.deepEqual(kernel.addresses, ['10.0.0.3/24']);
});

test('a reload changes what is another, and nothing else', async () => {
  const { kernel, own } = await standing();
  await own.become(want({ mtu: 1380, listenPort: 9 }));
  assert.deepEqual(kernel.asked, ['mtu 1380', 'set key port 9']);
  assert.deepEqual(kernel.said(), ['info vpn: the interface is changed: mtu 1380, listen port 9']);
  assert.equal(kernel.timers.pending, 0, 'and nothing is looked at once more');
  writeFileSync(file, OTHER_KEY);
  await own.become(want({ mtu: 1380, listenPort: 9 }));
  writeFileSync(file, KEY);
  assert.deepEqual(kernel.said(), ['info vpn: the interface is changed: private key']);
  assert.equal(kernel.held?.device.publicKey, `of ${OTHER_CLAMPED}`, 'as the kernel will have it');
});

test('without the option it is left as it is, to its end; with it again it is ours as before', async () => {
  const { kernel, own } = await standing();
  await own.become(undefined);
  kernel.change({ mtu: 1400 });
  await kernel.timers.pass(60_000);
  await own.end();
  assert.deepEqual(kernel.asked, []);
  await (await kernel.start()).become(want());
  assert.equal(kernel.held?.link.mtu, 1420);
});

test('the mark of a full tunnel comes and goes with its rules, where the configuration has none', async () => {
  const { kernel, own } = await standing();
  await kernel.changeDevice({ fwmark: FULL_TUNNEL });
  await kernel.timers.pass(1_000);
  assert.deepEqual(kernel.asked, []);
  await kernel.changeDevice({ fwmark: 5 });
  await own.become(want({ otherMark: FULL_TUNNEL }));
  assert.deepEqual([kernel.held?.device.fwmark, kernel.marks], [FULL_TUNNEL, 1]);
  await own.become(want({ fwmark: 0, otherMark: FULL_TUNNEL }));
  assert.equal(kernel.held?.device.fwmark, 0, 'what the configuration says comes first');
});

test('without its key it is not made; with it, it is, without anybody’s doing', async () => {
  const kernel = new OwnInterfaceKernel();
  const own = await kernel.start();
  const late = `${folder}/late`;
  await own.become(want({ privateKeyFile: late }));
  await kernel.timers.pass(600_000);
  assert.equal(kernel.held, undefined);
  assert.equal(kernel.said().filter((line) => /^error vpn: .*late: does not exist/.test(line)).length, 1);
  writeFileSync(late, KEY);
  await kernel.timers.pass(30_000);
  assert.match(kernel.said().join('\n'), /info vpn: the interface is made/);
});

test('a key that cannot be read any more leaves the one that the kernel has, and everything else is changed', async () => {
  const { kernel, own } = await standing();
  const { publicKey } = kernel.held?.device ?? {};
  await own.become(want({ privateKeyFile: `${folder}/none`, mtu: 1400 }));
  assert.deepEqual([kernel.held?.device.publicKey, kernel.held?.link.mtu], [publicKey, 1400]);
  assert.match(kernel.said().join('\n'), /error vpn: .*none: does not exist/);
});

test('what the kernel refuses is said once, tried again, and keeps nothing else from being done', async () => {
  const kernel = new OwnInterfaceKernel();
  kernel.refuse.set('add fd00', EACCES);
  const addresses = [
    { address: 'fd00::2', prefixLength: 128 },
    { address: '10.0.0.2', prefixLength: 32 },
  ];
  const own = await kernel.start();
  await own.become(want({ addresses }));
  assert.deepEqual([kernel.held?.link.up, kernel.addresses], [true, ['10.0.0.2/32']]);
  await kernel.timers.pass(3_600_000);
  const tries = kernel.asked.filter((what) => what.startsWith('add fd00')).length;
  assert.ok(tries > 100 && tries < 140, `${tries} tries in an hour`);
  assert.equal(kernel.said().filter((line) => /^error .*EACCES/.test(line)).length, 1);
  kernel.refuse.clear();
  await kernel.timers.pass(30_000);
  assert.deepEqual(kernel.addresses, ['10.0.0.2/32', 'fd00::2/128']);
});

test('a port that another socket has keeps it down until that one gives it up', async () => {
  const kernel = new OwnInterfaceKernel();
  kernel.refuse.set('up', EADDRINUSE);
  const own = await kernel.start();
  await own.become(want({ listenPort: 53 }));
  assert.match(kernel.said().join('\n'), /error vpn: .*EADDRINUSE/);
  kernel.refuse.clear();
  await kernel.timers.pass(1_000);
  assert.equal(kernel.held?.link.up, true);
});

test('the end tries more than once, waits for what is under way, and comes to an end', async () => {
  const { kernel, own } = await standing();
  kernel.refuse.set('delete', ENOBUFS);
  void own.become(want({ mtu: 1400 }));
  await own.end();
  assert.equal(kernel.asked.filter((what) => what === 'delete').length, 3);
  assert.match(kernel.said().join('\n'), /error vpn: .*ENOBUFS/);
  kernel.change({ mtu: 1300 });
  await kernel.timers.pass(60_000);
  assert.deepEqual([kernel.held?.link.mtu, kernel.timers.pending], [1300, 0]);
});
