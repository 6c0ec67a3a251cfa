// Builds the native part of src/sntp: dist/native/clock.node from src/sntp/clock.c, with $CC or cc.
//
// A second run does nothing while the file is newer than its source, its headers and this script. Without a compiler
// or headers it says so in one line and exits 0: everything but setting the clock works without it.
//
// For another machine: CC=aarch64-linux-gnu-gcc node scripts/build-native.mjs --output /some/where/clock.node
// CFLAGS and LDFLAGS are honoured. Undefined napi_* symbols are meant to be: the node program has them.

import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));
const { values } = parseArgs({ options: { output: { type: 'string' } } });
const source = join(root, 'src/sntp/clock.c');
const output = values.output ?? join(root, 'dist/native/clock.node');

function skip(reason) {
  process.stdout.write(`clock.node not built: ${reason}. The daemon will not be able to set the clock.\n`);
  process.exit(0);
}

function headers() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return undefined;
  }
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function words(text) {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

const include = headers();
if (include === undefined) skip("the npm package 'node-api-headers' is not installed");

const inputs = [source, script, join(include, 'node_api.h')].map(
  (path) => modified(path) ?? Number.POSITIVE_INFINITY,
);
const built = modified(output);
// Only for the machine's own: with --output the compiler may be another than last time.
if (values.output === undefined && built !== undefined && built > Math.max(...inputs)) process.exit(0);

const [compiler, ...compilerFlags] = words(process.env.CC || 'cc');
// Written beside and renamed: two builds at once, or a running daemon that has the old one mapped, do no harm.
const temporary = `${output}.${process.pid}.tmp`;
mkdirSync(dirname(output), { recursive: true });
const flags = [
  '-std=c99',
  '-Os',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fPIC',
  '-shared',
  '-s',
  '-fvisibility=hidden',
];
const result = spawnSync(
  compiler,
  [
    ...compilerFlags,
    ...flags,
    ...words(process.env.CFLAGS),
    `-I${include}`,
    source,
    '-o',
    temporary,
    ...words(process.env.LDFLAGS),
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
if (result.error?.code === 'ENOENT') skip(`there is no C compiler ('${compiler}' not found; set CC)`);
if (result.status !== 0) {
  rmSync(temporary, { force: true });
  process.stderr.write(
    `clock.node: '${compiler}' failed (${result.error?.message ?? `status ${result.status}`})\n`,
  );
  process.exit(1);
}
renameSync(temporary, output);
process.stdout.write(`built ${output}\n`);
