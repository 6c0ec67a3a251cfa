import {
  type Config,
  ConfigFileError,
  formatProblem,
  loadConfig,
  loadNtpServers,
  UciError,
} from '../config/index.js';
import { NetlinkError, NetlinkUnavailableError } from '../netlink/index.js';
import type { Random, Timers } from '../selector/world.js';
import { Bus } from './bus.js';
import { DnsResolver } from './dns-resolver.js';
import { EXIT, ExitError } from './exit.js';
import { InterfaceLock, LockedError } from './interface-lock.js';
import { InterfaceService, type Shared } from './interface-service.js';
import { Kernel } from './kernel.js';
import { type Log, messageOf } from './log.js';
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
  now: () => performance.now(),
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
  readonly #resolver: DnsResolver;
  readonly #time: TimeKeeper;
  readonly #bus: Bus;
  readonly #locks: readonly InterfaceLock[];
  readonly #services: readonly InterfaceService[];
  #reload: Promise<void> | undefined;
  #reloadAgain = false;

  private constructor(
    options: DaemonOptions,
    kernel: Kernel,
    resolver: DnsResolver,
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
    this.#bus = new Bus({ path, log, reload: () => this.reload() });
    for (const service of services) this.#bus.serve(service);
  }

  /**
   * Starts to serve the interfaces.
   * @throws {ExitError} with the reason and the exit code, when that cannot be
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { log, interfaces } = options;
    const config = await readConfig(options);
    const usable = interfaces.filter((name) => config.peers(name).length > 0);
    if (usable.length === 0) {
      const where = interfaces.map((name) => `interface ${name}`).join(' and ');
      throw new ExitError(
        EXIT.CONFIGURATION,
        `${config.file} has no usable peer for ${where}: expected at least one section 'config peer' with option enabled '1' and without fault`,
      );
    }
    const locks = await takeLocks(interfaces);
    const kernel = await openKernel(interfaces, log);
    const resolver = new DnsResolver();
    const time = new TimeKeeper(await readTimeSettings(config, options), log);
    kernel.onAnyLink(() => time.wake());
    const shared: Shared = { kernel, resolver, time, timers, random, log };
    const services: InterfaceService[] = [];
    for (const name of interfaces) services.push(await InterfaceService.open(name, config, shared));
    const daemon = new Daemon(options, kernel, resolver, time, locks, services);
    time.start();
    for (const service of services) service.run();
    return daemon;
  }

  /** Reads the configuration again. One that cannot be read changes nothing. Never rejects. */
  reload(): Promise<void> {
    // A second signal while the file is being read must not be lost: the file may have changed after that.
    this.#reloadAgain = true;
    this.#reload ??= this.#reloadAll().finally(() => {
      this.#reload = undefined;
    });
    return this.#reload;
  }

  /** Removes peers and routes, and closes everything. */
  async stop(): Promise<void> {
    this.#resolver.close();
    this.#time.stop();
    await Promise.all(this.#services.map((service) => service.stop()));
    await this.#bus.close();
    this.#kernel.close();
    for (const lock of this.#locks) lock.release();
  }

  async #reloadAll(): Promise<void> {
    const { log } = this.#options;
    while (this.#reloadAgain) {
      this.#reloadAgain = false;
      try {
        const config = await readConfig(this.#options);
        for (const service of this.#services) service.reload(config);
        this.#time.reload(await readTimeSettings(config, this.#options));
        log.write('info', '', `configuration read again from ${config.file}`);
      } catch (error) {
        log.write('error', '', `${messageOf(error)}; everything stays as it is`);
      }
    }
  }
}

/** Reads the configuration and tells what is wrong with it. @throws {ExitError} when it cannot be read at all */
async function readConfig({ configDir, interfaces, log }: DaemonOptions): Promise<Config> {
  let config: Config;
  try {
    config = await loadConfig(configDir);
  } catch (error) {
    if (error instanceof ConfigFileError || error instanceof UciError) {
      throw new ExitError(EXIT.CONFIGURATION, error.message);
    }
    throw error;
  }
  for (const problem of config.problems) {
    if (problem.ifname !== undefined && !interfaces.includes(problem.ifname)) continue;
    log.write(problem.severity, '', formatProblem(problem));
  }
  for (const name of interfaces) {
    if (config.peers(name).length === 0) log.write('error', name, `${config.file} has no usable peer for it`);
  }
  return config;
}

/** What is configured about the clock, for all interfaces together. */
async function readTimeSettings(
  config: Config,
  { configDir, interfaces, log }: DaemonOptions,
): Promise<TimeSettings> {
  const wanting = interfaces.map((name) => config.interface(name)).filter(({ ntp }) => ntp);
  const deadline = Math.max(0, ...wanting.map(({ ntpTimeout }) => ntpTimeout)) * 1000;
  if (wanting.length === 0) return { servers: [], wanted: false, deadline };
  const { servers, problems } = await loadNtpServers(configDir);
  for (const problem of problems) log.write('debug', '', formatProblem(problem));
  return { servers, wanted: true, deadline };
}

async function takeLocks(interfaces: readonly string[]): Promise<InterfaceLock[]> {
  try {
    const locks: InterfaceLock[] = [];
    for (const name of interfaces) locks.push(await InterfaceLock.take(name));
    return locks;
  } catch (error) {
    if (error instanceof LockedError) throw new ExitError(EXIT.LOCKED, error.message);
    throw error;
  }
}

/** Opens the kernel and makes sure that it lets us do our work, before anything is promised. */
async function openKernel(interfaces: readonly string[], log: Log): Promise<Kernel> {
  let kernel: Kernel;
  try {
    kernel = await Kernel.open((error) => log.write('error', '', messageOf(error)));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') {
      throw new ExitError(
        EXIT.UNAVAILABLE,
        `this kernel has no WireGuard (${error.message}): install kmod-wireguard, or load the module wireguard`,
      );
    }
    if (error instanceof NetlinkUnavailableError) throw new ExitError(EXIT.UNAVAILABLE, error.message);
    throw error;
  }
  for (const name of interfaces) {
    try {
      await kernel.wireguard.device(name);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (error.code === 'EPERM') {
        throw new ExitError(
          EXIT.NOT_PERMITTED,
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
