import { monotonic } from '#platform/timers.js';
import type { JsonTable } from '../json.js';
import type { SelectorEvent } from '../selector/events.js';
import { type Method, type PublishedObject, Ubus, UbusError } from '../ubus/index.js';
import { messageOf } from '../wording.js';
import type { Log } from './log.js';
import { methodsOf, type Service, type ServiceMethod, type ServiceOwner } from './methods.js';
import { eventTable } from './status.js';

/** For how long the same is not said again, in milliseconds; and how many different things may be said in that time. */
const SAY_AGAIN = 600_000;
const MOST_SAID = 20;

/** What the bus may ask of the daemon as a whole. */
export interface BusOptions {
  /** Path of ubusd's socket; where OpenWrt has it when not given. */
  readonly path: string | undefined;
  readonly log: Log;
  readonly owner: ServiceOwner;
}

/**
 * The daemon on ubus: an object `wgpeerselector.IFNAME` for each interface, and an event of the same name for what happens to it. The
 * work does not depend on it: without ubusd everything goes on, and the objects appear when it comes.
 */
export class Bus {
  readonly #ubus: Ubus;
  readonly #log: Log;
  readonly #owner: ServiceOwner;
  /** When what was said last, by monotonic(). */
  readonly #said = new Map<string, number>();
  #connectListener: (() => void) | undefined;

  constructor({ path, log, owner }: BusOptions) {
    this.#log = log;
    this.#owner = owner;
    this.#ubus = Ubus.open({
      ...(path === undefined ? {} : { path }),
      onConnect: () => {
        log.write('debug', '', 'connected to ubus');
        this.#connectListener?.();
      },
      onDisconnect: (error) => {
        this.#say('info', 'ubus is not there: working without it until it comes');
        log.write('debug', '', error.message);
      },
      onWarning: (error) => this.#say('warning', error.message),
    });
  }

  /** Publishes an interface and tells of its events. Returns at once. @returns what takes it off the bus */
  serve(service: Service): () => void {
    const name = `wgpeerselector.${service.name}`;
    let object: PublishedObject | undefined;
    let gone = false;
    const leave = (): void => {
      gone = true;
      object?.close().catch((error: unknown) => this.#log.write('debug', service.name, messageOf(error)));
    };
    this.#ubus.publish(name, explaining(methodsOf(service, this.#owner))).then(
      (published) => {
        object = published;
        if (gone) leave();
      },
      (error: unknown) => this.#log.write('warning', service.name, messageOf(error)),
    );
    service.onEvent((event) => this.#tell(name, object, event));
    return leave;
  }

  /** Whether ubusd is there at this moment. */
  get connected(): boolean {
    return this.#ubus.connected;
  }

  /** Calls back each time that ubusd has come; one listener. */
  onConnect(listener: () => void): void {
    this.#connectListener = listener;
  }

  /** Calls a method of somebody else's object. @throws {UbusError} */
  async call(path: string, method: string, args: JsonTable): Promise<unknown> {
    return await this.#ubus.call(path, method, args);
  }

  async close(): Promise<void> {
    await this.#ubus.close();
  }

  /** Whoever restarts ubusd again and again, or takes our path each time, fills no log: one text is said once in a while. */
  #say(level: 'info' | 'warning', text: string): void {
    const now = monotonic();
    for (const [said, at] of this.#said) if (now - at > SAY_AGAIN) this.#said.delete(said);
    const enough = this.#said.has(text) || this.#said.size >= MOST_SAID;
    this.#log.write(enough ? 'debug' : level, '', text);
    if (!enough) this.#said.set(text, now);
  }

  #tell(name: string, object: PublishedObject | undefined, event: SelectorEvent): void {
    const told = eventTable(event);
    if (told === undefined || !this.#ubus.connected) return;
    const failed = (error: unknown): void => this.#log.write('debug', '', messageOf(error));
    try {
      object?.notify(told.type, told.data);
      this.#ubus.send(name, told.data).catch(failed);
    } catch (error) {
      failed(error); // an ubusd that does not read: the connection is more important than its news
    }
  }
}

/** The methods, whose refusals have a reason besides the number, which is all that ubus has for errors: a message with a text before it. */
function explaining(methods: Readonly<Record<string, ServiceMethod>>): Record<string, Method> {
  const explained = ({ call, ...method }: ServiceMethod): Method => ({
    ...method,
    async call(_args, invocation) {
      try {
        return await call(invocation.args);
      } catch (error) {
        if (error instanceof UbusError) invocation.reply({ message: error.message });
        throw error;
      }
    },
  });
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, explained(method)]));
}
