import { ERRNO } from '#platform/errno.js';
import { AttributeReader } from './attribute-reader.js';
import { AttributeWriter } from './attribute-writer.js';
import { type ConnectionOptions, NetlinkConnection } from './connection.js';
import { NetlinkDecodeError, NetlinkError } from './errors.js';
import { NETLINK_GENERIC } from './families.js';
import type { NetlinkMessage } from './message.js';
import { type Reading, Repeated } from './repeated.js';
import type { NetlinkRequest } from './request.js';

// linux/genetlink.h
const GENL_ID_CTRL = 0x10;
const CTRL_VERSION = 2;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_VERSION = 3;
const CTRL_ATTR_MCAST_GROUPS = 7;
const CTRL_ATTR_MCAST_GRP_NAME = 1;
const CTRL_ATTR_MCAST_GRP_ID = 2;
/** Bytes of struct genlmsghdr. */
const HEADER = 4;

/** A generic netlink family as the kernel numbers it in this boot. */
export interface GenericFamily {
  readonly name: string;
  readonly id: number;
  readonly version: number;
  /** Multicast groups by name. */
  readonly groups: ReadonlyMap<string, number>;
}

/** A command to a generic netlink family. */
export interface GenericRequest {
  /** What is tried, in words, for errors. */
  what: string;
  family: GenericFamily;
  /** Flags besides those the kind of request needs. */
  flags?: number;
  /** See {@link NetlinkRequest.explain}. */
  explain?: Readonly<Record<number, string>>;
  /** A writer made by {@link genericWriter}. */
  attributes: AttributeWriter;
}

/** A writer for the attributes of a command. */
export function genericWriter(family: Pick<GenericFamily, 'version'>, command: number): AttributeWriter {
  return new AttributeWriter(Uint8Array.of(command, family.version, 0, 0));
}

/** A reader of the attributes of a generic netlink message. */
export function genericReader(message: NetlinkMessage): AttributeReader {
  return new AttributeReader(message.body, HEADER);
}

/** Commands to families of generic netlink (linux/genetlink.h). */
export class GenericNetlink {
  readonly #connection: NetlinkConnection;

  /** @param options see {@link ConnectionOptions} */
  constructor(options?: ConnectionOptions) {
    this.#connection = new NetlinkConnection(NETLINK_GENERIC, options);
  }

  /**
   * Looks a family up by name. The kernel loads the module that brings it, where there is one.
   *
   * @throws {NetlinkError} ENOENT: this kernel has no such family
   */
  async family(name: string): Promise<GenericFamily> {
    const what = `find generic netlink family ${name}`;
    const attributes = genericWriter({ version: CTRL_VERSION }, CTRL_CMD_GETFAMILY).string(
      CTRL_ATTR_FAMILY_NAME,
      name,
    );
    const [message] = await this.#connection.request({
      what,
      type: GENL_ID_CTRL,
      body: attributes.finish(),
      explain: { [ERRNO.ENOENT]: 'this kernel has no such family, nor a module that brings it' },
    });
    if (message === undefined) throw new NetlinkError(ERRNO.ENOENT, what);
    return decodeFamily(message);
  }

  /** See {@link NetlinkConnection.request}. */
  request(request: GenericRequest): Promise<NetlinkMessage[]> {
    return this.#connection.request(plain(request));
  }

  /** See {@link NetlinkConnection.dump}. */
  dump<T>(request: GenericRequest, decode: (message: NetlinkMessage) => T | undefined): Promise<T[]> {
    return this.#connection.dump(plain(request), decode);
  }

  /** A dump to be made again and again. */
  repeatedDump<T>(request: GenericRequest, reading: Reading<T>): Repeated<T> {
    return new Repeated(this.#connection, plain(request), true, reading);
  }

  /** See {@link NetlinkConnection.close}. */
  close(): void {
    this.#connection.close();
  }
}

function plain({ family, attributes, ...rest }: GenericRequest): NetlinkRequest {
  return { ...rest, type: family.id, body: attributes.finish() };
}

/** Decodes the answer to CTRL_CMD_GETFAMILY. @throws {NetlinkDecodeError} */
export function decodeFamily(message: NetlinkMessage): GenericFamily {
  const reader = genericReader(message);
  const groups = new Map<string, number>();
  let name = '';
  let id = 0;
  let version = 0;
  while (reader.next()) {
    if (reader.type === CTRL_ATTR_FAMILY_ID) id = reader.u16();
    else if (reader.type === CTRL_ATTR_FAMILY_NAME) name = reader.string();
    else if (reader.type === CTRL_ATTR_VERSION) version = reader.u32();
    else if (reader.type === CTRL_ATTR_MCAST_GROUPS) decodeGroups(reader.nested(), groups);
  }
  reader.end();
  if (id === 0) throw new NetlinkDecodeError(`generic netlink family ${name} came without a number`);
  return { name, id, version, groups };
}

function decodeGroups(list: AttributeReader, groups: Map<string, number>): void {
  while (list.next()) {
    const reader = list.nested();
    let name: string | undefined;
    let id: number | undefined;
    while (reader.next()) {
      if (reader.type === CTRL_ATTR_MCAST_GRP_NAME) name = reader.string();
      else if (reader.type === CTRL_ATTR_MCAST_GRP_ID) id = reader.u32();
    }
    if (name !== undefined && id !== undefined) groups.set(name, id);
  }
}
