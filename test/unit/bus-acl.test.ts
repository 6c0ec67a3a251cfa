// Who may do what to the daemon on the bus: by the package's ACL, and by the one that docs/openwrt.md has for a broker.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Bus } from '../../src/daemon/bus.js';
import { NOBODY, TestBus } from '../support/bus.js';
import { blocksOf, root } from '../support/documents.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';
import type { Acl } from '../support/ubusd-rules.js';

const object = 'wgpeerselector.vpn';
const peer = { name: 'gw9', endpoint: '192.0.2.9:51820' };
const CALLS = {
  status: {},
  info: {},
  peers: {},
  metrics: {},
  select: { peer: 'sn02' },
  next: {},
  reload: {},
  set_peers: { peers: [peer] },
  add_peer: peer,
  remove_peer: { name: 'gw9' },
};

function packaged(file: string): Acl {
  return JSON.parse(readFileSync(`${root}openwrt/files/usr/share/acl.d/${file}`, 'utf8'));
}

/** The ACL in the documents, for the user that tests have. */
function documented(): Acl {
  const texts = blocksOf('docs/openwrt.md').map(({ text }) => text);
  const [text, ...more] = texts.filter((each) => each.includes('"user": "broker"'));
  assert.ok(text !== undefined && more.length === 0);
  return { ...JSON.parse(text), user: NOBODY.user };
}

/** What `nobody` may call, and what the daemon was told. */
async function allowed(t: TestContext, acls: readonly Acl[], refusal: string) {
  const bus = await TestBus.start(t, acls);
  const owner = new FakeOwner();
  const service = new FakeService('vpn');
  const daemon = new Bus({ path: bus.path, log: { write() {} }, owner });
  t.after(() => daemon.close());
  daemon.serve(service);
  await (await bus.connect()).waitFor(object);
  const nobody = await bus.connectAs(NOBODY);
  const methods: string[] = [];
  for (const [method, args] of Object.entries(CALLS)) {
    try {
      await nobody.call(object, method, args);
      methods.push(method);
    } catch (error) {
      assert.equal((error as { status?: string }).status, refusal, `${method}: ${error}`);
    }
  }
  return { methods, told: [...service.told, ...owner.told] };
}

test('a user of whom no ACL tells may call nothing, and nothing is done', async (t) => {
  assert.deepEqual(await allowed(t, [], 'NOT_FOUND'), { methods: [], told: [] });
});

test('the ACL of the package lets nobody ask for the status, and change nothing', async (t) => {
  const acls = [packaged('wgpeerselector.json'), packaged('wgpeerselector_status.json')];
  assert.deepEqual(await allowed(t, acls, 'PERMISSION_DENIED'), { methods: ['status'], told: [] });
});

test('a broker with the ACL of the documents gives and takes peers, and can do nothing else', async (t) => {
  const { methods, told } = await allowed(t, [documented()], 'PERMISSION_DENIED');
  assert.deepEqual(methods, ['peers', 'set_peers', 'add_peer', 'remove_peer']);
  assert.deepEqual(told, [
    `vpn set ${JSON.stringify([peer])}`,
    `vpn add ${JSON.stringify(peer)}`,
    'vpn remove gw9',
  ]);
});
