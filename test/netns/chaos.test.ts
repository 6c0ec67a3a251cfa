// A minute of chaos; `npm run chaos` has ten, and servers of the time besides.
import { test } from 'node:test';
import { SeededRandom } from '../simulation/random.js';
import { chosenProgram } from '../support/needs.js';
import { possible, shuffled } from './chaos/incidents.js';
import { Scene } from './chaos/scene.js';

/** Milliseconds; the last incident may take longer. */
const LASTS = 60_000;
/** Which incidents a minute has time for: others with each program. */
const seed = chosenProgram === 'node' ? 1 : 2;

test('a minute of chaos: after each incident all is well again', async () => {
  const random = new SeededRandom(seed);
  const scene = await Scene.start({ random, ntp: false });
  try {
    const end = performance.now() + LASTS;
    for (const incident of shuffled(await possible(false), random)) {
      if (performance.now() > end) break;
      await scene.endure(incident);
    }
    await scene.stop();
  } catch (error) {
    process.stdout.write(`${await scene.lab.describe()}\n`);
    throw error;
  } finally {
    await scene.close();
  }
});
