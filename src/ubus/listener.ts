/** Listening for events: a nameless object of ours for each pattern, registered with ubusd's event object. */
import { int32, type Table, type TableInput } from './blobmsg.js';
import type { Connection } from './connection.js';
import type { Target } from './dispatcher.js';
import { UbusError } from './errors.js';
import type { Answer, Invocation } from './invocation.js';
import {
  type Attributes,
  EVENT_OBJECT,
  type Message,
  MessageAttribute,
  MessageType,
  writeDataAttribute,
  writeNumberAttribute,
  writeStringAttribute,
} from './message.js';
import { readArguments } from './policy.js';
import type { Registration, Session } from './session.js';

/** Called for each event, or each notification: its name and its data. What it throws becomes a warning. */
export type EventHandler = (name: string, data: Table) => void | Promise<void>;

/** A pattern of events that we hear. */
export class Listener implements Registration, Target {
  /** An event's name, or the start of one and `*`. */
  readonly pattern: string;
  readonly path = '';
  readonly #session: Session;
  readonly #handler: EventHandler;
  #enrolled: { connection: Connection; id: number } | undefined;
  #closed = false;

  /** @internal */
  constructor(session: Session, pattern: string, handler: EventHandler) {
    this.#session = session;
    this.pattern = pattern;
    this.#handler = handler;
  }

  /** Stops listening. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#session.remove(this);
    const enrolled = this.#enrolled;
    this.lost();
    if (enrolled !== undefined) await this.#session.removeObject(enrolled.connection, enrolled.id);
  }

  /** @internal */
  async enroll(connection: Connection): Promise<void> {
    if (this.#enrolled?.connection === connection) return; // whoever looks again after that may have failed
    const id = await this.#session.addObject(connection, this, () => undefined);
    try {
      await invokeEventObject(
        connection,
        this.#session.timeout,
        'register',
        `listening for ${this.pattern}`,
        {
          object: int32(id),
          pattern: this.pattern,
        },
      );
    } catch (error) {
      await this.#session.removeObject(connection, id);
      throw error;
    }
    if (connection.closed) return;
    if (this.#closed) await this.#session.removeObject(connection, id);
    else this.#enrolled = { connection, id };
  }

  /** @internal */
  lost(): void {
    this.#enrolled = undefined;
  }

  /** @internal */
  invoke(invocation: Invocation, message: Message, { data }: Attributes): Answer | Promise<Answer> {
    if (this.#closed || data === undefined) return undefined;
    return this.#handler(invocation.method, readArguments(message.bytes, data.start, data.end, {}));
  }
}

/** Calls ubusd's own object that takes events and registrations for them. */
export async function invokeEventObject(
  connection: Connection,
  timeout: number,
  method: 'register' | 'send',
  what: string,
  args: TableInput,
): Promise<void> {
  try {
    await connection.request({
      type: MessageType.invoke,
      peer: EVENT_OBJECT,
      timeout,
      patient: method === 'register',
      what,
      write: (writer) => {
        writeNumberAttribute(writer, MessageAttribute.objectId, EVENT_OBJECT);
        writeStringAttribute(writer, MessageAttribute.method, method);
        writeDataAttribute(writer, args);
      },
    });
  } catch (error) {
    if (!(error instanceof UbusError) || error.status !== 'PERMISSION_DENIED') throw error;
    const right = method === 'send' ? 'send' : 'listen';
    throw new UbusError(
      error.code,
      `${what}: permission denied: no ACL file in /usr/share/acl.d gives this user "${right}" for it`,
      {
        cause: error,
      },
    );
  }
}
