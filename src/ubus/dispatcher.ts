/** Hands what reaches our objects to them, and sees that every caller gets its answer. */
import type { Connection } from './connection.js';
import { UbusError } from './errors.js';
import { type Answer, Invocation } from './invocation.js';
import { type Attributes, type Message, MessageType, readAttributes } from './message.js';

/** Bounds on calls whose handlers have not answered yet: their number, and the bytes of their messages. */
const MAX_INVOCATIONS = 1024;
const MAX_INVOCATION_BYTES = 1_048_576;

/** Where messages for one of our objects go. */
export interface Target {
  readonly path: string;
  invoke(invocation: Invocation, message: Message, attributes: Attributes): Answer | Promise<Answer>;
  /** Somebody subscribed, or nobody is subscribed any more. */
  subscribersChanged?(any: boolean): void;
  /** The object we were subscribed to is gone. */
  targetRemoved?(): void;
}

/** See the head of this file. */
export class Dispatcher {
  /** Our objects by their ids. */
  readonly targets = new Map<number, Target>();
  readonly #warn: (error: Error) => void;
  #stalled = false;
  #overloaded = false;
  #invocations = 0;
  #invocationBytes = 0;

  /** `warn` is told what no caller can be told. */
  constructor(warn: (error: Error) => void) {
    this.#warn = warn;
  }

  /**
   * Takes a message that answers no request of ours. Throws BlobError where ubusd's own bytes make no sense.
   */
  dispatch(connection: Connection, message: Message): void {
    switch (message.type) {
      case MessageType.invoke:
        this.#invoke(connection, message);
        return;
      case MessageType.notify: {
        const { objectId, active } = readAttributes(message);
        if (active !== undefined) this.targets.get(objectId ?? 0)?.subscribersChanged?.(active);
        return;
      }
      case MessageType.unsubscribe:
        this.targets.get(readAttributes(message).objectId ?? 0)?.targetRemoved?.();
        return;
      default: // of a later ubusd
    }
  }

  #invoke(connection: Connection, message: Message): void {
    const attributes = readAttributes(message);
    const target = this.targets.get(attributes.objectId ?? 0);
    const invocation = new Invocation(connection, message, attributes, target?.path ?? '');
    const length = message.end - message.start;
    if (
      this.#invocations >= MAX_INVOCATIONS ||
      (this.#invocations > 0 && this.#invocationBytes + length > MAX_INVOCATION_BYTES)
    ) {
      this.#overload(invocation);
      return;
    }
    this.#overloaded = false;
    if (target === undefined) {
      this.#refuse(invocation, new UbusError('NOT_FOUND', 'no such object'));
      return;
    }
    if (attributes.method === undefined || attributes.data === undefined) {
      this.#refuse(invocation, new UbusError('INVALID_ARGUMENT', 'a call without method or data'));
      return;
    }
    let answer: Answer | Promise<Answer>;
    try {
      answer = target.invoke(invocation, message, attributes);
    } catch (error) {
      this.#refuse(invocation, error);
      return;
    }
    if (!(answer instanceof Promise)) {
      this.#finish(invocation, answer);
      return;
    }
    this.#invocations += 1;
    this.#invocationBytes += length;
    answer
      .then(
        (value) => this.#finish(invocation, value),
        (error) => this.#refuse(invocation, error),
      )
      .finally(() => {
        this.#invocations -= 1;
        this.#invocationBytes -= length;
      });
  }

  #finish(invocation: Invocation, answer: Answer): void {
    try {
      invocation.succeed(answer);
    } catch (error) {
      const told = error instanceof UbusError && error.status !== 'INVALID_ARGUMENT';
      // Our own handler's answer cannot be encoded; the caller must not take that for its own fault.
      this.#refuse(invocation, told ? error : new Error(String(error), { cause: error }));
      return;
    }
    if (invocation.lost === undefined) this.#stalled = false;
    else this.#unanswered(invocation.lost);
  }

  #refuse(invocation: Invocation, reason: unknown): void {
    try {
      const report = invocation.fail(reason);
      if (report !== undefined) this.#warn(report);
    } catch (error) {
      this.#unanswered(error);
    }
    if (invocation.lost !== undefined) this.#unanswered(invocation.lost);
  }

  /** Handlers take longer than calls keep coming: callers are told, and the program once. */
  #overload(invocation: Invocation): void {
    const error = new UbusError(
      'NO_MEMORY',
      `${this.#invocations} calls or events are not dealt with yet; further ones are refused`,
    );
    this.#refuse(invocation, error);
    if (this.#overloaded) return;
    this.#overloaded = true;
    this.#warn(error);
  }

  /**
   * An answer could not be sent: not worth a word when the connection is gone, worth one while ubusd does not
   * read.
   */
  #unanswered(error: unknown): void {
    if (!(error instanceof UbusError) || error.status === 'CONNECTION_FAILED' || this.#stalled) return;
    this.#stalled = true;
    this.#warn(error);
  }
}
