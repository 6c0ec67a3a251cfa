/** Where a datagram goes to or comes from. */
export interface DatagramAddress {
  /** Literal, with a zone where it needs one. */
  readonly address: string;
  readonly port: number;
}

/** A UDP socket at a port that the kernel chose at random. Not connected, so that answers from elsewhere are seen. */
export interface DatagramSocket {
  /** What the kernel refuses is told by `error`, now or later. */
  send(packet: Uint8Array, to: DatagramAddress): void;
  /** Nothing is told any more. */
  close(): void;
}

/** What a datagram socket tells. Nothing is called before it was returned, nor after `close`. */
export interface DatagramHandlers {
  /** It is bound; called once. */
  ready(): void;
  /** The kernel has taken what `send` gave it. */
  sent(): void;
  /** Bytes came. They are the owner's. */
  message(bytes: Uint8Array, from: DatagramAddress): void;
  /** An error of the system's, with its `code`. The socket is of no use any more. */
  error(error: Error): void;
}

/** Opens a UDP socket of one family. */
export type OpenDatagram = (family: 4 | 6, handlers: DatagramHandlers) => DatagramSocket;
