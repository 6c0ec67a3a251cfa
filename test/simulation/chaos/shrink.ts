/** Makes a scene that fails as short as it can be and still fail. */

import { play } from './play.js';
import type { Scene } from './scene.js';

/**
 * Takes items away, many at once at first and then one by one, as long as what is left fails (Zeller's ddmin).
 * @param fails is true of all items
 */
export async function fewest<T>(
  all: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let items = all;
  let parts = 2;
  while (items.length > 0) {
    const size = Math.ceil(items.length / parts);
    const less = await without(items, size, fails);
    if (less !== undefined) {
      items = less;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(items.length, parts * 2);
  }
  return items;
}

/** The items without so many in a row, if that fails somewhere. */
async function without<T>(
  items: readonly T[],
  size: number,
  fails: (items: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  for (let from = 0; from < items.length; from += size) {
    const rest = [...items.slice(0, from), ...items.slice(from + size)];
    if (await fails(rest)) return rest;
  }
  return undefined;
}

/** The scene with as few incidents as break the same rule. @param violation what the whole scene breaks */
export async function shrink(scene: Scene, violation: string): Promise<Scene> {
  const wanted = ruleOf(violation);
  const incidents = await fewest(scene.incidents, async (some) => {
    const outcome = await play({ ...scene, incidents: some });
    return outcome.violation !== undefined && ruleOf(outcome.violation) === wanted;
  });
  return { ...scene, incidents };
}

/** Figures in the words of a violation do not count. */
function ruleOf(violation: string): string {
  return violation.replace(/[\d.:/]+/g, '#').slice(0, 40);
}
