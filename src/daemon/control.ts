import { effectiveUser } from '#platform/process.js';
import type { Listener, Stream, StreamHandlers } from '#platform/stream.js';
import type { JsonTable } from '../json.js';
import { UbusError } from '../ubus/index.js';
import { messageOf } from '../wording.js';
import { anotherName, listenUnlessTaken } from './abstract-names.js';
import { controlName, padded } from './control-name.js';
import { ControlSession, type Served } from './control-session.js';
import { canAskHolders } from './lock-holder.js';
import type { Log } from './log.js';
import { methodsOf, type Service, type ServiceOwner } from './methods.js';
import { eventTable } from './status.js';

/** Clients at once, of all interfaces together. */
const MOST_CLIENTS = 16;

/** A client that is sent away hears nothing more, and its end is no matter. */
const NOBODY: StreamHandlers = { data() {}, closed() {} };

/**
 * The daemon at a unix socket of its own, with an abstract name for each interface: for machines without ubus the same methods and events.
 * Whoever connects is judged by what the kernel knows of them: root, or the daemon's own user.
 */
export class Control {
  readonly #log: Log;
  readonly #owner: ServiceOwner;
  readonly #listeners = new Set<Listener>();
  readonly #sessions = new Set<ControlSession>();
  /** Those that wait to be told no. */
  readonly #refused = new Set<ControlSession>();

  constructor(log: Log, owner: ServiceOwner) {
    this.#log = log;
    this.#owner = owner;
    if (canAskHolders()) return;
    log.write('debug', '', 'no control socket: without the native part nobody who connects can be judged');
  }

  /**
   * Answers for an interface. What stands against it is told in the log; the work does not depend on it.
   * @returns what ends it
   */
  async serve(service: Service): Promise<() => void> {
    if (!canAskHolders()) return () => {};
    const { name } = service;
    const methods = methodsOf(service, this.#owner);
    const followers = new Set<(event: JsonTable) => void>();
    service.onEvent((event) => {
      const told = followers.size === 0 ? undefined : eventTable(event);
      if (told !== undefined) for (const tell of followers) tell({ event: told.type, data: told.data });
    });
    const follow = (listener: (event: JsonTable) => void): (() => void) => {
      followers.add(listener);
      return () => followers.delete(listener);
    };
    const served: Served = { methods, follow };
    const accept = (stream: Stream): StreamHandlers => this.#accept(stream, served);
    const first = controlName(name);
    let listener: Listener | undefined;
    try {
      listener =
        (await listenUnlessTaken(padded(first), accept)) ??
        (await listenUnlessTaken(padded(anotherName(first)), accept));
      if (listener !== undefined) this.#listeners.add(listener);
    } catch (error) {
      this.#log.write('warning', name, `no control socket: ${messageOf(error)}`);
    }
    return () => {
      listener?.close();
      if (listener !== undefined) this.#listeners.delete(listener);
      for (const session of this.#sessions) if (session.served === served) session.end();
    };
  }

  /** Nobody is answered any more. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    for (const session of [...this.#sessions, ...this.#refused]) session.end();
  }

  #accept(stream: Stream, served: Served): StreamHandlers {
    stream.unref();
    const reason = this.#against(stream);
    // Strangers take no room from those who may ask.
    const sessions = reason === undefined ? this.#sessions : this.#refused;
    if (sessions.size >= MOST_CLIENTS) {
      stream.destroy();
      return NOBODY;
    }
    const session = new ControlSession(stream, reason ?? served, () => sessions.delete(session));
    sessions.add(session);
    return session;
  }

  /** Why nobody is spoken to at this stream. */
  #against({ credentials }: Stream): UbusError | undefined {
    const user = credentials?.errno === 0 ? credentials.uid : undefined;
    const own = effectiveUser();
    if (user !== 0 && user !== own) {
      const whom = own === 0 ? 'root alone' : `root and user ${own}, as whom it runs`;
      const who = user === undefined ? 'nobody knows who this is' : `this is user ${user}`;
      return new UbusError('PERMISSION_DENIED', `the daemon answers ${whom}, and ${who}`);
    }
    if (this.#sessions.size < MOST_CLIENTS) return undefined;
    return new UbusError('NO_MEMORY', `it speaks to ${MOST_CLIENTS} clients already, and to no more at once`);
  }
}
