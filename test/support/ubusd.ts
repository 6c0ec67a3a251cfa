/**
 * A ubusd for tests, written to the recordings in test/fixtures/ubus and to what the real one was seen to do.
 * It is strict: what the real one refuses, it refuses, with the same status.
 *
 * Not here: passing file descriptors, the monitor, reading ACL files. Who a client is cannot be asked of a
 * socket in Node, so {@link FakeUbusd.identity} says who connects next.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { BlobWriter } from '../../src/ubus/blob.js';
import { int32, type Table, type TableInput } from '../../src/ubus/blobmsg.js';
import { STATUSES, type Status } from '../../src/ubus/errors.js';
import {
  MessageAttribute as Attribute,
  type Attributes,
  encodeMessage,
  type Message,
  MessageReader,
  MessageType,
  writeNumberAttribute as putNumber,
  writeStringAttribute as putString,
  type Range,
  readAttributes,
  writeDataAttribute,
  writeFlagAttribute,
} from '../../src/ubus/message.js';
import {
  type Acl,
  type BusObject,
  type Client,
  type Identity,
  matches,
  may,
  mayCall,
  putBytes,
  Refusal,
  rewritten,
  signatureMethods,
  table,
} from './ubusd-rules.js';

const EVENT_OBJECT = 1;
/** Longest blob of a message, and most bytes that are queued for a client before messages to it are dropped. */
const MAX_MESSAGE = 1_048_576;
/** About what the kernel takes of a message for a client that does not read; it does not count as queued. */
const SOCKET_ROOM = 160_000;

export class FakeUbusd {
  readonly path: string;
  readonly acls: readonly Acl[];
  /** Who the clients are that connect from now on. */
  identity: Identity = { user: 'root', group: 'root' };
  #server: Server | undefined;
  readonly #clients = new Map<number, Client>();
  readonly #objects = new Map<number, BusObject>();
  #eventSequence = 0;
  #frozen: (() => void)[] | undefined;

  constructor(path: string, acls: readonly Acl[] = []) {
    this.path = path;
    this.acls = acls;
  }

  async start(): Promise<void> {
    rmSync(this.path, { force: true });
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** Hangs up on everybody, and forgets everything. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const { socket } of this.#clients.values()) socket.destroy();
    this.#clients.clear();
    this.#objects.clear();
    await new Promise((resolve) => server.close(resolve));
  }

  /** As SIGSTOP: takes connections and bytes, as the kernel would, and does nothing. */
  freeze(): void {
    this.#frozen ??= [];
    for (const { socket } of this.#clients.values()) socket.pause();
  }

  /** As SIGCONT: goes on with all that came in meanwhile. */
  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const accept of waiting) accept();
    for (const { socket } of this.#clients.values()) socket.resume();
  }

  #accept(socket: Socket): void {
    if (this.#frozen !== undefined) {
      this.#frozen.push(() => this.#accept(socket));
      return;
    }
    const client: Client = { id: this.#freeId(this.#clients), socket, identity: this.identity, queued: 0 };
    this.#clients.set(client.id, client);
    const reader = new MessageReader();
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk, (message) => {
          if (message.end - message.start + 4 > MAX_MESSAGE) throw new Error('too long');
          this.#take(client, message);
          return !socket.destroyed;
        });
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#clients.delete(client.id);
      for (const object of this.#objects.values()) if (object.client === client) this.#free(object);
    });
    this.#send(client, MessageType.hello, 0, client.id, () => undefined);
  }

  #take(client: Client, message: Message): void {
    const attributes = this.#attributes(message);
    let status: Status = 'OK';
    try {
      if (this.#handle(client, message, attributes) === 'silent') return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status = error.status;
    }
    this.#status(client, message, status);
  }

  #attributes(message: Message): Attributes {
    try {
      return readAttributes(message);
    } catch {
      return {};
    }
  }

  #status(client: Client, { sequence, peer }: Message, status: Status): void {
    this.#send(client, MessageType.status, sequence, peer, (writer) =>
      putNumber(writer, Attribute.status, STATUSES.indexOf(status)),
    );
  }

  #handle(client: Client, message: Message, attributes: Attributes): 'silent' | undefined {
    switch (message.type) {
      case MessageType.status:
      case MessageType.data:
        this.#forwardReply(client, message, attributes);
        return 'silent';
      case MessageType.ping:
        client.socket.write(rewritten(message, message.peer, MessageType.data));
        return undefined;
      case MessageType.lookup:
        this.#lookup(client, message, attributes.objectPath);
        return undefined;
      case MessageType.invoke:
        return this.#invoke(client, message, attributes);
      case MessageType.addObject:
        this.#addObject(client, message, attributes);
        return undefined;
      case MessageType.removeObject: {
        const object = this.#ownObject(client, attributes.objectId, 'PERMISSION_DENIED');
        this.#data(client, message, (writer) => {
          putNumber(writer, Attribute.objectId, object.id);
          if (object.methods !== undefined) putNumber(writer, Attribute.objectType, object.typeId);
        });
        this.#free(object);
        return undefined;
      }
      case MessageType.subscribe:
        this.#subscribe(client, attributes);
        return undefined;
      case MessageType.unsubscribe:
        this.#unsubscribe(client, attributes);
        return undefined;
      case MessageType.notify:
        this.#notify(client, message, attributes);
        return 'silent';
      default:
        throw new Refusal('INVALID_COMMAND');
    }
  }

  #addObject(client: Client, message: Message, { objectPath: path, signature }: Attributes): void {
    if (path !== undefined) {
      if (!may(this.acls, client.identity, 'publish', path)) throw new Refusal('INVALID_ARGUMENT');
      for (const other of this.#objects.values())
        if (other.path === path) throw new Refusal('INVALID_ARGUMENT');
    }
    const methods =
      signature === undefined ? undefined : signatureMethods(Buffer.from(message.bytes), signature);
    const id = this.#freeId(this.#objects);
    const object: BusObject = {
      id,
      client,
      path,
      methods,
      typeId: this.#freeId(this.#objects),
      patterns: [],
      subscribers: [],
      sequence: 0,
    };
    this.#objects.set(id, object);
    if (path !== undefined) this.#event(undefined, 'ubus.object.add', { id: int32(id), path });
    this.#data(client, message, (writer) => {
      putNumber(writer, Attribute.objectId, id);
      if (methods !== undefined) putNumber(writer, Attribute.objectType, object.typeId);
    });
  }

  #lookup(client: Client, message: Message, pattern: string | undefined): void {
    if (pattern === '') throw new Refusal('INVALID_ARGUMENT');
    const found = [...this.#objects.values()]
      .filter(({ path }) => path !== undefined && (pattern === undefined || matches(pattern, path)))
      .sort((a, b) => Buffer.compare(Buffer.from(a.path ?? ''), Buffer.from(b.path ?? '')));
    if (pattern !== undefined && found.length === 0) throw new Refusal('NOT_FOUND');
    for (const { path = '', id, typeId, methods } of found) {
      if (methods === undefined) continue;
      const visible = [...methods].filter(([method]) => mayCall(this.acls, client.identity, path, method));
      if (visible.length === 0 && methods.size > 0) continue;
      this.#data(client, message, (writer) => {
        putString(writer, Attribute.objectPath, path);
        putNumber(writer, Attribute.objectId, id);
        putNumber(writer, Attribute.objectType, typeId);
        putBytes(
          writer,
          Attribute.signature,
          visible.map(([, bytes]) => bytes),
        );
      });
    }
  }

  #invoke(client: Client, message: Message, { objectId, method, data }: Attributes): 'silent' | undefined {
    if (method === undefined || objectId === undefined) throw new Refusal('INVALID_ARGUMENT');
    if (objectId === EVENT_OBJECT) {
      this.#eventCall(
        client,
        method,
        data === undefined ? undefined : table(Buffer.from(message.bytes), data),
      );
      return undefined;
    }
    const object = this.#objects.get(objectId);
    if (object === undefined) throw new Refusal('NOT_FOUND');
    const allowed = object.path === undefined || mayCall(this.acls, client.identity, object.path, method);
    if (!allowed) throw new Refusal('PERMISSION_DENIED');
    this.#forward(client, object, method, message, data, false);
    return 'silent';
  }

  #forward(
    client: Client,
    object: BusObject,
    method: string,
    message: Message,
    data: Range | undefined,
    noReply: boolean,
  ): void {
    this.#send(object.client, MessageType.invoke, message.sequence, client.id, (writer) => {
      if (noReply) {
        writeFlagAttribute(writer, Attribute.noReply, true);
      }
      putNumber(writer, Attribute.objectId, object.id);
      putString(writer, Attribute.method, method);
      putString(writer, Attribute.user, client.identity.user);
      putString(writer, Attribute.group, client.identity.group);
      if (data !== undefined) {
        putBytes(writer, Attribute.data, [message.bytes.subarray(data.start, data.end)]);
      }
    });
  }

  #forwardReply(client: Client, message: Message, { objectId = 0, status, data }: Attributes): void {
    if (message.type === MessageType.status ? status === undefined : data === undefined) return;
    if (this.#objects.get(objectId)?.client !== client) return;
    const caller = this.#clients.get(message.peer);
    if (caller !== undefined) this.#write(caller, rewritten(message, objectId, message.type));
  }

  #eventCall(client: Client, method: string, args: Table | undefined): void {
    if (method !== 'register' && method !== 'send') throw new Refusal('INVALID_COMMAND');
    if (args === undefined) throw new Refusal('INVALID_ARGUMENT');
    if (method === 'send') {
      const { id, data } = args;
      if (typeof id !== 'string' || data === null || typeof data !== 'object' || Array.isArray(data)) {
        throw new Refusal('INVALID_ARGUMENT');
      }
      if (id.startsWith('ubus.') || !may(this.acls, client.identity, 'send', id))
        throw new Refusal('PERMISSION_DENIED');
      this.#event(client, id, data);
      return;
    }
    const { object: objectId, pattern } = args;
    if (typeof objectId !== 'number' || typeof pattern !== 'string') throw new Refusal('INVALID_ARGUMENT');
    const object = this.#ownObject(client, objectId >>> 0, 'PERMISSION_DENIED');
    if (pattern === '') throw new Refusal('PERMISSION_DENIED');
    const name = pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
    if (!may(this.acls, client.identity, 'listen', name)) throw new Refusal('PERMISSION_DENIED');
    object.patterns.push(pattern);
  }

  #event(from: Client | undefined, name: string, data: TableInput): void {
    for (const { id, client, patterns } of this.#objects.values()) {
      if (client === from || !patterns.some((pattern) => matches(pattern, name))) continue;
      this.#eventSequence = (this.#eventSequence + 1) & 0xffff;
      this.#send(client, MessageType.invoke, this.#eventSequence, 0, (writer) => {
        putNumber(writer, Attribute.objectId, id);
        putString(writer, Attribute.method, name);
        writeDataAttribute(writer, data);
      });
    }
  }

  #subscribe(client: Client, { objectId, target: targetId }: Attributes): void {
    if (objectId === undefined || targetId === undefined) throw new Refusal('INVALID_ARGUMENT');
    const object = this.#ownObject(client, objectId, 'INVALID_ARGUMENT');
    const target = this.#objects.get(targetId);
    if (target === undefined) throw new Refusal('NOT_FOUND');
    if (target.client === client) throw new Refusal('INVALID_ARGUMENT');
    if (target.path !== undefined && !may(this.acls, client.identity, 'subscribe', target.path))
      throw new Refusal('NOT_FOUND');
    target.subscribers.unshift(object);
    if (target.subscribers.length === 1) this.#subscribersChanged(target);
  }

  #unsubscribe(client: Client, { objectId, target }: Attributes): void {
    if (objectId === undefined || target === undefined) throw new Refusal('INVALID_ARGUMENT');
    const object = this.#ownObject(client, objectId, 'INVALID_ARGUMENT');
    const subscribed = this.#objects.get(target);
    if (subscribed === undefined || !this.#drop(subscribed, object)) throw new Refusal('NOT_FOUND');
  }

  #notify(client: Client, message: Message, { objectId, method, data, noReply = false }: Attributes): void {
    try {
      if (method === undefined || objectId === undefined) throw new Refusal('INVALID_ARGUMENT');
      const object = this.#ownObject(client, objectId, 'PERMISSION_DENIED');
      if (!noReply) {
        this.#send(client, MessageType.status, message.sequence, message.peer, (writer) => {
          putNumber(writer, Attribute.objectId, objectId);
          const at = writer.open(Attribute.subscribers);
          for (const { id } of object.subscribers) putNumber(writer, 0, id);
          writer.close(at);
          putNumber(writer, Attribute.status, 0);
        });
      }
      for (const subscriber of object.subscribers)
        this.#forward(client, subscriber, method, message, data, noReply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#status(client, message, error.status);
    }
  }

  #drop(target: BusObject, subscriber: BusObject): boolean {
    const at = target.subscribers.indexOf(subscriber);
    if (at < 0) return false;
    target.subscribers.splice(at, 1);
    if (target.subscribers.length === 0) this.#subscribersChanged(target);
    return true;
  }

  #subscribersChanged(object: BusObject): void {
    object.sequence += 1;
    this.#send(object.client, MessageType.notify, object.sequence, 0, (writer) => {
      putNumber(writer, Attribute.objectId, object.id);
      writeFlagAttribute(writer, Attribute.active, object.subscribers.length > 0);
    });
  }

  #free(object: BusObject): void {
    for (const target of this.#objects.values()) this.#drop(target, object);
    for (const subscriber of [...object.subscribers]) {
      subscriber.sequence += 1;
      this.#send(subscriber.client, MessageType.unsubscribe, subscriber.sequence, 0, (writer) => {
        putNumber(writer, Attribute.objectId, subscriber.id);
        putNumber(writer, Attribute.target, object.id);
      });
      this.#drop(object, subscriber);
    }
    this.#objects.delete(object.id);
    if (object.path !== undefined) {
      this.#event(undefined, 'ubus.object.remove', { id: int32(object.id), path: object.path });
    }
  }

  #ownObject(client: Client, id: number | undefined, otherwise: Status): BusObject {
    if (id === undefined) throw new Refusal('INVALID_ARGUMENT');
    const object = this.#objects.get(id);
    if (object === undefined) throw new Refusal('NOT_FOUND');
    if (object.client !== client) throw new Refusal(otherwise);
    return object;
  }

  #freeId(taken: ReadonlyMap<number, unknown>): number {
    for (;;) {
      const id = randomInt(1024, 2 ** 32);
      if (!taken.has(id)) return id;
    }
  }

  #data(client: Client, { sequence, peer }: Message, write: (writer: BlobWriter) => void): void {
    this.#send(client, MessageType.data, sequence, peer, write);
  }

  #send(
    client: Client,
    type: number,
    sequence: number,
    peer: number,
    write: (writer: BlobWriter) => void,
  ): void {
    this.#write(client, encodeMessage(type, sequence, peer, write));
  }

  #write(client: Client, bytes: Uint8Array): void {
    const { socket } = client;
    const idle = socket.writableLength === 0;
    if (socket.destroyed || (!idle && client.queued + bytes.length > MAX_MESSAGE)) return;
    const queued = idle ? bytes.length - SOCKET_ROOM : bytes.length;
    client.queued += queued;
    socket.write(bytes, () => {
      client.queued -= queued;
    });
  }
}
