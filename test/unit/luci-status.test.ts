// LuCI's status page, with the answers of the daemon's own methods behind it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATE_WORDS } from '../../src/daemon/status.js';
import { FakeService } from '../support/fake-service.js';
import { openPage } from '../support/luci/page.js';
import { routerOf } from '../support/luci/router.js';

const VIEW = 'wgpeerselector/status';

/** A router whose daemon refuses one method with a status of ubus, and no words. */
function refusing(refused: string, status: number): ReturnType<typeof routerOf> {
  const router = routerOf([new FakeService('vpn')]);
  const call: typeof router.call = async (object, method, args) =>
    method === refused ? [status] : await router.call(object, method, args);
  return { ...router, call };
}

test('a connection is shown with its peer, its handshake, its bytes, the round and the latest failures', async () => {
  const page = await openPage(VIEW, routerOf([new FakeService('vpn')]));
  for (const text of [
    'connected, since 60 min',
    'sn01 at 192.0.2.1:51820',
    '61 s ago',
    '8.0 PiB received, 2.0 KiB sent',
    'IPv4, IPv6',
    'fd00::/8: taken',
  ]) {
    await page.sees(text);
  }
  assert.deepEqual(await page.texts('td[data-title=Peer]'), ['sn01', 'sn02', 'old', 'sn02']);
  assert.deepEqual(await page.texts('td[data-title=State]'), ['connected', 'disabled']);
  assert.deepEqual(await page.texts('td[data-title=Reason]'), ['no such \x1b[1mname']);
  assert.deepEqual(await page.texts('td[data-title=Address]'), [], 'a title beside nothing');
  // A long name leaves the endpoint its place.
  assert.deepEqual(await page.texts('th[width=33%]'), ['Peer', 'Endpoint', 'Reason']);
  assert.deepEqual(await page.texts('h3'), ['vpn']);
  await page.close();
});

test('it follows what happens, and the buttons and failures stay the same while the peers and they do', async () => {
  const service = new FakeService('vpn');
  const page = await openPage(VIEW, routerOf([service]));
  const mark = () =>
    page.run(async ({ require }) => {
      const { cards } = await require('view.wgpeerselector.status');
      const [, , , , peers, failures] = cards.vpn.node.childNodes;
      peers.firstMark ??= peers.childNodes[0];
      failures.firstMark ??= failures.childNodes[1];
      return peers.firstMark === peers.childNodes[0] && failures.firstMark === failures.childNodes[1];
    });
  await mark();
  service.connected = false;
  await page.poll();
  await page.sees('connecting, since 60 min');
  assert.deepEqual(await page.texts('td[data-title=State]'), ['connecting', 'disabled']);
  assert.ok(await mark());
  await page.close();
});

test('each enabled peer has a button that goes there, and there is one for the next', async () => {
  const service = new FakeService('vpn');
  const page = await openPage(VIEW, routerOf([service]));
  assert.equal((await page.texts('button')).filter((label) => label === 'Connect').length, 2);
  assert.ok(await page.press('Connect'));
  assert.ok(await page.press('Next peer'));
  assert.deepEqual(service.told, ['select sn01', 'next']);
  await page.close();
});

test("what fails is told with the interface, what was to be done, and the daemon's own words", async () => {
  const service = new FakeService('vpn');
  const page = await openPage(VIEW, routerOf([service]));
  service.selector.select = () => false;
  assert.ok(await page.press('Connect'));
  await page.sees('vpn select: vpn has no enabled peer sn01');
  await page.close();
});

test('what fails without words is told by its status', async () => {
  const page = await openPage(VIEW, refusing('next', 7));
  assert.ok(await page.press('Next peer'));
  await page.sees('vpn next: Request timeout');
  await page.close();
});

test('what nobody can be asked for is told as that, and no press of a button leaves an error behind', async () => {
  const services = [new FakeService('vpn')];
  const page = await openPage(VIEW, routerOf(services));
  services.pop();
  assert.ok(await page.press('Next peer'));
  await page.sees(
    'vpn next: RPC call to wgpeerselector.vpn/next {} failed with error -32000: Object not found',
  );
  await page.close();
});

test('long names and addresses break anywhere, so that a phone need not scroll sideways; words do not', async () => {
  const router = routerOf([new FakeService('vpn')]);
  const call: typeof router.call = async (object, method, args) => {
    const answer = await router.call(object, method, args);
    for (const failure of (answer[1] as { failures?: object[] } | undefined)?.failures ?? [])
      Object.assign(failure, { remote_address: '[2001:db8::9]:51820' });
    return answer;
  };
  const page = await openPage(VIEW, { ...router, call });
  for (const [title, wrap] of Object.entries({
    ...{ Peer: 'anywhere', Endpoint: 'anywhere', Address: 'anywhere', Reason: 'anywhere' },
    ...{ State: '', When: '' },
  })) {
    const styles = await page.styles(`td[data-title=${title}]`, 'overflowWrap');
    assert.deepEqual([...new Set(styles)], [wrap], title);
  }
  await page.close();
});

test('whoever may only look can press nothing', async () => {
  const service = new FakeService('vpn');
  const page = await openPage(VIEW, routerOf([service], {}, true));
  await page.sees('connected, since 60 min');
  assert.equal(await page.press('Connect'), false);
  assert.equal(await page.press('Next peer'), false);
  assert.deepEqual(service.told, []);
  await page.close();
});

test('an interface that is configured and not served says so, one that comes is shown, one that goes is not', async () => {
  const services = [new FakeService('mesh')];
  const wgpeerselector = "config peer 'gw'\n\toption ifname 'vpn'\n";
  const page = await openPage(VIEW, routerOf(services, { wgpeerselector }));
  assert.deepEqual(await page.texts('h3'), ['mesh', 'vpn']);
  await page.sees('No process serves vpn.');
  services.push(new FakeService('vpn'));
  services.shift();
  await page.poll();
  assert.deepEqual(await page.texts('h3'), ['vpn']);
  assert.deepEqual(await page.texts('td[data-title=State]'), ['connected', 'disabled']);
  await page.close();
});

test('without a peer the page says where they are entered', async () => {
  const page = await openPage(VIEW, routerOf([]));
  await page.sees('There are no peers yet.');
  await page.close();
});

test('an answer that is refused does not look like an interface that nobody serves', async () => {
  const router = routerOf([new FakeService('vpn')]);
  const page = await openPage(VIEW, { ...router, call: async () => [6] });
  await page.sees('No answer for vpn: ');
  await page.close();
});

test('a router that cannot be asked at all does not look like an interface that nobody serves', async () => {
  const wgpeerselector = "config peer 'gw'\n\toption ifname 'vpn'\n";
  const router = routerOf([new FakeService('vpn')], { wgpeerselector });
  let there = true;
  const objects = () => {
    if (there) return router.objects();
    throw new Error('RPC call to undefined/undefined failed: XHR request failed');
  };
  const page = await openPage(VIEW, { ...router, objects });
  await page.sees('connected, since 60 min');
  there = false;
  await page.poll();
  await page.sees('No answer for vpn: ');
  there = true;
  await page.poll();
  await page.sees('connected, since 60 min');
  await page.close();
});

test('peers that are not told are no answer, whatever else is', async () => {
  const page = await openPage(VIEW, refusing('peers', 9));
  await page.sees('No answer for vpn: RPC call to wgpeerselector.vpn/peers {} failed with ubus code 9');
  await page.close();
});

test('every state has the words of the daemon', async () => {
  for (const [state, words] of Object.entries(STATE_WORDS)) {
    const service = new FakeService('vpn');
    const router = routerOf([service]);
    const page = await openPage(VIEW, {
      ...router,
      call: async (object, method, args) => {
        const [status, table] = await router.call(object, method, args);
        return [status, method === 'info' ? { ...(table as object), state } : table];
      },
    });
    await page.sees(`${words}, since `);
    await page.close();
  }
});
