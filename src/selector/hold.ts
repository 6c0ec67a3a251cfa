import type { Look } from './connection.js';
import { knock } from './knock.js';
import { type Advice, Liveness } from './liveness.js';
import { type Loop, type Loss, REMOVED } from './loop.js';
import { Refused } from './loops.js';
import { oldHandshake, type Proof, silentPeer, tooOld } from './proof.js';
import { Reach } from './reach.js';
import type { Rivals, Successor } from './rivals.js';
import { lastRenewal, renewalAge, Schedule } from './schedule.js';
import { KNOCK, RENEWED_WITHIN } from './times.js';
import { Trials } from './trials.js';
import type { Peer } from './world.js';

/** What a look has found. */
interface Finding {
  readonly look: Look;
  /** Routes were looked at, too. */
  readonly whole: boolean;
  readonly liveness: Liveness;
  readonly advice: Advice;
  /** Of the handshake, in milliseconds. */
  readonly age: number;
  /** It is to be renewed. */
  readonly old: boolean;
  /** There is nothing to do. */
  readonly quiet: boolean;
}

/** Little is known of a fresh link: so many misses of so many questions are assumed. */
const PRIOR = { missed: 0.5, of: 2 };

/**
 * Holds a connection until it is lost. It is looked at every `checkInterval`, compared with the truth and mended; in between, its
 * counters as often as {@link Liveness} wants. Whoever seems dead is put to a test that only the dead fail: a handshake.
 */
export class Hold {
  readonly #loop: Loop;
  readonly #rivals: Rivals;
  readonly #schedule: Schedule;
  /** How many round trips are lost on the way to all peers: it leads over the same uplink. */
  readonly #roundTrips = new Trials();
  #liveness: Liveness | undefined;
  #reach: Reach | undefined;
  readonly #answered: () => boolean;
  /** Why no probe could be sent, when that was last told. */
  #unprobable: string | undefined;

  constructor(loop: Loop, rivals: Rivals) {
    this.#loop = loop;
    this.#rivals = rivals;
    this.#schedule = new Schedule(loop);
    this.#answered = () => loop.world.prober.answered();
  }

  /** Milliseconds since something came in over the connection that is held, as far as looks can tell. */
  get silence(): number | undefined {
    return this.#liveness?.silence(this.#loop.world.timers.now());
  }

  /** A connection was made. WireGuard has sent an initiation every 5 s. */
  connected(): void {
    const { roundTrip = 0 } = this.#loop.connection;
    this.#roundTrips.add({ answered: 1, missed: Math.floor(roundTrip / RENEWED_WITHIN) });
  }

  /** Watches the connection until it is lost, something else is to be done, or another peer is to take its place. */
  async run(peer: Peer): Promise<Loss | Successor> {
    const { world, connection, inbox, assignment } = this.#loop;
    const { news } = inbox;
    const { timers } = world;
    const schedule = this.#schedule;
    this.#liveness = undefined;
    this.#reach = undefined;
    schedule.begin();
    for (;;) {
      let found: Finding | undefined;
      await inbox.until(
        () => news.routesInDoubt || this.#loop.interruption(peer) !== undefined,
        this.#wait(timers.now()),
        () => {
          const now = timers.now();
          found = this.#glance(peer, now);
          if (!found?.quiet) return undefined;
          schedule.look = this.#nextLook();
          return this.#wait(now);
        },
      );
      const interruption = this.#loop.interruption(peer);
      if (interruption !== undefined) return interruption;
      if (news.routesInDoubt) {
        news.routesInDoubt = false;
        schedule.routesInDoubt();
        continue;
      }
      if (found === undefined && timers.now() < schedule.due) {
        const successor = await this.#rivals.step();
        if (successor !== undefined) return successor;
        continue;
      }
      if (found === undefined) {
        const whole = schedule.isWhole(timers.now());
        const look = await connection.look(peer, assignment(), whole).catch(asRefused);
        if (news.unread) continue; // the interface went away under the question
        if (look === 'gone') return REMOVED;
        if (look instanceof Refused) return { code: 'trouble', reason: look.message };
        for (const what of look.mended) this.#loop.emit({ type: 'mended', peer, what });
        if (look.routesChanged) this.#loop.emit({ type: 'routes-restored', peer, routes: connection.routes });
        found = this.#find(peer, look, whole, timers.now());
      }
      const dead = await this.#act(peer, found);
      if (dead !== undefined) return dead;
      if (found.whole) schedule.plan(timers.now()); // the handshake may be another
      schedule.look = this.#nextLook();
    }
  }

  /** Milliseconds until there is something to do. */
  #wait(now: number): number {
    return Math.min(this.#schedule.due, this.#rivals.due) - now;
  }

  /** When its counters are to be looked at again. */
  #nextLook(): number {
    const { checkInterval } = this.#loop.assignment().settings;
    const never = Number.POSITIVE_INFINITY;
    return Math.min(this.#liveness?.nextLook() ?? never, this.#reach?.due(checkInterval) ?? never);
  }

  /** What is found at once. @returns undefined where no look is due, or where it takes more */
  #glance(peer: Peer, now: number): Finding | undefined {
    const { connection, assignment } = this.#loop;
    if (now < this.#schedule.due) return undefined;
    const whole = this.#schedule.isWhole(now);
    const look = connection.glance(peer, assignment(), whole, now);
    return look && this.#find(peer, look, whole, now);
  }

  /** What a look says, and has to be followed by. @param whole whether routes were looked at, too */
  #find(peer: Peer, look: Look, whole: boolean, now: number): Finding {
    const { connection, assignment } = this.#loop;
    const { settings } = assignment();
    const { deadPeerTimeout } = settings;
    if (whole) this.#schedule.compared(look.routesChanged, now);
    this.#liveness ??= new Liveness(this.#roundTrips, peer.persistentKeepalive, look, now);
    const advice = this.#liveness.observe(look, this.#answered, settings, now);
    const age = connection.handshakeAgeAt(now) ?? deadPeerTimeout;
    const old = age >= deadPeerTimeout || (whole && age >= renewalAge(deadPeerTimeout));
    const asks = advice.probe || settings.checkAddress !== undefined;
    const quiet = !asks && !old && advice.suspicion === undefined;
    return { look, whole, liveness: this.#liveness, advice, age, old, quiet };
  }

  /** Does what has to be done. @returns why the connection is over, if it is */
  async #act(peer: Peer, { look, liveness, advice, age, old }: Finding): Promise<Loss | undefined> {
    if (age >= this.#loop.assignment().settings.deadPeerTimeout && look.endpoint === undefined)
      return tooOld(age);
    if (advice.suspicion !== undefined) {
      const proof = silentPeer(this.#loop, liveness, this.#enough, advice.suspicion, advice);
      return await this.#prove(peer, look, proof);
    }
    const unreached = await this.#check(peer);
    if (unreached !== undefined) return unreached;
    if (old) return await this.#renew(peer, look, age);
    if (advice.probe) await this.#probe(peer, liveness);
    return undefined;
  }

  /**
   * Asks for a new handshake. A session that we have initiated is renewed when we send something, which a kick does; one that the peer has
   * initiated, when the peer does, which a probe brings about. Where packets get lost, handshakes are asked for from the beginning.
   */
  async #renew(peer: Peer, look: Look, age: number): Promise<Loss | undefined> {
    const { connection, assignment } = this.#loop;
    const { deadPeerTimeout, probeInterval } = assignment().settings;
    if (age < lastRenewal(deadPeerTimeout) || look.endpoint === undefined) {
      await connection.renew(peer);
      if (probeInterval > 0 && this.#liveness !== undefined) await this.#probe(peer, this.#liveness);
      return undefined;
    }
    return await this.#prove(peer, look, oldHandshake(this.#loop, this.#enough, age));
  }

  async #probe(peer: Peer, liveness: Liveness): Promise<void> {
    const { world } = this.#loop;
    const reason = await world.prober.send(peer);
    const now = world.timers.now();
    if (reason === undefined) return liveness.probed(now);
    if (liveness.cannotProbe(now)) this.#cannot(peer, reason);
  }

  /** Asks the address that has to answer. */
  async #check(peer: Peer): Promise<Loss | undefined> {
    const { world, assignment } = this.#loop;
    const { checkAddress, checkInterval, probeTimeout } = assignment().settings;
    if (checkAddress === undefined || probeTimeout === 0) return undefined;
    const now = world.timers.now();
    this.#reach ??= new Reach(now);
    if (this.#reach.observe(world.prober.echoed(), probeTimeout, now)) {
      const reason = `it answers, but ${checkAddress} behind it does not, for ${probeTimeout / 1000} s`;
      return { code: 'no-data', reason };
    }
    if (now < this.#reach.due(checkInterval)) return undefined;
    const reason = await world.prober.echo(checkAddress);
    if (reason === undefined) this.#reach.asked(world.timers.now());
    else if (this.#reach.notAsked(world.timers.now())) this.#cannot(peer, reason);
    return undefined;
  }

  #cannot(peer: Peer, reason: string): void {
    if (this.#unprobable === reason) return;
    this.#unprobable = reason;
    this.#loop.emit({ type: 'not-probed', peer, reason });
  }

  /** Handshakes that have to be lost in a row, at the loss that was seen so far. */
  get #enough(): number {
    return Math.min(Math.max(KNOCK.fewest, this.#roundTrips.inARow(KNOCK.rare, PRIOR)), KNOCK.most);
  }

  /** Lets a handshake decide. */
  async #prove(peer: Peer, look: Look, { suspicion, loss, knocks }: Proof): Promise<Loss | undefined> {
    this.#loop.emit({ type: 'suspected', peer, reason: suspicion });
    const found = await knock(this.#loop, peer, look, knocks);
    if ('code' in found) return found;
    if (!found.lives) return loss(found.knocks);
    this.#roundTrips.add({ answered: 1, missed: found.knocks - 1 });
    this.#liveness?.lives(this.#loop.world.timers.now());
    this.#loop.emit({ type: 'proven', peer, reason: suspicion, knocks: found.knocks });
    return undefined;
  }
}

function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  throw error;
}
