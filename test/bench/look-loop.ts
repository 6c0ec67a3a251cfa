/**
 * Looks at the connection of `vpn` again and again, as the daemon does every few seconds, and prints the microseconds of CPU that one
 * look costs. Runs on both hosts. Arguments: the directory of the configuration, how many looks.
 */
import { bootTime } from '#platform/clock.js';
import { listDirectory, readFile } from '#platform/files.js';
import { openProbe } from '#platform/probe.js';
import { exit, programArguments, standardOutput } from '#platform/process.js';
import { decodeUtf8 } from '#platform/text.js';
import { loadConfig } from '../../src/config/index.js';
import { Kernel } from '../../src/daemon/kernel.js';
import { KernelProber } from '../../src/daemon/kernel-prober.js';
import { KernelRouting } from '../../src/daemon/kernel-routing.js';
import { KernelTunnel } from '../../src/daemon/kernel-tunnel.js';
import { settingsOf } from '../../src/daemon/settings.js';
import { Connection } from '../../src/selector/connection.js';
import type { Assignment, World } from '../../src/selector/world.js';

/** So many looks before any counts. */
const BEFORE = 50;

const [configDir = '', count = ''] = programArguments;

/** CPU of all threads of this process so far, in microseconds (the scheduler's count). */
function used(): number {
  return listDirectory('/proc/self/task').reduce((sum, task) => {
    const [nanoseconds] = decodeUtf8(readFile(`/proc/self/task/${task}/schedstat`)).split(' ');
    return sum + Number(nanoseconds) / 1000;
  }, 0);
}

const config = loadConfig(configDir);
const assignment: Assignment = {
  peers: config.peers('vpn'),
  ownKeys: config.ownKeys('vpn'),
  settings: {
    ...settingsOf(config.interface('vpn')),
    deadPeerTimeout: Number.MAX_SAFE_INTEGER, // it is not about the peer
  },
};

async function main(): Promise<void> {
  const kernel = await Kernel.open((error) => {
    throw error;
  });
  const watched = await kernel.watch('vpn');
  const tunnel = new KernelTunnel(kernel, watched);
  const world: World = {
    tunnel,
    routing: new KernelRouting(kernel, watched, tunnel),
    prober: new KernelProber(kernel, watched, openProbe, () => undefined),
    resolver: { resolve: () => Promise.reject(new Error('no names here')) },
    clock: { ready: true, onReady: () => {} },
    timers: { now: bootTime, after: () => () => {} },
    random: { below: () => 0 },
    wallClock: () => Date.now(),
  };
  const connection = new Connection(world);
  const kept = await connection.takeOver(assignment, undefined, () => {});
  if (kept === undefined) throw new Error('there is no connection of vpn to look at');
  const look = async (times: number): Promise<void> => {
    for (let left = times; left > 0; left--) {
      const found = await connection.look(kept.peer, assignment, true);
      if (found === 'gone' || found.mended.length > 0) throw new Error('somebody else is at work');
    }
  };
  await look(BEFORE);
  const before = used();
  await look(Number(count));
  standardOutput.write(`${((used() - before) / Number(count)).toFixed(2)}\n`);
  exit(0);
}

main().catch((error: unknown) => {
  standardOutput.write(`${error}\n`);
  exit(1);
});
