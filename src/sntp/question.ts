import type { DatagramSocket } from '#platform/datagram.js';
import { type AcceptanceRule, judge, type KissCode } from './accept.js';
import { type LocalScale, type Measurement, measure } from './measure.js';
import { encodeRequest } from './packet.js';
import type { World } from './world.js';

/** Whom to ask. */
export interface Target {
  /** In the kernel's notation (see canonicalAddress). */
  address: string;
  family: 4 | 6;
  port: number;
}

/** An answer that broke a rule or came too late (`round trip`), or a question that could not be sent (`send`). */
export interface Refusal {
  rule: AcceptanceRule | 'send' | 'round trip';
  detail: string;
  kiss?: KissCode;
}

/** What becomes of a question. After `answered` and `refused` nothing more is told. */
export interface QuestionEvents {
  /** The kernel has taken the question. */
  sent(): void;
  /** It was answered as it should be. */
  answered(measurement: Measurement): void;
  /** The server's last word, or the kernel's. */
  refused(refusal: Refusal): void;
  /** A datagram that is no answer; the question stays open. */
  stray(refusal: Refusal): void;
}

/** Stray datagrams reported for one question. More are ignored without a word: somebody floods us. */
const MAX_STRAYS = 8;

/**
 * Nanoseconds. Half the round trip is how wrong an answer may be, so nothing is learnt from a longer one; and an answer from before
 * the machine fell asleep takes as long as it slept (the scale counts that).
 */
const MAX_ROUND_TRIP_NS = 10_000_000_000n;

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Asks one address once: a socket of its own on a fresh random port, and a fresh random timestamp.
 *
 * @param pivotNs a date within 68 years of the truth, ns since 1970-01-01 UTC.
 * @returns closes the question; nothing is told afterwards. May be called more than once.
 */
export function ask(
  target: Target,
  scale: LocalScale,
  pivotNs: bigint,
  world: World,
  events: QuestionEvents,
): () => void {
  const transmit = randomTimestamp(world);
  const question = { ...target, transmit };
  let socket: DatagramSocket | undefined;
  let sentNs: bigint | undefined;
  let strays = 0;
  let closed = false;

  const close = () => {
    if (closed) return;
    closed = true;
    socket?.close();
  };
  const refuse = (refusal: Refusal) => {
    if (closed) return;
    close();
    events.refused(refusal);
  };
  const unsendable = (error: unknown) => refuse({ rule: 'send', detail: errorText(error) });

  try {
    socket = world.openSocket(target.family, {
      ready: () => {
        if (closed) return;
        const packet = encodeRequest(transmit);
        sentNs = scale.now();
        try {
          socket?.send(packet, target);
        } catch (error) {
          unsendable(error);
        }
      },
      sent: () => {
        if (!closed) events.sent();
      },
      message: (bytes, from) => {
        const receivedNs = scale.now();
        if (closed || sentNs === undefined) return;
        const verdict = judge(bytes, from, question);
        const took = receivedNs - sentNs;
        if (verdict.accepted && took > MAX_ROUND_TRIP_NS) {
          refuse({
            rule: 'round trip',
            detail: `its answer took ${took / 1_000_000_000n} s; below 10 s is wanted`,
          });
          return;
        }
        if (verdict.accepted) {
          close();
          events.answered(measure(verdict.packet, sentNs, receivedNs, pivotNs));
          return;
        }
        const { rule, detail, final, kiss } = verdict;
        const refusal: Refusal = kiss === undefined ? { rule, detail } : { rule, detail, kiss };
        if (final) refuse(refusal);
        else if (++strays <= MAX_STRAYS) events.stray(refusal);
      },
      error: unsendable,
    });
    if (closed) socket.close();
  } catch (error) {
    unsendable(error);
  }
  return close;
}

/** 64 random bits, and not zero: zero is what a server echoes that echoes nothing. */
function randomTimestamp(world: World): bigint {
  const bytes = world.random(8);
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  return value === 0n ? 1n : value;
}
