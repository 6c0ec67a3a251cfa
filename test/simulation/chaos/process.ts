/** One run of the daemon in a scene, from its start to its end or its violent death: everything but files, the bus and sockets. */

import type { OpenProbe } from '#platform/probe.js';
import type { Config } from '../../../src/config/index.js';
import { InterfaceService } from '../../../src/daemon/interface-service.js';
import { Kernel } from '../../../src/daemon/kernel.js';
import type { Log } from '../../../src/daemon/log.js';
import type { SelectorEvent } from '../../../src/selector/events.js';
import type { ClockGate, Random, Resolver, Timers } from '../../../src/selector/world.js';
import { Gate, type GateKeeper } from './gate.js';
import type { Ground } from './ground.js';
import { VPN } from './machine.js';
import { netlinkOf } from './netlink.js';
import { openProbeOf } from './probes.js';

/** What a process needs of the scene. */
export interface ProcessOwner extends Omit<GateKeeper, 'alive' | 'timers' | 'kill'> {
  readonly ground: Ground;
  readonly clock: ClockGate;
  readonly random: Random;
  /** Ends the process that runs, violently. */
  die(): void;
  killed(process: Process): void;
  told(process: Process, event: SelectorEvent): void;
  logged(level: Parameters<Log['write']>[0], text: string): void;
}

export class Process {
  readonly timers: Timers;
  /** Probes that are open. */
  readonly probes = new Set<object>();
  alive = true;
  stopping = false;
  /** Timers that are set. */
  pending = 0;
  service: InterfaceService | undefined;
  #kernel: Kernel | undefined;
  readonly #owner: ProcessOwner;
  readonly #gate: Gate;
  readonly #openProbe: OpenProbe;

  constructor(owner: ProcessOwner) {
    this.#owner = owner;
    const { time } = owner.ground;
    this.timers = {
      now: () => time.now(),
      after: (milliseconds, callback) => this.#after(milliseconds, callback),
    };
    this.#gate = new Gate(this.#keeper());
    this.#openProbe = openProbeOf(owner.ground, this.#gate, this.probes);
  }

  /** Starts it. @throws where the daemon would end with an error */
  async start(config: Config): Promise<void> {
    const { ground, clock, random } = this.#owner;
    const log: Log = { write: (level, subject, text) => this.#log(level, `${subject} ${text}`) };
    const { machine, news } = ground;
    const netlink = netlinkOf(machine, this.#gate, (handlers) => news.listen(handlers), this.timers);
    this.#kernel = await Kernel.open((error) => log.write('error', '', String(error)), netlink);
    const resolver: Resolver = ground.names;
    const service = await InterfaceService.open(VPN, config, {
      kernel: this.#kernel,
      resolver,
      time: {
        get ready() {
          return clock.ready;
        },
        onReady: (listener) => clock.onReady(() => this.alive && listener()),
        status: () => ({ state: 'off', plausible: true, message: undefined, stepped: undefined }),
      },
      timers: this.timers,
      random,
      openProbe: this.#openProbe,
      wallClock: () => ground.wallClock(),
      log,
    });
    this.service = service;
    service.onEvent((event) => {
      if (this.alive) this.#owner.told(this, event);
    });
    service.run();
  }

  /** Stops it as SIGTERM does. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.service?.stop();
    this.#kernel?.close();
  }

  /** It is gone, wherever it was; what it has done to the kernel stays. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#kernel?.close();
    this.#owner.killed(this);
  }

  #log(level: Parameters<Log['write']>[0], text: string): void {
    if (this.alive) this.#owner.logged(level, text);
  }

  #after(milliseconds: number, callback: () => void): () => void {
    this.pending++;
    let set = true;
    const settle = (): boolean => {
      if (set) this.pending--;
      const before = set;
      set = false;
      return before;
    };
    const cancel = this.#owner.ground.time.after(milliseconds, () => {
      if (settle() && this.alive) callback();
    });
    return () => {
      settle();
      cancel();
    };
  }

  #keeper(): GateKeeper {
    const owner = this.#owner;
    const process = this;
    return {
      get alive() {
        return process.alive;
      },
      timers: owner.ground.time,
      meets: (place) => owner.meets(place),
      waits: (place) => owner.waits(place),
      asked: (place) => owner.asked(place),
      done: (place) => owner.done(place),
      meanwhile: (what) => owner.meanwhile(what),
      violated: (rule) => owner.violated(rule),
      kill: () => owner.die(),
    };
  }
}
