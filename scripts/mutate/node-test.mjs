// Stands for node:test where mutations are tried: it keeps the tests instead of running them (runner.mjs does, again and again).

/** @typedef {{ name: string, run: () => unknown }} Test */

/** @type {Test[]} */
const tests = [];

/**
 * Keeps a test.
 *
 * @param {string} name
 * @param {() => unknown} run
 * @throws {Error} where the test wants more of node:test than to be run: it needs a process of its own
 */
export function test(name, run) {
  if (typeof run !== 'function' || run.length > 0) throw new Error(`${name}: the test wants a context`);
  tests.push({ name, run });
}

/** Those kept since this was last asked. @returns {Test[]} */
export const taken = () => tests.splice(0);
