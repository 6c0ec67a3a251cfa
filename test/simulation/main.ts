/**
 * npm run simulate [-- OPTIONS]: what the selector does in the simulated world, as tables.
 *
 *     --scenario NAME   healthy, dead, faults, crowd or chaos; default: all
 *     --seeds N         so many seeds for each row (default 100)
 *     --first S         the first of them (default 1)
 *     --seed S          this seed alone, again and exactly, event by event
 *     --hours H         how long each healthy tunnel is watched, in simulated hours (default 6)
 */

import { parseArgs } from 'node:util';
import { replayChaos, reportChaos } from './chaos/report.js';
import { DEATH_CASES } from './death.js';
import { FAULTS } from './faults.js';
import { replayDead, replayFaults, replayHealthy } from './replay.js';
import { reportCrowd, reportDead, reportFaults, reportHealthy } from './reports.js';

const HOUR = 3_600_000;

/** EX_USAGE */
const WRONG_USAGE = 64;

/** @throws when it is none */
function natural(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} ${text}: expected a whole number, 0 or more`);
  return Number(text);
}

/** @throws for a command line that is wrong */
function reports(): readonly (readonly [name: string, make: () => Promise<string>])[] {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      scenario: { type: 'string' },
      hours: { type: 'string', default: '6' },
    },
  });
  const duration = natural('hours', values.hours) * HOUR;
  const seed = values.seed === undefined ? undefined : natural('seed', values.seed);
  const first = natural('first', values.first);
  const seeds = Array.from({ length: Math.max(1, natural('seeds', values.seeds)) }, (_, at) => first + at);
  const all: Readonly<Record<string, () => Promise<string>>> = {
    healthy: () => (seed === undefined ? reportHealthy(seeds, duration) : replayHealthy(seed, duration)),
    dead: () => (seed === undefined ? reportDead(seeds) : replayDead(seed, DEATH_CASES)),
    faults: () => (seed === undefined ? reportFaults(seeds) : replayFaults(seed, FAULTS)),
    chaos: () => (seed === undefined ? reportChaos(seeds) : replayChaos(seed)),
    crowd: () => reportCrowd(seed === undefined ? seeds : [seed]),
  };
  if (values.scenario === undefined) return Object.entries(all);
  const make = all[values.scenario];
  const known = Object.keys(all).join(', ');
  if (make === undefined) throw new Error(`--scenario ${values.scenario}: expected one of ${known}`);
  return [[values.scenario, make]];
}

/** What has to hold does not. */
const FAILED = 1;

async function main(): Promise<void> {
  let wanted: ReturnType<typeof reports>;
  try {
    wanted = reports();
  } catch (error) {
    return fail(error, WRONG_USAGE);
  }
  for (const [name, make] of wanted) process.stdout.write(`${name}\n\n${await make()}\n`);
}

function fail(error: unknown, code: number): void {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = code;
}

await main().catch((error: unknown) => fail(error, FAILED));
