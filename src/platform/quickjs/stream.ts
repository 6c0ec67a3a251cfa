import type { Credentials, Stream, StreamHandlers, Streams } from '../stream.js';
import { systemError } from '../system-error.js';
import { type NativeCredentials, native, READABLE, type Watch, WRITABLE } from './native.js';

export type * from '../stream.js';

/** Milliseconds until streams are taken again after that was refused. */
const ACCEPT_REST = 1_000;

/** Bytes taken in one read, as Node does. */
const CHUNK = 64 * 1024;

export const connectStream: Streams['connectStream'] = (path, handlers) => {
  const fd = native.connectUnix(native.encodeUtf8(path));
  const stream = new NativeStream(fd < 0 ? undefined : fd, handlers);
  if (fd < 0) stream.failLater(fd, `connect '${path}'`);
  return stream;
};

export const listen: Streams['listen'] = async (path, accept) => {
  const fd = native.listenUnix(native.encodeUtf8(path));
  if (fd < 0) throw systemError(fd, `listen '${path}'`);
  /** Too many descriptors, or no memory: whoever waits would have us called back all the time. */
  const rest = (): void => {
    watch.want(0);
    native
      .startTimer(() => {
        if (open) watch.want(READABLE);
      }, ACCEPT_REST)
      .unref();
  };
  const watch = native.watch(fd, () => {
    const connection = native.accept(fd);
    if (connection < 0) {
      if (native.errnoName(-connection) !== 'EAGAIN') rest();
      return false;
    }
    const stream = new NativeStream(connection, undefined);
    stream.handlers = accept(stream);
    return true;
  });
  watch.want(READABLE);
  watch.setRef(false);
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      watch.stop();
      native.close(fd);
      if (!path.startsWith('\0')) native.unlink(path);
    },
  };
};

export const listenerOwner: Streams['listenerOwner'] = (name) => named(native.listenerOwner(name));

function named([errno, pid, uid, netAdmin]: NativeCredentials): Credentials {
  return { errno, pid, uid, netAdmin };
}

class NativeStream implements Stream {
  handlers: StreamHandlers | undefined;
  /** Undefined: it could not be opened, or is over. */
  #fd: number | undefined;
  #watch: Watch | undefined;
  /** Written, and not taken by the kernel yet. */
  #unsent: Uint8Array[] = [];
  #size = 0;
  #flushing = false;
  /** The other side does not read: what is written waits for the loop to say that there is room. */
  #blocked = false;
  #ending = false;
  #over = false;

  constructor(fd: number | undefined, handlers: StreamHandlers | undefined) {
    this.handlers = handlers;
    this.#fd = fd;
    if (fd === undefined) return;
    this.#watch = native.watch(fd, (events) => this.#ready(fd, events));
    this.#watch.want(READABLE);
  }

  get credentials(): Credentials | undefined {
    return this.#fd === undefined ? undefined : named(native.credentials(this.#fd));
  }

  get unsent(): number {
    return this.#size;
  }

  write(bytes: Uint8Array): void {
    if (this.#over || this.#ending || bytes.length === 0) return;
    this.#unsent.push(bytes);
    this.#size += bytes.length;
    this.#flushLater();
  }

  end(): void {
    this.#ending = true;
    this.#flushLater();
  }

  destroy(): void {
    this.#over = true;
    this.#release();
  }

  unref(): void {
    this.#watch?.setRef(false);
  }

  /** What stood in the way is told when the caller has the stream. */
  failLater(error: number, tried: string): void {
    native.queueMicrotask(() => this.#close(systemError(error, tried)));
  }

  #close(error: Error | undefined): void {
    if (this.#over) return;
    this.destroy();
    this.handlers?.closed(error);
  }

  #release(): void {
    this.#unsent = [];
    this.#size = 0;
    this.#watch?.stop();
    this.#watch = undefined;
    if (this.#fd !== undefined) native.close(this.#fd);
    this.#fd = undefined;
  }

  /** After what is written in this turn, so that all of it leaves at once. */
  #flushLater(): void {
    if (this.#flushing || this.#blocked) return;
    this.#flushing = true;
    native.queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#fd === undefined) return;
    const error = this.#send(this.#fd);
    if (error !== undefined) {
      this.#close(error);
      return;
    }
    this.#blocked = this.#size > 0;
    this.#watch?.want(this.#blocked ? READABLE | WRITABLE : READABLE);
    if (this.#ending && this.#size === 0) this.#close(undefined);
  }

  /** Sends what the kernel takes. */
  #send(fd: number): Error | undefined {
    if (this.#size === 0) return undefined;
    const bytes = joined(this.#unsent);
    this.#unsent = [bytes];
    const count = native.write(fd, bytes, 0);
    if (count < 0) return native.errnoName(-count) === 'EAGAIN' ? undefined : systemError(count, 'write');
    this.#size -= count;
    this.#unsent = this.#size === 0 ? [] : [bytes.subarray(count)];
    return undefined;
  }

  /** @returns whether there may be more to read */
  #ready(fd: number, events: number): boolean {
    if ((events & WRITABLE) !== 0) this.#flush();
    if (this.#fd === undefined || (events & ~WRITABLE) === 0) return false;
    const bytes = native.read(fd, CHUNK);
    if (typeof bytes === 'number') {
      if (native.errnoName(-bytes) !== 'EAGAIN') this.#close(systemError(bytes, 'read'));
      return false;
    }
    if (bytes.length === 0) {
      this.#close(undefined);
      return false;
    }
    this.handlers?.data(bytes);
    return bytes.length === CHUNK;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return first;
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
