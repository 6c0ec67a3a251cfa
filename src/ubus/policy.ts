/**
 * Policies: the named, typed arguments that a method declares. They make up the signature that `ubus -v list`
 * shows, and the arguments are checked against them before the method's handler runs.
 */
import type { BlobWriter } from './blob.js';
import {
  BlobmsgType,
  type FieldVisitor,
  int32,
  readTable,
  type Table,
  type TableInput,
  type Value,
  writeTable,
} from './blobmsg.js';
import { BlobError, UbusError } from './errors.js';

/** Type id of each argument type, as signatures carry it. */
const TYPE_IDS = {
  any: BlobmsgType.unspecified,
  array: BlobmsgType.array,
  table: BlobmsgType.table,
  string: BlobmsgType.string,
  int64: BlobmsgType.int64,
  int32: BlobmsgType.int32,
  int16: BlobmsgType.int16,
  bool: BlobmsgType.int8,
  double: BlobmsgType.double,
} as const;

/** Types an argument can be declared with. */
export type ArgumentType = keyof typeof TYPE_IDS;

/**
 * Arguments of a method by name, in the order in which `ubus -v list` shows them. All arguments are optional
 * on ubus.
 */
export interface Policy {
  readonly [name: string]: ArgumentType;
}

interface ArgumentValues {
  any: Value;
  array: Value[];
  table: Table;
  string: string;
  int64: number | bigint;
  int32: number;
  int16: number;
  bool: boolean;
  double: number;
}

/**
 * What a handler gets for a policy: the declared arguments that the caller has given, of the declared types.
 */
export type Arguments<P> = P extends Policy
  ? { -readonly [Name in keyof P]?: ArgumentValues[P[Name]] }
  : Record<string, never>;

/** Names of the type ids, for signatures read from others. */
const TYPE_NAMES: readonly ArgumentType[] = [
  'any',
  'array',
  'table',
  'string',
  'int64',
  'int32',
  'int16',
  'bool',
  'double',
];

/**
 * Numbers written with fewer bits than declared are taken: the `ubus` command writes 5 as an int32 whatever
 * is declared.
 */
const WIDENED: Readonly<Record<number, readonly number[]>> = {
  [BlobmsgType.int64]: [BlobmsgType.int32, BlobmsgType.int16],
  [BlobmsgType.int32]: [BlobmsgType.int16],
  [BlobmsgType.double]: [BlobmsgType.int32, BlobmsgType.int16],
};

/** Writes the signature of an object: a table of argument names and type ids for each method. */
export function writeSignature(writer: BlobWriter, methods: ReadonlyMap<string, Policy>): void {
  const signature = new Map<string, TableInput>();
  for (const [method, policy] of methods) {
    signature.set(
      method,
      new Map(Object.entries(policy).map(([name, type]) => [name, int32(TYPE_IDS[type])])),
    );
  }
  writeTable(writer, signature);
}

/**
 * Reads a signature back. Type ids that mean nothing to us are `any`. Throws BlobError for bytes that are
 * none.
 */
export function readSignature(
  bytes: Uint8Array,
  start: number,
  end: number,
): Record<string, Record<string, ArgumentType>> {
  const methods: [string, Record<string, ArgumentType>][] = [];
  for (const [method, policy] of Object.entries(readTable(bytes, start, end))) {
    if (policy === null || typeof policy !== 'object' || Array.isArray(policy)) continue;
    const types = Object.entries(policy).map(
      ([name, id]) => [name, TYPE_NAMES[Number(id)] ?? 'any'] as const,
    );
    methods.push([method, Object.fromEntries(types)]);
  }
  return Object.fromEntries(methods);
}

/**
 * Reads the arguments of a call. Those the policy does not name are kept as they are: LuCI, for one, adds
 * `ubus_rpc_session` to every call.
 *
 * @throws UbusError INVALID_ARGUMENT for a declared argument of another type, and for bytes that are no
 * table.
 */
export function readArguments(bytes: Uint8Array, start: number, end: number, policy: Policy): Table {
  try {
    return readTable(bytes, start, end, Object.keys(policy).length === 0 ? undefined : checker(policy));
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    throw new UbusError('INVALID_ARGUMENT', `data that cannot be read: ${error.message}`, { cause: error });
  }
}

function checker(policy: Policy): FieldVisitor {
  const seen = new Set<string>();
  return (name, type) => {
    if (seen.has(name) || !Object.hasOwn(policy, name)) return;
    seen.add(name);
    const declared = policy[name] ?? 'any';
    const wanted = TYPE_IDS[declared];
    if (wanted === BlobmsgType.unspecified || wanted === type || WIDENED[wanted]?.includes(type)) return;
    const given = type === BlobmsgType.unspecified ? 'null' : TYPE_NAMES[type];
    throw new UbusError('INVALID_ARGUMENT', `argument ${name} is ${given} instead of ${declared}`);
  };
}
