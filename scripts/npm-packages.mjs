#!/usr/bin/env node
// The set-up of commands that need npm packages and nothing else: build, bundle, lint, format.
import { ensureNpmPackages } from './setup/npm.mjs';

await ensureNpmPackages((text) => process.stderr.write(`${text}\n`));
