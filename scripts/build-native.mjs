// Builds the native part, dist/native/native.node, with $CC or cc.
//
// A second run does nothing while it is newer than its sources, their headers and this script. Without a compiler or
// headers it says in one line what is lost, and exits 0: everything else works without it.
//
// For another machine: CC=aarch64-linux-gnu-gcc node scripts/build-native.mjs --output /some/folder
// CFLAGS and LDFLAGS are honoured. Undefined napi_* and uv_* symbols are meant to be: the node program has them.
// Warnings fail the build only on demand (CFLAGS=-Werror), because nobody knows what the next compiler warns of.

import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArguments } from './setup/arguments.mjs';

const name = 'native.node';
const sources = [
  'node.c',
  'netlink.c',
  'lookup.c',
  'credentials.c',
  'group.c',
  'clock.c',
  'probe.c',
  'notify.c',
  'native.h',
].map((file) => `src/platform/native/${file}`);
const without =
  "The npm package 'netlink' takes the place of its sockets, the clock cannot be set, and less is known of names and locks.";

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));
const { values } = parseArguments({ options: { output: { type: 'string' } } });
const folder = values.output ?? join(root, 'dist/native');
const [compiler, ...compilerFlags] = words(process.env.CC || 'cc');
const flags = [
  ...['-std=c11', '-Os', '-Wall', '-Wextra', '-fPIC', '-shared', '-s', '-fvisibility=hidden', '-pthread'],
  '-Wl,-z,nodelete', // its threads may outlive the worker that loaded it
];

function words(text) {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
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

/** @returns whether nothing went wrong; to be without a compiler is not wrong */
function build() {
  const inputs = sources.map((source) => join(root, source));
  const output = join(folder, name);
  const skip = (reason) => {
    process.stdout.write(`${name} not built: ${reason}. ${without}\n`);
    return true;
  };
  const include = headers();
  if (include === undefined) return skip("the npm package 'node-api-headers' is not installed");

  const newest = Math.max(
    ...[...inputs, script, join(include, 'node_api.h')].map(
      (path) => modified(path) ?? Number.POSITIVE_INFINITY,
    ),
  );
  // Only for the machine's own: with --output the compiler may be another than last time.
  if (values.output === undefined && (modified(output) ?? 0) > newest) return true;

  // Written beside and renamed: two builds at once, or a running daemon that has the old one mapped, do no harm.
  const temporary = `${output}.${process.pid}.tmp`;
  mkdirSync(folder, { recursive: true });
  const result = spawnSync(
    compiler,
    [
      ...compilerFlags,
      ...flags,
      ...words(process.env.CFLAGS),
      `-I${include}`,
      ...inputs.filter((path) => path.endsWith('.c')),
      '-o',
      temporary,
      ...words(process.env.LDFLAGS),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (result.error?.code === 'ENOENT') {
    return skip(`there is no C compiler ('${compiler}' not found; set CC)`);
  }
  if (result.status !== 0) {
    rmSync(temporary, { force: true });
    const reason = result.error?.message ?? `status ${result.status}`;
    process.stderr.write(`${name}: '${compiler}' failed (${reason})\n`);
    return false;
  }
  renameSync(temporary, output);
  process.stdout.write(`built ${output}\n`);
  return true;
}

if (!build()) process.exitCode = 1;
