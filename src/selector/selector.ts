import { Backoff } from './backoff.js';
import type { SelectorEvent, Snapshot, State } from './events.js';
import { HandshakeAge } from './handshake.js';
import { type Candidate, Picker } from './picker.js';
import { findWorking } from './take-over.js';
import { Wakeup } from './wakeup.js';
import type { Assignment, LinkState, Peer, Remote, RouteReport, World } from './world.js';

/** How often the kernel is asked for a handshake that is being waited for, in milliseconds. It tells of none by itself. */
const HANDSHAKE_POLL = 25;

/**
 * A handshake as old as this is asked for anew, in milliseconds. WireGuard renews its session after 120 s, but only when it has
 * something to send; without this an idle tunnel without keepalive would count as dead 30 s later.
 */
const RENEW_AFTER = 125_000;

/** How soon a handshake that was asked for is looked for, in milliseconds: WireGuard itself tries again after 5 s (REKEY_TIMEOUT). */
const RENEWED_WITHIN = 5_000;

/** A wake-up does not shorten a pause below this, in milliseconds: a storm of route changes must not become a busy loop. */
const SHORTEST_PAUSE = 200;

/** How long routes are left alone after somebody took one of ours away, in milliseconds. */
const ROUTE_SETTLE = 200;

const NO_ROUTES: RouteReport = { installed: [], added: [], conflicts: [] };

/**
 * Keeps one interface connected to exactly one peer out of several. One loop does one thing at a time; everything that changes
 * from outside (links, routes, configuration) only sets what the loop will find, and wakes it.
 */
export class Selector {
  readonly #world: World;
  readonly #listener: (event: SelectorEvent) => void;
  readonly #wakeup: Wakeup;
  readonly #picker: Picker;
  #assignment: Assignment;
  #state: State = 'waiting-for-interface';
  #since: number;
  #current: { readonly peer: Peer; readonly remote: Remote | undefined } | undefined;
  /** The key that we installed and have not removed. */
  #installed: string | undefined;
  #handshake = new HandshakeAge();
  #routes: RouteReport = NO_ROUTES;

  // What others set, and the loop finds.
  #stopping = false;
  /** The kernel may hold what we do not know of, or no longer what we put there: read it before the next step. */
  #unread = true;
  #routesLost = false;
  #resolved = false;
  /** Something changed that may make a peer usable. */
  #changed = false;
  /** Why somebody asked to leave the peer that is being tried or held. */
  #leave: string | undefined;

  readonly #backoff: Backoff;
  /** Whether a packet went to anybody in this round. */
  #sent = false;
  /** The rounds since the last connection. */
  #rounds = 0;
  #disconnectedSince: number;

  /** @param listener is told of everything that happens, at once; it must not throw */
  constructor(world: World, assignment: Assignment, listener: (event: SelectorEvent) => void) {
    this.#world = world;
    this.#assignment = assignment;
    this.#listener = listener;
    this.#wakeup = new Wakeup(world.timers);
    this.#backoff = new Backoff(world.random);
    this.#picker = new Picker(world.resolver, world.timers, world.random, () => {
      this.#resolved = true;
      this.#wakeup.wake();
    });
    this.#picker.setPeers(assignment.peers);
    this.#since = this.#disconnectedSince = world.timers.now();
    world.tunnel.onLink(() => {
      if (world.tunnel.link !== 'up') this.#unread = true;
      this.#changed = true;
      this.#wakeup.wake();
    });
    world.routing.onWayOut(() => {
      this.#changed = true;
      this.#wakeup.wake();
    });
    world.clock.onReady(() => this.#wakeup.wake());
    world.routing.onLoss(() => {
      this.#routesLost = true;
      this.#wakeup.wake();
    });
  }

  /** Runs until {@link stop}. Resolves when peer and routes are removed; never rejects. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#step();
      } catch (error) {
        this.#emit({ type: 'trouble', error });
        this.#unread = true;
        const held = this.#state === 'established' ? this.#current?.peer : undefined;
        if (held !== undefined && !this.#stopping) await this.#lost(held, 'the kernel has to be read anew');
        await this.#pauseUntilChange();
      }
    }
    try {
      await this.#disconnect();
    } catch (error) {
      this.#emit({ type: 'trouble', error });
    }
    this.#enter('stopped');
    this.#emit({ type: 'stopped' });
  }

  /** Ends {@link run} as soon as peer and routes are removed. */
  stop(): void {
    this.#stopping = true;
    this.#wakeup.wake();
  }

  /** Changes peers and settings. A connection whose peer stays as it was is not touched. */
  assign(assignment: Assignment): void {
    this.#assignment = assignment;
    this.#picker.setPeers(assignment.peers);
    this.#routesLost = true; // their metric or table may be others now
    this.#changed = true;
    this.#wakeup.wake();
  }

  /**
   * Goes to this peer now. If it fails, the round goes on.
   * @returns whether there is such a peer to choose
   */
  select(name: string): boolean {
    if (this.#picker.candidate(name) === undefined) return false;
    if (this.#current?.peer.name === name) return true;
    this.#picker.prefer(name);
    this.#leaveFor(`asked to go to ${name}`);
    return true;
  }

  /** Leaves the peer that is being tried or held, and goes on with the round. */
  next(): void {
    this.#leaveFor('asked to go on to the next');
  }

  #leaveFor(reason: string): void {
    if (this.#current !== undefined) this.#leave = reason;
    this.#changed = true;
    this.#wakeup.wake();
  }

  /** What is going on at this moment. */
  snapshot(): Snapshot {
    const age = this.#handshake.age(this.#world.timers.now());
    return {
      state: this.#state,
      since: this.#since,
      peer: this.#current?.peer,
      remote: this.#current?.remote,
      handshakeAge: this.#state === 'established' ? age : undefined,
      routes: this.#routes,
      tried: this.#picker.round.tried,
      untried: this.#picker.round.untried,
    };
  }

  async #step(): Promise<void> {
    if (!(await this.#interfaceIsUp())) return;
    if (this.#unread) {
      const kept = await this.#takeOver();
      if (kept !== undefined) await this.#hold(kept);
      return;
    }
    if (!(await this.#clockIsSet())) return;
    const candidate = await this.#next();
    if (candidate !== undefined && (await this.#connect(candidate))) await this.#hold(candidate.peer);
  }

  async #interfaceIsUp(): Promise<boolean> {
    const state = (): LinkState => this.#world.tunnel.link;
    let link = state();
    if (link === 'up') return true;
    this.#enter('waiting-for-interface');
    while (link !== 'up') {
      const before = link;
      this.#emit({ type: 'interface-missing', link });
      await this.#wakeup.until(() => this.#stopping || state() !== before);
      if (this.#stopping) return false;
      link = state();
    }
    this.#emit({ type: 'interface-up' });
    return true;
  }

  async #clockIsSet(): Promise<boolean> {
    const { clock } = this.#world;
    if (clock.ready) return true;
    this.#enter('setting-clock');
    await this.#wakeup.until(() => clock.ready || this.#stopping || this.#unread);
    return !this.#stopping && !this.#unread;
  }

  /**
   * Reads what the kernel holds of ours, from a former run or from before the interface went down. The youngest connection that
   * still works is kept as it is; every other peer and route of ours goes.
   */
  async #takeOver(): Promise<Peer | undefined> {
    const { tunnel, routing } = this.#world;
    const { peers, ownKeys, settings } = this.#assignment;
    this.#unread = false; // before reading: what changes from now on sets it again
    try {
      const own = new Set([...ownKeys, ...peers.map((peer) => peer.publicKey)]);
      if (this.#installed !== undefined) own.add(this.#installed);
      const installed = (await tunnel.peers()).filter((peer) => own.has(peer.publicKey));
      const best = findWorking(installed, {
        peers,
        watched: { publicKey: this.#installed, handshake: this.#handshake },
        now: this.#world.timers.now(),
        wallClock: this.#world.wallClock(),
        limit: settings.deadPeerTimeout * 1000,
      });
      for (const { publicKey } of installed) {
        if (publicKey === best?.entry.publicKey) continue;
        await tunnel.remove(publicKey);
        const peer = peers.find((configured) => configured.publicKey === publicKey);
        this.#emit({ type: 'leftover-removed', peer, publicKey });
      }
      this.#installed = best?.entry.publicKey;
      routing.forget();
      await this.#applyRoutes(best?.peer.allowedIps ?? []);
      if (best === undefined) return undefined;
      const { peer, entry, handshake, age } = best;
      await tunnel.adjust(peer);
      await tunnel.kick(peer); // after the interface was down the session is gone, though the handshake is young
      this.#handshake = handshake;
      this.#current = { peer, remote: entry.endpoint && { ...entry.endpoint, index: 1, count: 1 } };
      this.#picker.take(peer);
      this.#established();
      this.#emit({ type: 'kept', peer, handshakeAge: age, routes: this.#routes });
      return peer;
    } catch (error) {
      this.#unread = true;
      throw error;
    }
  }

  async #next(): Promise<Candidate | undefined> {
    this.#enter('connecting');
    if (this.#picker.round.untried.length === 0 && !this.#picker.hasPreferred) await this.#nextRound();
    this.#leave = undefined;
    const interrupted = (): boolean => this.#stopping || this.#unread || this.#leave !== undefined;
    while (!interrupted()) {
      this.#resolved = false;
      const pick = this.#picker.look(this.#assignment.settings.connectTimeout * 1000);
      if (pick.kind === 'candidate') return pick.candidate;
      if (pick.kind === 'round-over') return undefined;
      if (pick.kind === 'unresolved') this.#failed(pick.peer, undefined, pick.reason);
      else await this.#wakeup.until(() => interrupted() || this.#resolved, pick.milliseconds);
    }
    return undefined;
  }

  async #nextRound(): Promise<void> {
    if (this.#rounds > 0) {
      const disconnected = this.#world.timers.now() - this.#disconnectedSince;
      this.#emit({ type: 'round-over', round: this.#rounds, disconnected });
      if (!this.#sent) await this.#pauseUntilChange();
    }
    this.#sent = false;
    this.#changed = false; // what changes during the round ends the pause behind it
    this.#rounds++;
    this.#picker.begin();
    this.#enter('connecting');
  }

  /** Waits a while, each time longer, but no longer than until something changes. */
  async #pauseUntilChange(): Promise<void> {
    const duration = this.#backoff.next();
    this.#enter('pausing');
    this.#emit({ type: 'pausing', duration });
    await this.#wakeup.until(() => this.#stopping, SHORTEST_PAUSE);
    await this.#wakeup.until(() => this.#stopping || this.#changed, duration - SHORTEST_PAUSE);
    this.#changed = false;
  }

  async #connect({ peer, remotes }: Candidate): Promise<boolean> {
    const { tunnel, timers } = this.#world;
    const remote = await this.#reachable(peer, remotes);
    if (remote === undefined) return false;
    this.#current = { peer, remote };
    this.#handshake = new HandshakeAge();
    this.#emit({ type: 'trying', peer, remote });
    let reason: string | undefined;
    try {
      const started = timers.now();
      this.#installed = peer.publicKey;
      await tunnel.install(peer, remote);
      this.#sent = true;
      this.#backoff.reset();
      await this.#applyRoutes(peer.allowedIps);
      reason = await this.#handshakeFails(peer, started);
      if (reason === undefined) {
        this.#established();
        const handshake = timers.now() - started;
        this.#emit({ type: 'connected', peer, remote, handshake, routes: this.#routes });
        return true;
      }
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await this.#disconnect();
    if (this.#stopping) return false;
    remotes.failed(remote.address);
    this.#failed(peer, remote, reason);
    return false;
  }

  /** The next address that the kernel has a way to; the others are passed over. */
  async #reachable(peer: Peer, remotes: Candidate['remotes']): Promise<Remote | undefined> {
    for (let remote = remotes.take(); remote !== undefined; remote = remotes.take()) {
      const reason = await this.#world.routing.unreachable(remote);
      if (reason === undefined) return remote;
      this.#failed(peer, remote, reason);
    }
    return undefined;
  }

  /** Waits for the handshake; says why there was none. */
  async #handshakeFails(peer: Peer, started: number): Promise<string | undefined> {
    const { tunnel, timers } = this.#world;
    const timeout = this.#assignment.settings.connectTimeout * 1000;
    for (;;) {
      const interruption = this.#interruption(peer);
      if (interruption !== undefined) return interruption;
      const found = (await tunnel.peers()).find(({ publicKey }) => publicKey === peer.publicKey);
      const now = timers.now();
      if (found === undefined) return 'somebody else removed it from the interface';
      if (found.lastHandshake > 0) {
        this.#handshake.happened(found.lastHandshake, now);
        return undefined;
      }
      if (now - started >= timeout) return `no handshake within ${timeout / 1000} s`;
      await this.#wakeup.until(() => this.#interruption(peer) !== undefined, HANDSHAKE_POLL);
    }
  }

  /** Watches the connection until it is lost, or something else is to be done. */
  async #hold(peer: Peer): Promise<void> {
    const { tunnel, timers } = this.#world;
    for (;;) {
      const { checkInterval, deadPeerTimeout } = this.#assignment.settings;
      const limit = deadPeerTimeout * 1000;
      const seen = this.#handshake.age(timers.now()) ?? limit;
      const due = seen < RENEW_AFTER ? RENEW_AFTER - seen : RENEWED_WITHIN; // however rare the looks are otherwise
      const event = (): boolean => this.#interruption(peer) !== undefined || this.#routesLost;
      await this.#wakeup.until(event, Math.min(checkInterval * 1000, due, limit - seen));
      const interruption = this.#interruption(peer);
      if (interruption !== undefined) return await this.#lost(peer, interruption);
      if (this.#routesLost) {
        await this.#restoreRoutes(peer);
        continue;
      }
      const found = (await tunnel.peers()).find(({ publicKey }) => publicKey === peer.publicKey);
      if (this.#unread) continue; // the interface went away under the question
      if (found === undefined) return await this.#lost(peer, 'somebody else removed it from the interface');
      this.#handshake.observe(found.lastHandshake, timers.now(), this.#world.wallClock());
      const age = this.#handshake.age(timers.now()) ?? limit;
      if (age >= limit) {
        return await this.#lost(peer, `no handshake for ${Math.round(age / 1000)} s`);
      }
      if (age >= RENEW_AFTER) await tunnel.kick(peer);
    }
  }

  /** Why the peer cannot be tried or held any longer, if it cannot. */
  #interruption(peer: Peer): string | undefined {
    if (this.#stopping) return 'the daemon stops';
    if (this.#unread) return 'the interface went down';
    if (this.#leave !== undefined) return this.#leave;
    if (this.#assignment.peers.includes(peer)) return undefined;
    const replaced = this.#assignment.peers.some(({ name }) => name === peer.name);
    return replaced ? 'its configuration has changed' : 'it is no longer configured';
  }

  #established(): void {
    this.#rounds = 0;
    this.#backoff.reset();
    this.#enter('established');
  }

  async #lost(peer: Peer, reason: string): Promise<void> {
    const now = this.#world.timers.now();
    const held = now - this.#since;
    this.#disconnectedSince = now;
    this.#picker.failed(peer);
    const candidate = this.#picker.candidate(peer.name);
    candidate?.remotes.forget(); // resolved before the connection, perhaps days ago
    if (this.#current?.remote !== undefined) candidate?.remotes.failed(this.#current.remote.address);
    this.#enter('connecting');
    this.#emit({ type: 'lost', peer, reason, held });
    // With the interface down the peer stays: when it comes up again soon enough, the connection goes on.
    if (this.#stopping || !this.#unread) await this.#disconnect();
    else this.#current = undefined;
  }

  #failed(peer: Peer, remote: Remote | undefined, reason: string): void {
    this.#picker.failed(peer);
    this.#emit({ type: 'failed', peer, remote, reason, round: this.#rounds });
  }

  /** Takes our peer and our routes out of the kernel. */
  async #disconnect(): Promise<void> {
    const { tunnel } = this.#world;
    this.#current = undefined;
    if (this.#installed === undefined || tunnel.link === 'absent') return;
    await tunnel.remove(this.#installed);
    this.#installed = undefined;
    await this.#applyRoutes([]);
  }

  async #applyRoutes(destinations: readonly string[]): Promise<void> {
    this.#routesLost = false;
    this.#routes = await this.#world.routing.apply(destinations);
  }

  async #restoreRoutes(peer: Peer): Promise<void> {
    // Whoever takes one often takes several, and perhaps takes them again: not in step with them.
    await this.#wakeup.until(() => this.#interruption(peer) !== undefined, ROUTE_SETTLE);
    if (this.#interruption(peer) !== undefined) return;
    await this.#applyRoutes(peer.allowedIps);
    if (this.#routes.added.length > 0) this.#emit({ type: 'routes-restored', peer, routes: this.#routes });
  }

  #enter(state: State): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#world.timers.now();
  }

  #emit(event: SelectorEvent): void {
    this.#listener(event);
  }
}
