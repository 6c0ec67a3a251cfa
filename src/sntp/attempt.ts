import { buildTime } from './build-time.js';
import { ServerNames } from './lookup.js';
import { type Agreement, agree, countVotes, lastOneStanding, majorityOf, type Vote } from './majority.js';
import { LocalScale, type Measurement } from './measure.js';
import type { SyncOptions } from './options.js';
import type { FailureReason, Rejection, SyncResult } from './outcome.js';
import { ask, type Refusal, type Target } from './question.js';
import { type Asked, describe, report, type Server } from './report.js';
import { parseServer, type ServerAddress } from './server.js';
import { system, type World } from './world.js';

/** Milliseconds, the longest pause between two questions to an address, however long an attempt may take. */
const MAX_REPEAT = 16_000;

/** How many questions to one address are open at once, the latest ones. */
const MAX_OPEN = 3;

/** Names an address and port in `leftAlone`. */
export function endpointKey(address: string, port: number): string {
  return `${address} port ${port}`;
}

/** One attempt to learn the time: whom it has asked, and what they said. */
export class Attempt {
  readonly #world: World;
  readonly #scale: LocalScale;
  readonly #beganNs: bigint;
  readonly #repeat: number;
  readonly #pivotNs: bigint;
  readonly #leftAlone: Set<string>;
  readonly #servers: Server[] = [];
  readonly #asked = new Map<string, Asked>();
  readonly #rejected: Rejection[] = [];
  readonly #cleanup: (() => void)[] = [];
  readonly #onAsked: (() => void) | undefined;
  readonly #done: (result: SyncResult) => void;
  readonly #names: ServerNames;
  #starting = true;
  #finished = false;

  constructor(options: SyncOptions, done: (result: SyncResult) => void) {
    this.#world = { ...system, ...options.world };
    this.#names = new ServerNames(this.#world);
    this.#scale = new LocalScale(this.#world);
    this.#beganNs = this.#scale.now();
    this.#repeat = options.repeat ?? 2000;
    this.#pivotNs = BigInt(Math.round(options.pivot ?? buildTime())) * 1_000_000n;
    this.#leftAlone = options.leftAlone ?? new Set();
    this.#onAsked = options.onAsked;
    this.#done = done;
  }

  start(options: SyncOptions): void {
    const { signal } = options;
    if (signal) {
      if (signal.aborted) {
        this.#fail('stopped');
        return;
      }
      const abort = () => this.#fail('stopped');
      signal.addEventListener('abort', abort, { once: true });
      this.#cleanup.push(() => signal.removeEventListener('abort', abort));
    }
    this.#cleanup.push(this.#world.setTimer(options.timeout ?? 5000, () => this.#timeIsUp()));

    const known = new Set<string>();
    for (const text of options.servers) {
      const server: Server = { text, looking: 0, dnsErrors: new Map(), asked: new Set() };
      let address: ServerAddress;
      try {
        address = parseServer(text);
      } catch (error) {
        server.problem = error instanceof Error ? error.message : String(error);
        this.#servers.push(server);
        this.#rejected.push({ server: text, reason: 'malformed', detail: server.problem });
        continue;
      }
      const key = endpointKey(address.host.toLowerCase(), address.port);
      if (known.has(key)) continue;
      known.add(key);
      this.#servers.push(server);
      this.#find(server, address);
    }
    this.#starting = false;
    if (this.#servers.length === 0) this.#fail('no servers');
    else this.#evaluate();
  }

  #find(server: Server, { host, family, port }: ServerAddress): void {
    if (family !== 0) {
      this.#add(server, { address: host, family, port });
      return;
    }
    this.#names.find(server, host, port, {
      found: (target) => this.#add(server, target),
      rejected: (rejection) => this.#rejected.push(rejection),
      over: () => this.#evaluate(),
    });
  }

  /** Asks an address of a server, unless it is asked already for another one. */
  #add(server: Server, target: Target): void {
    const key = endpointKey(target.address, target.port);
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = {
        ...target,
        owners: [],
        state: 'asking',
        detail: `no answer from ${target.address}`,
        waiting: false,
        questions: 0,
        open: [],
        cancelRepeat: () => {},
      };
      this.#asked.set(key, asked);
    }
    if (server.asked.has(asked)) return;
    server.asked.add(asked);
    asked.owners.push(server.text);
    if (asked.owners.length > 1) return;
    if (this.#leftAlone.has(key)) {
      asked.state = 'left alone';
      asked.detail = `${target.address} sent a kiss-o'-death earlier`;
    } else {
      this.#ask(asked);
    }
  }

  #ask(asked: Asked): void {
    asked.waiting = true;
    if (asked.open.length === MAX_OPEN) asked.open.shift()?.();
    this.#planRepeat(asked);
    const close = ask(asked, this.#scale, this.#pivotNs, this.#world, {
      sent: () => {
        asked.questions += 1;
        this.#onAsked?.();
      },
      answered: (measurement) => this.#answered(asked, measurement),
      refused: (refusal) => this.#refused(asked, refusal),
      stray: (refusal) => this.#reject(asked, refusal),
    });
    asked.open.push(close);
  }

  #planRepeat(asked: Asked): void {
    const pause = Math.min(MAX_REPEAT, this.#repeat * 2 ** Math.max(0, asked.questions - 1));
    asked.cancelRepeat = this.#world.setTimer(pause, () => {
      if (this.#isWorthAsking(asked)) this.#ask(asked);
      else this.#planRepeat(asked);
    });
  }

  /** Whether another answer can change anything. One that has given its vote may change its mind, if minds are the matter. */
  #isWorthAsking({ state, vote }: Asked): boolean {
    if (state === 'left alone') return false;
    return vote === undefined || countVotes(this.#votes) >= majorityOf(this.#servers.length);
  }

  /** Waits for no answer to what was asked. */
  #stopAsking(asked: Asked): void {
    asked.waiting = false;
    for (const close of asked.open.splice(0)) close();
  }

  #answered(asked: Asked, measurement: Measurement): void {
    asked.state = 'answered';
    asked.detail = describe(asked, measurement);
    this.#stopAsking(asked);
    // The array is shared: a name that resolves to this address later votes by it too.
    asked.vote = { ...measurement, servers: asked.owners };
    this.#evaluate();
  }

  #refused(asked: Asked, refusal: Refusal): void {
    this.#reject(asked, refusal);
    // What the kernel could not send now it may in two seconds, when the interface is up.
    if (refusal.rule === 'send' || refusal.rule === 'round trip') return;
    asked.state = refusal.kiss === undefined ? 'refused' : 'left alone';
    // A kiss says nothing against what it told before.
    if (refusal.kiss !== undefined) this.#leftAlone.add(endpointKey(asked.address, asked.port));
    else delete asked.vote;
    this.#stopAsking(asked);
    this.#evaluate();
  }

  #reject(asked: Asked, { rule, detail, kiss }: Refusal): void {
    const again = `${asked.address}: ${detail}`;
    // Every two seconds the same, for as long as there is no way out: said once.
    if (rule === 'send' && asked.detail === again) return;
    asked.detail = again;
    for (const server of asked.owners) {
      const rejection: Rejection = { server, address: asked.address, reason: rule, detail };
      if (kiss !== undefined) rejection.kiss = kiss;
      this.#rejected.push(rejection);
    }
  }

  get #votes(): Vote[] {
    return [...this.#asked.values()].flatMap(({ vote }) => vote ?? []);
  }

  #evaluate(): void {
    if (this.#finished || this.#starting) return;
    const found = agree(this.#votes, majorityOf(this.#servers.length));
    if (found) {
      this.#succeed(found, false);
      return;
    }
    const all = [...this.#asked.values()];
    if (this.#servers.some(({ looking }) => looking > 0) || all.some(({ waiting }) => waiting)) return;
    const alone = lastOneStanding(this.#votes, this.#servers.length);
    if (alone) this.#succeed(alone, true);
    else if (!all.some((asked) => this.#isWorthAsking(asked))) this.#fail('no majority');
  }

  #timeIsUp(): void {
    const found = lastOneStanding(this.#votes, this.#servers.length);
    const silent =
      this.#servers.some(({ looking }) => looking > 0) ||
      [...this.#asked.values()].some(({ state }) => state === 'asking');
    if (found) this.#succeed(found, true);
    else this.#fail(silent ? 'timeout' : 'no majority');
  }

  #succeed(agreement: Agreement, alone: boolean): void {
    if (!this.#finish()) return;
    const best = agreement.agreeing.reduce((one, other) => (other.error < one.error ? other : one));
    const localNs = this.#scale.now();
    this.#done({
      ok: true,
      offset: Number(agreement.offset) / 1e9,
      error: Number(agreement.error) / 1e9,
      delay: Number(best.delay) / 1e9,
      votes: agreement.votes,
      alone,
      instant: {
        unixNs: localNs + agreement.offset,
        monotonicNs: this.#scale.monotonicAt(localNs),
        errorNs: agreement.error,
      },
      ...this.#common(new Set(agreement.agreeing)),
    });
  }

  #fail(reason: FailureReason): void {
    if (this.#finish()) this.#done({ ok: false, reason, ...this.#common(new Set()) });
  }

  #finish(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    for (const cleanup of this.#cleanup) cleanup();
    for (const asked of this.#asked.values()) {
      asked.cancelRepeat();
      this.#stopAsking(asked);
    }
    this.#names.stop();
    return true;
  }

  #common(agreeing: ReadonlySet<Vote>) {
    return {
      configured: this.#servers.length,
      needed: majorityOf(this.#servers.length),
      servers: this.#servers.map((server) => report(server, agreeing)),
      rejected: this.#rejected,
      took: Number(this.#scale.now() - this.#beganNs) / 1e9,
    };
  }
}
