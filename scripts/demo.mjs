#!/usr/bin/env node
// The demo, from a bare checkout: `npm run demo`, or `npm run demo -- --keep` for a shell in it at the end.
import { root } from './setup/paths.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { runInWorld } from './world/run.mjs';

const args = takeYes(process.argv.slice(2));
const person = process.stdin.isTTY === true && process.stdout.isTTY === true;
try {
  if (args.includes('--keep') && !person) throw new Error('--keep needs a terminal');
  await setUp((text) => process.stderr.write(`${text}\n`));
  await build();
  const missing = await buildRouter();
  if (missing !== undefined) process.stderr.write(`${missing}\nIt goes on with Node's program.\n`);
  const { status } = await runInWorld([process.execPath, `${root}/dist/test/netns/demo.js`, ...args], {
    terminal: person,
    env: { WGPS_PROGRAM: missing === undefined ? 'router' : 'node' },
    // With --keep a person decides when it is over.
    ...(args.includes('--keep') ? {} : { timeout: 300 }),
  });
  process.exitCode = status;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
