import { listDirectory } from '#platform/files.js';
import { readIfAny } from '#platform/read-if-any.js';
import { decodeUtf8 } from '#platform/text.js';
import { BadValue, quote } from './problem.js';
import { MAX_U32, number32 } from './values.js';

/** Finds a routing table by its name; undefined if there is none of that name. */
export type FindTable = (name: string) => number | undefined;

/** Tables that the kernel names (linux/rtnetlink.h), whatever the files say. */
const OF_THE_KERNEL = new Map([
  ['default', 253],
  ['main', 254],
  ['local', 255],
]);

/** Their numbers: what else is in them is not ours. */
export const KERNEL_TABLES: readonly number[] = [...OF_THE_KERNEL.values()];

/**
 * A routing table as ip(8) and netifd take it: a number from 1 to 4294967295, decimal or with 0x, or a name.
 * @throws {BadValue}
 */
export function parseTable(text: string, find: FindTable): number {
  const number = /^([1-9][0-9]{0,9}|0x[0-9a-f]{1,8})$/i.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_U32) return number;
  // What begins like a number is meant as one: to ip(8) 010 is 8, and we do not guess.
  const table = /^[0-9+-]/.test(text) ? undefined : (OF_THE_KERNEL.get(text) ?? find(text));
  if (table !== undefined) return table;
  throw new BadValue(
    `is ${quote(text)}: expected a routing table, a number from 1 to ${MAX_U32} or a name from /etc/iproute2/rt_tables`,
  );
}

/**
 * Looks a table up where iproute2 does: /etc/iproute2/rt_tables or, where that does not exist, the one below /usr/share, and the files
 * *.conf in rt_tables.d of both. The first with that name counts.
 * @param root what stands before each path; tests have their own
 */
export function findTable(name: string, root = ''): number | undefined {
  const etc = `${root}/etc/iproute2`;
  const usr = `${root}/usr/share/iproute2`;
  const texts = [
    read(`${etc}/rt_tables`) ?? read(`${usr}/rt_tables`),
    ...readAll(`${etc}/rt_tables.d`),
    ...readAll(`${usr}/rt_tables.d`),
  ];
  for (const line of texts.join('\n').split('\n')) {
    const [number = '', found] = line.trim().split(/\s+/);
    const table = found === name ? number32(number) : undefined;
    if (table !== undefined && table >= 1) return table;
  }
  return undefined;
}

function readAll(directory: string): (string | undefined)[] {
  try {
    const names = listDirectory(directory).filter((name) => name.endsWith('.conf'));
    return names.sort().map((name) => read(`${directory}/${name}`));
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  const bytes = readIfAny(path);
  return bytes && decodeUtf8(bytes);
}
