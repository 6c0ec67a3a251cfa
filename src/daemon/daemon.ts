import { openProbe } from '#platform/probe.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { type Config, formatProblem, loadConfig, loadNtpServers } from '../config/index.js';
import { SystemResolver } from '../names/system-resolver.js';
import { NetlinkError, NetlinkUnavailableError } from '../netlink/index.js';
import type { Random, Timers } from '../selector/world.js';
import { bootTime } from '../sntp/index.js';
import { messageOf } from '../wording.js';
import { Bus } from './bus.js';
import { Control } from './control.js';
import { InterfaceLock } from './interface-lock.js';
import { InterfaceService, type Shared } from './interface-service.js';
import { Kernel } from './kernel.js';
import type { Log } from './log.js';
import { ServiceManager } from './service-manager.js';
import { StartError } from './start-error.js';
import { TimeKeeper, type TimeSettings } from './time-keeper.js';

/** What a daemon is to do. */
export interface DaemonOptions {
  /** Names of the interfaces to serve. */
  readonly interfaces: readonly string[];
  /** The directory with the file `wgpeerselector`. */
  readonly configDir: string;
  /** Path of ubusd's socket; where OpenWrt has it when not given. */
  readonly ubusSocket: string | undefined;
  readonly log: Log;
}

const timers: Timers = {
  now: bootTime, // counts suspend, which makes a handshake old
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

// Nothing secret hangs on which peer comes first, and node:crypto costs a router 0.4 MB.
const random: Random = { below: (bound) => Math.floor(Math.random() * bound) };

/** One process that serves one or several interfaces. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #kernel: Kernel;
  readonly #resolver: SystemResolver;
  readonly #time: TimeKeeper;
  readonly #bus: Bus;
  readonly #control: Control;
  readonly #manager: ServiceManager | undefined;
  readonly #locks: readonly InterfaceLock[];
  readonly #services: readonly InterfaceService[];

  private constructor(
    options: DaemonOptions,
    kernel: Kernel,
    resolver: SystemResolver,
    time: TimeKeeper,
    locks: readonly InterfaceLock[],
    services: readonly InterfaceService[],
  ) {
    this.#options = options;
    this.#kernel = kernel;
    this.#resolver = resolver;
    this.#time = time;
    this.#locks = locks;
    this.#services = services;
    const { log, ubusSocket: path } = options;
    const reload = (): void => this.reload();
    this.#bus = new Bus({ path, log, reload });
    this.#control = new Control(log, reload);
    this.#manager = ServiceManager.find(log);
    for (const service of services) this.#bus.serve(service);
  }

  /**
   * Gets everything that it takes to serve the interfaces, and changes nothing yet: {@link run} does.
   * @throws {StartError} what stands against it
   * @throws {ConfigFileError | UciError} the configuration cannot be read
   */
  static async open(options: DaemonOptions): Promise<Daemon> {
    const { log, interfaces } = options;
    const config = readConfig(options);
    const usable = interfaces.filter((name) => config.peers(name).length > 0);
    if (usable.length === 0) {
      const where = interfaces.map((name) => `interface ${name}`).join(' and ');
      throw new StartError(
        'no-peer',
        interfaces.every((name) => config.unserved.has(name))
          ? `${config.file} has settings for ${where} with which it cannot be served`
          : `${config.file} has no usable peer for ${where}: expected at least one section 'config peer' with option enabled '1' and without fault`,
      );
    }
    const locks: InterfaceLock[] = [];
    for (const name of interfaces) {
      const lock = await InterfaceLock.take(name);
      locks.push(lock);
      const [first, ...more] = lock.ignored;
      if (first === undefined) continue;
      const who = `process ${first.pid} of user ${first.uid}${more.length > 0 ? ` and ${more.length} more` : ''}`;
      log.write(
        'warning',
        name,
        `${who} took the lock's name, but could not serve the interface: passed over`,
      );
    }
    const kernel = await openKernel(interfaces, log);
    const resolver = new SystemResolver();
    const time = new TimeKeeper(readTimeSettings(config, options), log);
    kernel.onAnyLink(() => time.wake());
    const shared: Shared = { kernel, resolver, time, timers, random, openProbe, wallClock: Date.now, log };
    const services: InterfaceService[] = [];
    for (const name of interfaces) services.push(await InterfaceService.open(name, config, shared));
    const daemon = new Daemon(options, kernel, resolver, time, locks, services);
    for (const service of services) await daemon.#control.serve(service);
    return daemon;
  }

  /** Begins to work. */
  run(): void {
    this.#time.start();
    for (const service of this.#services) service.run();
    this.#manager?.serve(this.#services);
  }

  /** Reads the configuration again. One that cannot be read changes nothing. Never throws. */
  reload(): void {
    const { log } = this.#options;
    this.#manager?.reloading();
    try {
      const config = readConfig(this.#options);
      for (const service of this.#services) service.reload(config);
      this.#time.reload(readTimeSettings(config, this.#options));
      log.write('info', '', `configuration read again from ${config.file}`);
    } catch (error) {
      log.write('error', '', `${messageOf(error)}; everything stays as it is`);
    }
    this.#manager?.ready();
  }

  /** Removes peers and routes, and closes everything. */
  async stop(): Promise<void> {
    this.#manager?.stopping();
    this.#resolver.close();
    this.#time.stop();
    await Promise.all(this.#services.map((service) => service.stop()));
    await this.#bus.close();
    this.#control.close();
    this.#kernel.close();
    for (const lock of this.#locks) lock.release();
  }
}

/** Reads the configuration and tells what is wrong with it. @throws when it cannot be read at all */
function readConfig({ configDir, interfaces, log }: DaemonOptions): Config {
  const config = loadConfig(configDir);
  for (const problem of config.problems) {
    if (problem.ifname !== undefined && !interfaces.includes(problem.ifname)) continue;
    log.write(problem.severity, '', formatProblem(problem));
  }
  for (const name of interfaces) {
    if (config.peers(name).length > 0 || config.unserved.has(name)) continue;
    log.write('error', name, `${config.file} has no usable peer for it`);
  }
  return config;
}

/** What is configured about the clock, for all interfaces together. */
function readTimeSettings(config: Config, { configDir, interfaces, log }: DaemonOptions): TimeSettings {
  const wanting = interfaces.map((name) => config.interface(name)).filter(({ ntp }) => ntp);
  const timeout = Math.max(0, ...wanting.map(({ ntpTimeout }) => ntpTimeout)) * 1000;
  if (wanting.length === 0) return { servers: [], wanted: false, timeout };
  const { servers, problems } = loadNtpServers(configDir);
  for (const problem of problems) log.write('debug', '', formatProblem(problem));
  return { servers, wanted: true, timeout };
}

/** Opens the kernel and makes sure that it lets us do our work, before anything is promised. */
async function openKernel(interfaces: readonly string[], log: Log): Promise<Kernel> {
  let kernel: Kernel;
  try {
    kernel = await Kernel.open((error) => log.write('error', '', messageOf(error)));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') {
      throw new StartError(
        'no-wireguard',
        `this kernel has no WireGuard (${error.message}): install kmod-wireguard, or load the module wireguard`,
      );
    }
    if (error instanceof NetlinkUnavailableError) throw new StartError('no-socket', error.message);
    throw error;
  }
  for (const name of interfaces) {
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
  return kernel;
}
