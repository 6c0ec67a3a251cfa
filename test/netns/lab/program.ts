/** Which of the two programs the lab starts as the daemon. */
import { fileURLToPath } from 'node:url';
import { chosenProgram } from '../../support/needs.js';

const dist = fileURLToPath(new URL('../../../', import.meta.url));

/** Both, before their arguments: Node with the bundle, and the router's program. */
export const programs = {
  node: [process.execPath, `${dist}bundle/wgpeerselector.js`],
  router: [`${dist}router/wgpeerselector`],
} as const satisfies Record<string, readonly string[]>;

/** A name of {@link programs}. */
export type ProgramName = keyof typeof programs;

/** The one that this run is of. */
export const daemonProgram: readonly string[] = programs[chosenProgram];
