/** What /proc tells of a process (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU that a process has used so far. */
export interface CpuUse {
  /** utime + stime + cutime + cstime: of itself and of the children it has waited for, in ticks of 10 ms. */
  readonly ticks: number;
  /** The scheduler's own count over all threads, in milliseconds; children are not in it. */
  readonly milliseconds: number;
}

export function cpuUse(pid: number): CpuUse {
  // The fields behind the name, which may contain anything; `state` is the first of them, utime the twelfth.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
  }
  return { ticks, milliseconds: nanoseconds / 1e6 };
}

/** Memory in MB (10^6 bytes). */
export interface Memory {
  /**
   * Anonymous and what of it was swapped out: what the process costs the machine. Private_Dirty is the same, but where the program lies in
   * memory itself (tmpfs), whose pages are always dirty.
   */
  readonly private: number;
  /** Rss: with the pages of the node binary, which are shared with the file. */
  readonly resident: number;
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const field = (name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    if (kib === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no ${name}`);
    return (Number(kib) * 1024) / 1e6;
  };
  return { private: field('Anonymous') + field('Swap'), resident: field('Rss') };
}

/** How many file descriptors a process has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many threads a process has. */
export function threads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}
