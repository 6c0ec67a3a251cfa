import { connect, createServer, type Socket } from 'node:net';
import type { Stream, StreamHandlers, Streams } from '../stream.js';
import { addon } from './addon.js';

export type * from '../stream.js';

export const connectStream: Streams['connectStream'] = (path, handlers) => {
  const socket = connect({ path });
  const stream = new NodeStream(socket);
  stream.tell(handlers);
  return stream;
};

export const listen: Streams['listen'] = async (path, accept) => {
  const server = createServer((socket) => {
    const stream = new NodeStream(socket);
    stream.tell(accept(stream));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.unref();
  return { close: () => void server.close() };
};

export const listenerOwner: Streams['listenerOwner'] = (name) => addon()?.lockHolder(name);

class NodeStream implements Stream {
  readonly #socket: Socket;
  #corked = false;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  tell(handlers: StreamHandlers): void {
    const socket = this.#socket;
    const closed = (error: Error | undefined): void => {
      if (this.#over) return;
      this.#over = true;
      handlers.closed(error);
    };
    socket.on('data', (chunk) => {
      if (!this.#over) handlers.data(chunk);
    });
    socket.on('error', closed);
    socket.on('close', () => closed(undefined));
  }

  write(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end(() => this.#socket.destroy());
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  unref(): void {
    this.#socket.unref();
  }
}
