import { type Table, Ubus, UbusError } from '../../ubus/index.js';
import { messageOf } from '../../wording.js';
import { EXIT, ExitError } from '../exit.js';
import { checkInterfaceNames } from '../options.js';
import { type Arguments, askControl, controlledInterfaces, followControl } from './control-client.js';

/** What the daemon's objects on ubus begin with. */
const PREFIX = 'wgpeerselector.';

/** Of calls on the bus, in milliseconds. */
const TIMEOUT = 10_000;

/** An interface that a daemon serves. */
export interface Served {
  readonly name: string;
  /** Whether it is on ubus; otherwise there is its control socket. */
  readonly onBus: boolean;
  /** @throws {UbusError} */
  ask(method: string, args?: Arguments): Promise<Table>;
}

/**
 * The daemons of this machine: on ubus, and, for interfaces that are not there, at their control sockets.
 */
export class Daemons {
  readonly #bus: Ubus | undefined;

  private constructor(bus: Ubus | undefined) {
    this.#bus = bus;
  }

  /** @param path of ubusd's socket; where OpenWrt has it when not given */
  static async open(path: string | undefined): Promise<Daemons> {
    try {
      return new Daemons(await Ubus.connect({ timeout: TIMEOUT, ...(path === undefined ? {} : { path }) }));
    } catch (error) {
      if (!(error instanceof UbusError)) throw error;
      return new Daemons(undefined);
    }
  }

  /**
   * The interfaces that are served.
   * @param wanted only these; all when undefined
   * @throws {ExitError} 69 when there are none, or one of those is not served
   */
  async served(wanted: readonly string[] | undefined): Promise<Served[]> {
    const found = new Map<string, Served>();
    for (const name of controlledInterfaces()) {
      found.set(name, { name, onBus: false, ask: (method, args) => askControl(name, method, args) });
    }
    for (const name of await this.#onBus()) {
      const ask: Served['ask'] = (method, args) => this.#call(PREFIX + name, method, args);
      found.set(name, { name, onBus: true, ask });
    }
    const names = wanted === undefined ? [...found.keys()].sort() : [...new Set(wanted)];
    if (names.length === 0) {
      throw new ExitError(
        EXIT.UNAVAILABLE,
        'no daemon is on ubus or has a control socket here: start one by wgpeerselector -i NAME',
      );
    }
    return names.map((name) => {
      const one = found.get(name);
      if (one !== undefined) return one;
      const others = found.size === 0 ? 'no other is' : `served: ${[...found.keys()].sort().join(', ')}`;
      throw new ExitError(EXIT.UNAVAILABLE, `interface ${name} is served by no daemon (${others})`);
    });
  }

  /**
   * Hears of events until nobody is left who could tell of any.
   * @param event is given the name of the interface too
   */
  async follow(
    wanted: readonly string[] | undefined,
    event: (ifname: string, data: Table) => void,
  ): Promise<void> {
    const served = await this.served(wanted);
    const waits = served
      .filter(({ onBus }) => !onBus)
      .map(({ name }) => followControl(name, (data) => event(name, data)));
    if (served.some(({ onBus }) => onBus)) {
      await this.#bus?.listen(`${PREFIX}*`, (path, data) => {
        const name = path.slice(PREFIX.length);
        if (wanted === undefined || wanted.includes(name)) event(name, data);
      });
      waits.push(new Promise(() => {})); // the bus comes back when it goes
    }
    await Promise.all(waits);
  }

  close(): void {
    this.#bus?.close();
  }

  async #onBus(): Promise<string[]> {
    try {
      const objects = (await this.#bus?.lookup(`${PREFIX}*`)) ?? [];
      return objects.map(({ path }) => path.slice(PREFIX.length));
    } catch (error) {
      if (!(error instanceof UbusError)) throw error;
      return []; // it has just gone
    }
  }

  async #call(path: string, method: string, args: Arguments = {}): Promise<Table> {
    if (this.#bus === undefined) throw new UbusError('CONNECTION_FAILED', 'ubus is not there');
    return await this.#bus.call(path, method, args).catch((error: unknown) => {
      const message = error instanceof UbusError ? error.answers[0]?.message : undefined;
      if (!(error instanceof UbusError) || typeof message !== 'string') throw error;
      throw new UbusError(error.code, message);
    });
  }
}

/**
 * Does something with the daemons of the named interfaces, or of all.
 * @throws {ExitError} with what a daemon refuses, or why it cannot be asked
 */
export async function withDaemons<T>(
  values: { readonly interface?: readonly string[]; readonly 'ubus-socket'?: string },
  command: { readonly name: string },
  act: (daemons: Daemons) => Promise<T>,
): Promise<T> {
  checkInterfaceNames(values.interface ?? [], command);
  const daemons = await Daemons.open(values['ubus-socket']);
  try {
    return await act(daemons);
  } catch (error) {
    throw asExit(error);
  } finally {
    daemons.close();
  }
}

/** What a daemon, or the bus, says no with, as the end of the program. */
export function asExit(error: unknown): unknown {
  if (!(error instanceof UbusError)) return error;
  const denied = error.status === 'PERMISSION_DENIED';
  const message = messageOf(error);
  return new ExitError(denied ? EXIT.NOT_PERMITTED : EXIT.UNAVAILABLE, message);
}
