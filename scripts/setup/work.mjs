// What a set-up will do is said before it is done, and asked where a person is there to answer.
import { createInterface } from 'node:readline/promises';

/**
 * @typedef {object} Work
 * @property {string} what is done, where, and what it costs
 * @property {() => Promise<void>} carryOut
 */

/** Whether `--yes` was given. */
let agreed = false;

/**
 * Takes the option --yes out of a command line.
 *
 * @param {string[]} args
 * @returns {string[]} the others
 */
export function takeYes(args) {
  if (args.includes('--yes')) agreed = true;
  return args.filter((word) => word !== '--yes');
}

/**
 * Says what is to be done, asks if a person is at the terminal, and does it in this order.
 *
 * @param {Work[]} works
 * @param {(text: string) => void} say
 * @throws {Error} if the person does not want it
 */
export async function carryOut(works, say) {
  if (works.length === 0) return;
  say(
    `Missing here, and now made in this folder (the machine itself stays as it is):\n${works.map(({ what }) => `  ${what}\n`).join('')}`.trimEnd(),
  );
  if (!agreed && process.stdin.isTTY && process.stderr.isTTY) {
    const dialog = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await dialog.question('Go on? [Y/n] ').finally(() => dialog.close());
    if (!/^\s*(y|yes)?\s*$/i.test(answer)) throw new Error('Nothing was done.');
    agreed = true;
  }
  for (const work of works) await work.carryOut();
}
