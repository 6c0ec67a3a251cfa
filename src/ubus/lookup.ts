/** Finding objects on the bus, and noticing when one appears. */
import { clearTimeout, setTimeout, type Timer } from '#platform/timers.js';
import type { Table } from './blobmsg.js';
import type { Connection, Request } from './connection.js';
import { BlobError, UbusError } from './errors.js';
import { Listener } from './listener.js';
import { MessageAttribute, MessageType, type Range, writeStringAttribute } from './message.js';
import { type ArgumentType, readSignature } from './policy.js';
import type { Registration, Session } from './session.js';

/** An object on the bus. */
export interface ObjectInfo {
  readonly path: string;
  /** Its id, until it or ubusd is restarted. */
  readonly id: number;
  /**
   * Arguments and their types by method; only the methods this user may call. None where the object has told
   * ubusd something that cannot be read.
   */
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
  asking: Pick<Request, 'timeout' | 'patient'>,
  pattern?: string,
): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  try {
    await connection.request({
      type: MessageType.lookup,
      peer: 0,
      ...asking,
      what: `looking up ${pattern ?? 'all objects'}`,
      write: (writer) => {
        if (pattern !== undefined) writeStringAttribute(writer, MessageAttribute.objectPath, pattern);
      },
      onData: ({ objectPath, objectId, signature }, { bytes }) => {
        if (objectPath === undefined || objectId === undefined) return;
        objects.push({ path: objectPath, id: objectId, methods: methodsOf(bytes, signature) });
      },
    });
  } catch (error) {
    if (!(error instanceof UbusError) || error.status !== 'NOT_FOUND') throw error;
  }
  return objects;
}

/** ubusd hands a signature on as its object wrote it: one that makes no sense must not hide all the others. */
function methodsOf(bytes: Uint8Array, signature: Range | undefined): ObjectInfo['methods'] {
  if (signature === undefined) return {};
  try {
    return readSignature(bytes, signature.start, signature.end);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    return {};
  }
}

/** Refuses what cannot be the path of one object. @throws UbusError INVALID_ARGUMENT */
export function checkPath(path: string): void {
  if (path !== '' && !path.endsWith('*') && !path.includes('\0')) return;
  throw new UbusError('INVALID_ARGUMENT', `${JSON.stringify(path)} is not the path of one object`, {
    object: path,
  });
}

/** Looks up one object. @throws UbusError NOT_FOUND */
export async function lookupOne(
  connection: Connection,
  asking: Pick<Request, 'timeout' | 'patient'>,
  path: string,
): Promise<ObjectInfo> {
  checkPath(path);
  const [object] = await lookup(connection, asking, path);
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
  #poll: Timer | undefined;
  #over = false;

  /** `found` is called once, and the watch is over then. */
  constructor(session: Session, path: string, found: (object: ObjectInfo) => void) {
    this.#session = session;
    this.#path = path;
    this.#found = found;
    this.#listener = new Listener(session, 'ubus.object.add', (_, data) => this.#onAdded(data));
  }

  async enroll(connection: Connection): Promise<void> {
    let deaf = false;
    try {
      await this.#listener.enroll(connection);
    } catch (error) {
      if (!(error instanceof UbusError) || error.status !== 'PERMISSION_DENIED') throw error;
      deaf = true;
    }
    await this.#look(connection);
    if (deaf) this.#lookLater(connection);
  }

  lost(): void {
    clearTimeout(this.#poll);
    this.#listener.lost();
  }

  /** Stops watching. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#poll);
    this.#session.remove(this);
    // The caller does not wait for this, and whatever ubusd says about it changes nothing.
    this.#listener.close().catch(() => undefined);
  }

  async #onAdded({ path }: Table): Promise<void> {
    if (path !== this.#path || !this.#session.connected) return;
    await this.#look(this.#session.connection(`waiting for ${this.#path}`));
  }

  #lookLater(connection: Connection): void {
    if (this.#over || connection.closed) return;
    this.#poll = setTimeout(() => {
      this.#look(connection)
        .catch(() => undefined)
        .finally(() => this.#lookLater(connection));
    }, POLL_PAUSE);
  }

  async #look(connection: Connection): Promise<void> {
    if (this.#over || connection.closed) return;
    const [object] = await lookup(connection, { timeout: this.#session.timeout, patient: true }, this.#path);
    if (object === undefined || this.#over) return;
    this.stop();
    this.#found(object);
  }
}
