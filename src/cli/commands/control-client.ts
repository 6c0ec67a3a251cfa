import { connectStream } from '#platform/stream.js';
import { decodeLatin1, decodeUtf8, encodeUtf8 } from '#platform/text.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { type HeardName, namesLike } from '../../daemon/abstract-names.js';
import { CONTROL_NAMES, controlName } from '../../daemon/control-name.js';
import { canAskHolders, couldServe, lockHolder } from '../../daemon/lock-holder.js';
import { type JsonTable, toJson } from '../../json.js';
import { STATUSES, type Status, type Table, UbusError } from '../../ubus/index.js';

/** How long a daemon may take for an answer, in milliseconds. */
const ANSWER_TIMEOUT = 10_000;

/** Of a method. */
export type Arguments = Readonly<Record<string, string>>;

/** A line that came. */
type Line = Readonly<Record<string, unknown>>;

/** The interfaces for which a daemon listens at a control socket in this network namespace. */
export function controlledInterfaces(): string[] {
  const heard = named(CONTROL_NAMES).filter(({ bytes }) => lockHolder(bytes)?.able);
  const names = heard.map(({ text }) => utf8(text.split('/')[1] ?? ''));
  return [...new Set(names)].filter((name) => name !== '').sort();
}

/**
 * Asks the daemon of an interface at its control socket.
 * @throws {UbusError} with the daemon's status and words; NOT_FOUND where no daemon listens
 */
export async function askControl(ifname: string, method: string, args: Arguments = {}): Promise<Table> {
  return new Promise((resolve, reject) => {
    const conversation = new Conversation(ifname, { method, args }, (line) => {
      if (line === undefined) reject(nobody(ifname));
      else if (line instanceof Error) reject(line);
      else resolve((line.result ?? {}) as Table);
      conversation.end();
    });
  });
}

/**
 * Hears of the events of an interface until the daemon ends.
 * @throws {UbusError} as askControl
 */
export async function followControl(ifname: string, event: (data: Table) => void): Promise<void> {
  let begun = false;
  return new Promise((resolve, reject) => {
    const conversation = new Conversation(ifname, { method: 'events' }, (line) => {
      if (line === undefined && begun) resolve();
      else if (line === undefined) reject(nobody(ifname));
      else if (line instanceof Error) reject(line);
      else if (line.data !== undefined) event(line.data as Table);
      else {
        begun = true;
        conversation.patient();
      }
    });
  });
}

/** Names that begin so, whoever has them; none where nobody can be judged. */
function named(first: string): HeardName[] {
  return canAskHolders() ? namesLike(first) : [];
}

function nobody(ifname: string): UbusError {
  return new UbusError('NOT_FOUND', `no daemon listens at the control socket of ${ifname}`);
}

/** One request to the first of the names that a daemon listens at, and the lines that it gets. */
class Conversation {
  readonly #names: Uint8Array[];
  readonly #request: Uint8Array;
  readonly #heard: (line: Line | Error | undefined) => void;
  readonly #timer;
  #end: () => void = () => {};
  #over = false;

  /** @param heard is given each line, an error for a refusal, and undefined when it is over */
  constructor(ifname: string, request: JsonTable, heard: (line: Line | Error | undefined) => void) {
    this.#names = named(controlName(ifname)).map(({ bytes }) => bytes);
    this.#request = encodeUtf8(`${toJson(request)}\n`);
    this.#heard = heard;
    const late = new UbusError('TIMEOUT', `the daemon of ${ifname} has not answered in ${ANSWER_TIMEOUT} ms`);
    this.#timer = setTimeout(() => this.#tell(late), ANSWER_TIMEOUT);
    this.#next();
  }

  /** From now on it may last. */
  patient(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#end();
  }

  #next(): void {
    const name = this.#names.shift();
    if (name === undefined) {
      // Not before whoever made it has it.
      Promise.resolve().then(() => this.#tell(undefined));
      return;
    }
    let unread = '';
    let heard = false;
    const stream = connectStream(decodeUtf8(name), {
      data: (bytes) => {
        unread += decodeLatin1(bytes);
        for (let end = unread.indexOf('\n'); end >= 0 && !this.#over; end = unread.indexOf('\n')) {
          const line = utf8(unread.slice(0, end));
          unread = unread.slice(end + 1);
          heard = true;
          this.#tell(parsed(line));
        }
      },
      closed: () => (heard ? this.#tell(undefined) : this.#next()),
    });
    // Anybody may take such a name: only who could serve the interface is believed.
    if (stream.credentials === undefined || !couldServe(stream.credentials)) {
      stream.destroy();
      this.#next();
      return;
    }
    this.#end = () => stream.destroy();
    stream.write(this.#request);
  }

  #tell(line: Line | Error | undefined): void {
    if (this.#over) return;
    if (line === undefined || line instanceof Error) this.end();
    this.#heard(line);
  }
}

function parsed(line: string): Line | Error {
  let table: Line;
  try {
    table = (JSON.parse(line) ?? {}) as Line;
  } catch {
    return new UbusError('PARSE_ERROR', 'what came from the control socket is no JSON');
  }
  const { error, message } = table;
  if (error === undefined) return table;
  const status: Status = STATUSES.find((name) => name === error) ?? 'UNKNOWN_ERROR';
  return new UbusError(status, String(message));
}

function utf8(latin1: string): string {
  return decodeUtf8(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}
