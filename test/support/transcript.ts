/**
 * Plays ubusd's side of a recording in test/fixtures/ubus, and holds what our side sends against the other.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

interface Line {
  readonly dir: 'client' | 'ubusd';
  readonly hex: string;
}

const FIXTURES = new URL('../../../test/fixtures/ubus/', import.meta.url);

export function transcript(name: string): Line[] {
  const text = readFileSync(new URL(`${name}.jsonl`, FIXTURES), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line));
}

export interface Playing {
  readonly path: string;
  /** Resolves when the recording is over, with what our side sent and what it was recorded to send. */
  readonly done: Promise<{ sent: string[]; recorded: string[] }>;
}

/**
 * Plays lines to the first client that connects. Waits after each line of the client until as many bytes have
 * come.
 */
export async function play(t: TestContext, lines: readonly Line[]): Promise<Playing> {
  const folder = mkdtempSync(join(tmpdir(), 'ubus-play-'));
  const path = join(folder, 'ubus.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  let client: Socket | undefined;
  t.after(() => {
    client?.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const done = new Promise<Socket>((resolve) => server.once('connection', resolve)).then(async (socket) => {
    client = socket;
    const sent: string[] = [];
    const recorded: string[] = [];
    for (const { dir, hex } of lines) {
      if (dir === 'ubusd') {
        socket.write(Buffer.from(hex, 'hex'));
        continue;
      }
      recorded.push(hex);
      sent.push((await readBytes(socket, hex.length / 2)).toString('hex'));
    }
    return { sent, recorded };
  });
  return { path, done };
}

function readBytes(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      const got: Buffer | null = socket.read();
      reject(new Error(`${why}; wanted ${length} bytes, got ${got?.toString('hex') ?? 'none'}`));
    };
    const timer = setTimeout(() => fail('the client sent nothing more for 10 s'), 10_000);
    const onClose = () => fail('the client hung up');
    const tryRead = () => {
      const bytes: Buffer | null = socket.read(length);
      if (bytes === null) return;
      clearTimeout(timer);
      socket.off('readable', tryRead).off('close', onClose);
      resolve(bytes);
    };
    socket.on('readable', tryRead).once('close', onClose);
    tryRead();
  });
}
