/** The daemon's processes in a scene, one after the other: started, stopped as they should be, or killed. */

import type { Config } from '../../../src/config/index.js';
import type { Account } from './account.js';
import type { Checks } from './checks.js';
import { type Base, type Change, configure } from './configuration.js';
import type { Ground } from './ground.js';
import { VPN } from './machine.js';
import type { Fault } from './places.js';
import { Process, type ProcessOwner } from './process.js';

/** The daemon has so long to stop (src/cli), and is started again so long after it could not start. Milliseconds. */
export const STOP_WITHIN = 2_000;
const STOP_TRIES = 3;
const START_AGAIN = 5_000;

/** They say that there is nothing to be done, which nobody can doubt who is about to end. */
const LIES: readonly Fault[] = ['ESRCH', 'ENOENT', 'ENODEV'];

/** What a scene has of each. */
export interface LivesOptions {
  readonly owner: ProcessOwner;
  readonly base: Base;
  readonly checks: Checks;
  readonly account: Account;
}

export class Lives {
  readonly #owner: ProcessOwner;
  readonly #ground: Ground;
  readonly #base: Base;
  readonly #checks: Checks;
  readonly #account: Account;
  #config: Config;
  #process: Process | undefined;
  #faultsWhileStopping = 0;

  constructor({ owner, base, checks, account }: LivesOptions) {
    this.#owner = owner;
    this.#ground = owner.ground;
    this.#base = base;
    this.#checks = checks;
    this.#account = account;
    this.#config = configure(base, 'nothing');
  }

  /** As the file has it now. */
  get config(): Config {
    return this.#config;
  }

  /** A request has met a fault. */
  met(fault: Fault): void {
    this.#faultsWhileStopping += LIES.includes(fault) ? STOP_TRIES : 1;
  }

  /** The one that runs and is not about to end. */
  get running(): Process | undefined {
    const process = this.#process;
    return process?.alive && !process.stopping ? process : undefined;
  }

  /** Starts one, if none runs. */
  start(): void {
    const { time } = this.#ground;
    if (this.#process?.alive) return;
    if (this.#ground.asleep) {
      time.plan(1_000, () => this.start());
      return;
    }
    if (this.#config.peers(VPN).length === 0) this.#config = configure(this.#base, 'nothing');
    this.#account.most(this.#checks);
    this.#checks.begin();
    const process = new Process(this.#owner);
    this.#process = process;
    this.#account.note('a process starts');
    const config = this.#config;
    process.start(config).then(
      () => {
        if (this.#config !== config) process.service?.reload(this.#config); // it came while it started
      },
      (error: unknown) => {
        this.#account.note(`it cannot start: ${error}`);
        process.kill();
        time.plan(START_AGAIN, () => this.start());
      },
    );
    time.wake();
  }

  /** A process runs again after so long, if none does. */
  #startAfter(milliseconds: number): void {
    if (Number.isFinite(milliseconds)) this.#ground.time.plan(milliseconds, () => this.start());
  }

  /** Ends it as SIGTERM does, and starts another so many milliseconds after its end. */
  stop(restart: number): void {
    const process = this.running;
    if (process?.service === undefined) return;
    const { time } = this.#ground;
    const slow = (): boolean => time.idle || this.#checks.resting;
    const mayTakeLong = slow();
    this.#faultsWhileStopping = 0;
    let ended = false;
    process.stop().then(
      () => {
        ended = true;
        if (!process.alive) return;
        this.#stopped(process);
        process.kill();
        this.#startAfter(restart);
      },
      (error: unknown) => this.#account.violated(`stop has failed: ${error}`),
    );
    time.plan(STOP_WITHIN, () => {
      if (ended || !process.alive) return;
      if (this.#faultsWhileStopping === 0 && !mayTakeLong && !slow())
        this.#account.violated(`not stopped after ${STOP_WITHIN} ms`);
      process.kill();
      this.#startAfter(restart);
    });
    time.wake();
  }

  #stopped(process: Process): void {
    const left = this.#checks.leftovers();
    if (left.length > 0 && this.#faultsWhileStopping < STOP_TRIES)
      this.#account.violated(`left after the stop: ${left.join(', ')}`);
    if (process.pending > 0) this.#account.violated(`${process.pending} timers are left after the stop`);
    if (process.probes.size > 0)
      this.#account.violated(`${process.probes.size} probes are left after the stop`);
  }

  /** @param restart milliseconds until another starts */
  kill(restart: number): void {
    if (this.#process?.alive !== true) return;
    this.#process.kill();
    this.#startAfter(restart);
  }

  /** Changes the file, and tells the process. */
  reload(change: Change): void {
    const config = configure(this.#base, change);
    this.running?.service?.reload(config);
    if (!config.unserved.has(VPN)) this.#config = config;
  }
}
