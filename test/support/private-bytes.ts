/** The memory that a program has to itself, asked by the program, on both hosts. */
import { readFile } from '#platform/files.js';
import { decodeLatin1 } from '#platform/text.js';

/** Bytes of this process that no file has too (`Anonymous` of proc(5)). */
export function privateBytes(): number {
  const text = decodeLatin1(readFile('/proc/self/smaps_rollup'));
  return Number(/^Anonymous: *(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
