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
}

/**
 * Something on the bus failed. Every promise of this library rejects with this class and no other.
 *
 * A handler of a published method throws one to choose the status its caller gets:
 * `throw new UbusError('NOT_FOUND', 'no peer sn09')`. The message stays in this process: ubus carries the code only.
 */
export class UbusError extends Error {
  override readonly name = 'UbusError';
  /** The status as ubus numbers it: 1 to 13, or any other number an object answered with. */
  readonly code: number;
  /** The name of the status; `UNKNOWN_ERROR` for a number ubus has no name for. */
  readonly status: Status;
  readonly object?: string;
  readonly method?: string;

  constructor(status: Status | number, message: string, details: UbusErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = typeof status === 'number' ? status : STATUSES.indexOf(status);
    this.status = typeof status === 'number' ? (STATUSES[status] ?? 'UNKNOWN_ERROR') : status;
    if (details.object !== undefined) this.object = details.object;
    if (details.method !== undefined) this.method = details.method;
  }
}

/**
 * Bytes that are no blob, or a value that no blob can hold. Thrown by the codec only; {@link UbusError} wraps it
 * where a call or an answer is concerned.
 */
export class BlobError extends Error {
  override readonly name = 'BlobError';
}
