/**
 * What only some of the worlds have that tests run in, CONTRIBUTING.md says which worlds there are; and what only one of our two
 * programs can be asked for.
 */

import { existsSync } from 'node:fs';

type World = 'root' | 'user' | 'vm';

/** What a test may need besides WireGuard, and the worlds that have it. */
const providers = {
  /** The test sets the clock. */
  'a clock of its own': ['vm'],
  /** The test takes a module away from the kernel. */
  'a kernel of its own': ['vm'],
  /** The test becomes another user or group; a user namespace knows only one of each. */
  'users and groups to change to': ['root', 'vm'],
} as const satisfies Record<string, readonly World[]>;

/** A name of {@link providers}. */
export type Need = keyof typeof providers;

/** As scripts/world/run.mjs and scripts/vm/command.mjs tell it; by hand the world that promises least. */
function thisWorld(): World {
  const { WGPS_WORLD: told, WGPS_VM: vm } = process.env;
  if (told === 'root' || told === 'user' || told === 'vm') return told;
  return vm === '1' ? 'vm' : 'user';
}

/** The program that test/netns runs as the daemon, as scripts/test/suites.mjs tells it. */
export const chosenProgram: 'node' | 'router' = process.env.WGPS_PROGRAM === 'router' ? 'router' : 'node';

/** The options of a test of the other program, or of none: it runs once, beside Node's. */
export function nodeOnly(reason: string): { readonly skip: string | false } {
  return { skip: chosenProgram === 'node' ? false : `program router has not: ${reason}` };
}

/** The options of a test of the router's program alone. */
export function routerOnly(reason: string): { readonly skip: string | false } {
  return { skip: chosenProgram === 'router' ? false : `program node has not: ${reason}` };
}

/** The options of a test of the router's program, which is built first, where QuickJS's source can be had. */
export function needsRouter(): { readonly skip: string | false } {
  const there = existsSync(new URL('../../router/wgpeerselector', import.meta.url));
  return {
    skip: there
      ? false
      : 'program router has not: been built, for want of what scripts/build-router.mjs names',
  };
}

/**
 * The options of a test that not every world can run. Where it cannot run it is listed at the end of the run, with this
 * reason; scripts/test/reporter.mjs knows it by its first words. Whatever else is skipped counts as failed.
 *
 * @example test('the clock jumps', needs('a clock of its own'), () => { … });
 */
export function needs(what: Need, world: World = thisWorld()): { readonly skip: string | false } {
  const having: readonly World[] = providers[what];
  return { skip: having.includes(world) ? false : `world ${world} has not: ${what} (${having.join(', ')})` };
}
