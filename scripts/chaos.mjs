#!/usr/bin/env node
// Chaos on a real kernel, from a bare checkout: what befalls routers, one after another, and all is well again after each.
//   npm run chaos [-- MINUTES]      ten by default, with each of the two programs
//   --program router                with that one alone; `node` is the other
//   --seed 7                        the same incidents in the same order; what the kernel makes of them is another matter
//   --only PART                     those whose names contain PART
import { randomInt } from 'node:crypto';
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { runInWorld } from './world/run.mjs';

const { values, positionals } = parseArguments({
  args: takeYes(process.argv.slice(2)),
  allowPositionals: true,
  options: { program: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string', default: '' } },
});
const [minutes = '10', ...more] = positionals;
const seed = values.seed ?? String(randomInt(1_000_000));
try {
  if (more.length > 0 || !(Number(minutes) > 0)) throw new Error('expected the minutes that it is to last');
  if (!/^\d+$/.test(seed)) throw new Error(`--seed is '${seed}': expected a number`);
  if (values.program !== undefined && !['node', 'router'].includes(values.program))
    throw new Error(`--program is '${values.program}': expected node or router`);
  await setUp((text) => process.stderr.write(`${text}\n`));
  await build();
  const missing = await buildRouter();
  if (missing !== undefined) process.stderr.write(`${missing}\n`);
  const both = missing === undefined ? ['router', 'node'] : ['node'];
  for (const program of values.program === undefined ? both : [values.program]) {
    const argv = [process.execPath, `${root}/dist/test/netns/chaos/main.js`, minutes, seed, values.only];
    const { status } = await runInWorld(argv, {
      timeout: Number(minutes) * 60 + 900, // the lab takes minutes where the processor is emulated, and the last incident its time
      env: { WGPS_PROGRAM: program },
    });
    process.exitCode ||= status;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
