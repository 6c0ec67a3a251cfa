import {
  decodeMessages,
  type NetlinkMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  withoutAcknowledgement,
} from './message.js';
import type { Exchange } from './repeated.js';

/** A request under way, and what has come for it. */
export interface Recording {
  /** As it was sent, the last time if more than once. */
  message: Uint8Array | undefined;
  readonly datagrams: Uint8Array[];
}

/** An answer, and how to ask for it again if that can be. */
export interface Recorded {
  readonly messages: readonly NetlinkMessage[];
  readonly exchange: Exchange | undefined;
}

/**
 * Makes of a request that has ended well what it takes to repeat it: without the acknowledgement, which a question does not need when
 * its answer is known.
 *
 * @param accepted the messages of the answer
 * @returns messages which are views of the exchange's answer, where there is one
 */
export function recorded({ message, datagrams }: Recording, accepted: readonly NetlinkMessage[]): Recorded {
  const whole = { messages: accepted, exchange: undefined };
  const last = datagrams.at(-1);
  if (message === undefined || last === undefined) return whole;
  const parts = [...datagrams];
  const acknowledged = decodeMessages(last)[0]?.type === NLMSG_ERROR;
  if (acknowledged) parts.pop();
  if (parts.some(({ length }) => length % 4 !== 0)) return whole; // the next message would not begin where it should
  const answer = join(parts);
  const messages = decodeMessages(answer).filter(({ type }) => type !== NLMSG_DONE && type !== NLMSG_NOOP);
  // A socket may hand on an answer and its acknowledgement together.
  if (messages.length !== accepted.length || messages.length === 0) return whole;
  const again = acknowledged ? withoutAcknowledgement(message) : message;
  return { messages, exchange: { message: again, answer, varying: new Uint8Array(answer.length) } };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
