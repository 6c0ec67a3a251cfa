import type { Stream, StreamHandlers } from '#platform/stream.js';
import { decodeLatin1, decodeUtf8, encodeUtf8 } from '#platform/text.js';
import { clearTimeout, setTimeout, type Timer } from '#platform/timers.js';
import { type JsonTable, toJson } from '../json.js';
import { type Table, UbusError, type Value } from '../ubus/index.js';
import { messageOf } from '../wording.js';
import type { ServiceMethod } from './methods.js';

/** The longest request, in bytes: peers to set may be many. */
const LONGEST_REQUEST = 65_536;

/** Bytes of answers and events that may wait for a client to read them, and of requests that may wait for us. */
const MOST_WAITING = 65_536;

/** How long a client may take for a request, and to read the answer, in milliseconds. */
const PATIENCE = 10_000;

/** What a client may ask for. */
export interface Served {
  readonly methods: Readonly<Record<string, ServiceMethod>>;
  /** Calls back with each event from now on, until the function that it returns is called. */
  follow(listener: (event: JsonTable) => void): () => void;
}

/** A request that cannot be answered, as one line. The codes are those of ubus. */
function refusal(error: unknown): JsonTable {
  const code = error instanceof UbusError ? error.status : 'UNKNOWN_ERROR';
  return { error: code, message: messageOf(error) };
}

/**
 * One client of the control socket: lines of JSON. `{"method":"info"}`, with `"args":{…}` where a method has them, gets
 * `{"result":…}` or `{"error":…,"message":…}`; `{"method":"events"}` the same, and then a line for each event, until the client hangs up.
 */
export class ControlSession implements StreamHandlers {
  /** What is answered; an error for a client who hears nothing else. */
  readonly served: Served | UbusError;
  readonly #stream: Stream;
  readonly #over: () => void;
  #unread = '';
  #busy = false;
  #timer: Timer | undefined;
  #unfollow: (() => void) | undefined;
  #closed = false;

  /**
   * @param served an error for a client who is to hear nothing else. It is the answer to a request: who writes to a socket that is closed by then
   *   never reads why.
   * @param over called when it has ended, however it does
   */
  constructor(stream: Stream, served: Served | UbusError, over: () => void) {
    this.#stream = stream;
    this.served = served;
    this.#over = over;
    this.#wait();
  }

  data(bytes: Uint8Array): void {
    this.#unread += decodeLatin1(bytes);
    if (this.#unread.length > MOST_WAITING) this.end();
    else this.#next();
  }

  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unfollow?.();
    this.#over();
  }

  /** Hangs up. */
  end(): void {
    this.#stream.destroy();
    this.closed();
  }

  /** Takes the request that is next, if all of it is there. */
  #next(): void {
    const end = this.#unread.indexOf('\n');
    if ((end < 0 ? this.#unread.length : end) > LONGEST_REQUEST) this.end();
    if (end < 0 || this.#busy || this.#closed) return;
    const line = this.#unread.slice(0, end);
    this.#unread = this.#unread.slice(end + 1);
    this.#busy = true;
    this.#wait();
    this.#answer(decodeUtf8(Uint8Array.from(line, (character) => character.charCodeAt(0)))).then((answer) => {
      this.#busy = false;
      if (this.#closed) return;
      this.#tell(answer);
      if (this.served instanceof UbusError) {
        this.#stream.end();
        this.closed();
      } else this.#next();
    });
  }

  async #answer(line: string): Promise<JsonTable> {
    try {
      if (this.served instanceof UbusError) throw this.served;
      const { methods, follow } = this.served;
      const { method, args } = readRequest(line);
      if (method === 'events') {
        this.#unfollow ??= follow((event) => this.#tell(event));
        clearTimeout(this.#timer);
        return { result: {} };
      }
      const known = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (known === undefined) throw new UbusError('METHOD_NOT_FOUND', `there is no method ${method}`);
      return { result: (await known.call(checkArguments(known, args))) ?? {} };
    } catch (error) {
      return refusal(error);
    }
  }

  #tell(line: JsonTable): void {
    if (this.#stream.unsent > MOST_WAITING) this.end();
    else this.#stream.write(encodeUtf8(`${toJson(line)}\n`));
  }

  /** Waits for the next request, not for ever. */
  #wait(): void {
    if (this.#unfollow !== undefined) return;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.end(), PATIENCE);
    timer.unref();
    this.#timer = timer;
  }
}

/** @throws {UbusError} for what is no request */
function readRequest(line: string): { method: string; args: Table } {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw new UbusError('PARSE_ERROR', 'expected a line of JSON, as in {"method":"status"}');
  }
  const { method, args = {} } = (request ?? {}) as { method?: unknown; args?: Value }; // JSON has no other values
  if (typeof method === 'string' && typeof args === 'object' && args !== null && !Array.isArray(args))
    return { method, args };
  throw new UbusError('INVALID_ARGUMENT', 'expected a method, and a table if any args');
}

/** @throws {UbusError} for an argument of another type; those that the method does not know are passed over */
function checkArguments({ args: declared = {} }: ServiceMethod, args: Table): Table {
  const known = Object.entries(args).filter(([name]) => Object.hasOwn(declared, name));
  for (const [name, value] of known) {
    const type = declared[name];
    if (type === 'string' && typeof value !== 'string')
      throw new UbusError('INVALID_ARGUMENT', `${name} has to be a string`);
    if (type === 'array' && !Array.isArray(value))
      throw new UbusError('INVALID_ARGUMENT', `${name} has to be a list`);
  }
  return Object.fromEntries(known);
}
