// One virtual machine: virtiofsd, QEMU, and the virtio-serial ports through which the guest speaks.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { find, unpacked, virtiofsd } from '../setup/debian.mjs';
import { run } from '../setup/process.mjs';

/**
 * @typedef {object} Port
 * @property {string} name
 * @property {(socket: import('node:net').Socket) => void} connected called once, when QEMU has connected
 */

/**
 * @typedef {object} Machine
 * @property {Promise<string>} ended how QEMU ended, in words, if it ended of its own accord or by `stop`
 * @property {() => Promise<void>} stop kills QEMU and virtiofsd, and returns when both are gone
 * @property {() => string} console what the guest's console has said so far
 */

/**
 * Quiet, and dead after a panic. No guards against attacks that nobody makes here, for they cost time. The clock
 * is the HPET on every run; left alone, the kernel takes it or the TSC, as it was disturbed at boot or not. And on a machine that is
 * busy enough its check that the timer ticks finds that it does not, and panics ("IO-APIC + timer doesn't work!"). Programs
 * are at the same addresses each time they are started: code is translated for where it is, and starting one costs half as much.
 */
const kernelOptions =
  'console=ttyS0 quiet loglevel=5 panic=-1 random.trust_cpu=on ' +
  'clocksource=hpet tsc=unstable mitigations=off rcupdate.rcu_expedited=1 no_timer_check norandmaps';

/** The guest's memory; its writes to disk are in there too. */
const memory = '2048M';

/**
 * Starts a virtual machine whose root folder is a read-only view of this machine's.
 *
 * @param {import('./build.mjs').VmParts} parts
 * @param {string} folder of this run, with `start.sh`; sockets are made in it
 * @param {Port[]} ports
 * @param {{ terminal?: Port, root?: string }} [options] `terminal`: becomes the guest's /dev/hvc0; `root`: another root folder than
 *   this machine's, which `folder` is in
 * @returns {Promise<Machine>}
 */
export async function boot(parts, folder, ports, options = {}) {
  const servers = [];
  for (const port of [...ports, ...(options.terminal === undefined ? [] : [options.terminal])]) {
    servers.push(await listen(`${folder}/${port.name}.sock`, port.connected));
  }
  const socket = `${folder}/files.sock`;
  const files = start(await fileServer(folder, socket, options.root || '/'));
  await waitForFile(socket, files);
  const qemu = start(
    [
      'qemu-system-x86_64',
      ...firmware(),
      // Guests hang under /dev/kvm on the machines that need this one, so the processor is emulated.
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', memory],
      ...['-object', `memory-backend-memfd,id=mem,size=${memory},share=on`, '-numa', 'node,memdev=mem'],
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', parts.kernel, '-initrd', parts.initrd],
      ...['-append', `${kernelOptions} vm.run=${folder.slice((options.root ?? '').length)}`],
      ...['-chardev', `socket,id=files,path=${socket}`],
      ...['-device', 'vhost-user-fs-pci,chardev=files,tag=host', '-device', 'virtio-serial'],
      ...ports.flatMap(({ name }) => [
        ...['-chardev', `socket,id=${name},path=${folder}/${name}.sock`],
        ...['-device', `virtserialport,chardev=${name},name=${name}`],
      ]),
      ...(options.terminal === undefined
        ? []
        : [
            ...['-chardev', `socket,id=terminal,path=${folder}/${options.terminal.name}.sock`],
            ...['-device', 'virtconsole,chardev=terminal'],
          ]),
    ],
    modules(),
  );
  const stop = async () => {
    for (const server of servers) server.close();
    qemu.child.kill('SIGKILL');
    files.child.kill('SIGKILL');
    await Promise.all([qemu.ended, files.ended]);
    // As root the older virtiofsd writes its process id there, and leaves it.
    if (process.getuid?.() === 0)
      await rm(`/run/virtiofsd/${socket.replaceAll('/', '.')}.pid`, { force: true });
  };
  const ended = qemu.ended.then((how) => `QEMU: ${how}${files.output() === '' ? '' : `; ${files.output()}`}`);
  return { ended, stop, console: qemu.output };
}

/**
 * The command line of virtiofsd: it shows the guest our root folder, or another.
 *
 * @param {string} folder of this run
 * @param {string} socket
 * @param {string} root
 * @returns {Promise<string[]>}
 */
async function fileServer(folder, socket, root) {
  const current = find(virtiofsd.current);
  const argv =
    current === undefined
      ? [
          find(virtiofsd.old) ?? virtiofsd.old,
          '-o',
          `source=${root}`,
          '-o',
          'cache=always',
          '-o',
          'log_level=err',
        ]
      : [current, `--shared-dir=${root}`, '--cache=always', '--log-level=error', '--no-announce-submounts'];
  const sandbox = current === undefined ? ['-o', 'sandbox=chroot'] : ['--sandbox=chroot'];
  const all = [...argv, ...sandbox, `--socket-path=${socket}`];
  if (process.getuid?.() === 0) return all;
  // It will be root for its chroot, and write its process id below /run. The guest has a /run of its own.
  const preload = current === undefined ? await withoutGroups(folder) : '';
  const script = 'mount -t tmpfs tmpfs /run && LD_PRELOAD=$0 exec "$@"';
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, preload, ...all];
}

/**
 * @param {string} folder of this run
 * @returns {Promise<string>} a library by which a program has no supplementary groups
 */
async function withoutGroups(folder) {
  const library = `${folder}/no-groups.so`;
  const source = fileURLToPath(new URL('no-groups.c', import.meta.url));
  await run(['cc', '-shared', '-fPIC', '-nostdlib', '-o', library, source]);
  return library;
}

/** Where QEMU finds what the emulated machine starts with, if it was unpacked and not installed. */
function firmware() {
  return [...unpacked(), '/usr']
    .flatMap((usr) => [`${usr}/share/qemu`, `${usr}/share/seabios`])
    .filter((path) => existsSync(path))
    .flatMap((path) => ['-L', path]);
}

/** QEMU looks for its modules beside itself. Where the machine has their package, QEMU alone was unpacked. */
function modules() {
  const folder = 'lib/x86_64-linux-gnu/qemu';
  return unpacked().some((usr) => existsSync(`${usr}/${folder}`))
    ? {}
    : { QEMU_MODULE_DIR: `/usr/${folder}` };
}

/**
 * Starts a program that dies with us, even if we are killed.
 *
 * @param {string[]} argv
 * @param {NodeJS.ProcessEnv} [more] of its environment
 */
function start(argv, more = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    env: { ...process.env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-64 * 1024);
    });
  }
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, signal) => resolve(signal ?? `exit status ${status}`));
  });
  return { child, ended, output: () => output };
}

/**
 * @param {string} path
 * @param {(socket: import('node:net').Socket) => void} connected
 * @returns {Promise<import('node:net').Server>}
 */
function listen(path, connected) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}); // QEMU was killed; how the machine ended is said elsewhere
      connected(socket);
    });
    server.on('error', reject);
    server.listen(path, () => resolve(server));
    server.unref();
  });
}

/**
 * @param {string} path
 * @param {ReturnType<typeof start>} program that makes the file
 */
async function waitForFile(path, program) {
  let how = '';
  program.ended.then((text) => {
    how = text;
  });
  for (const start = Date.now(); Date.now() - start < 10_000; ) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return;
    if (how !== '') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  program.child.kill('SIGKILL');
  throw new Error(`virtiofsd did not start: ${how} ${program.output()}`);
}
