import { NLM_F_ACK, NLM_F_DUMP } from '../../src/netlink/message.js';
import { type OpenSocket, REPEATED } from '../../src/platform/netlink.js';

/** A socket of a kernel that answers at once, as the real one does, and that can compare, as native/netlink.c does. */
export class AnsweringSocket {
  readonly port = 4242;
  /** What the kernel says to a request: its datagrams, acknowledgement or end of dump included where they are asked for. */
  answer: (request: { sequence: number; acknowledge: boolean; dump: boolean }) => Uint8Array[] = () => [];
  /** How often was asked in the ordinary way, and to compare. */
  asked = 0;
  repeated = 0;

  readonly open: OpenSocket = (_family, handlers) => {
    let come: Uint8Array[] = [];
    const ask = (message: Uint8Array): Uint8Array[] => {
      const view = new DataView(message.buffer, message.byteOffset);
      const flags = view.getUint16(6, true);
      return this.answer({
        sequence: view.getUint32(8, true),
        acknowledge: (flags & NLM_F_ACK) !== 0,
        dump: (flags & NLM_F_DUMP) === NLM_F_DUMP,
      });
    };
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
        if (now.some((byte, at) => byte !== answer[at] && varying[at] === 0)) return REPEATED.other;
        const same = Buffer.compare(now, answer) === 0;
        answer.set(now);
        return same ? REPEATED.same : REPEATED.varied;
      },
      ref() {},
      unref() {},
      close() {},
    };
  };
}
