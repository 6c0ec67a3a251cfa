#!/usr/bin/env node
// The benches, from a bare checkout:
//   npm run bench [-- NAME…]       `daemon`, `look` and `change` where WireGuard is, the others here
//   npm run bench -- --now         without waiting for the machine to be calm
import { mkdir } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArguments } from './setup/arguments.mjs';
import { find } from './setup/debian.mjs';
import { root } from './setup/paths.mjs';
import { attempt, run } from './setup/process.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { runInWorld, whereWireguardIs } from './world/run.mjs';

/** A machine that does less than this besides counts as calm (load average of one minute). */
const calm = 1.5;
/** How long we wait for that, in seconds. */
const patience = 300;

/** The benches that need a kernel with WireGuard. */
const onKernel = ['look', 'change', 'daemon'];

const { values, positionals } = parseArguments({
  args: takeYes(process.argv.slice(2)),
  allowPositionals: true,
  options: { now: { type: 'boolean' } },
});
const named = positionals.length > 0 ? positionals : ['ubus', 'peers', ...onKernel];
const main = [process.execPath, `${root}/dist/test/bench/main.js`];

/** Benches that run a part of ours in the router's program: their source in test/bench, and where in dist/bench it goes. */
const loops = new Map([
  ['look', ['look-loop.ts', 'router']],
  ['change', ['change-loop.ts', 'change']],
  ['peers', ['peers-loop.ts', 'peers']],
]);

/**
 * The programs in C that we are compared with, compiled before an emulated machine would have to.
 *
 * @returns {Promise<string | undefined>} what is lost
 */
async function buildC() {
  const folder = `${root}/dist/bench`;
  await mkdir(folder, { recursive: true });
  const cc = process.env.CC || 'cc';
  if (find(cc) === undefined)
    return `no C compiler ('${cc}' not found): there is nothing in C to compare with`;
  for (const name of ['look', 'change'])
    await run([cc, '-O2', '-o', `${folder}/${name}-c`, `${root}/test/bench/${name}.c`]);
  return undefined;
}

/**
 * A bench that runs in the router's program.
 *
 * @param {string} name
 * @returns {Promise<string | undefined>} what is lost
 */
async function buildLoop(name) {
  const loop = loops.get(name);
  if (loop === undefined) return undefined;
  const [source, output] = loop;
  const entry = ['--entry', `${root}/test/bench/${source}`, '--output', `${root}/dist/bench/${output}`];
  const { status, stderr } = await attempt([process.execPath, `${root}/scripts/build-router.mjs`, ...entry]);
  return status === 0 ? undefined : stderr.trim();
}

/** @param {string} text */
const say = (text) => void process.stdout.write(`${text}\n`);
const load = () => loadavg()[0]?.toFixed(2);

try {
  await setUp(say);
  await build();
  const missing = await buildRouter();
  if (missing !== undefined) say(missing);
  const lost = named.some((name) => onKernel.includes(name)) ? [await buildC()] : [];
  for (const name of missing === undefined ? named : []) lost.push(await buildLoop(name));
  for (const what of lost) if (what !== undefined) say(what);
  const start = performance.now();
  while (values.now !== true && Number(load()) >= calm && performance.now() - start < patience * 1000) {
    await delay(1000);
  }
  say(`load ${load()} on ${cpus().length} processors`);
  const here = named.filter((name) => !onKernel.includes(name));
  if (here.length > 0) await run([...main, ...here], { show: true });
  const there = named.filter((name) => onKernel.includes(name));
  if (there.length > 0) {
    if ((await whereWireguardIs()) === 'vm')
      say('in the emulated machine, which computes about ten times slower:');
    const { status } = await runInWorld([...main, ...there], { timeout: 900 });
    process.exitCode = status;
  }
  say(`load ${load()} at the end`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
