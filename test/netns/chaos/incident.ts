/** Something that befalls a connection, and is over when {@link Incident.happen} returns. */
import type { Scene } from './scene.js';

/** One of a kind; the lists are in the other files of this folder. */
export interface Incident {
  /** For a table: `the interface is deleted, and made again`. */
  readonly name: string;
  /** What not every world has: servers of the time, or a way to bound memory. */
  readonly needs?: 'ntp' | 'cgroup';
  /** Lets it happen, and undoes what would keep the connection from being well again. */
  happen(scene: Scene): Promise<void>;
}

/** @returns milliseconds by chance, from `least` to `most` */
export function moment(scene: Scene, least: number, most: number): number {
  return least + scene.random.below(most - least);
}
