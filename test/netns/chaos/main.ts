/**
 * Chaos: what befalls routers, one after another, while echo requests flow through the tunnel. `npm run chaos` runs it where WireGuard is. After
 * each incident all has to be well again: one peer, its routes, nothing of others' touched, and `info` tells it.
 *
 * Arguments: minutes, a seed, and a part of the names of those incidents that are wanted.
 */
import { SeededRandom } from '../../simulation/random.js';
import { chosenProgram } from '../../support/needs.js';
import { possible, shuffled } from './incidents.js';
import { type Outcome, Scene } from './scene.js';

/** An outage that is explained by what the daemon has said meanwhile; milliseconds. */
const LONG = 10_000;

const [minutes, seed, part = ''] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
const incidents = (await possible(true)).filter(({ name }) => name.includes(part));
const outcomes = new Map<string, Outcome[]>(incidents.map(({ name }) => [name, []]));

say(
  `${chosenProgram === 'node' ? "Node's" : "the router's"} program, seed ${seed}, ${incidents.length} incidents`,
);
const scene = await Scene.start({ random, ntp: true });
try {
  const end = performance.now() + Number(minutes) * 60_000;
  for (const incident of shuffled(incidents, random)) {
    if (performance.now() > end) break;
    const log = new Map(scene.lab.daemons.map((daemon) => [daemon, daemon.log.length]));
    const outcome = await scene.endure(incident);
    outcomes.get(incident.name)?.push(outcome);
    say(
      `${seconds(outcome.outage)} without an answer, well ${seconds(outcome.recovery)} after: ${incident.name}`,
    );
    if (outcome.outage < LONG) continue;
    for (const daemon of scene.lab.daemons)
      for (const { at, text } of daemon.log.slice(log.get(daemon) ?? 0)) say(`    ${seconds(at)} ${text}`);
  }
  await scene.stop();
  table();
} catch (error) {
  say(error instanceof Error ? error.message : `${error}`);
  say(await scene.lab.describe());
  process.exitCode = 1;
} finally {
  await scene.close();
}

/** In Markdown, as docs/reliability.md has it. */
function table(): void {
  say('\n| incident | times | median outage | worst |\n| --- | --- | --- | --- |');
  for (const [name, some] of outcomes) {
    const outages = some.map(({ outage }) => outage).sort((one, two) => one - two);
    const median = outages[Math.floor(outages.length / 2)];
    if (median === undefined) continue;
    say(`| ${name} | ${outages.length} | ${seconds(median)} | ${seconds(outages.at(-1) ?? 0)} |`);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
