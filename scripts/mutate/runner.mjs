// A test runner for Stryker that runs tests one by one in its own process, thousands of times, instead of starting one for each test file and
// mutation. It may be used where tests have nothing to do with the machine (see mutate.mjs).
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { taken } from './node-test.mjs';

/** A test that takes so many more steps with a mutation, and so many besides, does not end. */
const STEPS = { factor: 5, more: 100_000 };
/** Milliseconds of CPU that the tests of one mutation may take, the likeliest first: what is left then was not tried, and counts as survived. */
const BUDGET = 1_000;
/** A test of the file's own name is worth so many others of its cost, and so is one more for each of the file's mutations that it has killed. */
const LIKELY = { own: 20, killer: 3 };
/** Turns of the event loop with nothing to wait for, after which a test that has not ended never will. */
const IDLE_TURNS = 3;

/** @typedef {{ id: string, name: string, fileName: string, run: () => unknown }} Test */
/** What the first run has shown of each test, for the processes that follow it: milliseconds of CPU, and steps.
 * @typedef {Record<string, { cost: number, steps: number }>} Known */
/** Where that is, in the folder of the copy. */
const KNOWN = 'tests.json';
/** @typedef {{ static: Record<string, number>, perTest: Record<string, Record<string, number>> }} Coverage */

/** Instrumented code asks for the test at each of its steps: that is where a loop without end is left, be it one of promises. */
const step = {
  test: /** @type {string | undefined} */ (undefined),
  count: 0,
  most: Number.POSITIVE_INFINITY,
};

/** What instrumented code reads and writes. */
const state = {
  activeMutant: /** @type {string | undefined} */ (undefined),
  mutantCoverage: /** @type {Coverage} */ ({ static: {}, perTest: {} }),
  /** How often the mutation itself was come by, and where that is too often: a loop of which nothing else is left takes no other step. */
  hitCount: 0,
  hitLimit: Number.POSITIVE_INFINITY,
  get currentTestId() {
    if (++step.count > step.most) throw new Error('it does not end');
    return step.test;
  },
};
Object.assign(globalThis, { __stryker__: state });

/** What went wrong where no test waits for it. @type {unknown[]} */
const strays = [];
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => strays.push(error));
}

/** Milliseconds of CPU so far. */
const used = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {Test} test @returns {Promise<string | undefined>} why it failed */
async function failure({ run }) {
  let ended = false;
  /** @type {string | undefined} */
  let why;
  const end = Promise.resolve()
    .then(run)
    .catch((error) => {
      why = String(error instanceof Error ? error.message : error);
    })
    .then(() => {
      ended = true;
    });
  for (let idle = 0; !ended && idle < IDLE_TURNS; ) {
    await turn();
    idle = process.getActiveResourcesInfo().includes('Immediate') ? 0 : idle + 1;
  }
  if (!ended) return 'it waits for something that never comes';
  await end;
  await turn(); // rejections that nobody handles are told then
  return why ?? (strays.length > 0 ? String(strays[0]) : undefined);
}

class Runner {
  static inject = /** @type {const} */ (['options']);
  /** @type {string[]} */
  #files;
  /** @type {Test[]} */
  #tests = [];
  /** How many mutations of the file each test has killed. */
  #kills = { fileName: '', of: /** @type {Map<string, number>} */ (new Map()) };
  /** @type {Known} */
  #known = {};

  /** @param {{ inProcess: { testFiles: string[] } }} options */
  constructor(options) {
    this.#files = options.inProcess.testFiles;
  }

  /** What changes a constant of a module needs a new process. */
  capabilities() {
    return { reloadEnvironment: false };
  }

  async #load() {
    if (this.#tests.length > 0) return;
    for (const file of this.#files) {
      await import(`${process.cwd()}/${file}`);
      for (const test of taken()) {
        this.#tests.push({ ...test, id: `${file} ${test.name}`, fileName: `${process.cwd()}/${file}` });
      }
    }
    this.#known = JSON.parse(await readFile(KNOWN, 'utf8').catch(() => '{}'));
  }

  /** @param {Test} test */
  #costOf({ id }) {
    return this.#known[id]?.cost ?? 0;
  }

  /** What it costs, the less the likelier it kills a mutation of the file. @param {Test} test @param {string} fileName */
  #priceOf(test, fileName) {
    const own = basename(test.fileName) === `${basename(fileName, '.js')}.test.js`;
    const likely = (own ? LIKELY.own : 1) * (1 + LIKELY.killer * (this.#kills.of.get(test.id) ?? 0));
    return (1 + this.#costOf(test)) / likely;
  }

  async dryRun() {
    await this.#load();
    const tests = [];
    for (const test of this.#tests) {
      const { id, name, fileName } = test;
      const start = used();
      Object.assign(step, { test: id, count: 0 });
      const failureMessage = await failure(test);
      const cost = used() - start;
      this.#known[id] = { cost, steps: step.count };
      const told = { id, name, fileName, timeSpentMs: cost };
      tests.push(
        failureMessage === undefined ? { ...told, status: 0 } : { ...told, status: 1, failureMessage },
      );
    }
    step.test = undefined;
    await writeFile(KNOWN, JSON.stringify(this.#known));
    return { status: 'complete', tests, mutantCoverage: state.mutantCoverage };
  }

  /** @param {{ activeMutant: { id: string, fileName: string }, mutantActivation: string, testFilter?: string[] }} options */
  async mutantRun({ activeMutant: { id: mutant, fileName }, mutantActivation, testFilter }) {
    if (mutantActivation === 'static') state.activeMutant = mutant;
    try {
      await this.#load();
    } catch (error) {
      return { status: 'killed', killedBy: [], failureMessage: String(error), nrOfTests: 0 };
    }
    const wanted = testFilter === undefined ? undefined : new Set(testFilter);
    const tests = this.#tests.filter(({ id }) => wanted?.has(id) !== false);
    if (this.#kills.fileName !== fileName) this.#kills = { fileName, of: new Map() };
    const prices = new Map(tests.map((test) => [test, this.#priceOf(test, fileName)]));
    tests.sort((one, another) => (prices.get(one) ?? 0) - (prices.get(another) ?? 0));
    const end = used() + BUDGET;
    let nrOfTests = 0;
    for (const test of tests) {
      if (used() > end) break;
      nrOfTests++;
      const failureMessage = await this.#failureWith(mutant, test);
      if (step.count > step.most || state.hitCount > state.hitLimit)
        return { status: 'timeout', reason: `${test.name} does not end` };
      if (failureMessage === undefined) continue;
      this.#kills.of.set(test.id, (this.#kills.of.get(test.id) ?? 0) + 1);
      return { status: 'killed', killedBy: [test.id], failureMessage, nrOfTests };
    }
    return { status: 'survived', nrOfTests };
  }

  /** @param {string} mutant @param {Test} test @returns {Promise<string | undefined>} why it failed */
  async #failureWith(mutant, test) {
    strays.length = 0;
    const { steps = 0 } = this.#known[test.id] ?? {};
    Object.assign(step, { count: 0, most: STEPS.factor * steps + STEPS.more });
    Object.assign(state, { activeMutant: mutant, hitCount: 0, hitLimit: step.most });
    const failureMessage = await failure(test);
    state.activeMutant = undefined;
    for (let rest = 0; rest < IDLE_TURNS; rest++) await turn(); // what a failed test leaves is none of the next one's
    return failureMessage;
  }
}

export const strykerValidationSchema = { properties: { inProcess: { type: 'object' } } };
export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', injectableClass: Runner }];
