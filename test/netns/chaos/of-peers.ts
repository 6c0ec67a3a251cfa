/** What others do to the peers of the interface, with `wg`. */
import { setTimeout as delay } from 'node:timers/promises';
import { inside } from '../lab/index.js';
import { type Incident, moment } from './incident.js';
import { foreign } from './scene.js';

/** See the file's head. */
export const OF_PEERS: readonly Incident[] = [
  {
    name: 'the peer is removed by hand',
    async happen(scene) {
      await scene.lab.router.wgSet('vpn', ['peer', (await scene.held()).publicKey, 'remove']);
    },
  },
  {
    name: 'all peers are removed by hand',
    async happen(scene) {
      const { router } = scene.lab;
      const { peers } = await router.wg();
      await router.wgSet(
        'vpn',
        peers.flatMap(({ publicKey }) => ['peer', publicKey, 'remove']),
      );
      await scene.makeForeign();
    },
  },
  {
    name: 'a second peer of ours is added by hand, and takes the allowed IPs',
    async happen(scene) {
      const held = await scene.held();
      const other = scene.lab.gateways.find((gateway) => gateway !== held);
      if (other === undefined) return;
      const peer = ['peer', other.publicKey, 'endpoint', other.endpoint];
      await scene.lab.router.wgSet('vpn', [...peer, 'allowed-ips', `${inside.v4},${inside.v6}`]);
    },
  },
  {
    name: 'the peer is left without allowed IPs',
    async happen(scene) {
      await scene.lab.router.wgSet('vpn', ['peer', (await scene.held()).publicKey, 'allowed-ips', '']);
    },
  },
  {
    name: 'the peer gets an endpoint where nobody is',
    async happen(scene) {
      const peer = ['peer', (await scene.held()).publicKey];
      await scene.lab.router.wgSet('vpn', [...peer, 'endpoint', '198.51.100.250:9']);
    },
  },
  {
    name: "somebody's peer has the allowed IPs for a while",
    async happen(scene) {
      const { router } = scene.lab;
      const peer = ['peer', foreign.key, 'allowed-ips'];
      await router.wgSet('vpn', [...peer, `${foreign.prefix},${inside.v4},${inside.v6}`]);
      await delay(moment(scene, 0, 3_000));
      await router.wgSet('vpn', [...peer, foreign.prefix]);
    },
  },
];
