import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { until } from '../netns/lab/until.js';
import { NotifyReader } from './notify-reader.js';

/** How a program has ended, and what it wrote. */
export interface Ran {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(command: string, ...args: string[]): Promise<Ran> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [status, signal] = await once(child, 'close');
  return { status, signal, stdout, stderr };
}

/** Runs test/support/platform-scene.ts, as this command, with what it needs around it. */
export async function playPlatform(
  ...command: [string, ...string[]]
): Promise<Ran & { readonly told: readonly string[] }> {
  const place = await mkdtemp(`${tmpdir()}/wgps-scene-`);
  const echoes = await Promise.all([echo('udp4'), echo('udp6')]);
  const reader = await NotifyReader.listen(place, [`${place}/notify`, `@${place}/notify`]);
  try {
    await symlink('file', `${place}/link`);
    await writeFile(`${place}/large`, Buffer.alloc(100_000));
    spawnSync('mkfifo', [`${place}/pipe`]);
    const ran = await run(...command, place, ...echoes.map((socket) => String(socket.address().port)));
    // One that was ended before has told nothing, and how it was ended is for the caller to say.
    if (ran.signal === null) await until(() => reader.told.length >= 2, { what: 'what the scene has told' });
    return { ...ran, told: reader.told.map(({ text }) => text) };
  } finally {
    reader.close();
    for (const socket of echoes) socket.close();
    await rm(place, { recursive: true, force: true });
  }
}

async function echo(type: 'udp4' | 'udp6'): Promise<Socket> {
  const socket = createSocket(type);
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
  socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1');
  await once(socket, 'listening');
  return socket;
}
