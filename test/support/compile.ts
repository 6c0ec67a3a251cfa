import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { root } from './documents.js';

/**
 * Compiles a program in C of test/support.
 * @param flags further arguments of the compiler
 * @returns the executable, which is `output`
 */
export function compile(output: string, source: string, flags: readonly string[] = []): string {
  const all = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O1', ...flags];
  const { status, stderr } = spawnSync('cc', [...all, '-o', output, `${root}test/support/${source}`], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return output;
}
