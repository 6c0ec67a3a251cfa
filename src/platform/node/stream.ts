import { createServer, Socket } from 'node:net';
import { constants } from 'node:os';
import type { SystemError } from '../errno.js';
import type { Credentials, Stream, StreamHandlers, Streams } from '../stream.js';
import { systemError } from '../system-error.js';
import { addon } from './addon.js';
import { namedBySystem } from './named-by-system.js';

export type * from '../stream.js';

export const connectStream: Streams['connectStream'] = (path, handlers) => {
  const socket = new Socket();
  const stream = new NodeStream(socket);
  stream.tell(handlers, path);
  const error = tooLong('connect', path);
  if (error === undefined) socket.connect({ path });
  else socket.destroy(error);
  return stream;
};

export const listen: Streams['listen'] = async (path, accept) => {
  const error = tooLong('listen', path);
  if (error !== undefined) throw error;
  const server = createServer((socket) => {
    const stream = new NodeStream(socket);
    stream.tell(accept(stream));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(namedBySystem(error, `listen '${path}'`)));
    server.listen(path, resolve);
  });
  server.unref();
  return { close: () => void server.close() };
};

export const listenerOwner: Streams['listenerOwner'] = (name) => addon()?.listenerOwner(name);

/** A path that does not fit into sun_path. libuv would cut it, and take what stands there. */
function tooLong(tried: string, path: string): SystemError | undefined {
  const room = path.startsWith('\0') ? 108 : 107; // all but an abstract one end with a NUL byte
  if (Buffer.byteLength(path) <= room) return undefined;
  return systemError(constants.errno.ENAMETOOLONG, `${tried} '${path}'`);
}

class NodeStream implements Stream {
  readonly #socket: Socket;
  #corked = false;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get credentials(): Credentials | undefined {
    const { _handle: handle } = this.#socket as unknown as { readonly _handle?: { readonly fd?: number } };
    return handle?.fd === undefined || handle.fd < 0 ? undefined : addon()?.credentials(handle.fd);
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** @param path that is connected to */
  tell(handlers: StreamHandlers, path?: string): void {
    const socket = this.#socket;
    const closed = (error: Error | undefined): void => {
      if (this.#over) return;
      this.#over = true;
      handlers.closed(error);
    };
    socket.on('data', (chunk) => {
      if (!this.#over) handlers.data(chunk);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const tried = error.syscall === 'connect' ? `connect '${path}'` : error.syscall;
      closed(tried === undefined ? error : namedBySystem(error, tried)); // without, it is one of ours
    });
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
