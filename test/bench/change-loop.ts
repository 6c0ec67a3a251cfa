/**
 * Installs the first peer of `vpn` and removes it, with its routes, again and again, as the daemon does when it tries one, and prints the
 * microseconds of CPU that both cost together. Runs on both hosts. Arguments: the directory of the configuration, the address of the
 * peer's endpoint, its port, how often.
 */
import { exit, programArguments, standardOutput } from '#platform/process.js';
import { remoteAt } from '../../src/selector/world.js';
import { connectionOfVpn } from './connection-of-vpn.js';
import { cpuUsed } from './cpu-used.js';

/** So many before any counts. */
const BEFORE = 20;

const [configDir = '', address = '', port = '', count = ''] = programArguments;

async function main(): Promise<void> {
  const { connection, assignment } = await connectionOfVpn(configDir);
  const [peer] = assignment.peers;
  if (peer === undefined) throw new Error('there is no peer of vpn');
  const remote = remoteAt({ address, port: Number(port) });
  const change = async (): Promise<void> => {
    await connection.install(peer, remote, undefined, assignment);
    if (connection.routes.installed.length !== peer.allowedIps.length) throw new Error('a route is missing');
    await connection.remove(assignment);
  };
  for (let left = BEFORE; left > 0; left--) await change();
  const before = cpuUsed();
  for (let left = Number(count); left > 0; left--) await change();
  standardOutput.write(`${((cpuUsed() - before) / Number(count)).toFixed(2)}\n`);
  exit(0);
}

main().catch((error: unknown) => {
  standardOutput.write(`${error}\n`);
  exit(1);
});
