import type { OpenProbe } from '#platform/probe.js';
import { type Config, FULL_TUNNEL, type PeerConfig, samePeer } from '../config/index.js';
import type { JsonTable } from '../json.js';
import type { SelectorEvent } from '../selector/events.js';
import { Selector } from '../selector/selector.js';
import type { Assignment, ClockGate, Random, Resolver, Timers } from '../selector/world.js';
import { printable } from '../wording.js';
import { Journal } from './journal.js';
import { type Kernel, KernelScope, type WatchedLink } from './kernel.js';
import { KernelProber } from './kernel-prober.js';
import { KernelRouting } from './kernel-routing.js';
import { KernelTunnel } from './kernel-tunnel.js';
import type { Log } from './log.js';
import { Counters, metricsTable } from './metrics.js';
import type { OwnInterface } from './own-interface.js';
import type { Making } from './own-link.js';
import { settingsOf } from './settings.js';
import { sharedMetrics } from './shared-routes.js';
import { History, infoTable, peersTable, stateText, statusTable } from './status.js';
import type { TimeKeeper } from './time-keeper.js';

/** What all interfaces of the process share. */
export interface Shared {
  readonly kernel: Kernel;
  readonly resolver: Resolver;
  readonly time: ClockGate & Pick<TimeKeeper, 'status'>;
  readonly timers: Timers;
  readonly random: Random;
  readonly openProbe: OpenProbe;
  /** Milliseconds of CLOCK_REALTIME. */
  wallClock(): number;
  readonly log: Log;
}

/** Everything that serves one interface: its selector, the kernel as that sees it, and what can be asked of it. */
export class InterfaceService {
  readonly name: string;
  readonly selector: Selector;
  readonly #shared: Shared;
  readonly #watched: WatchedLink;
  readonly #kernel: KernelScope;
  readonly #tunnel: KernelTunnel;
  readonly #routing: KernelRouting;
  readonly #prober: KernelProber;
  readonly #history: History;
  readonly #counters: Counters;
  readonly #started: number;
  readonly #listeners: ((event: SelectorEvent) => void)[];
  #config: Config;
  #peers: readonly PeerConfig[];
  /** From when the interface is first to be made. */
  #own: Promise<OwnInterface> | undefined;
  #finished: Promise<void> | undefined;

  private constructor(kernel: KernelScope, watched: WatchedLink, config: Config, shared: Shared) {
    const { resolver, time, timers, random, openProbe, log } = shared;
    this.name = watched.name;
    this.#shared = shared;
    this.#watched = watched;
    this.#kernel = kernel;
    this.#config = config;
    this.#peers = config.peers(this.name);
    this.#started = timers.now();
    this.#tunnel = new KernelTunnel(kernel, watched);
    this.#routing = new KernelRouting(kernel, watched, this.#tunnel);
    this.#prober = new KernelProber(
      kernel,
      watched,
      openProbe,
      () => this.#config.interface(this.name).probeAddress,
    );
    this.#history = new History(timers.now);
    this.#counters = new Counters(timers.now);
    const journal = new Journal(log, this.name, timers.now);
    this.#listeners = [
      (event) => journal.tell(event),
      (event) => this.#history.take(event),
      (event) => this.#counters.take(event),
    ];
    const world = {
      tunnel: this.#tunnel,
      routing: this.#routing,
      prober: this.#prober,
      resolver,
      clock: time,
      timers,
      random,
      wallClock: () => shared.wallClock(),
    };
    this.selector = new Selector(world, this.#assignment, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  /** Makes the service; {@link run} starts it. */
  static async open(name: string, config: Config, shared: Shared): Promise<InterfaceService> {
    const kernel = new KernelScope(shared.kernel);
    return new InterfaceService(kernel, await kernel.watch(name), config, shared);
  }

  /** Calls the listener with everything that happens from now on. */
  onEvent(listener: (event: SelectorEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back when {@link stateText} may be another. */
  onState(listener: () => void): void {
    this.selector.onState(listener);
    this.#listeners.push(listener); // another peer may be held in the same state
  }

  /** The interface and its state in words. */
  stateText(): string {
    return `${printable(this.name)}: ${stateText(this.selector.snapshot())}`;
  }

  /** Whether its loop goes on; to be asked every so many milliseconds. */
  goesOn(milliseconds: number): boolean {
    return this.selector.goesOn(milliseconds);
  }

  /** Begins to work. */
  run(): void {
    this.#finished =
      this.#making === undefined ? this.selector.run() : this.#make().then(() => this.selector.run());
  }

  /**
   * Goes on with another configuration. A peer that has not changed in it keeps its connection. One with which this interface
   * cannot be served changes nothing: what works may be the only way to whoever mends the file.
   */
  reload(config: Config): void {
    if (config.unserved.has(this.name)) {
      this.#shared.log.write(
        'error',
        this.name,
        `${config.file} is of no use for it; everything stays as it is`,
      );
      return;
    }
    const before = new Map(this.#peers.map((peer) => [peer.name, peer]));
    this.#config = config;
    this.#peers = config.peers(this.name).map((peer) => {
      const known = before.get(peer.name);
      return known !== undefined && samePeer(known, peer) ? known : peer;
    });
    this.selector.assign(this.#assignment);
    void this.#make();
  }

  /** Stops, and resolves when peer and routes are removed, and the interface, if it is ours. */
  async stop(): Promise<void> {
    this.selector.stop();
    await this.#finished;
    await (await this.#own)?.end();
    this.#kernel.release();
    this.#prober.close();
  }

  /** The answer to `status`. */
  status(): JsonTable {
    return statusTable(this.#peers, this.selector.snapshot(), this.#shared.timers.now());
  }

  /** The answer to `info`; asks the kernel for the counters. */
  async info(): Promise<JsonTable> {
    const held = this.selector.snapshot().peer?.publicKey;
    const installed = held === undefined ? [] : (await this.#tunnel.device()).peers;
    return infoTable({
      snapshot: this.selector.snapshot(),
      led: this.#routing.led,
      installed: installed.find(({ publicKey }) => publicKey === held),
      history: this.#history,
      time: this.#shared.time.status(),
      now: this.#shared.timers.now(),
      started: this.#started,
    });
  }

  /** The answer to `metrics`. */
  metrics(): JsonTable {
    return metricsTable(this.selector.snapshot(), this.#counters, this.#shared.time.status());
  }

  /** The answer to `peers`. */
  peers(): JsonTable {
    return peersTable(this.#config, this.name);
  }

  /** Makes the interface as it is to be now, or leaves it alone from now on. */
  async #make(): Promise<void> {
    if (this.#making !== undefined) this.#own ??= this.#loadOwn();
    await (await this.#own)?.become(this.#making);
  }

  /** What makes interfaces is loaded for who wants that alone, as it takes memory. */
  async #loadOwn(): Promise<OwnInterface> {
    const { OwnInterface } = await import('./own-interface.js');
    const onMark = (): void => this.selector.assign(this.#assignment); // the rules of a full tunnel name it
    return new OwnInterface(this.#kernel, this.#watched, this.#tunnel, this.#shared, onMark);
  }

  get #making(): Making | undefined {
    const { creation, fullTunnel } = this.#config.interface(this.name);
    return creation && { ...creation, otherMark: fullTunnel ? FULL_TUNNEL : 0 };
  }

  get #assignment(): Assignment {
    return {
      peers: this.#peers,
      ownKeys: this.#config.ownKeys(this.name),
      settings: settingsOf(this.#config.interface(this.name), sharedMetrics(this.#config, this.name)),
    };
  }
}
