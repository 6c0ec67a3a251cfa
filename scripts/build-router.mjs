// Makes the router's program, dist/router/wgpeerselector: QuickJS, our bytecode and the native part in one executable.
//
//   npm run build:router                        for this machine
//   npm run build:router -- --target mips       for another, with Debian's cross compilers: mips, mipsel, arm, arm64, riscv64, i386,
//                                               powerpc, x64
//   --static                                    with the C library in it: musl where there is musl-gcc, else the compiler's own
//   --sanitize                                  with AddressSanitizer and UndefinedBehaviorSanitizer, and everything freed at the end, so that
//                                               leaks are told: for test/unit/sanitizers.test.ts and developers
//   --output DIR                                another folder than dist/router
//   --entry FILE                                another program than src/cli/main.ts
//
// CC, CFLAGS and LDFLAGS are honoured as src/platform/native/Makefile has them. QUICKJS names a folder with QuickJS's source;
// otherwise scripts/router/quickjs.mjs fetches it. Without a source or a compiler one line says so, and the exit status is 69.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { basename, relative, resolve } from 'node:path';
import { bundleForQuickJS } from './router/bundle.mjs';
import { NoQuickJS, quickjsSource } from './router/quickjs.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { find, useTools } from './setup/debian.mjs';
import { cache, root } from './setup/paths.mjs';
import { run, UNAVAILABLE } from './setup/process.mjs';

/** As Debian names them. @type {Record<string, { triple: string, node: string }>} */
const targets = {
  mips: { triple: 'mips-linux-gnu', node: 'mips' },
  mipsel: { triple: 'mipsel-linux-gnu', node: 'mipsel' },
  arm: { triple: 'arm-linux-gnueabihf', node: 'arm' },
  arm64: { triple: 'aarch64-linux-gnu', node: 'arm64' },
  riscv64: { triple: 'riscv64-linux-gnu', node: 'riscv64' },
  i386: { triple: 'i686-linux-gnu', node: 'ia32' },
  powerpc: { triple: 'powerpc-linux-gnu', node: 'ppc' },
  x64: { triple: 'x86_64-linux-gnu', node: 'x64' },
};

const bigEndian = ['mips', 'powerpc'];

const { values } = parseArguments({
  options: {
    target: { type: 'string' },
    static: { type: 'boolean', default: false },
    sanitize: { type: 'boolean', default: false },
    output: { type: 'string' },
    entry: { type: 'string', default: `${root}/src/cli/main.ts` },
  },
});

/** What is missing, in one line. */
class Unavailable extends Error {}

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);

/** musl has none of the kernel's headers: these are links to them, and nothing else of the C library that they lie beside. */
async function kernelHeaders() {
  const folder = `${cache}/router/kernel-headers`;
  await mkdir(folder, { recursive: true });
  const asm = find(`/usr/include/${targets.x64?.triple}/asm/types.h`)?.replace('/types.h', '');
  const all = {
    linux: '/usr/include/linux',
    'asm-generic': '/usr/include/asm-generic',
    asm: asm ?? '/usr/include/asm',
  };
  for (const [name, path] of Object.entries(all)) {
    await symlink(path, `${folder}/${name}`).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return folder;
}

/** What finds faults in C while it runs, and then ends the program. The engine has undefined behaviour of other kinds that does no harm. */
const sanitizing = {
  CFLAGS: '-O1 -g -fno-omit-frame-pointer -fsanitize=address,builtin -fno-sanitize-recover=all',
  OWN_CFLAGS: '-fsanitize=undefined -fno-sanitize-recover=all',
  CPPFLAGS: '-DFREE_AT_END',
  STRIP: 'true',
};

/** @returns {Promise<{ name: string, cc: string, strip: string, ldflags: string }>} the compiler, and a name for what it makes */
async function compiler() {
  const target = values.target === undefined ? undefined : targets[values.target];
  if (values.target !== undefined && target === undefined) {
    process.stderr.write(`--target ${values.target}: expected one of ${Object.keys(targets).join(', ')}\n`);
    process.exit(64);
  }
  const ldflags = values.static ? '-static' : '';
  if (target !== undefined && target.node !== arch()) {
    const cc = `${target.triple}-gcc`;
    if (find(cc) === undefined) {
      throw new Unavailable(`there is no ${cc}: Debian has it in the package gcc-${target.triple}`);
    }
    return { name: `${values.target}${ldflags}`, cc, strip: `${target.triple}-strip`, ldflags };
  }
  if (values.static && process.env.CC === undefined && find('musl-gcc') !== undefined) {
    return { name: 'own-musl', cc: `musl-gcc -idirafter ${await kernelHeaders()}`, strip: 'strip', ldflags };
  }
  const cc = process.env.CC || 'cc';
  const [program = 'cc'] = cc.split(' ');
  if (find(program) === undefined)
    throw new Unavailable(`there is no C compiler ('${program}' not found; set CC)`);
  return { name: `own${ldflags}`, cc, strip: 'strip', ldflags };
}

/** Writes a file where it is not like that already, so that make does nothing twice. @param {string} path @param {string} text */
async function update(path, text) {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text);
}

async function main() {
  useTools();
  const { name, cc, strip, ldflags } = await compiler();
  if (find('make') === undefined)
    throw new Unavailable('there is no make: Debian has it in the package make');
  const quickjs = await quickjsSource(say);
  const entry = resolve(values.entry);
  // What is made of one source by one compiler with the same flags, and for one program.
  const key = (/** @type {string[]} */ ...parts) =>
    createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
  const more = values.sanitize
    ? Object.entries(sanitizing).map(([variable, value]) => `${variable}=${value}`)
    : [];
  const flags = [
    ...more,
    ...['CFLAGS', 'LDFLAGS', 'CPPFLAGS'].map((variable) => process.env[variable] ?? ''),
  ];
  // A compiler for each byte order: see swapped-regexp.h.
  const host = `${cache}/router/host-${key(quickjs)}${bigEndian.includes(values.target ?? '') ? '-big-endian' : ''}`;
  const objects = `${cache}/router/${name}-${key(quickjs, cc, ...flags)}`;
  const work = `${objects}/${key(entry, ldflags)}`;
  await mkdir(work, { recursive: true });
  const modules = await bundleForQuickJS(entry);
  for (const [name, text] of modules) await update(`${work}/${name}`, text);

  const make = (/** @type {string[]} */ ...args) =>
    run(['make', '-s', '-j2', '-f', `${root}/src/platform/native/Makefile`, `QUICKJS=${quickjs}`, ...args]);
  const qjsc = `${host}/qjsc`;
  if ((await stat(qjsc).catch(() => undefined)) === undefined) say("building QuickJS's compiler");
  await make(`BUILD=${host}`, `CC=${cc}`, qjsc);
  const made = `${work}/wgpeerselector`;
  const linking = [ldflags, values.sanitize ? '-fsanitize=undefined' : '', process.env.LDFLAGS]
    .filter(Boolean)
    .join(' ');
  await make(
    `BUILD=${work}`,
    `OBJECTS=${objects}`,
    `PROGRAM=${work}/wgpeerselector.js`,
    `QJSC=${qjsc}`,
    `CC=${cc}`,
    `STRIP=${strip}`,
    `LDFLAGS=${linking}`,
    ...more,
    made,
  );

  const folder = resolve(values.output ?? `${root}/dist/router`);
  await mkdir(folder, { recursive: true });
  for (const file of [made, ...[...modules.keys()].map((name) => `${work}/${name}`)]) {
    // Written beside and renamed: a running daemon that has the old one mapped goes on.
    const output = `${folder}/${basename(file)}`;
    await copyFile(file, `${output}.${process.pid}.tmp`);
    await rename(`${output}.${process.pid}.tmp`, output);
    const { size } = await stat(output);
    say(`${relative(process.cwd(), output).padEnd(40)} ${(size / 1024).toFixed(1).padStart(8)} KiB`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NoQuickJS || error instanceof Unavailable)) throw error;
  process.stderr.write(`the router's program was not built: ${error.message}\n`);
  process.exitCode = UNAVAILABLE;
}
