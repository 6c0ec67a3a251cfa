import type { Table } from './blobmsg.js';

/**
 * Status codes of ubus, in the order of their numbers (`enum ubus_msg_status` in ubusmsg.h).
 * The index of a name is its code on the wire.
 */
export const STATUSES = [
  'OK',
  'INVALID_COMMAND',
  'INVALID_ARGUMENT',
  'METHOD_NOT_FOUND',
  'NOT_FOUND',
  'NO_DATA',
  'PERMISSION_DENIED',
  'TIMEOUT',
  'NOT_SUPPORTED',
  'UNKNOWN_ERROR',
  'CONNECTION_FAILED',
  'NO_MEMORY',
  'PARSE_ERROR',
  'SYSTEM_ERROR',
] as const;

/** The name of a ubus status code. */
export type Status = (typeof STATUSES)[number];

/** What a {@link UbusError} is about. */
export interface UbusErrorDetails {
  /** Path of the object that was called, published or subscribed to. */
  readonly object?: string;
  /** Method that was called. */
  readonly method?: string;
  /** The error underneath, if there is one. */
  readonly cause?: unknown;
  /** What the object sent before the status. */
  readonly answers?: readonly Table[];
}

/**
 * Something on the bus failed. Every promise of this library rejects with this class and no other.
 *
 * A handler of a published method throws one to choose the status its caller gets:
 * `throw new UbusError('NOT_FOUND', 'no peer sn09')`. The message stays in this process: ubus carries the
 * code only, and what the handler has sent before ({@link Invocation.reply}).
 */
export class UbusError extends Error {
  override readonly name = 'UbusError';
  /** The status as ubus numbers it: 1 to 13, or any other number an object answered with. */
  readonly code: number;
  /** The name of the status; `UNKNOWN_ERROR` for a number ubus has no name for. */
  readonly status: Status;
  readonly object?: string;
  readonly method?: string;
  /** What the object that was called sent before the status: some say there why. */
  readonly answers: readonly Table[];

  /** @param details what it is about, and what has caused it */
  constructor(status: Status | number, message: string, details: UbusErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = typeof status === 'number' ? status : STATUSES.indexOf(status);
    this.status = typeof status === 'number' ? (STATUSES[status] ?? 'UNKNOWN_ERROR') : status;
    if (details.object !== undefined) this.object = details.object;
    if (details.method !== undefined) this.method = details.method;
    this.answers = details.answers ?? [];
  }
}

/** @internal A status other than OK that a request was answered with, and by whom. */
export class StatusError extends UbusError {
  /** True if ubusd itself answered, false for the object that was called. */
  readonly byUbusd: boolean;

  constructor(code: number, what: string, byUbusd: boolean, answers: readonly Table[] = []) {
    super(code, `${what}: ${describe(code)}`, { answers });
    this.byUbusd = byUbusd;
  }
}

function describe(code: number): string {
  switch (code) {
    case 1:
      return 'invalid command';
    case 2:
      return 'invalid argument';
    case 3:
      return 'there is no such method';
    case 4:
      return 'not found';
    case 5:
      return 'no data';
    case 6:
      return 'permission denied (see the ACL files in /usr/share/acl.d)';
    case 7:
      return 'timed out on the other side';
    case 8:
      return 'not supported';
    case 9:
      return 'unknown error';
    case 10:
      return 'connection failed on the other side';
    case 11:
      return 'out of memory on the other side';
    case 12:
      return 'the other side could not parse it';
    case 13:
      return 'system error on the other side';
    default:
      return `status ${code}`;
  }
}

/**
 * Bytes that are no blob, or a value that no blob can hold. Thrown by the codec only; {@link UbusError} wraps
 * it where a call or an answer is concerned.
 */
export class BlobError extends Error {
  override readonly name = 'BlobError';
}
