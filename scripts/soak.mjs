#!/usr/bin/env node
// The soak, from a bare checkout: `npm run soak`, or `npm run soak -- 5` for five minutes instead of an hour, and five to settle before.
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { runInWorld } from './world/run.mjs';

/** Shorter ones have too few samples to be judged; minutes. */
const shortest = 1;

const { positionals } = parseArguments({ args: takeYes(process.argv.slice(2)), allowPositionals: true });
const [minutes = '60', ...more] = positionals;
try {
  if (more.length > 0 || !(Number(minutes) >= shortest))
    throw new Error(`expected the minutes that it is to last, ${shortest} or more`);
  await setUp((text) => process.stderr.write(`${text}\n`));
  await build();
  const missing = await buildRouter();
  if (missing !== undefined) process.stderr.write(`${missing}\nIt goes on with Node's program alone.\n`);
  const { status } = await runInWorld([process.execPath, `${root}/dist/test/netns/soak/main.js`, minutes], {
    timeout: Number(minutes) * 60 + 1500, // settling, and labs that take minutes where the processor is emulated
  });
  process.exitCode = status;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
