/** Publishing an object: its methods, their policies and handlers, and what it tells its subscribers. */
import type { TableInput } from './blobmsg.js';
import type { Connection } from './connection.js';
import type { Target } from './dispatcher.js';
import { UbusError } from './errors.js';
import type { Answer, Invocation } from './invocation.js';
import {
  type Attributes,
  type Message,
  MessageAttribute,
  MessageType,
  writeDataAttribute,
  writeFlagAttribute,
  writeNumberAttribute,
  writeStringAttribute,
} from './message.js';
import { type Arguments, type Policy, readArguments, writeSignature } from './policy.js';
import type { Registration, Session } from './session.js';

/** A method of a published object. */
export interface Method<P = Policy> {
  /**
   * The arguments the method knows and their types; default: none. Others that a caller gives are let
   * through.
   */
  readonly args?: P & Policy;
  /**
   * Does the work. What it returns, or what its promise resolves to, is the answer; without a value the
   * caller gets just OK. A {@link UbusError} it throws answers with that status, any other error with
   * UNKNOWN_ERROR and a warning on our side.
   */
  call(args: Arguments<P>, invocation: Invocation): Answer | Promise<Answer>;
}

/** Methods by name. */
export type Methods<M> = { readonly [Name in keyof M]: Method<M[Name]> };

/** See {@link Ubus.publish}. */
export interface PublishOptions {
  /** Called when the first subscriber comes (true) and when the last one goes (false). */
  readonly onSubscribers?: (any: boolean) => void;
}

/** An object of ours on the bus. */
export class PublishedObject implements Registration, Target {
  /** Path of the object. */
  readonly path: string;
  readonly #session: Session;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #onSubscribers: ((any: boolean) => void) | undefined;
  #enrolled: { connection: Connection; id: number } | undefined;
  #hasSubscribers = false;
  #closed = false;

  /** @internal */
  constructor(session: Session, path: string, methods: ReadonlyMap<string, Method>, options: PublishOptions) {
    this.#session = session;
    this.path = path;
    this.#methods = methods;
    this.#onSubscribers = options.onSubscribers;
  }

  /** Whether the object is on the bus at this moment. */
  get registered(): boolean {
    return this.#enrolled !== undefined;
  }

  /** Whether anybody is subscribed. */
  get hasSubscribers(): boolean {
    return this.#hasSubscribers;
  }

  /**
   * Tells all subscribers. Nobody answers; if nobody is subscribed, nothing is sent.
   *
   * @throws UbusError INVALID_ARGUMENT if `data` cannot be encoded, NO_MEMORY while ubusd does not read.
   */
  notify(type: string, data: TableInput = {}): void {
    if (!this.#hasSubscribers || this.#enrolled === undefined) return;
    const { connection, id } = this.#enrolled;
    const what = `notifying the subscribers of ${this.path}`;
    connection.send(MessageType.notify, connection.freeSequence(what), id, what, (writer) => {
      writeNumberAttribute(writer, MessageAttribute.objectId, id);
      writeStringAttribute(writer, MessageAttribute.method, type);
      writeDataAttribute(writer, data);
      writeFlagAttribute(writer, MessageAttribute.noReply, true);
    });
  }

  /** Takes the object off the bus. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#session.remove(this);
    const enrolled = this.#enrolled;
    this.lost();
    if (enrolled !== undefined) await this.#session.removeObject(enrolled.connection, enrolled.id);
  }

  /** @internal */
  async enroll(connection: Connection): Promise<void> {
    const policies = new Map([...this.#methods].map(([name, { args }]) => [name, args ?? {}]));
    let id: number;
    try {
      id = await this.#session.addObject(connection, this, (writer) => {
        writeStringAttribute(writer, MessageAttribute.objectPath, this.path);
        const signature = writer.open(MessageAttribute.signature);
        writeSignature(writer, policies);
        writer.close(signature);
      });
    } catch (error) {
      if (!(error instanceof UbusError) || error.status !== 'INVALID_ARGUMENT' || error.cause !== undefined)
        throw error;
      // ubusd has one status for both reasons.
      const why = 'its path is taken, or no ACL file in /usr/share/acl.d lets this user publish it';
      throw new UbusError(error.code, `publishing ${this.path}: refused by ubusd: ${why}`, {
        object: this.path,
        cause: error,
      });
    }
    if (connection.closed) return;
    if (this.#closed) await this.#session.removeObject(connection, id);
    else this.#enrolled = { connection, id };
  }

  /** @internal */
  lost(): void {
    this.#enrolled = undefined;
    this.subscribersChanged(false);
  }

  /** @internal */
  subscribersChanged(any: boolean): void {
    if (this.#hasSubscribers === any) return;
    this.#hasSubscribers = any;
    this.#session.tell(() => this.#onSubscribers?.(any));
  }

  /** @internal */
  invoke(invocation: Invocation, message: Message, { data }: Attributes): Answer | Promise<Answer> {
    const method = this.#methods.get(invocation.method);
    if (method === undefined)
      throw new UbusError('METHOD_NOT_FOUND', `${this.path} has no method ${invocation.method}`);
    if (data === undefined) throw new UbusError('INVALID_ARGUMENT', 'a call without data');
    invocation.args = readArguments(message.bytes, data.start, data.end, method.args ?? {});
    return method.call(invocation.args, invocation);
  }
}
