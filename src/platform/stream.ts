/** What a stream tells its owner. Nothing is called before the stream was returned. */
export interface StreamHandlers {
  /** Bytes came. They are the owner's. */
  data(bytes: Uint8Array): void;
  /**
   * The other side has hung up, or the stream failed; called once, at the end, and not after the owner has destroyed it.
   * @param error why, where it failed: a {@link SystemError}
   */
  closed(error: Error | undefined): void;
}

/** A connected unix socket (unix(7), SOCK_STREAM). */
export interface Stream {
  /** Who is at the other end, as the kernel knows it; undefined where there is no native part to ask with, or no connection. */
  readonly credentials: Credentials | undefined;
  /** Bytes written that the kernel has not taken yet. */
  readonly unsent: number;
  /** Sends the bytes, in order, as the other side takes them. All that is written in one turn leaves in one system call. */
  write(bytes: Uint8Array): void;
  /** What is written goes out, then the stream is over. */
  end(): void;
  /** The stream is over at once. May be called at any time, and more than once. */
  destroy(): void;
  /** Does not keep the process alive; it does from the start. */
  unref(): void;
}

/** Somebody who waits for streams. */
export interface Listener {
  /** Nobody can connect any more, and what stood at a path is gone. Streams that are there live on. */
  close(): void;
}

/** Who is at the other end of a unix socket (SO_PEERCRED): a listener as it began to listen, anybody else as they connected. */
export interface Credentials {
  /** 0, or why there is nobody; of a listener ECONNREFUSED when nobody listens, EAGAIN when they do not accept. */
  readonly errno: number;
  /** 0 when it is in a PID namespace that this process does not see. */
  readonly pid: number;
  /** The effective user it was then. */
  readonly uid: number;
  /** The process has CAP_NET_ADMIN, or it cannot be known. */
  readonly netAdmin: boolean;
}

/** Unix sockets. A path that begins with a NUL byte is an abstract name, of just these bytes. */
export interface Streams {
  /** Connects at once; what stands in the way is told by `closed`. */
  connectStream(path: string, handlers: StreamHandlers): Stream;
  /**
   * Waits for streams, without keeping the process alive.
   *
   * @param accept is given each stream, and says who is told of it
   * @throws {SystemError} EADDRINUSE when somebody has the name
   */
  listen(path: string, accept: (stream: Stream) => StreamHandlers): Promise<Listener>;
  /**
   * Asks the kernel who listens at an abstract name.
   *
   * @param name all of sun_path, its first NUL byte included
   * @returns undefined where there is no native part to ask with
   */
  listenerOwner(name: Uint8Array): Credentials | undefined;
}
