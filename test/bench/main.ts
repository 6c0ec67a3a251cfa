/** All benches, or those named on the command line; `npm run bench` gives each the world that it needs. */
import { benchChange } from './change.js';
import { benchDaemon } from './daemon.js';
import { benchLook } from './look.js';
import { benchPeers } from './peers.js';
import { benchUbus } from './ubus.js';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  ubus: benchUbus,
  peers: benchPeers,
  look: benchLook,
  change: benchChange,
  daemon: benchDaemon,
};

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : Object.keys(benches)) {
  const bench = benches[name];
  if (bench === undefined) throw new Error(`no bench ${name}; there is ${Object.keys(benches).join(', ')}`);
  await bench();
}
