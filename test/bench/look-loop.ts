/**
 * Looks at the connection of `vpn` again and again, as the daemon does every few seconds, and prints the microseconds of CPU that one
 * look costs, and those of one glance: what a look is while nothing has changed. Runs on both hosts. Arguments: the directory of the
 * configuration, how many of each.
 */
import { bootTime } from '#platform/clock.js';
import { exit, programArguments, standardOutput } from '#platform/process.js';
import { connectionOfVpn } from './connection-of-vpn.js';
import { cpuUsed } from './cpu-used.js';

/** So many looks before any counts. */
const BEFORE = 50;

const [configDir = '', count = ''] = programArguments;

async function main(): Promise<void> {
  const { connection, assignment } = await connectionOfVpn(configDir);
  const kept = await connection.takeOver(assignment, undefined, () => {});
  if (kept === undefined) throw new Error('there is no connection of vpn to look at');
  const look = async (): Promise<void> => {
    const found = await connection.look(kept.peer, assignment, true);
    if (found === 'gone' || found.mended.length > 0) throw new Error('somebody else is at work');
  };
  const glance = (): void => {
    const found = connection.glance(kept.peer, assignment, true, bootTime());
    if (found === undefined) throw new Error('a glance does not tell');
  };
  standardOutput.write(`${await costOf(look)} ${await costOf(glance)}\n`);
  exit(0);
}

/** Microseconds of CPU of one. */
async function costOf(one: () => Promise<void> | void): Promise<string> {
  for (let left = BEFORE; left > 0; left--) await one();
  const before = cpuUsed();
  for (let left = Number(count); left > 0; left--) await one();
  return ((cpuUsed() - before) / Number(count)).toFixed(2);
}

main().catch((error: unknown) => {
  standardOutput.write(`${error}\n`);
  exit(1);
});
