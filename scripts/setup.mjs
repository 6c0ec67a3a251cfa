#!/usr/bin/env node
// Makes a bare checkout ready: npm packages, Debian's tools, and the virtual machine where it is needed, all in this folder.
// A second run finds everything and does nothing. As a program: sets up everything.
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { release } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { find, labPackages, toolsWork, useTools, vmPackages } from './setup/debian.mjs';
import { npmWork } from './setup/npm.mjs';
import { root } from './setup/paths.mjs';
import { attempt, run, UNAVAILABLE } from './setup/process.mjs';
import { carryOut, takeYes } from './setup/work.mjs';
import { ensureVm, kernelWork, refuseWithoutVm } from './vm/build.mjs';
import { refuseWithoutNamespaces, whereWireguardIs } from './world/run.mjs';

/**
 * @param {(text: string) => void} say told before anything slow
 */
export async function setUp(say) {
  useTools();
  await refuseWithoutNamespaces();
  const vm = find('ip') === undefined ? !wireguardIsLikely() : (await whereWireguardIs()) === 'vm';
  if (vm) refuseWithoutVm();
  const works = [
    ...(await npmWork()),
    ...(await toolsWork(vm ? [...labPackages, ...vmPackages] : labPackages, say)),
    ...(vm ? await kernelWork(say) : []),
  ];
  await carryOut(works, say);
  // The guess may have been wrong; a world that is told is not to be doubted here, where nothing runs in it yet.
  if (process.env.WGPS_WORLD === undefined && (await whereWireguardIs()) === 'vm') await ensureVm(say);
}

/** A guess, for as long as there is no `ip` to try it with. */
function wireguardIsLikely() {
  if (process.env.WGPS_WORLD !== undefined) return process.env.WGPS_WORLD !== 'vm';
  if (existsSync('/sys/module/wireguard')) return true;
  const folder = `/lib/modules/${release()}`;
  return ['modules.dep', 'modules.builtin'].some((name) => {
    try {
      return /\/wireguard\.ko/.test(readFileSync(`${folder}/${name}`, 'latin1'));
    } catch {
      return false;
    }
  });
}

/** Type check and build, native parts and the bundle too, into dist; nothing of an earlier build stays. */
export async function build() {
  await rm(`${root}/dist`, { recursive: true, force: true });
  await run([`${root}/node_modules/.bin/tsc`, '-p', root]);
  await run([process.execPath, `${root}/scripts/build-native.mjs`]);
  await run([process.execPath, `${root}/scripts/build-stamp.mjs`]);
  await run([process.execPath, `${root}/scripts/bundle.mjs`, '--no-figures']);
}

/** @returns {Promise<string | undefined>} why the router's program cannot be built here, if it cannot: there is no QuickJS, say */
export async function buildRouter() {
  const { status, ending, stdout, stderr } = await attempt([
    process.execPath,
    `${root}/scripts/build-router.mjs`,
  ]);
  if (status === 0) return undefined;
  if (status === UNAVAILABLE) return stderr.trim();
  throw new Error(`scripts/build-router.mjs: ${ending}\n${stdout}${stderr}`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  takeYes(argv);
  try {
    await setUp((text) => process.stdout.write(`${text}\n`));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
