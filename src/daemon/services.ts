import type { Config } from '../config/index.js';
import { NetlinkError } from '../netlink/index.js';
import { messageOf } from '../wording.js';
import type { Bus } from './bus.js';
import type { Control } from './control.js';
import { InterfaceLock } from './interface-lock.js';
import { InterfaceService, type Shared } from './interface-service.js';
import type { ServiceManager } from './service-manager.js';
import { StartError } from './start-error.js';

/** What the services of all interfaces have in common. */
export interface Surroundings {
  readonly shared: Shared;
  readonly bus: Pick<Bus, 'serve'>;
  readonly control: Pick<Control, 'serve'>;
  readonly manager: Pick<ServiceManager, 'watch' | 'unwatch'> | undefined;
}

/** An interface that is served, and what ends that besides its service. */
interface Served {
  readonly service: InterfaceService;
  readonly lock: InterfaceLock;
  readonly leave: readonly (() => void)[];
}

/** The interfaces that are served. They come and go with the configuration, and none disturbs another by it. */
export class Services {
  readonly #surroundings: Surroundings;
  readonly #yields: boolean;
  readonly #served = new Map<string, Served>();
  #config: Config;
  #wanted: readonly string[] = [];
  /** Those that could not be served, until the configuration is read again. */
  readonly #refused = new Set<string>();
  #settling: Promise<void> | undefined;
  #runs = false;
  #stopping = false;

  /** @param yields whether it is as it should be that others serve some of them */
  constructor(surroundings: Surroundings, config: Config, yields: boolean) {
    this.#surroundings = surroundings;
    this.#config = config;
    this.#yields = yields;
  }

  /** By the names of the interfaces. */
  get served(): ReadonlyMap<string, { readonly service: InterfaceService }> {
    return this.#served;
  }

  /** Those that are to be served, whether they are or not. */
  get wanted(): readonly string[] {
    return this.#wanted;
  }

  /**
   * Makes the service of an interface, which {@link run} starts.
   *
   * @throws {StartError} what stands against it
   */
  async add(name: string, lock: InterfaceLock): Promise<InterfaceService> {
    const { shared, bus, control } = this.#surroundings;
    await mayConfigure(name, shared);
    const config = this.#config;
    const service = await InterfaceService.open(name, config, shared);
    const leave = [bus.serve(service), await control.serve(service)];
    if (config !== this.#config) service.reload(this.#config); // it was read again meanwhile
    this.#served.set(name, { service, lock, leave });
    return service;
  }

  /** Begins to work. */
  run(): void {
    this.#runs = true;
    for (const { service } of this.#served.values()) service.run();
    this.#wanted = [...this.#served.keys()];
  }

  /** Goes on with another configuration, and, once it {@link run}s, with these interfaces. @returns when that is so; it never throws */
  async change(config: Config, wanted: readonly string[]): Promise<void> {
    this.#config = config;
    this.#wanted = this.#runs ? wanted : [...this.#served.keys()];
    this.#refused.clear();
    for (const [name, { service }] of this.#served) if (this.#wanted.includes(name)) service.reload(config);
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    await this.#settling;
  }

  /** Removes peers and routes, and lets go of all. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#served.values()].map(({ service }) => service.stop()));
    await this.#settling; // what was just being added is left again by it
    for (const { lock } of this.#served.values()) lock.release();
  }

  /** One thing after another, by what is wanted at that moment. */
  async #settle(): Promise<void> {
    while (!this.#stopping) {
      const left = [...this.#served.keys()].find((name) => !this.#wanted.includes(name));
      const missing = this.#wanted.find((name) => !this.#served.has(name) && !this.#refused.has(name));
      if (left !== undefined) await this.#leave(left);
      else if (missing !== undefined) await this.#join(missing);
      else return;
    }
  }

  async #join(name: string): Promise<void> {
    const { shared, manager } = this.#surroundings;
    let lock: InterfaceLock | undefined;
    try {
      lock = await takeLock(name, shared.log);
      const service = await this.add(name, lock);
      if (this.#stopping) return await this.#leave(name);
      service.run();
      manager?.watch(service);
      shared.log.write('info', name, 'is served from now on');
    } catch (error) {
      lock?.release();
      this.#refused.add(name);
      if (this.#yields && error instanceof StartError && error.failure === 'locked')
        return shared.log.write('info', name, leftTo(error));
      const again = 'it is tried again when the configuration is read again';
      shared.log.write('error', name, `not served: ${messageOf(error)}; ${again}`);
    }
  }

  async #leave(name: string): Promise<void> {
    const { shared, manager } = this.#surroundings;
    const served = this.#served.get(name);
    if (served === undefined) return;
    shared.log.write('info', name, 'is not to be served any more');
    for (const leave of served.leave) leave();
    manager?.unwatch(served.service);
    await served.service.stop();
    served.lock.release();
    this.#served.delete(name);
  }
}

/**
 * Takes the lock of an interface, and tells of others who have taken its name for nothing.
 *
 * @throws {StartError} when another process serves it
 */
export async function takeLock(name: string, log: Shared['log']): Promise<InterfaceLock> {
  const lock = await InterfaceLock.take(name);
  const [first, ...more] = lock.ignored;
  if (first !== undefined) {
    const who = `process ${first.pid} of user ${first.uid}${more.length > 0 ? ` and ${more.length} more` : ''}`;
    log.write('warning', name, `${who} took the lock's name, but could not serve the interface: passed over`);
  }
  return lock;
}

/** What to say where another process serves an interface, as well it may. */
export function leftTo({ message }: StartError): string {
  return `${message.replace(/;.*/, '')}: left to it`;
}

/** Makes sure that the kernel lets us do our work, before anything is promised. @throws {StartError} */
async function mayConfigure(name: string, { kernel, log }: Shared): Promise<void> {
  try {
    await kernel.wireguard.device(name);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    if (error.code === 'EPERM') {
      throw new StartError(
        'not-permitted',
        `not permitted to configure WireGuard (${error.message}): run as root, or with CAP_NET_ADMIN`,
      );
    }
    // Absent yet, or something else of that name: the selector waits for it, and says so.
    if (error.code === 'EOPNOTSUPP')
      log.write('error', name, 'there is an interface of that name, but it is not WireGuard');
    else if (error.code !== 'ENODEV') throw error;
  }
}
