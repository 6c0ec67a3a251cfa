/** Plays a scene to its end, and says what was broken. */

import type { SelectorEvent } from '../../../src/selector/events.js';
import { SeededRandom } from '../random.js';
import { Account, type Outcome } from './account.js';
import { Checks } from './checks.js';
import type { Change } from './configuration.js';
import { DEEDS, type Stage } from './deeds.js';
import { type Armed, TIMEOUT } from './gate.js';
import { Ground } from './ground.js';
import { Lives, STOP_WITHIN } from './lives.js';
import { VPN } from './machine.js';
import type { Fault, Meanwhile, Place, SocketPlace } from './places.js';
import type { Process, ProcessOwner } from './process.js';
import { type Incident, type Scene, TROUBLED } from './scene.js';
import { mendMachine } from './tampering.js';

/** Once all is well the tunnel works again within this, and everything is as it should be within that. Milliseconds. */
export const CONNECTED_WITHIN = 180_000;
const SETTLED_WITHIN = 50_000;

/** These take up to so long, and as long as one request is under way the daemon does nothing else. Milliseconds. */
const LATE: readonly Fault[] = ['no answer', 'done, no answer', 'late answer', 'late'];

/** A process that is killed at a request is started again after so long, in milliseconds. */
const KILLED_FOR = 100;

/** What happens while a request is under way is undone after so long, in milliseconds. */
const MEANWHILE_LASTS = 2_000;

const STEP = 500;
const PING_EACH = 2_000;

/** @param tell whether what happens is written down */
export async function play(scene: Scene, tell = false): Promise<Outcome> {
  return await new Play(scene, tell).run();
}

class Play implements ProcessOwner, Stage {
  readonly ground: Ground;
  readonly random: SeededRandom;
  readonly clock = {
    ready: true,
    onReady: (listener: () => void) => {
      this.#onReady.add(listener);
      return () => this.#onReady.delete(listener);
    },
  };
  readonly #scene: Scene;
  readonly #account: Account;
  readonly #checks: Checks;
  readonly #armed: Armed[] = [];
  readonly #onReady = new Set<() => void>();
  readonly #lives: Lives;
  #healed = false;

  constructor(scene: Scene, tell: boolean) {
    this.#scene = scene;
    this.ground = new Ground(scene.seed);
    this.#account = new Account(this.ground.time, tell);
    this.random = SeededRandom.of(scene.seed, 'selector');
    this.#checks = new Checks(
      this.ground,
      () => this.#lives.config.ownKeys(VPN),
      (rule) => this.violated(rule),
    );
    const { base } = scene;
    this.#lives = new Lives({ owner: this, base, checks: this.#checks, account: this.#account });
  }

  async run(): Promise<Outcome> {
    const { time } = this.ground;
    for (const incident of this.#scene.incidents) time.plan(incident.at, () => this.#happen(incident));
    const watch = (): void => {
      this.#look();
      time.plan(STEP, watch);
    };
    watch();
    this.#lives.start();
    const broken = (): boolean => this.#account.violation !== undefined;
    await time.pass(TROUBLED, broken);
    let connectedAfter = 0;
    if (!broken()) connectedAfter = await this.#recover(broken);
    if (!broken()) await this.#end(broken);
    this.#account.most(this.#checks);
    return this.#account.close(connectedAfter);
  }

  /** All is well again. @returns how long it took until the tunnel worked */
  async #recover(broken: () => boolean): Promise<number> {
    const { ground } = this;
    const { time } = ground;
    this.#healed = true;
    this.#armed.length = 0;
    while (time.idle || this.#checks.resting) await time.pass(1_000);
    this.#note('all is well again');
    mendMachine(ground.machine);
    ground.heal();
    this.#ready();
    this.reload('nothing');
    this.#checks.disturb();
    time.wake();
    const healed = time.now();
    let works = false;
    const ping = (): void => {
      works ||= ground.pinged && this.process?.service?.selector.snapshot().state === 'established';
      ground.ping();
      if (!works) time.plan(PING_EACH, ping);
    };
    ping();
    await time.pass(CONNECTED_WITHIN, () => works || broken());
    if (!works) this.violated(`no connection within ${CONNECTED_WITHIN / 1_000} s`);
    const after = time.now() - healed;
    await time.pass(SETTLED_WITHIN, broken);
    return after;
  }

  async #end(broken: () => boolean): Promise<void> {
    const { process } = this;
    const info = await process?.service?.info();
    const told = info as { state?: string; public_key?: string } | undefined;
    const status = process?.service?.status() as { peers: Map<string, unknown> } | undefined;
    const established = [...(status?.peers ?? [])].filter(([, value]) => value !== false);
    if (told?.state !== 'established' || established.length !== 1)
      this.violated(`info says ${told?.state}, status has ${established.length} peers`);
    this.stop(Number.POSITIVE_INFINITY);
    await this.ground.time.pass(2 * STOP_WITHIN, broken);
  }

  get process(): Process | undefined {
    return this.#lives.running;
  }

  reload(change: Change): void {
    this.#lives.reload(change);
  }

  stop(restart: number): void {
    this.#lives.stop(restart);
  }

  kill(restart: number): void {
    this.#lives.kill(restart);
  }

  doubtClock(milliseconds: number): void {
    this.clock.ready = false;
    this.ground.time.plan(milliseconds, () => this.#ready());
  }

  #ready(): void {
    if (this.clock.ready) return;
    this.clock.ready = true;
    this.ground.time.wake();
    for (const listener of this.#onReady) listener();
  }

  #happen(incident: Incident): void {
    const { time } = this.ground;
    if (this.#healed) return; // the machine has slept over it
    if (time.asleep && 'deed' in incident) {
      time.plan(1_000, () => this.#happen(incident));
      return;
    }
    if ('place' in incident) {
      this.#armed.push(incident);
      return;
    }
    this.#note(`${incident.deed} ${incident.n}`);
    this.#account.reached(`deed: ${incident.deed}`);
    DEEDS[incident.deed].act(this, incident.n);
    this.#disturb();
    time.wake();
  }

  /** A request that was under way when the machine fell asleep goes on when it is awake. */
  #disturb(): void {
    const { time } = this.ground;
    if (time.idle) this.#checks.rest(time.idleUntil - time.now() + TIMEOUT);
    this.#checks.disturb();
  }

  meets(place: Place | SocketPlace): Armed | undefined {
    const at = this.#armed.findIndex((armed) => armed.place === place);
    const [armed] = at < 0 ? [] : this.#armed.splice(at, 1);
    if (armed === undefined) return undefined;
    this.#note(`${place}: ${armed.fault}`);
    if (LATE.includes(armed.fault)) this.#checks.rest(TIMEOUT);
    this.#account.reached(`${place}: ${armed.fault}`);
    this.#checks.disturb();
    this.#lives.met(armed.fault);
    return armed;
  }

  waits(place: Place): boolean {
    return this.#armed.some((armed) => armed.place === place);
  }

  asked(): void {
    this.#checks.asked();
  }

  done(place: Place): void {
    this.#checks.done(place);
  }

  killed(): void {
    this.#note('the process is gone');
  }

  /** The process is killed where it is, and started again at once. */
  die(): void {
    this.#lives.kill(KILLED_FOR);
  }

  /** Something happens while a request is under way. */
  meanwhile(what: Meanwhile): void {
    const { time, machine } = this.ground;
    if (this.#healed) return;
    this.#note(`meanwhile: ${what}`);
    const n = this.random.below(1_000);
    const act = (name: keyof typeof DEEDS, of = n): void => DEEDS[name].act(this, of);
    const mend = (): void => {
      mendMachine(machine);
      this.#checks.disturb();
      time.wake();
    };
    if (what === 'stopped') act('stop', 200);
    else if (what === 'sleep') act('sleep');
    else if (what === 'killed before' || what === 'killed after') act('kill');
    else {
      act(what);
      time.plan(MEANWHILE_LASTS, mend);
    }
    this.#disturb();
  }

  told(process: Process, event: SelectorEvent): void {
    this.#account.event(event);
    this.#checks.told(event);
    if (event.type === 'stopped' && !process.stopping) this.violated('it has ended by itself');
  }

  logged(level: string, text: string): void {
    if (level !== 'debug') this.#checks.logged();
    if (level === 'error') this.#note(`${level} ${text}`);
  }

  violated(rule: string): void {
    this.#account.violated(rule);
  }

  #look(): void {
    this.#checks.look({ ground: this.ground, process: this.process, config: this.#lives.config });
  }

  #note(text: string): void {
    this.#account.note(text);
  }
}
