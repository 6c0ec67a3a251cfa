#!/usr/bin/env node
// npm calls it before it packs (`npm pack`, `npm publish`, an installation from git) and after an installation in a checkout:
// what is packed has to be built first. Without a C compiler the native parts are left out, which is said.
import { existsSync } from 'node:fs';
import { npmWork } from './setup/npm.mjs';
import { root } from './setup/paths.mjs';
import { carryOut } from './setup/work.mjs';
import { build } from './setup.mjs';

/** @param {string} text */
const say = (text) => void process.stderr.write(`${text}\n`);
const command = process.env.npm_command;
const packing = command === 'pack' || command === 'publish';

// npm 10 calls this also when it was told --ignore-scripts; what uses dist meanwhile must not lose it.
const unwanted = process.env.npm_config_ignore_scripts === 'true';

// `npm ci` is the set-up of commands that build by themselves.
if (command !== 'ci' && !unwanted) {
  try {
    if (packing) await carryOut(await npmWork(), say);
    if (existsSync(`${root}/node_modules/typescript`)) await build();
    else say('Not built: the packages for development are not installed.');
  } catch (error) {
    say(error instanceof Error ? error.message : `${error}`);
    process.exitCode = 1;
  }
}
