// What the daemon believes of links and of its refusing routes, where events, replies and errors come in the wrong order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Blockade } from '../../src/daemon/blockade.js';
import { Kernel, KernelScope, type Netlink } from '../../src/daemon/kernel.js';
import { KernelTunnel } from '../../src/daemon/kernel-tunnel.js';
import {
  type Link,
  type MonitorHandlers,
  NetlinkError,
  type Route,
  type RouteSpec,
  RTN_UNREACHABLE,
} from '../../src/netlink/index.js';
import { InterfaceGone } from '../../src/selector/world.js';
import { FakeTimers, peer } from '../support/fake-world.js';

const VPN: Link = { index: 3, name: 'vpn', kind: 'wireguard', flags: 1, up: true, mtu: 1420, group: 0 };

/** A kernel whose answers about links are given by hand. */
async function openKernel(answers: (() => Promise<Link | undefined>)[], wireguard: object = {}) {
  const timers = new FakeTimers();
  const errors: unknown[] = [];
  let handlers: MonitorHandlers | undefined;
  const netlink: Netlink = {
    wireguard: async () => ({ ...wireguard, close: () => {} }) as never,
    rtnetlink: () => ({ link: () => answers.shift()?.(), close: () => {} }) as never,
    monitor: (given) => {
      handlers = given;
      return { close: () => {} } as never;
    },
    after: (milliseconds, callback) => timers.after(milliseconds, callback),
  };
  const kernel = await Kernel.open((error) => errors.push(error), netlink);
  assert.ok(handlers?.link);
  const { link: tell, lost } = handlers;
  return { kernel, tell, lost, timers, errors };
}

for (const [what, change, link] of [
  ['vanishes', 'gone', VPN],
  ['is renamed', 'new', { ...VPN, name: 'other' }],
] as const) {
  test(`a link that ${what} while it is asked for the first time is not believed to be there`, async () => {
    let answer: (link: Link | undefined) => void = () => {};
    const first = new Promise<Link | undefined>((resolve) => {
      answer = resolve;
    });
    const { kernel, tell } = await openKernel([() => first, async () => undefined]);
    const watching = kernel.watch('vpn');
    tell(change, link);
    answer(VPN);
    assert.equal((await watching).state, 'absent');
  });
}

test('who has left hears nothing any more, and the others go on', async () => {
  const { kernel, tell, lost } = await openKernel([async () => VPN, async () => undefined]);
  const heard: string[] = [];
  const listen = (who: string, { onAnyLink, onRoutes }: Pick<Kernel, 'onAnyLink' | 'onRoutes'>): void => {
    onAnyLink(() => heard.push(`${who} link`));
    onRoutes({ route() {}, address() {}, lost: () => heard.push(`${who} lost`) });
  };
  const scope = new KernelScope(kernel);
  const watched = await scope.watch('vpn');
  for (const [who, one] of [
    ['gone', scope],
    ['there', kernel],
  ] as const) {
    const bound = { onAnyLink: one.onAnyLink.bind(one), onRoutes: one.onRoutes.bind(one) };
    listen(who, bound as never);
  }
  scope.release();
  tell('gone', VPN);
  lost();
  assert.deepEqual([...new Set(heard)], ['there link', 'there lost']);
  assert.equal(watched.state, 'up'); // as it was
});

test('a link that cannot be read is not followed', async () => {
  const answers = [() => Promise.reject(new NetlinkError(12, 'link vpn'))];
  const { kernel, lost, errors } = await openKernel(answers);
  await assert.rejects(kernel.watch('vpn'), { code: 'ENOMEM' });
  lost(); // all that are followed are read again
  assert.deepEqual(errors, []);
});

/** WireGuard, which knows no interface of that name any more. */
const refuse = async (): Promise<never> => {
  throw new NetlinkError(19, 'configure WireGuard device vpn'); // ENODEV
};
const knowsNone = { repeatedDevice: () => ({ again: () => undefined, ask: refuse }), configure: refuse };

for (const [what, now] of [
  ['is gone', undefined],
  ['is another', { ...VPN, index: 4 }],
] as const) {
  test(`WireGuard says that a link ${what}, before an event does: then that is known with the answer`, async () => {
    for (const ask of [
      async (tunnel: KernelTunnel) => assert.deepEqual((await tunnel.device()).peers, []),
      (tunnel: KernelTunnel) => tunnel.remove('key of a'),
      (tunnel: KernelTunnel) => assert.rejects(tunnel.adjust(peer('a')), InterfaceGone),
      (tunnel: KernelTunnel) => assert.rejects(tunnel.kick(peer('a')), InterfaceGone),
    ]) {
      const { kernel } = await openKernel([async () => VPN, async () => now], knowsNone);
      const watched = await kernel.watch('vpn');
      const tunnel = new KernelTunnel(kernel, watched);
      const told: string[] = [];
      tunnel.onLink(() => told.push(tunnel.link));
      await ask(tunnel);
      assert.deepEqual(told, now === undefined ? ['absent'] : ['absent', 'up']);
    }
  });
}

test('an answer that there is no interface, where it is there as before, is told as it came', async () => {
  const { kernel } = await openKernel([async () => VPN, async () => VPN], knowsNone);
  const tunnel = new KernelTunnel(kernel, await kernel.watch('vpn'));
  await assert.rejects(tunnel.kick(peer('a')), { code: 'ENODEV' });
  assert.equal(tunnel.link, 'up');
});

test('links that cannot be read after events were lost are read later, and not for ever after the end', async () => {
  let down = false;
  const fails = async (): Promise<undefined> => {
    throw new Error('it fails');
  };
  const { kernel, lost, timers, errors } = await openKernel([
    async () => VPN,
    fails,
    fails,
    async () => ({ ...VPN, up: down }),
    fails,
  ]);
  const watched = await kernel.watch('vpn');
  watched.onChange(() => {
    down = true;
  });
  lost();
  await timers.pass(5_000);
  assert.deepEqual([watched.state, down, errors.length, timers.pending], ['down', true, 2, 0]);
  lost();
  await timers.pass(500);
  kernel.close();
  assert.equal(timers.pending, 0);
});

test('routes that refuse packets are read again after an error, and where what was read was not so', async () => {
  const there = new Map<string, Route>();
  let refuse: number | undefined;
  const refused = (): void => {
    const errno = refuse;
    refuse = undefined;
    if (errno !== undefined) throw new NetlinkError(errno, 'it');
  };
  const rtnetlink = {
    routes: async () => [...there.values()],
    addRoute: async (spec: RouteSpec) => {
      refused();
      const { destination, metric = 0, table = 254 } = spec;
      const rest = { family: 4, source: undefined, interfaceIndex: undefined, gateway: undefined } as const;
      there.set(destination, {
        ...rest,
        ...{ destination, metric, table, protocol: 87, type: RTN_UNREACHABLE, scope: 0 },
      });
    },
    removeRoute: async ({ destination }: RouteSpec) => {
      refused();
      there.delete(destination);
    },
  };
  const blockade = new Blockade({ rtnetlink, onRoutes: () => {} } as never, 'vpn');
  const [one, other] = [['10.1.0.0/16'], ['10.2.0.0/16']];
  await blockade.keep(one, 254);
  refuse = 12; // ENOMEM
  await assert.rejects(blockade.keep(other, 254));
  await blockade.keep(one, 254);
  assert.deepEqual([...there.keys()], one);
  refuse = 3; // ESRCH, and it is there all the same
  await blockade.keep([], 254);
  await blockade.keep([], 254);
  assert.equal(there.size, 0);
});
