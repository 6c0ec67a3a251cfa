/** What befalls the WireGuard interface. */
import { setTimeout as delay } from 'node:timers/promises';
import { keyPair } from '../lab/keys.js';
import { type Incident, moment } from './incident.js';

/** See the file's head. */
export const OF_INTERFACE: readonly Incident[] = [
  {
    name: 'the interface is deleted, and made again at once',
    async happen(scene) {
      await scene.lab.router.deleteInterface();
      await scene.makeInterface();
    },
  },
  {
    name: 'the interface is deleted, and made again after seconds',
    async happen(scene) {
      await scene.lab.router.deleteInterface();
      await delay(moment(scene, 1_000, 6_000));
      await scene.makeInterface();
    },
  },
  {
    name: 'the interface goes down, and up again',
    async happen(scene) {
      await scene.lab.router.linkDown();
      await delay(moment(scene, 0, 3_000));
      await scene.lab.router.linkUp();
      await scene.makeForeign();
    },
  },
  {
    name: 'the interface has another name for a while',
    async happen(scene) {
      const { router } = scene.lab;
      await router.ip('link set vpn down', 'link set vpn name other', 'link set other up');
      await delay(moment(scene, 0, 3_000));
      await router.ip('link set other down', 'link set other name vpn');
      await router.linkUp();
      await scene.makeForeign();
    },
  },
  {
    name: 'the interface is in another network namespace for a while',
    async happen(scene) {
      const { router, dns } = scene.lab;
      await router.ip(`link set vpn netns ${dns.namespace}`);
      await delay(moment(scene, 0, 3_000));
      await dns.ip(`link set vpn netns ${router.namespace}`);
      await router.ip(`address add ${scene.address.v4}/32 dev vpn`);
      await router.linkUp();
      await scene.makeForeign();
    },
  },
  {
    name: 'the interface has another key for a while',
    async happen(scene) {
      const { router } = scene.lab;
      await router.wgSet('vpn', ['private-key', 'SECRET'], keyPair().privateKey);
      await delay(moment(scene, 0, 6_000));
      await router.wgSet('vpn', ['private-key', 'SECRET'], scene.keys.privateKey);
    },
  },
  {
    name: 'the interface listens at another port',
    async happen(scene) {
      await scene.lab.router.wgSet('vpn', ['listen-port', String(20_000 + scene.random.below(40_000))]);
    },
  },
  {
    name: 'the IPv4 address goes, and comes again',
    async happen(scene) {
      const { router } = scene.lab;
      await router.ip(`address delete ${scene.address.v4}/32 dev vpn`);
      await delay(moment(scene, 0, 2_000));
      await router.ip(`address add ${scene.address.v4}/32 dev vpn`);
      await scene.makeForeign();
    },
  },
  {
    name: 'the IPv4 address is another one for a while',
    async happen(scene) {
      const { router } = scene.lab;
      await router.ip('address add 10.78.1.99/32 dev vpn', `address delete ${scene.address.v4}/32 dev vpn`);
      await delay(moment(scene, 0, 2_000));
      await router.ip(`address add ${scene.address.v4}/32 dev vpn`, 'address delete 10.78.1.99/32 dev vpn');
      await scene.makeForeign();
    },
  },
  {
    name: 'IPv6 is switched off for a while',
    async happen(scene) {
      const { router } = scene.lab;
      const setting = (value: 0 | 1) =>
        router.exec(['sh', '-c', `echo ${value} >/proc/sys/net/ipv6/conf/vpn/disable_ipv6`]);
      await setting(1);
      await delay(moment(scene, 0, 3_000));
      await setting(0);
      await router.linkUp();
      await scene.makeForeign();
    },
  },
  {
    name: 'the MTU is too small for IPv6 for a while',
    async happen(scene) {
      const { router } = scene.lab;
      await router.ip('link set vpn mtu 1200');
      await delay(moment(scene, 0, 3_000));
      await router.ip('link set vpn mtu 1420');
      await router.linkUp();
      await scene.makeForeign();
    },
  },
];
