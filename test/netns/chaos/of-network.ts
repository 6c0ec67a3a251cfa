/** What befalls the network and the gateways. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Incident, moment } from './incident.js';
import type { Scene } from './scene.js';

/** See the file's head. */
export const OF_NETWORK: readonly Incident[] = [
  {
    name: 'the gateway dies',
    async happen(scene) {
      const held = await scene.held();
      await held.kill();
      await scene.carries();
      await held.revive();
    },
  },
  {
    name: 'the gateway restarts',
    happen: async (scene) => (await scene.held()).restart(),
  },
  {
    name: 'the gateway forgets us',
    async happen(scene) {
      const held = await scene.held();
      await held.forget();
      await scene.carries();
      await held.finish();
    },
  },
  {
    name: 'the gateway drops all that comes through the tunnel',
    async happen(scene) {
      const held = await scene.held();
      await held.exec(['ip', 'link', 'set', 'wg0', 'down']);
      await scene.carries();
      await held.restart();
    },
  },
  bad('a third of all packets is lost', 'loss 33%'),
  bad('packets take 300 ± 100 ms longer', 'delay 300ms 100ms'),
  bad('a quarter of all packets is overtaken', 'delay 50ms reorder 25%'),
  bad('a third of all packets comes twice', 'duplicate 33%'),
  {
    name: 'the cable of the uplink is pulled, and plugged again',
    async happen(scene) {
      await scene.lab.router.unplug();
      await delay(moment(scene, 0, 5_000));
      await scene.lab.router.plug();
    },
  },
  {
    name: 'the uplink carries nothing for a while',
    async happen(scene) {
      await scene.lab.router.kill();
      await delay(moment(scene, 1_000, 15_000));
      await scene.lab.router.revive();
    },
  },
  {
    name: 'all gateways are dead for a while',
    async happen({ lab, random }: Scene) {
      for (const gateway of lab.gateways) await gateway.kill();
      await delay(5_000 + random.below(15_000));
      for (const gateway of lab.gateways) await gateway.revive();
    },
  },
];

/** @param how as netem takes it */
function bad(name: string, how: string): Incident {
  return {
    name: `${name}, for a while`,
    async happen(scene) {
      await scene.lab.router.impair(how);
      await delay(moment(scene, 2_000, 8_000));
      await scene.lab.router.impair('delay 0ms');
    },
  };
}
