/** One seed again, told event by event. */

import { type DeathCase, die } from './death.js';
import { type Fault, recover } from './faults.js';
import { live, rowsOf } from './healthy.js';
import type { TimedEvent } from './world.js';

/** As the table has it, in each of its rows. @param duration milliseconds */
export async function replayHealthy(seed: number, duration: number): Promise<string> {
  const stories: string[] = [];
  for (const health of rowsOf(seed)) {
    const { events, ...life } = await live(seed, health, duration);
    stories.push(`${JSON.stringify(health)}\n${story(events)}${JSON.stringify(life)}\n`);
  }
  return stories.join('\n');
}

export async function replayDead(seed: number, cases: readonly DeathCase[]): Promise<string> {
  const stories: string[] = [];
  for (const each of cases) {
    const { events, ...death } = await die(seed, each);
    stories.push(`${each.name}\n${story(events)}${JSON.stringify(death)}\n`);
  }
  return stories.join('\n');
}

export async function replayFaults(seed: number, faults: readonly Fault[]): Promise<string> {
  const stories: string[] = [];
  for (const fault of faults) {
    const { events, ...recovery } = await recover(seed, fault);
    stories.push(`${fault.name}\n${story(events)}${JSON.stringify(recovery)}\n`);
  }
  return stories.join('\n');
}

function story(events: readonly TimedEvent[]): string {
  return events
    .map(({ at, event }) => {
      const { type, ...rest } = event;
      const words = Object.entries(rest).map(([name, value]) => `${name} ${told(value)}`);
      return `${(at / 1_000).toFixed(3).padStart(10)} ${type} ${words.join(', ')}\n`;
    })
    .join('');
}

function told(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('name' in value) return String(value.name);
  if ('address' in value) return String(value.address);
  return 'installed' in value ? String(value.installed) : value.constructor.name;
}
