// Runs what the libraries read and write, and the program itself, on other processors by qemu-user, and compares with Node on this one.
//
//   npm run test:processors [-- TARGET…]
//
// On some it also connects to a gateway, on that processor's own kernel: processors/own-kernel.mjs.
//
// It takes Debian's packages qemu-user-static and the cross compilers that scripts/build-router.mjs names, and for those kernels
// qemu-system-arm and qemu-system-mips; what cannot be run without them is said to be left out. The last line is `N passed, N failed`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { onOwnKernel } from './processors/own-kernel.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { find, toolsWork, vmPackages } from './setup/debian.mjs';
import { root } from './setup/paths.mjs';
import { attempt, run } from './setup/process.mjs';
import { carryOut } from './setup/work.mjs';
import { build } from './setup.mjs';

/** The emulators, by the targets of scripts/build-router.mjs. mips and powerpc are big-endian. */
const emulators = {
  mips: 'qemu-mips-static',
  mipsel: 'qemu-mipsel-static',
  arm: 'qemu-arm-static',
  arm64: 'qemu-aarch64-static',
  riscv64: 'qemu-riscv64-static',
  i386: 'qemu-i386-static',
  powerpc: 'qemu-ppc-static',
};
const { positionals } = parseArguments({ allowPositionals: true, options: {} });
const fixtures = `${root}/test/fixtures`;
const scene = `${root}/dist/test/support/fixtures-scene.js`;
let passed = 0;
let failed = 0;

/** @param {string} what @param {string | undefined} fault */
function tell(what, fault) {
  process.stdout.write(fault === undefined ? `  ${what}: passed\n` : `  FAILED  ${what}: ${fault}\n`);
  if (fault === undefined) passed += 1;
  else failed += 1;
}

/** @param {string} text */
const say = (text) => void process.stdout.write(`  ${text}\n`);

/** The daemon on a processor's own kernel. @param {string} target @param {string} program */
async function tryOwnKernel(target, program) {
  const outcome = await onOwnKernel(target, program, folder, say);
  if (outcome === undefined) return;
  if ('missing' in outcome) {
    say(`${target} on its own kernel: left out, there is no ${outcome.missing}`);
    return;
  }
  const { lines } = outcome;
  const text = lines.join('\n');
  const kernel = /^kernel (.*)$/m.exec(text)?.[1] ?? 'its own kernel';
  for (const line of lines) {
    const what = /^ok (.*)$/.exec(line)?.[1];
    if (what !== undefined) tell(`${target}, ${kernel}: ${what}`, undefined);
  }
  const wrong = /^not ok /m.test(text) || !text.includes('ok SIGTERM leaves nothing');
  if (wrong) tell(`${target}, ${kernel}`, text);
}

/** @param {string} expected @param {string} found */
function difference(expected, found) {
  const [wanted, lines] = [expected.split('\n'), found.split('\n')];
  const at = wanted.findIndex((line, index) => line !== lines[index]);
  if (at === -1 && wanted.length === lines.length) return undefined;
  return `line ${at + 1} is\n${(lines[at] ?? 'missing').slice(0, 400)}\nexpected\n${(wanted[at] ?? 'nothing').slice(0, 400)}`;
}

await carryOut(await toolsWork(vmPackages, say), say);
await build();
const told = await run([process.execPath, scene, fixtures]);
// On a big-endian processor recordings of netlink are not read; an empty line stands behind them.
const portable = told.slice(told.indexOf('\n\n') + 1);
const folder = await mkdtemp(`${tmpdir()}/wgps-processors-`);
try {
  for (const [target, emulator] of Object.entries(emulators)) {
    if (positionals.length > 0 && !positionals.includes(target)) continue;
    if (find(emulator) === undefined) {
      process.stdout.write(`  ${target}: left out, there is no ${emulator}\n`);
      continue;
    }
    /** @param {string} name @param {string[]} more */
    const built = async (name, more) => {
      const output = `${folder}/${target}-${name}`;
      const script = [process.execPath, `${root}/scripts/build-router.mjs`, '--target', target, '--static'];
      const { status, stderr } = await attempt([...script, '--output', output, ...more]);
      return status === 0 ? [emulator, `${output}/wgpeerselector`] : stderr.trim();
    };
    const libraries = await built('libraries', ['--entry', scene]);
    if (typeof libraries === 'string') {
      process.stdout.write(`  ${target}: left out, ${libraries}\n`);
      continue;
    }
    const { stdout } = await attempt([...libraries, fixtures]);
    tell(`${target} libraries`, difference(stdout.startsWith('\n') ? portable : told, stdout));
    const program = await built('program', []);
    if (typeof program === 'string') {
      tell(`${target} program`, program);
      continue;
    }
    const version = await attempt([...program, '--version']);
    tell(`${target} --version`, /^wgpeerselector \d/.test(version.stdout) ? undefined : version.stderr);
    const check = await attempt([...program, 'check', '--config-dir', `${root}/openwrt/files/etc/config`]);
    tell(
      `${target} check`,
      /has no usable peer/.test(check.stdout) && check.status === 78
        ? undefined
        : check.stdout + check.stderr,
    );
    await tryOwnKernel(target, program[1] ?? '');
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
