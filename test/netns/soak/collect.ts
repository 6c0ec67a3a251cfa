/**
 * Loaded into Node's program before it, with --expose-gc: on SIGUSR2 V8 collects its garbage, and a line on standard output tells what
 * is left, in bytes. Left alone V8 lets garbage be for as long as it likes, and tens of megabytes of it would hide what leaks.
 */
import { writeSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.(); // what the first has only found to be unreachable
  const { heapUsed, external } = process.memoryUsage();
  writeSync(1, `live ${heapUsed + external}\n`);
});
