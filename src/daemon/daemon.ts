import { openProbe } from '#platform/probe.js';
import { environment } from '#platform/process.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import {
  type Config,
  ConfigFileError,
  formatProblem,
  loadConfig,
  loadNtpServers,
  readPrivateKey,
} from '../config/index.js';
import { SystemResolver } from '../names/system-resolver.js';
import { NetlinkError, NetlinkUnavailableError } from '../netlink/index.js';
import type { Random, Timers } from '../selector/world.js';
import { bootTime } from '../sntp/index.js';
import { messageOf } from '../wording.js';
import { Bus } from './bus.js';
import { Control } from './control.js';
import type { InterfaceLock } from './interface-lock.js';
import type { Shared } from './interface-service.js';
import { Kernel } from './kernel.js';
import type { Log } from './log.js';
import type { Followed, Netifd } from './netifd.js';
import type { RunTimePeers } from './run-time-peers.js';
import type { ServiceManager } from './service-manager.js';
import { leftTo, Services, takeLock } from './services.js';
import { StartError } from './start-error.js';
import { TimeKeeper, type TimeSettings } from './time-keeper.js';
import { servesAll, type Wanted, wantedInterfaces } from './wanted.js';

/** What a daemon is to do. */
export interface DaemonOptions extends Wanted {
  /** The directory with the file `wgpeerselector`. */
  readonly configDir: string;
  /** Path of ubusd's socket; where OpenWrt has it when not given. */
  readonly ubusSocket: string | undefined;
  /** netifd's interface that is to be up while the one interface that is served is connected. */
  readonly netifd: string | undefined;
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
  readonly #services: Services;
  /** What the file said when it was read last. */
  #fromFile: Config;
  #netifd: Netifd | undefined;
  /** From when somebody gives some, or they are to be kept. */
  #peers: RunTimePeers | undefined;

  private constructor(
    options: DaemonOptions,
    kernel: Kernel,
    manager: ServiceManager | undefined,
    config: Config,
    wanted: readonly string[],
  ) {
    const { log, ubusSocket: path } = options;
    this.#options = options;
    this.#kernel = kernel;
    this.#resolver = new SystemResolver();
    const time = new TimeKeeper(readTimeSettings(config, wanted, options), log);
    kernel.onAnyLink(() => time.wake());
    this.#time = time;
    this.#fromFile = config;
    const owner = { reload: () => this.reload(), peers: () => this.#loadPeers() };
    this.#bus = new Bus({ path, log, owner });
    this.#control = new Control(log, owner);
    this.#manager = manager;
    const resolver = this.#resolver;
    const shared: Shared = { kernel, resolver, time, timers, random, openProbe, wallClock: Date.now, log };
    const surroundings = { shared, bus: this.#bus, control: this.#control, manager: this.#manager };
    this.#services = new Services(surroundings, config, servesAll(options));
  }

  /**
   * Gets everything that it takes to serve the interfaces, and changes nothing yet: {@link run} does.
   * @throws {StartError} what stands against it
   * @throws {ConfigFileError | UciError} the configuration cannot be read
   */
  static async open(options: DaemonOptions): Promise<Daemon> {
    const { config, wanted } = readConfig(options, new Map());
    if (!wanted.some((name) => config.served.includes(name))) throw withoutPeer(config, wanted);
    const locks = await takeLocks(wanted, options);
    const kernel = await openKernel(options.log);
    const daemon = new Daemon(options, kernel, await findManager(options.log), config, wanted);
    if (keepsPeers(config, wanted)) {
      (await daemon.#loadPeers()).restore(wanted);
      await daemon.#services.change(daemon.#config, []);
    }
    for (const [name, lock] of locks) {
      const service = await daemon.#services.add(name, lock);
      if (options.netifd !== undefined) await daemon.#followedBy(options.netifd, service);
    }
    await demandKey(kernel, config, [...locks.keys()]);
    return daemon;
  }

  /** Begins to work. */
  run(): void {
    this.#time.start();
    this.#services.run();
    this.#manager?.serve([...this.#services.served.values()].map(({ service }) => service));
  }

  /** Reads the configuration again. One that cannot be read changes nothing. Never throws. */
  reload(): void {
    this.#manager?.reloading();
    void this.#readAgain();
  }

  /** Never rejects. */
  async #readAgain(): Promise<void> {
    const { log } = this.#options;
    try {
      const { config, wanted } = readConfig(this.#options, this.#services.served);
      this.#fromFile = config;
      const joining = wanted.filter((name) => !this.#services.served.has(name));
      if (keepsPeers(config, joining)) {
        await this.#loadPeers();
        if (this.#fromFile !== config) return; // it was read once more meanwhile
      }
      this.#peers?.restore(joining);
      const changed = this.#services.change(this.#config, wanted);
      this.#time.reload(readTimeSettings(config, wanted, this.#options));
      log.write('info', '', `configuration read again from ${config.file}`);
      await changed;
    } catch (error) {
      log.write('error', '', `${messageOf(error)}; everything stays as it is`);
    }
    this.#manager?.ready();
  }

  /** What is to be done: by the file, and by who gives peers at run time. */
  get #config(): Config {
    return this.#peers?.config ?? this.#fromFile;
  }

  /** What takes peers at run time is loaded for who gives some alone, as it takes memory. */
  async #loadPeers(): Promise<RunTimePeers> {
    const { RunTimePeers } = await import('./run-time-peers.js');
    this.#peers ??= new RunTimePeers({
      config: () => this.#fromFile,
      changed: () => void this.#services.change(this.#config, this.#services.wanted),
      log: this.#options.log,
    });
    return this.#peers;
  }

  /** What speaks with netifd is loaded for who wants that alone, as it takes memory. */
  async #followedBy(name: string, service: Followed): Promise<void> {
    const { Netifd } = await import('./netifd.js');
    this.#netifd = new Netifd(name, service, this.#bus, this.#options.log);
  }

  /** Removes peers and routes, and closes everything. */
  async stop(): Promise<void> {
    this.#netifd?.close();
    this.#manager?.stopping();
    this.#resolver.close();
    this.#time.stop();
    await this.#services.stop();
    await this.#bus.close();
    this.#control.close();
    this.#kernel.close();
  }
}

/**
 * Reads the configuration, and tells what is wrong with it.
 *
 * @param served what is served now
 * @throws when it cannot be read at all
 */
function readConfig(options: DaemonOptions, served: ReadonlyMap<string, unknown>) {
  const { configDir, log } = options;
  const config = loadConfig(configDir);
  const wanted = wantedInterfaces(options, config, served, log);
  for (const problem of config.problems) {
    const { ifname } = problem;
    if (ifname !== undefined && !wanted.includes(ifname) && !servesAll(options)) continue;
    log.write(problem.severity, '', formatProblem(problem));
  }
  for (const name of wanted) {
    if (config.served.includes(name) || config.unserved.has(name)) continue;
    log.write('error', name, `${config.file} has no usable peer for it`);
  }
  return { config, wanted };
}

/** Whether peers that were given to one of these interfaces at run time outlive the process. */
function keepsPeers(config: Config, interfaces: readonly string[]): boolean {
  return interfaces.some((name) => config.interface(name).runTimePeers === 'keep');
}

/** Why nothing can be served. */
function withoutPeer({ file, unserved }: Config, wanted: readonly string[]): StartError {
  const names = wanted.length > 0 ? wanted : [...unserved];
  const where = names.length > 0 ? names.map((name) => `interface ${name}`).join(' and ') : 'any interface';
  const useless = names.length > 0 && names.every((name) => unserved.has(name));
  if (useless)
    return new StartError('no-peer', `${file} has settings for ${where} with which it cannot be served`);
  const expected = "at least one section 'config peer' with option enabled '1' and without fault";
  return new StartError('no-peer', `${file} has no usable peer for ${where}: expected ${expected}`);
}

/**
 * Takes the locks of the interfaces. Of all that there are, those that others serve are left to them.
 *
 * @throws {StartError}
 */
async function takeLocks(
  wanted: readonly string[],
  options: DaemonOptions,
): Promise<Map<string, InterfaceLock>> {
  const { log } = options;
  const locks = new Map<string, InterfaceLock>();
  let refusal: StartError | undefined;
  for (const name of wanted) {
    try {
      locks.set(name, await takeLock(name, log));
    } catch (error) {
      if (!(error instanceof StartError) || !servesAll(options)) throw error;
      log.write('info', name, leftTo(error));
      refusal = error;
    }
  }
  if (locks.size === 0 && refusal !== undefined) throw refusal;
  return locks;
}

/** What is configured about the clock, for all interfaces together. */
function readTimeSettings(
  config: Config,
  interfaces: readonly string[],
  { configDir, log }: DaemonOptions,
): TimeSettings {
  const wanting = interfaces.map((name) => config.interface(name)).filter(({ ntp }) => ntp);
  const timeout = Math.max(0, ...wanting.map(({ ntpTimeout }) => ntpTimeout)) * 1000;
  if (wanting.length === 0) return { servers: [], wanted: false, timeout };
  const { servers, problems } = loadNtpServers(configDir);
  for (const problem of problems) log.write('debug', '', formatProblem(problem));
  return { servers, wanted: true, timeout };
}

/** What speaks with systemd is loaded where there is one. */
async function findManager(log: Log): Promise<ServiceManager | undefined> {
  if (environment('NOTIFY_SOCKET') === undefined) return undefined;
  const { ServiceManager } = await import('./service-manager.js');
  return ServiceManager.find(log);
}

/** @throws {StartError} */
async function openKernel(log: Log): Promise<Kernel> {
  try {
    return await Kernel.open((error) => log.write('error', '', messageOf(error)));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') {
      throw new StartError(
        'no-wireguard',
        `this kernel has no WireGuard (${error.message}): load the module wireguard, or install it (OpenWrt: kmod-wireguard)`,
      );
    }
    if (error instanceof NetlinkUnavailableError) throw new StartError('no-socket', error.message);
    throw error;
  }
}

/**
 * Where all interfaces are to be made, one at least has to have a private key. Others wait until theirs is there.
 * @throws {StartError} what stands against it
 */
async function demandKey(
  { rtnetlink }: Kernel,
  config: Config,
  interfaces: readonly string[],
): Promise<void> {
  const faults: string[] = [];
  for (const name of interfaces) {
    const { creation } = config.interface(name);
    if (creation === undefined || (await rtnetlink.link(name)) !== undefined) return;
    try {
      readPrivateKey(creation.privateKeyFile);
      return;
    } catch (error) {
      if (!(error instanceof ConfigFileError)) throw error;
      faults.push(`interface ${name} cannot be made: ${error.message}`);
    }
  }
  throw new StartError('no-key', faults.join('; '));
}
