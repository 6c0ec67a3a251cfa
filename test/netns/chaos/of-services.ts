/** What befalls the services that the daemon talks to: ubusd, DNS, NTP. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Incident, moment } from './incident.js';
import type { Scene } from './scene.js';

/** See the file's head. */
export const OF_SERVICES: readonly Incident[] = [
  {
    name: 'ubusd is killed, and started again',
    async happen(scene) {
      await scene.ubusd.stop();
      await delay(moment(scene, 0, 3_000));
      await scene.ubusd.start();
    },
  },
  {
    name: 'DNS is silent, and the gateway dies',
    happen: (scene) =>
      loseGateway(
        scene,
        () => scene.lab.dns.mute(),
        () => scene.lab.dns.unmute(),
      ),
  },
  {
    name: 'DNS is not there, and the gateway dies',
    happen: (scene) =>
      loseGateway(
        scene,
        () => scene.lab.dns.stop(),
        () => scene.lab.dns.start(),
      ),
  },
  {
    name: 'DNS lies, and the gateway dies',
    happen: (scene) =>
      loseGateway(
        scene,
        () => scene.name('0.0.0.0', '198.51.100.250'),
        () => scene.name(),
      ),
  },
  {
    name: 'NTP is silent at its start',
    needs: 'ntp',
    async happen(scene) {
      for (const server of scene.ntp) await server.kill();
      await scene.restart();
      await scene.carries();
      for (const server of scene.ntp) await server.revive();
    },
  },
  {
    name: 'NTP is slow at its start',
    needs: 'ntp',
    async happen(scene) {
      for (const server of scene.ntp) await server.delay(1_200);
      await scene.restart();
      await scene.carries();
      for (const server of scene.ntp) await server.delay(0);
    },
  },
];

async function loseGateway(
  scene: Scene,
  before: () => Promise<void>,
  after: () => Promise<void>,
): Promise<void> {
  const held = await scene.held();
  await before();
  await held.kill();
  await scene.carries();
  await after();
  await held.revive();
}
