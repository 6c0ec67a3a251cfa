#!/usr/bin/env node
// The benches, from a bare checkout:
//   npm run bench [-- NAME…]       `daemon` where WireGuard is, the others here
//   npm run bench -- --now         without waiting for the machine to be calm
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';
import { run } from './setup/process.mjs';
import { takeYes } from './setup/work.mjs';
import { build, buildRouter, setUp } from './setup.mjs';
import { runInWorld, whereWireguardIs } from './world/run.mjs';

/** A machine that does less than this besides counts as calm (load average of one minute). */
const calm = 1.5;
/** How long we wait for that, in seconds. */
const patience = 300;

/** The benches that need a kernel with WireGuard. */
const onKernel = ['daemon'];

const { values, positionals } = parseArguments({
  args: takeYes(process.argv.slice(2)),
  allowPositionals: true,
  options: { now: { type: 'boolean' } },
});
const named = positionals.length > 0 ? positionals : ['ubus', ...onKernel];
const main = [process.execPath, `${root}/dist/test/bench/main.js`];

/** @param {string} text */
const say = (text) => void process.stdout.write(`${text}\n`);
const load = () => loadavg()[0]?.toFixed(2);

try {
  await setUp(say);
  await build();
  const missing = await buildRouter();
  if (missing !== undefined) say(missing);
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
