/** What others do to routes and rules, with `ip`. */
import { setTimeout as delay } from 'node:timers/promises';
import { exec } from '../lab/exec.js';
import { inside, ourProtocol } from '../lab/index.js';
import { type Incident, moment } from './incident.js';
import type { Scene } from './scene.js';

/** How many events come at once that are nobody's concern: more than a receive buffer holds. */
const FLOOD = 4_000;

/** See the file's head. */
export const OF_ROUTES: readonly Incident[] = [
  {
    name: 'the routes are flushed',
    happen: (scene) => flush(scene),
  },
  {
    name: 'the routes are flushed again and again for three seconds',
    async happen(scene) {
      const end = performance.now() + 3_000;
      while (performance.now() < end) await flush(scene);
    },
  },
  {
    name: 'the routes are replaced by others for a while',
    async happen(scene) {
      const { router } = scene.lab;
      await router.ip(`route replace ${inside.v4} dev up0`, `route replace ${inside.v6} dev up0 metric 1024`);
      await delay(moment(scene, 0, 4_000));
      await router.ip(`route delete ${inside.v4} dev up0`, `route delete ${inside.v6} dev up0`);
    },
  },
  {
    name: 'a rule keeps packets from the tunnel for a while',
    async happen(scene) {
      const rule = `to ${inside.v4} priority 99 unreachable`;
      await scene.lab.router.ip(`rule add ${rule}`);
      await delay(moment(scene, 0, 4_000));
      await scene.lab.router.ip(`rule delete ${rule}`);
    },
  },
  {
    name: 'no route leads to the gateways for a while',
    async happen(scene) {
      const { router, gateways } = scene.lab;
      const prefixes = gateways.flatMap(({ address }) => [`${address.v4}/32`, `${address.v6}/128`]);
      for (const prefix of prefixes) await router.refuse(prefix);
      await delay(moment(scene, 0, 4_000));
      for (const prefix of prefixes) await router.allow(prefix);
    },
  },
  {
    name: 'it is told of more than its receive buffers hold, and its routes go with that',
    async happen(scene) {
      scene.daemon.signal('SIGSTOP');
      const prefixes = Array.from({ length: FLOOD / 2 }, (_, at) => `10.200.${at >> 8}.${at & 255}/32`);
      for (const verb of ['add', 'delete'])
        await scene.lab.router.ip(...prefixes.map((prefix) => `route ${verb} blackhole ${prefix}`));
      await flush(scene);
      scene.daemon.signal('SIGCONT');
    },
  },
];

async function flush({ lab }: Scene): Promise<void> {
  for (const family of ['-4', '-6']) {
    const ours = ['route', 'flush', 'dev', 'vpn', 'proto', String(ourProtocol)];
    await exec(['ip', '-n', lab.router.namespace, family, ...ours]);
  }
}
