/** Who runs in which network namespace. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';

/**
 * The processes in any of these network namespaces.
 *
 * @param names as `ip netns` knows them; absent ones hold nobody
 */
export function processesIn(names: readonly string[]): number[] {
  const inodes = new Set(
    names.map((name) => statSync(`/run/netns/${name}`, { throwIfNoEntry: false })?.ino.toString()),
  );
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid)) return false;
      try {
        return inodes.has(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1]);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}
