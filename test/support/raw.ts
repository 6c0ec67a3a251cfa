/** A server that is no ubusd, for tests of what an ubusd must not be able to do to us. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { BlobWriter } from '../../src/ubus/blob.js';
import {
  encodeMessage,
  type Message,
  MessageAttribute,
  MessageReader,
  MessageType,
  writeNumberAttribute,
} from '../../src/ubus/message.js';

export const HELLO = encodeMessage(MessageType.hello, 0, 0x12345678, () => undefined);

/** Serves until the test is over; `onClient` gets each connection, and how many there were before. */
export async function serveRaw(
  t: TestContext,
  onClient: (socket: Socket, before: number) => void,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ubus-raw-'));
  const path = join(folder, 'ubus.sock');
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    onClient(socket, sockets.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

/** Calls `take` for each message that comes in. */
export function onMessages(socket: Socket, take: (message: Message) => void): void {
  const reader = new MessageReader();
  socket.on('data', (chunk) =>
    reader.push(chunk, (message) => {
      take(message);
      return true;
    }),
  );
}

/** As encodeMessage, for tests that change or read the bytes. */
export function encoded(...args: Parameters<typeof encodeMessage>): Buffer {
  return Buffer.from(encodeMessage(...args));
}

/** An answer to a message, with more attributes if wanted. */
export function status({ sequence, peer }: Message, code: number): Buffer {
  return encoded(MessageType.status, sequence, peer, (writer) =>
    writeNumberAttribute(writer, MessageAttribute.status, code),
  );
}

/** A message of data in answer to another one. */
export function data({ sequence, peer }: Message, write: (writer: BlobWriter) => void): Buffer {
  return encoded(MessageType.data, sequence, peer, write);
}
