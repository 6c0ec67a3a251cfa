#!/usr/bin/env node
// The benches, from a bare checkout:
//   npm run bench [-- NAME…]       `daemon` and `look` where WireGuard is, the others here
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
const onKernel = ['look', 'daemon'];

const { values, positionals } = parseArguments({
  args: takeYes(process.argv.slice(2)),
  allowPositionals: true,
  options: { now: { type: 'boolean' } },
});
const named = positionals.length > 0 ? positionals : ['ubus', ...onKernel];
const main = [process.execPath, `${root}/dist/test/bench/main.js`];

/**
 * The programs that `look` and `daemon` start, compiled before an emulated machine would have to.
 *
 * @param {boolean} router whether the router's program is wanted, and QuickJS is there
 * @returns {Promise<string | undefined>} what is lost
 */
async function buildLook(router) {
  const folder = `${root}/dist/bench`;
  await mkdir(folder, { recursive: true });
  const cc = process.env.CC || 'cc';
  if (find(cc) === undefined)
    return `no C compiler ('${cc}' not found): there is nothing in C to compare with`;
  await run([cc, '-O2', '-o', `${folder}/look-c`, `${root}/test/bench/look.c`]);
  if (!router) return undefined;
  const entry = ['--entry', `${root}/test/bench/look-loop.ts`, '--output', `${folder}/router`];
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
  const looks = named.some((name) => onKernel.includes(name));
  const lost = looks ? await buildLook(named.includes('look') && missing === undefined) : undefined;
  if (lost !== undefined) say(lost);
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
