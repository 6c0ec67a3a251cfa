#!/usr/bin/env node
// The set-up of commands that need npm packages and nothing else: build, bundle, lint, format.
import { npmWork } from './setup/npm.mjs';
import { carryOut } from './setup/work.mjs';

try {
  await carryOut(await npmWork(), (text) => process.stderr.write(`${text}\n`));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
