import { readFileSync } from 'node:fs';
import type { NetlinkSocket, OpenSocket, SocketHandlers, SocketOptions } from '../../src/netlink/index.js';
import { decodeMessages, encodeMessage, type NetlinkMessage } from '../../src/netlink/message.js';

/** The port every fake socket has. */
export const PORT = 4242;

/** A recording of test/fixtures/netlink; `recorded` in it says how it was made. */
export function fixture<T = { datagrams: string[] }>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/netlink/${name}.json`, import.meta.url), 'utf8'),
  );
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** All messages of a recording, its ends (NLMSG_ERROR, NLMSG_DONE) left out. */
export function recordedMessages(datagrams: readonly string[]): NetlinkMessage[] {
  return datagrams.flatMap((text) => decodeMessages(unhex(text))).filter(({ type }) => type >= 16);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A kernel that answers as the test says. */
export class FakeKernel {
  readonly sockets: FakeSocket[] = [];
  /** What opening the next sockets throws, if anything. */
  refuse: Error | undefined;
  /** Called for every request, after the sender has returned. */
  onRequest: (message: NetlinkMessage, socket: FakeSocket) => void = () => {};

  readonly open: OpenSocket = (_family, handlers, options) => {
    if (this.refuse) throw this.refuse;
    const socket = new FakeSocket(this, handlers, options);
    this.sockets.push(socket);
    return socket;
  };

  /** The socket opened last. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }
}

export class FakeSocket implements NetlinkSocket {
  readonly port = PORT;
  readonly features = { extendedAck: true, cappedAck: true, strictDump: true };
  readonly sent: NetlinkMessage[] = [];
  readonly options: SocketOptions | undefined;
  closed = false;
  referenced = true;
  /** Error number the next send fails with. */
  failSend: number | undefined;
  readonly #kernel: FakeKernel;
  readonly #handlers: SocketHandlers;

  constructor(kernel: FakeKernel, handlers: SocketHandlers, options?: SocketOptions) {
    this.#kernel = kernel;
    this.#handlers = handlers;
    this.options = options;
  }

  send(bytes: Uint8Array, failed: (errno: number) => void): void {
    const errno = this.failSend;
    if (errno !== undefined) {
      setImmediate(() => failed(errno));
      return;
    }
    for (const message of decodeMessages(bytes)) {
      this.sent.push(message);
      setImmediate(() => this.#kernel.onRequest(message, this));
    }
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }

  close(): void {
    this.closed = true;
  }

  /** Delivers a datagram, as long as the socket is open. */
  deliver(datagram: Uint8Array, sender = 0): void {
    if (!this.closed) this.#handlers.message(datagram, sender);
  }

  fail(errno: number, closed: boolean): void {
    if (!this.closed) this.#handlers.error(errno, closed);
  }
}

/** A message that answers `request`. */
export function reply(
  request: Pick<NetlinkMessage, 'sequence'>,
  type: number,
  body: Uint8Array = new Uint8Array(0),
  flags = 0,
): Uint8Array {
  const message = encodeMessage(type, flags, request.sequence, PORT, body);
  return concat(message, new Uint8Array(-message.length & 3));
}

/** NLMSG_ERROR (2) or NLMSG_DONE (3) with an error number; 0 is success. */
export function end(
  request: Pick<NetlinkMessage, 'sequence'>,
  type: 2 | 3,
  errno = 0,
  flags = 0,
): Uint8Array {
  const body = new Uint8Array(type === 2 ? 20 : 4);
  new DataView(body.buffer).setInt32(0, -errno, true);
  return reply(request, type, body, flags);
}
