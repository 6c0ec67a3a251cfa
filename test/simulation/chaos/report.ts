/** Chaos for people: many seeds as a summary, one seed as a story. */

import { quantile, seconds } from '../table.js';
import type { Outcome } from './account.js';
import { Coverage } from './coverage.js';
import { play } from './play.js';
import { drawScene, type Scene } from './scene.js';
import { shrink } from './shrink.js';

/** So many failures are shrunk and told in full; each of the others in a line. */
const TOLD = 3;
const RAREST = 8;

/** @throws when a rule was broken by some seed, or something rare was reached by none */
export async function reportChaos(seeds: readonly number[]): Promise<string> {
  const coverage = new Coverage();
  const failures: string[] = [];
  const times: number[] = [];
  const most = { requests: 0, changes: 0, lines: 0 };
  for (const seed of seeds) {
    const scene = drawScene(seed);
    const outcome = await play(scene);
    coverage.add(outcome.reached);
    times.push(outcome.connectedAfter);
    for (const what of ['requests', 'changes', 'lines'] as const)
      most[what] = Math.max(most[what], outcome.most[what]);
    if (outcome.violation === undefined) continue;
    failures.push(failures.length < TOLD ? await failure(scene, outcome) : line(scene, outcome));
  }
  const { missing } = coverage;
  const summary = [
    `${seeds.length} seeds, ${failures.length} failed`,
    `tunnel works again after: median ${seconds(quantile(times, 0.5))} s, 99 % ${seconds(quantile(times, 0.99))} s, worst ${seconds(quantile(times, 1))} s`,
    `within a minute at most: ${most.requests} requests, ${most.changes} of them changes, ${most.lines} log lines`,
    `rarest of ${coverage.wanted} things to be reached, and by how many seeds: ${coverage.rarest(RAREST).join(', ')}`,
  ].join('\n');
  if (failures.length === 0 && missing.length === 0) return `${summary}\n`;
  const never = missing.length === 0 ? '' : `\nnever reached: ${missing.join(', ')}`;
  throw new Error(`${failures.join('\n')}\n${summary}${never}`);
}

/** One seed again, event by event. @throws when it breaks a rule */
export async function replayChaos(seed: number): Promise<string> {
  const scene = drawScene(seed);
  const outcome = await play(scene, true);
  const story = `base ${scene.base}\n${outcome.events.join('\n')}\n`;
  if (outcome.violation !== undefined) throw new Error(`${story}${await failure(scene, outcome)}`);
  return story;
}

function line({ seed }: Scene, { violation, at }: Outcome): string {
  return `seed ${seed}: ${violation} (at ${seconds(at)} s; npm run simulate -- --scenario chaos --seed ${seed})`;
}

async function failure(scene: Scene, outcome: Outcome): Promise<string> {
  const small = await shrink(scene, outcome.violation ?? '');
  const { length } = scene.incidents;
  return `${line(scene, outcome)}\n  ${small.incidents.length} of ${length} incidents suffice, to be kept in test/fixtures/chaos.json:\n  ${JSON.stringify(small)}`;
}
