/** Finding objects on the bus, and noticing when one appears. */
import type { Table } from './blobmsg.js';
import type { Connection } from './connection.js';
import { UbusError } from './errors.js';
import { Listener } from './listener.js';
import { MessageAttribute, MessageType, writeStringAttribute } from './message.js';
import { type ArgumentType, readSignature } from './policy.js';
import type { Registration, Session } from './session.js';

/** An object on the bus. */
export interface ObjectInfo {
  readonly path: string;
  /** Its id, until it or ubusd is restarted. */
  readonly id: number;
  /** Arguments and their types by method; only the methods this user may call. */
  readonly methods: Readonly<Record<string, Readonly<Record<string, ArgumentType>>>>;
}

/** Pause between looks where we may not listen for `ubus.object.add`, in milliseconds. */
const POLL_PAUSE = 2_000;

/**
 * Looks up objects: one by its path, several by the start of their paths and `*`, or all. Those that do not
 * exist, or that the user may not see, are left out.
 */
export async function lookup(
  connection: Connection,
  timeout: number,
  pattern?: string,
): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  try {
    await connection.request({
      type: MessageType.lookup,
      peer: 0,
      timeout,
      what: `looking up ${pattern ?? 'all objects'}`,
      write: (writer) => {
        if (pattern !== undefined) writeStringAttribute(writer, MessageAttribute.objectPath, pattern);
      },
      onData: ({ objectPath, objectId, signature }, { bytes }) => {
        if (objectPath === undefined || objectId === undefined) return;
        const methods = signature === undefined ? {} : readSignature(bytes, signature.start, signature.end);
        objects.push({ path: objectPath, id: objectId, methods });
      },
    });
  } catch (error) {
    if (!(error instanceof UbusError) || error.status !== 'NOT_FOUND') throw error;
  }
  return objects;
}

/** Refuses what cannot be the path of one object. @throws UbusError INVALID_ARGUMENT */
export function checkPath(path: string): void {
  if (path !== '' && !path.endsWith('*') && !path.includes('\0')) return;
  throw new UbusError('INVALID_ARGUMENT', `${JSON.stringify(path)} is not the path of one object`, {
    object: path,
  });
}

/** Looks up one object. @throws UbusError NOT_FOUND */
export async function lookupOne(connection: Connection, timeout: number, path: string): Promise<ObjectInfo> {
  checkPath(path);
  const [object] = await lookup(connection, timeout, path);
  if (object !== undefined) return object;
  throw new UbusError(
    'NOT_FOUND',
    `no object ${path} on the bus, or none of its methods is allowed to this user`,
    { object: path },
  );
}

/**
 * Waits for an object, over restarts of ubusd. Listens for new objects first and looks afterwards, so that
 * none slips through; a user who may not listen looks every two seconds instead.
 */
export class ObjectWatch implements Registration {
  readonly #session: Session;
  readonly #path: string;
  readonly #found: (object: ObjectInfo) => void;
  readonly #listener: Listener;
  #poll: NodeJS.Timeout | undefined;
  #over = false;

  /** `found` is called once, and the watch is over then. */
  constructor(session: Session, path: string, found: (object: ObjectInfo) => void) {
    this.#session = session;
    this.#path = path;
    this.#found = found;
    this.#listener = new Listener(session, 'ubus.object.add', (_, data) => this.#onAdded(data));
  }

  async enroll(connection: Connection): Promise<void> {
    try {
      await this.#listener.enroll(connection);
    } catch (error) {
      if (!(error instanceof UbusError) || error.status !== 'PERMISSION_DENIED') throw error;
      if (!this.#over && !connection.closed)
        this.#poll = setInterval(() => void this.#look(connection).catch(() => undefined), POLL_PAUSE);
    }
    await this.#look(connection);
  }

  lost(): void {
    clearInterval(this.#poll);
    this.#listener.lost();
  }

  /** Stops watching. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#poll);
    this.#session.remove(this);
    // The caller does not wait for this, and whatever ubusd says about it changes nothing.
    this.#listener.close().catch(() => undefined);
  }

  async #onAdded({ path }: Table): Promise<void> {
    if (path !== this.#path || !this.#session.connected) return;
    await this.#look(this.#session.connection(`waiting for ${this.#path}`));
  }

  async #look(connection: Connection): Promise<void> {
    if (this.#over || connection.closed) return;
    const [object] = await lookup(connection, this.#session.timeout, this.#path);
    if (object === undefined || this.#over) return;
    this.stop();
    this.#found(object);
  }
}
