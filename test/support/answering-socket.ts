import { decodeMessages, type NetlinkMessage, NLM_F_ACK, NLM_F_DUMP } from '../../src/netlink/message.js';
import { type OpenSocket, REPEATED } from '../../src/platform/netlink.js';

/** What is asked. */
export interface Asked extends NetlinkMessage {
  readonly acknowledge: boolean;
  readonly dump: boolean;
}

/** A socket of a kernel that answers at once, as the real one does, and that can compare, as native/netlink.c does. */
export class AnsweringSocket {
  readonly port = 4242;
  /** What the kernel says to a request: its datagrams, acknowledgement or end of dump included where they are asked for. */
  answer: (request: Asked) => Uint8Array[] = () => [];
  /** How often was asked in the ordinary way, and to compare. */
  asked = 0;
  repeated = 0;

  readonly open: OpenSocket = (_family, handlers) => {
    let come: Uint8Array[] = [];
    const ask = (bytes: Uint8Array): Uint8Array[] =>
      decodeMessages(bytes).flatMap((message) => {
        const { flags } = message;
        const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP && message.type % 4 === 2; // RTM_GET…: the bits mean others elsewhere
        return this.answer({ ...message, acknowledge: (flags & NLM_F_ACK) !== 0, dump });
      });
    return {
      port: this.port,
      features: { extendedAck: true, cappedAck: true, strictDump: true },
      send: (message) => {
        this.asked++;
        come.push(...ask(message));
      },
      receive: () => {
        const datagrams = come;
        come = [];
        for (const datagram of datagrams) handlers.message(Uint8Array.from(datagram), 0);
      },
      repeat: (message, answer, varying) => {
        this.repeated++;
        const now = new Uint8Array(Buffer.concat(ask(message)));
        if (now.length !== answer.length) return REPEATED.other;
        let found: number = REPEATED.same;
        for (const [at, byte] of now.entries()) {
          if (byte === answer[at]) continue;
          if (varying[at] === 0) return REPEATED.other;
          answer[at] = byte; // those before a difference are changed, too
          found = REPEATED.varied;
        }
        return found;
      },
      ref() {},
      unref() {},
      close() {},
    };
  };
}
