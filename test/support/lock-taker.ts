/**
 * Takes the name of an interface's lock, as anybody may, and says `taken`: node lock-taker.js HOW NAME
 *
 * HOW: `listen`; `deaf` never accepts, and more than fit are waiting; `orphan` leaves the socket to a child and ends; `setuid` is an
 * ordinary user while it begins to listen, and root afterwards.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';

const [how, name] = process.argv.slice(2);
const path = `\0wgpeerselector/${name}`;

/** In Perl, which every Debian has: a Node with a libuv that is not its own (Debian 13's) refuses to change its user. */
const setuid = `
  $> = 65534;
  my $path = pack_sockaddr_un("\\0wgpeerselector/$ARGV[0]");
  socket(LOCK, PF_UNIX, SOCK_STREAM, 0) && bind(LOCK, $path) && listen(LOCK, 511) or die $!;
  $> = 0;
  syswrite(STDOUT, "taken\\n");
  sleep;`;

function listen(backlog: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => server.listen({ path, backlog }, () => resolve(server)));
}

function taken(): void {
  writeSync(1, 'taken\n');
}

if (how === 'listen') {
  await listen(511);
  taken();
} else if (how === 'deaf') {
  await listen(1);
  for (let i = 0; i < 4; i++) connect(path).on('error', () => {});
  taken();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
} else if (how === 'setuid') {
  spawn('perl', ['-MSocket', '-we', setuid, String(name)], { stdio: 'inherit' });
} else if (how === 'orphan') {
  // Handed over as it is: whoever listens once more becomes the one who listens.
  const { _handle } = Object.assign({ _handle: { fd: -1 } }, await listen(511));
  spawn(process.execPath, [fileURLToPath(import.meta.url), 'heir', String(process.pid)], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', _handle.fd],
  }).on('spawn', () => process.exit());
} else {
  const timer = setInterval(() => {
    if (process.ppid === Number(name)) return;
    clearInterval(timer);
    setInterval(() => {}, 60_000);
    taken();
  }, 20);
}
