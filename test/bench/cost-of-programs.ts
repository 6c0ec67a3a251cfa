import assert from 'node:assert/strict';
import type { Lab } from '../netns/lab/index.js';

/**
 * Runs commands of a shell on the router, again and again.
 *
 * @returns microseconds of CPU of the programs that they start, for each time
 */
export async function costOfPrograms(lab: Lab, commands: string, times: number): Promise<number> {
  const loop = `set -e; i=0; while [ $i -lt ${times} ]; do ${commands}; i=$((i+1)); done; times`;
  const printed = await lab.router.exec(['sh', '-c', loop]);
  // The second line is of the children: `0m0.050s 0m0.130s`.
  const ofChildren = [...(printed.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  assert.equal(ofChildren.length, 2, printed);
  const seconds = ofChildren.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return (seconds * 1e6) / times;
}
