#!/usr/bin/env node
// Makes a bare checkout ready: npm packages, Debian packages, and the virtual machine where it is needed.
// A second run finds everything and does nothing. As a program: sets up everything.
import { rm } from 'node:fs/promises';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureDebianPackages, labPackages } from './setup/debian.mjs';
import { ensureNpmPackages } from './setup/npm.mjs';
import { root } from './setup/paths.mjs';
import { run } from './setup/process.mjs';
import { ensureVm } from './vm/build.mjs';
import { whereWireguardIs } from './world/run.mjs';

/**
 * @param {(text: string) => void} say told before anything slow
 */
export async function setUp(say) {
  await ensureNpmPackages(say);
  await ensureDebianPackages(labPackages, say);
  if ((await whereWireguardIs()) === 'vm') await ensureVm(say);
}

/** Type check and build, native parts and the bundle too, into dist; nothing of an earlier build stays. */
export async function build() {
  await rm(`${root}/dist`, { recursive: true, force: true });
  await run([`${root}/node_modules/.bin/tsc`, '-p', root]);
  await run([process.execPath, `${root}/scripts/build-native.mjs`]);
  await run([process.execPath, `${root}/scripts/build-stamp.mjs`]);
  await run([process.execPath, `${root}/scripts/bundle.mjs`, '--no-figures']);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await setUp((text) => process.stdout.write(`${text}\n`));
}
