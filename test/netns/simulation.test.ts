// The simulated world is held to the real one: what is done on the real kernel is done in the simulation at the same moments, and
// what can be seen of a tunnel each second has to be the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { compare, type Recording } from '../simulation/recording.js';
import { rehearse } from '../simulation/rehearsal.js';
import { type Action, SCRIPTS, type Script } from '../simulation/scripts.js';
import { interfaceName, KernelStage } from './kernel-stage.js';
import { withLab } from './lab/index.js';
import { parseWgDumps } from './lab/kernel-view.js';
import { Shell } from './lab/shell.js';

/** Seconds by which either world may be late. */
const TOLERANCE = 1;

/** Simulations of each script: chance is in WireGuard's timers too. */
const SEEDS = 30;

/** Of the values of a script without a flow of packets, so many have to be certain: else the comparison would prove little. */
const CERTAIN = 0.5;

/** Scripts begin so many seconds apart, so that they do not wait for each other. */
const APART = 0.5;

/** A busy machine may do late what the kernel would have done at once: that comes and goes, and what differs for a reason stays. */
const TIMES = 3;

test('what is seen of a tunnel is the same in the simulation and on the real kernel', async () => {
  let differing = new Map<Script, readonly string[]>(SCRIPTS.map((script) => [script, []]));
  for (let time = 1; time <= TIMES && differing.size > 0; time++)
    differing = await played([...differing.keys()]);
  assert.deepEqual(
    [...differing].flatMap(([{ name }, found]) => found.map((difference) => `${name}: ${difference}`)),
    [],
  );
});

/** Plays scripts at once on the real kernel. @returns those that the simulation shows otherwise, with what differs */
function played(scripts: readonly Script[]): Promise<Map<Script, readonly string[]>> {
  const names = scripts.map((_, at) => interfaceName(at + 1));
  return withLab({ gateways: scripts.length, interfaces: names }, async (lab) => {
    const shell = new Shell(lab.router.run(['bash']));
    const stages = scripts.map((script, at) => new KernelStage(lab, shell, script, at + 1));
    await lab.router.ip(...stages.flatMap(({ routes }) => routes));
    const start = Date.now() / 1_000;
    for (const [at, stage] of stages.entries()) stage.begin = start + at * APART;
    await Promise.all([
      ...stages.map((stage) => stage.play()),
      watch(new Shell(lab.router.run(['bash'])), stages),
    ]);
    await shell.close();
    const differing = new Map<Script, readonly string[]>();
    for (const { script, recording } of stages) {
      if (process.env.WGPS_SHOW !== undefined)
        console.log(`RECORDING ${JSON.stringify({ name: script.name, ...recording })}`);
      const found = await differences(script, recording);
      if (found.length > 0) differing.set(script, found);
    }
    return differing;
  });
}

/** What the simulation shows otherwise. */
async function differences(script: Script, recording: Recording<Action>): Promise<readonly string[]> {
  const courses = await Promise.all(
    Array.from({ length: SEEDS }, (_, seed) => rehearse(recording, seed, script.seconds + TOLERANCE)),
  );
  const samples = recording.samples.filter(({ to }) => to <= script.seconds);
  const { differences, exact, compared } = compare(samples, courses, TOLERANCE);
  const flows = script.steps.some(([, action]) => action === 'ping');
  const vague = !flows && exact < compared * CERTAIN;
  return vague ? [...differences, `only ${exact} of ${compared} values were certain`] : differences;
}

/** Looks each second, until the longest script is over. */
async function watch(shell: Shell, stages: readonly KernelStage[]): Promise<void> {
  const end = Math.max(...stages.map((stage) => stage.end));
  for (let due = Date.now(); due < end * 1_000; due += 1_000) {
    await delay(Math.max(0, due - Date.now()));
    const ran = await shell.run('wg show all dump');
    const devices = parseWgDumps(ran.output);
    for (const [at, stage] of stages.entries()) stage.note(devices.get(interfaceName(at + 1))?.peers[0], ran);
  }
  await shell.close();
}
