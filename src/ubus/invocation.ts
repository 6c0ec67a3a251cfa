/** A call that somebody else makes to an object of ours, and the answer to it. */
import type { BlobWriter } from './blob.js';
import type { Table, TableInput } from './blobmsg.js';
import { AnswerLimit, type Connection } from './connection.js';
import { STATUSES, UbusError } from './errors.js';
import {
  type Attributes,
  type Message,
  MessageAttribute,
  MessageType,
  writeDataAttribute,
  writeNumberAttribute,
} from './message.js';

/** What a function gives that has nothing to return. */
type Nothing = ReturnType<() => void>;

/** What a handler may give back: a table to answer with, or nothing. */
export type Answer = TableInput | undefined | Nothing;

/** Who calls what. A handler gets it as its second argument. */
export class Invocation {
  /** Path of the object; empty for the nameless objects behind event listeners and subscriptions. */
  readonly object: string;
  /** The method that is called; for a notification its type, for an event its name. */
  readonly method: string;
  /** Names of the caller's user and group, as ubusd looked them up; undefined for what ubusd itself sends. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** Whether nobody waits for an answer. What is answered all the same goes nowhere. */
  readonly noReply: boolean;
  /** All arguments, also those that the method's policy does not name. Filled before the handler runs. */
  args: Table = {};
  /** @internal Why a part of the answer could not be sent: ubusd does not read. */
  lost: UbusError | undefined;
  readonly #connection: Connection;
  readonly #sequence: number;
  readonly #peer: number;
  readonly #objectId: number;
  #begun = false;
  #answered = false;

  /** Made for the handler by this library alone. */
  constructor(connection: Connection, message: Message, attributes: Attributes, path: string) {
    this.object = path;
    this.method = attributes.method ?? '';
    this.user = attributes.user;
    this.group = attributes.group;
    // Peer 0 is ubusd itself: it would throw the answer to an event away.
    this.noReply = attributes.noReply === true || message.peer === 0;
    this.#connection = connection;
    this.#sequence = message.sequence;
    this.#peer = message.peer;
    this.#objectId = attributes.objectId ?? 0;
  }

  /**
   * Sends one message of data; the value that the handler returns comes after it. For answers in several
   * parts, which callers get with `callAll`.
   *
   * @throws UbusError INVALID_ARGUMENT if `data` cannot be encoded, NO_MEMORY if ubusd does not read (the
   * caller gets that status then, whatever comes after), CONNECTION_FAILED if it is gone.
   */
  reply(data: TableInput): void {
    if (this.noReply || this.#answered) return;
    try {
      this.#send(MessageType.data, this.#begun ? AnswerLimit.more : AnswerLimit.first, (writer) => {
        writeNumberAttribute(writer, MessageAttribute.objectId, this.#objectId);
        writeDataAttribute(writer, data);
      });
      this.#begun = true;
    } catch (error) {
      if (error instanceof UbusError && error.status === 'NO_MEMORY') this.lost ??= error;
      throw error;
    }
  }

  /** Ends the answer. Only the first call counts. Throws as {@link reply} does. */
  finish(status: number): void {
    if (this.#answered) return;
    this.#answered = true;
    if (this.noReply) return;
    const code = status === 0 && this.lost !== undefined ? this.lost.code : status;
    this.#send(MessageType.status, AnswerLimit.status, (writer) => {
      writeNumberAttribute(writer, MessageAttribute.status, code);
      writeNumberAttribute(writer, MessageAttribute.objectId, this.#objectId);
    });
  }

  /** The handler has returned: what it gave back, then OK. Throws as {@link reply} does. */
  succeed(answer: Answer): void {
    if (answer !== undefined) this.reply(answer);
    this.finish(0);
  }

  /**
   * The handler has thrown: tells the caller the status, and returns what is to be reported here. That is
   * nothing where a published method chose the status.
   */
  fail(error: unknown): Error | undefined {
    const chosen = error instanceof UbusError && error.code > 0;
    this.finish(chosen ? error.code : STATUSES.indexOf('UNKNOWN_ERROR'));
    if (chosen && this.object !== '') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    return new UbusError('UNKNOWN_ERROR', `${this.#describe()} threw: ${why}`, { cause: error });
  }

  #describe(): string {
    return this.object === '' ? `the handler of ${this.method}` : `method ${this.method} of ${this.object}`;
  }

  #send(type: number, limit: number, write: (writer: BlobWriter) => void): void {
    this.#connection.send(type, this.#sequence, this.#peer, `answering ${this.#describe()}`, write, limit);
  }
}
