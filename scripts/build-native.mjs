// Builds the native parts, dist/native/*.node, with $CC or cc.
//
// A second run does nothing while a file is newer than its source, its headers and this script. Without a compiler or
// headers it says in one line for each part what is lost, and exits 0: everything else works without them.
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

const addons = [
  {
    name: 'clock.node',
    source: 'src/sntp/clock.c',
    without: 'The daemon will not be able to set the clock.',
  },
  {
    name: 'netlink-socket.node',
    source: 'src/netlink/socket.c',
    without:
      "The npm package 'netlink' takes its place, which ends the process when a receive buffer overflows.",
  },
  {
    name: 'lock-holder.node',
    source: 'src/daemon/lock-holder.c',
    without: "Any user who takes the name of an interface's lock keeps the daemon from serving it.",
  },
  {
    name: 'group.node',
    source: 'src/cli/group.c',
    without: 'A Node with a libuv that is not its own (Debian 13, OpenWrt) cannot follow --group.',
  },
  {
    name: 'name-lookup.node',
    source: 'src/names/lookup.c',
    // Its threads may outlive the worker that loaded it.
    flags: ['-pthread', '-Wl,-z,nodelete'],
    without: 'Node asks the servers of resolv.conf itself, and nsswitch.conf does not count.',
  },
];

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));
const { values } = parseArguments({ options: { output: { type: 'string' } } });
const folder = values.output ?? join(root, 'dist/native');
const [compiler, ...compilerFlags] = words(process.env.CC || 'cc');
const flags = ['-std=c11', '-Os', '-Wall', '-Wextra', '-fPIC', '-shared', '-s', '-fvisibility=hidden'];

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

/** Builds one part. @returns whether nothing went wrong; to be without a compiler is not wrong */
function build({ name, source, flags: own = [], without }) {
  const input = join(root, source);
  const output = join(folder, name);
  const skip = (reason) => {
    process.stdout.write(`${name} not built: ${reason}. ${without}\n`);
    return true;
  };
  const include = headers();
  if (include === undefined) return skip("the npm package 'node-api-headers' is not installed");

  const newest = Math.max(
    ...[input, script, join(include, 'node_api.h')].map((path) => modified(path) ?? Number.POSITIVE_INFINITY),
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
      ...own,
      ...words(process.env.CFLAGS),
      `-I${include}`,
      input,
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

if (!addons.map(build).every((built) => built)) process.exitCode = 1;
