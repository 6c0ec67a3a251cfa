import { isIP } from '#platform/text.js';
import { buildTime } from './build-time.js';
import { type Agreement, agree, countVotes, lastOneStanding, majorityOf, type Vote } from './majority.js';
import { LocalScale, type Measurement } from './measure.js';
import {
  type FailureReason,
  formatOffset,
  type Rejection,
  type ServerReport,
  type SyncResult,
} from './outcome.js';
import { ask, type Refusal, type Target } from './question.js';
import { canonicalAddress, isServerAddress, parseServer, type ServerAddress } from './server.js';
import { type NameResolver, system, type World } from './world.js';

/** Options of one attempt. */
export interface SyncOptions {
  /** Names, addresses, each with ":port" if it is not 123; see parseServer. The same one twice counts once. */
  servers: readonly string[];
  /** Milliseconds for everything, DNS included. Default 5000. */
  timeout?: number;
  /**
   * Milliseconds until an address is asked again: packets get lost, and who was refused or disagreed may be of another mind. As long
   * again until the third time, and from then on twice as long each time, 16 s at most. Default 2000: servers take less for an
   * attack (ntpd's `discard minimum`).
   */
  repeat?: number;
  /** Called each time the kernel has taken a question. */
  onAsked?: () => void;
  /** A date within 68 years of the truth, ms since 1970-01-01 UTC. Default: when the program was built. */
  pivot?: number;
  /**
   * Addresses that sent a kiss-o'-death (as `endpointKey` names them). They are not asked, and new ones are added. Give
   * the same set to every attempt.
   */
  leftAlone?: Set<string>;
  /** Ends the attempt at once with the reason `stopped`. */
  signal?: AbortSignal;
  /** Parts of the world to be replaced, for tests. */
  world?: Partial<World>;
}

/** Addresses taken from one DNS answer. Pools give four; whoever gives hundreds shall not make us send hundreds. */
const MAX_ADDRESSES = 16;

/** Milliseconds until a name is tried again that DNS could not say anything about. */
const DNS_RETRY = 1000;

/** Milliseconds, the longest pause between two questions to an address, however long an attempt may take. */
const MAX_REPEAT = 16_000;

/** How many questions to one address are open at once, the latest ones. */
const MAX_OPEN = 3;

/** Names an address and port in `leftAlone`. */
export function endpointKey(address: string, port: number): string {
  return `${address} port ${port}`;
}

/** An address that is asked, once for all servers that have it. */
interface Asked extends Target {
  owners: string[];
  /** What it said last. */
  state: 'asking' | 'answered' | 'refused' | 'left alone';
  detail: string;
  vote?: Vote;
  /** Whether an answer is awaited. */
  waiting: boolean;
  /** How many questions the kernel has taken. */
  questions: number;
  /** Closes open questions, the oldest first. */
  open: (() => void)[];
  cancelRepeat: () => void;
}

/** A configured server. */
interface Server {
  text: string;
  problem?: string;
  /** Lookups that may still bring an address. */
  looking: number;
  dnsErrors: Map<4 | 6, string>;
  asked: Set<Asked>;
}

class Attempt {
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
  #resolver: NameResolver | undefined;
  #starting = true;
  #finished = false;

  constructor(options: SyncOptions, done: (result: SyncResult) => void) {
    this.#world = { ...system, ...options.world };
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
    server.looking = 2;
    this.#lookUp(server, host, port, 4);
    this.#lookUp(server, host, port, 6);
  }

  #lookUp(server: Server, host: string, port: number, family: 4 | 6): void {
    this.#resolver ??= this.#world.openResolver();
    const answer = family === 4 ? this.#resolver.resolve4(host) : this.#resolver.resolve6(host);
    answer.then(
      (addresses) => {
        if (this.#finished) return;
        server.looking -= 1;
        server.dnsErrors.delete(family);
        const usable = addresses.map(canonicalAddress).filter(isServerAddress);
        if (usable.length === 0) {
          const detail = `DNS says ${addresses.join(', ')}, which is no server's address`;
          server.dnsErrors.set(family, detail);
          this.#rejected.push({ server: server.text, reason: 'dns', detail });
        }
        for (const address of usable.slice(0, MAX_ADDRESSES)) {
          this.#add(server, { address, family: isIP(address) === 6 ? 6 : 4, port });
        }
        this.#evaluate();
      },
      (error: Error & { readonly code?: string }) => {
        if (this.#finished) return;
        const code = error.code ?? error.message;
        const detail = `DNS says ${code} for its IPv${family} address`;
        if (server.dnsErrors.get(family) !== detail) {
          server.dnsErrors.set(family, detail);
          // Most names lack one family. That is no fault as long as there is the other.
          if (code !== 'ENODATA') this.#rejected.push({ server: server.text, reason: 'dns', detail });
        }
        if (code === 'ENODATA' || code === 'ENOTFOUND') {
          server.looking -= 1;
          this.#evaluate();
        } else {
          // No DNS yet, as at boot. The name may resolve in a moment.
          const again = () => this.#lookUp(server, host, port, family);
          this.#cleanup.push(this.#world.setTimer(DNS_RETRY, again));
        }
      },
    );
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
      instant: { unixNs: localNs + agreement.offset, monotonicNs: this.#scale.monotonicAt(localNs) },
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
    this.#resolver?.cancel();
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

function describe({ address }: Asked, { offset, error }: Measurement): string {
  return `${address} says ${formatOffset(Number(offset) / 1e9)} ± ${(Number(error) / 1e9).toFixed(4)} s`;
}

/** The outcome of a server is the best of those of its addresses. */
function report(server: Server, agreeing: ReadonlySet<Vote>): ServerReport {
  const all = [...server.asked];
  const addresses = all.map(({ address }) => address);
  const about = (some: Asked[]) => some.map(({ detail }) => detail).join(', ');
  const inState = (state: Asked['state']) => all.filter((asked) => asked.state === state);
  const make = (outcome: ServerReport['outcome'], detail: string): ServerReport => ({
    server: server.text,
    outcome,
    addresses,
    detail,
  });

  if (server.problem !== undefined) return make('malformed', server.problem);
  const answered = inState('answered');
  const agreed = answered.filter(({ vote }) => vote !== undefined && agreeing.has(vote));
  if (agreed.length > 0) return make('agreed', about(agreed));
  if (answered.length > 0) return make('disagreed', about(answered));
  if (all.length === 0) {
    return make('unresolved', [...server.dnsErrors.values()].join(', ') || 'DNS has not answered');
  }
  const asking = inState('asking');
  if (asking.length > 0) return make('silent', about(asking));
  const refused = inState('refused');
  if (refused.length > 0) return make('refused', about(refused));
  return make('left alone', about(all));
}

/**
 * Asks all addresses of all servers at once what time it is, and gives what the first majority agrees on.
 *
 * A server, as configured, has one vote, however many addresses it has: any of its addresses can cast it, and one address
 * casts no more than one even if two names share it. More than half of the configured servers have to agree
 * within their error bounds (majority.ts has the rules, and the one exception for two servers). It waits no longer
 * than that, and than the timeout; until then all are asked again if they do not agree. It changes no clock.
 *
 * @returns never rejects for anything that servers, DNS or the network do: that is a SyncFailure.
 * @throws {RangeError} if the timeout or the repeat interval is no positive number.
 */
export async function syncOnce(options: SyncOptions): Promise<SyncResult> {
  for (const name of ['timeout', 'repeat'] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && value < 2 ** 31)) {
      throw new RangeError(`syncOnce: ${name} is ${value}, but must be milliseconds above 0 and below 2^31`);
    }
  }
  return new Promise((resolve) => new Attempt(options, resolve).start(options));
}
