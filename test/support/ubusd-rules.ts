/** What the ubusd for tests goes by: ACLs, patterns, and how a message is passed on. */
import type { Socket } from 'node:net';
import { BlobReader, type BlobWriter } from '../../src/ubus/blob.js';
import { BlobmsgType, decodeBlobmsg, type Table } from '../../src/ubus/blobmsg.js';
import type { Status } from '../../src/ubus/errors.js';
import type { Message, Range } from '../../src/ubus/message.js';

/** Who a client is: names, as in an ACL file. */
export interface Identity {
  readonly user: string;
  readonly group: string;
}

/** What an ACL file of /usr/share/acl.d says. */
export interface Acl {
  readonly user?: string;
  readonly group?: string;
  readonly access?: Readonly<Record<string, { readonly methods: readonly string[] }>>;
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly listen?: readonly string[];
  readonly send?: readonly string[];
}

/** What an ACL gives besides calling methods. */
export type Right = 'publish' | 'subscribe' | 'listen' | 'send';

/** A connection to ubusd. */
export interface Client {
  readonly id: number;
  readonly socket: Socket;
  readonly identity: Identity;
  /** Bytes that wait for the client to read. */
  queued: number;
}

/** An object on the bus, also the nameless ones behind listeners and subscriptions. */
export interface BusObject {
  readonly id: number;
  readonly client: Client;
  readonly path: string | undefined;
  /** Bytes of the methods by name; undefined for an object without a type, which lookups do not show. */
  readonly methods: ReadonlyMap<string, Buffer> | undefined;
  readonly typeId: number;
  readonly patterns: string[];
  /** Subscribers, the newest first. */
  readonly subscribers: BusObject[];
  sequence: number;
}

/** Ends a request with a status. */
export class Refusal extends Error {
  readonly status: Status;
  constructor(status: Status) {
    super(status);
    this.status = status;
  }
}

/** Whether a client may publish, subscribe to, listen for or send what has this name. */
export function may(acls: readonly Acl[], identity: Identity, right: Right, name: string): boolean {
  if (identity.user === 'root') return true;
  return acls.some((acl) => applies(acl, identity) && acl[right]?.some((pattern) => matches(pattern, name)));
}

/** Whether a client may call a method. */
export function mayCall(acls: readonly Acl[], identity: Identity, path: string, method: string): boolean {
  if (identity.user === 'root') return true;
  return acls.some(
    (acl) =>
      applies(acl, identity) &&
      Object.entries(acl.access ?? {}).some(
        ([pattern, { methods }]) =>
          matches(pattern, path) && (methods.includes(method) || methods.includes('*')),
      ),
  );
}

function applies({ user, group }: Acl, identity: Identity): boolean {
  return user === undefined ? group === identity.group : user === identity.user;
}

/** Whether a name fits a pattern: itself, or its start and `*`. */
export function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The table in a range of bytes; undefined where they are damaged. */
export function table(bytes: Buffer, { start, end }: Range): Table | undefined {
  try {
    return decodeBlobmsg(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** The methods of a signature, each with its bytes; undefined where they are damaged. */
export function signatureMethods(bytes: Buffer, { start, end }: Range): Map<string, Buffer> | undefined {
  const methods = new Map<string, Buffer>();
  try {
    const reader = new BlobReader(bytes, start, end);
    while (reader.next()) {
      const whole = bytes.subarray(reader.start - 4, reader.start + ((reader.end - reader.start + 3) & ~3));
      const name = checkedName(bytes, reader);
      if (name === undefined) return undefined;
      methods.set(name, Buffer.from(whole));
    }
  } catch {
    return undefined;
  }
  return methods;
}

/** The name of an attribute that passes libubox's blobmsg_check_attr, which does not look into tables and arrays. */
function checkedName(bytes: Buffer, { id, extended, start, end }: BlobReader): string | undefined {
  if (!extended || end - start < 3) return undefined;
  const length = bytes.readUInt16BE(start);
  const at = start + ((2 + length + 1 + 3) & ~3);
  if (length === 0 || at > end || bytes[start + 2 + length] !== 0 || id > BlobmsgType.double)
    return undefined;
  const fixed = FIXED_LENGTHS.get(id);
  if (fixed !== undefined && end - at !== fixed) return undefined;
  if (id === BlobmsgType.string && (end === at || bytes[end - 1] !== 0)) return undefined;
  return bytes.toString('utf8', start + 2, start + 2 + length);
}

const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [BlobmsgType.int8, 1],
  [BlobmsgType.int16, 2],
  [BlobmsgType.int32, 4],
  [BlobmsgType.int64, 8],
  [BlobmsgType.double, 8],
]);

/** The same message with another type and peer. */
export function rewritten({ bytes, start, end, sequence }: Message, peer: number, type: number): Buffer {
  const copy = Buffer.from(bytes.subarray(start - 12, end));
  copy[1] = type;
  copy.writeUInt16BE(sequence, 2);
  copy.writeUInt32BE(peer, 4);
  return copy;
}

/** Writes an attribute whose payload is there already. */
export function putBytes(writer: BlobWriter, id: number, parts: readonly Uint8Array[]): void {
  const at = writer.open(id);
  for (const part of parts) writer.bytes(part);
  writer.close(at);
}
