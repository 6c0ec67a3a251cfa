// What LuCI's packages say of themselves: the views of their menu, and the methods that a login may call.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { methodsOf } from '../../src/daemon/methods.js';
import { FakeOwner, FakeService } from '../support/fake-service.js';
import { LUCI_PACKAGES, modulesOf } from '../support/luci/sources.js';

const [app = ''] = LUCI_PACKAGES;
const NAME = 'luci-app-wgpeerselector';

interface Rights {
  readonly ubus: Readonly<Record<string, readonly string[]>>;
  readonly uci: readonly string[];
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(`${app}/root/usr/share/${path}/${NAME}.json`, 'utf8'));
}

test('every view of the menu is there, and every view is in the menu', () => {
  const menu = json('luci/menu.d') as Record<string, { action: { type: string; path?: string } }>;
  const views = Object.values(menu).flatMap(({ action }) => (action.type === 'view' ? [action.path] : []));
  const names = modulesOf(app).flatMap(({ name }) => (name.startsWith('view.') ? [name.slice(5)] : []));
  assert.ok(views.length > 0);
  assert.deepEqual(views.map((path) => path?.replaceAll('/', '.')).sort(), names);
});

test('what a login may call is there, and to look is another right than to act', () => {
  const { [NAME]: rights } = json('rpcd/acl.d') as Record<string, { read: Rights; write: Rights }>;
  assert.ok(rights);
  const { read, write } = rights;
  const known = Object.keys(methodsOf(new FakeService('vpn'), new FakeOwner()));
  for (const method of [read, write].flatMap(({ ubus }) => Object.values(ubus).flat()))
    assert.ok(known.includes(method));
  assert.deepEqual(Object.keys(read.ubus), ['wgpeerselector.*']);
  assert.deepEqual(read.ubus['wgpeerselector.*'], ['status', 'info', 'peers']);
  assert.deepEqual(write.ubus['wgpeerselector.*'], ['select', 'next']);
  assert.deepEqual(write.uci, ['wgpeerselector']);
});
