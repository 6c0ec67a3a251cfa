import { attempt } from './attempt.js';
import { Connection } from './connection.js';
import type { FailureCode, SelectorEvent, Snapshot, State } from './events.js';
import { Hold } from './hold.js';
import { Inbox } from './inbox.js';
import { INTERFACE_GONE, type Loop, type Loss } from './loop.js';
import { Refused } from './loops.js';
import { Pace, type Pause } from './pace.js';
import { type Candidate, Picker } from './picker.js';
import { Rivals, type Successor } from './rivals.js';
import { ROUTE_REST } from './times.js';
import { wayTo } from './way.js';
import {
  type Assignment,
  InterfaceGone,
  type LinkState,
  type Peer,
  type Remote,
  type World,
} from './world.js';

/** So often it is tried to leave nothing behind. */
const LAST_TRIES = 3;

/**
 * Keeps one interface connected to exactly one peer out of several. One loop does one thing at a time; everything that changes
 * from outside (links, routes, names, configuration, commands) only lands in the inbox, and wakes it.
 */
export class Selector {
  /** Runs until {@link stop}. Resolves when peer and routes are removed; never rejects. */
  async run(): Promise<void> {
    const { news } = this.#inbox;
    while (!news.stopping) await this.#step().catch((error: unknown) => this.#trouble(error));
    await this.#leaveNothing().catch((error: unknown) => this.#emit({ type: 'trouble', error }));
    this.#unhear();
    this.#enter('stopped');
    this.#emit({ type: 'stopped' });
  }

  async #step(): Promise<void> {
    const { tunnel, clock } = this.#world;
    await this.#connection.guard.prepare(this.#assignment);
    if (tunnel.link !== 'up') return await this.#awaitInterface();
    if (this.#inbox.news.unread) return await this.#takeOver(); // and hold what is found working
    if (this.#assignment.settings.waitForClock && !clock.ready) return await this.#awaitClock();
    const candidate = await this.#nextPeer(); // every peer once before any twice
    if (candidate !== undefined && (await this.#connect(candidate))) await this.#hold(candidate);
  }

  readonly #world: World;
  readonly #listener: (event: SelectorEvent) => void;
  readonly #inbox: Inbox;
  readonly #picker: Picker;
  readonly #pace: Pace;
  readonly #connection: Connection;
  readonly #loop: Loop;
  readonly #holding: Hold;
  readonly #rivals: Rivals;
  /** The clock, which others hear too, tells this one nothing any more. */
  readonly #unhear: () => void;
  /** The peer that somebody asked for by name; it is held as long as it works. */
  #asked: string | undefined;
  /** Milliseconds by which the next try lasts longer. */
  #patience = 0;
  #assignment: Assignment;
  #stateListener: (() => void) | undefined;
  #state: State = 'waiting-for-interface';
  #since: number;
  /** What is being tried or held. */
  #current: { readonly candidate: Candidate; readonly remote: Remote | undefined } | undefined;

  /** @param listener is told of everything that happens, at once; it must not throw */
  constructor(world: World, assignment: Assignment, listener: (event: SelectorEvent) => void) {
    const { tunnel, routing, resolver, clock, timers, random } = world;
    this.#world = world;
    this.#assignment = assignment;
    this.#listener = listener;
    const inbox = new Inbox(timers);
    this.#inbox = inbox;
    this.#connection = new Connection(world);
    this.#loop = {
      world,
      connection: this.#connection,
      inbox,
      assignment: () => this.#assignment,
      interruption: (peer) => this.#interruption(peer),
      emit: listener,
    };
    this.#pace = new Pace(timers, random);
    this.#picker = new Picker(resolver, timers, random, () => inbox.post({ turns: true }));
    this.#rivals = new Rivals(this.#loop, this.#picker);
    this.#holding = new Hold(this.#loop, this.#rivals);
    this.#picker.setPeers(assignment.peers);
    this.#since = timers.now();
    tunnel.onLink(() => {
      this.#connection.linkChanged();
      inbox.post({ unread: true });
    });
    routing.onNetworkChange(() => inbox.post({ changed: true }));
    routing.onRoutesInDoubt(() => inbox.post({ routesInDoubt: true }));
    this.#unhear = clock.onReady(() => inbox.post({}));
  }

  /** Ends {@link run} as soon as peer and routes are removed. */
  stop(): void {
    this.#inbox.post({ stopping: true });
  }

  /** Changes peers and settings. A connection whose peer stays as it was is not touched. */
  assign(assignment: Assignment): void {
    this.#assignment = assignment;
    this.#picker.setPeers(assignment.peers);
    this.#inbox.post({ routesInDoubt: true, changed: true, turns: true }); // metric or table may be others now
  }

  /**
   * Goes to this peer now, or as soon as the interface is up. If it fails, the round goes on. While it works no other is preferred to it.
   * @returns whether there is such a peer to choose
   */
  select(name: string): boolean {
    if (!this.#assignment.peers.some((peer) => peer.name === name)) return false;
    this.#asked = name;
    if (this.#current?.candidate.peer.name === name) {
      this.#rivals.stay();
      return true;
    }
    this.#picker.prefer(name);
    this.#leave(`asked to go to ${name}`);
    return true;
  }

  /** Leaves the peer that is being tried or held, and goes on with the round. */
  next(): void {
    this.#leave('asked to go on to the next');
  }

  #leave(reason: string): void {
    this.#inbox.post(this.#current === undefined ? { changed: true, turns: true } : { leave: reason });
  }

  /** Calls back at each change of the state. */
  onState(listener: () => void): void {
    this.#stateListener = listener;
  }

  /** Whether the loop goes on, as {@link Inbox.goesOn} has it. */
  goesOn(milliseconds: number): boolean {
    return this.#inbox.goesOn(milliseconds);
  }

  /** What is going on at this moment. */
  snapshot(): Snapshot {
    return {
      state: this.#state,
      since: this.#since,
      peer: this.#current?.candidate.peer,
      remote: this.#current?.remote,
      handshakeAge: this.#state === 'established' ? this.#connection.handshakeAge : undefined,
      roundTrip: this.#state === 'established' ? this.#connection.likelyRoundTrip : undefined,
      silence: this.#state === 'established' ? this.#holding.silence : undefined,
      routes: this.#connection.routes,
      tried: this.#picker.round.tried,
      untried: this.#picker.round.untried,
    };
  }

  async #awaitInterface(): Promise<void> {
    const { news } = this.#inbox;
    const state = (): LinkState => this.#world.tunnel.link;
    this.#enter('waiting-for-interface');
    let told: LinkState | undefined;
    for (let link = state(); link !== 'up'; link = state()) {
      if (link !== told) this.#emit({ type: 'interface-missing', link });
      told = link;
      const interrupted = (): boolean => news.stopping || state() !== told;
      await this.#inbox.until(() => interrupted() || news.routesInDoubt);
      if (news.stopping) return;
      if (!news.routesInDoubt) continue;
      // What holds without a connection: another assignment, or somebody who takes it away, perhaps again and again.
      await this.#inbox.until(interrupted, ROUTE_REST.first);
      news.routesInDoubt = false;
      await this.#connection.guard.prepare(this.#assignment);
    }
    this.#emit({ type: 'interface-up' });
  }

  /** Reads what the kernel holds of ours; a connection that still works is kept and held. */
  async #takeOver(): Promise<void> {
    const { news } = this.#inbox;
    const { peers } = this.#assignment;
    news.unread = false; // before reading: what changes from now on sets it again
    const removed = (publicKey: string): void => {
      const peer = peers.find((configured) => configured.publicKey === publicKey);
      this.#emit({ type: 'leftover-removed', peer, publicKey });
    };
    const kept = await this.#connection.takeOver(this.#assignment, this.#picker.preferred, removed);
    if (kept === undefined) return;
    const candidate = this.#picker.take(kept.peer);
    if (candidate?.peer !== kept.peer) return await this.#disconnect(); // a reload took it away or changed it meanwhile
    const { peer, remote, handshakeAge } = kept;
    this.#current = { candidate, remote };
    this.#enter('established');
    this.#emit({ type: 'kept', peer, handshakeAge, routes: this.#connection.routes });
    await this.#hold(candidate);
  }

  async #awaitClock(): Promise<void> {
    const { clock } = this.#world;
    const { news } = this.#inbox;
    const ready = (): boolean => clock.ready || !this.#assignment.settings.waitForClock;
    this.#enter('setting-clock');
    await this.#inbox.until(() => ready() || news.stopping || news.unread);
  }

  /** Whose turn it is. The only place where a round ends. */
  async #nextPeer(): Promise<Candidate | undefined> {
    const { news } = this.#inbox;
    news.leave = undefined;
    const interrupted = (): boolean => news.stopping || news.unread;
    while (!interrupted()) {
      this.#enter('connecting');
      news.turns = false;
      const pick = this.#picker.look(this.#assignment.settings.connectTimeout);
      if (pick.kind === 'candidate') return pick.candidate;
      if (pick.kind === 'unresolved') this.#failed(pick.peer, undefined, 'no-address', pick.reason);
      else if (pick.kind === 'round-over') await this.#nextRound();
      else await this.#inbox.until(() => interrupted() || news.turns, pick.milliseconds);
    }
    return undefined;
  }

  async #nextRound(): Promise<void> {
    const { news } = this.#inbox;
    const end = this.#pace.nextRound();
    if (end !== undefined) {
      const { round, disconnected, pause, patience } = end;
      this.#patience = patience;
      this.#emit({ type: 'round-over', round, disconnected, silent: patience > 0 });
      if (pause !== undefined) await this.#pause(pause);
    }
    if (this.#picker.preferred !== undefined) return; // asked for during the pause: its turn is before the round
    news.changed = false; // what changes during the round ends the pause behind it
    this.#picker.begin();
  }

  /** Waits until something changes, within the bounds of the pause. */
  async #pause({ longest, shortest }: Pause): Promise<void> {
    const { news } = this.#inbox;
    this.#enter('pausing');
    this.#emit({ type: 'pausing', duration: longest });
    // Where the kernel fails whatever is asked of it, one that was asked for before is no reason not to rest.
    const { preferred } = this.#picker;
    const asked = (): boolean => news.stopping || this.#picker.preferred !== preferred;
    await this.#inbox.until(asked, shortest);
    await this.#inbox.until(() => asked() || news.changed, longest - shortest);
    if (!news.changed) this.#pace.pausedInPeace();
    news.changed = false;
  }

  async #connect(candidate: Candidate): Promise<boolean> {
    const { peer, remotes } = candidate;
    const { timers } = this.#world;
    for (const { remote, reason } of remotes.takeUnusable()) this.#failed(peer, remote, 'no-address', reason);
    const way = await wayTo(remotes, this.#world.routing);
    if (way === undefined) return false;
    const { remote, doubt } = way;
    remotes.take(remote);
    this.#current = { candidate, remote };
    this.#emit({ type: 'trying', peer, remote });
    const started = timers.now();
    const patience = this.#patience;
    this.#patience = 0;
    const failure = await attempt(this.#loop, this.#pace, {
      ...{ peer, remote, doubt, patience },
      again: this.#pace.silent,
    });
    if (failure === undefined) {
      this.#enter('established');
      const { routes } = this.#connection;
      const handshake = timers.now() - started;
      this.#holding.connected();
      this.#pace.answered();
      const reached = this.#connection.reached(remote);
      this.#current = { candidate, remote: reached };
      const tried = reached === remote ? undefined : remote;
      this.#emit({ type: 'connected', peer, remote: reached, tried, handshake, routes });
      return true;
    }
    if (this.#inbox.news.leave !== undefined) this.#pace.told();
    await this.#disconnect();
    if (this.#inbox.news.stopping) return false;
    remotes.failed(remote);
    const { code, reason } = failure;
    const why = doubt === undefined ? reason : `${doubt.reason}; tried all the same: ${reason}`;
    this.#failed(peer, remote, code, why);
    return false;
  }

  /** Holds the connection, and those that take its place, until one is lost. */
  async #hold(candidate: Candidate): Promise<void> {
    for (let held = candidate; ; ) {
      if (held.peer.name !== this.#asked) this.#asked = undefined;
      this.#rivals.begin(held.peer, this.#asked !== undefined);
      const end = await this.#holding.run(held.peer);
      const loss = 'candidate' in end ? await this.#moveTo(end) : end;
      if (loss !== undefined) return await this.#lost(held, loss);
      if ('candidate' in end) held = end.candidate;
    }
  }

  /** Goes over to another peer, which has answered already. @returns why that has ended the connection, if it has */
  async #moveTo({ candidate, remote, roundTrip, code, reason }: Successor): Promise<Loss | undefined> {
    const { peer } = candidate;
    const before = this.#current?.candidate;
    const now = this.#world.timers.now();
    const held = now - this.#since;
    try {
      await this.#connection.moveToBeside(peer, { remote, roundTrip }, this.#assignment);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { code: 'trouble', reason: `${peer.name} cannot take its place: ${error.message}` };
    }
    this.#rivals.end(code);
    before?.remotes.forget(); // resolved before the connection, perhaps days ago
    this.#picker.begin(); // what failed in the old round may be weeks ago
    this.#picker.take(peer);
    this.#current = { candidate, remote };
    this.#since = now;
    this.#holding.connected();
    if (before !== undefined) this.#emit({ type: 'lost', peer: before.peer, code, reason, held });
    this.#emit({ type: 'connected', peer, remote, handshake: roundTrip, routes: this.#connection.routes });
    return undefined;
  }

  /** Why the peer cannot be tried or held any longer, if it cannot. */
  #interruption(peer: Peer): Loss | undefined {
    const { stopping, unread, leave } = this.#inbox.news;
    if (stopping) return { code: 'told-to', reason: 'the daemon stops' };
    if (unread) return INTERFACE_GONE;
    if (leave !== undefined) return { code: 'told-to', reason: leave };
    const { peers } = this.#assignment;
    if (peers.includes(peer)) return undefined;
    const replaced = peers.some(({ name }) => name === peer.name);
    return {
      code: 'told-to',
      reason: replaced ? 'its configuration has changed' : 'it is no longer configured',
    };
  }

  async #lost({ peer, remotes }: Candidate, { code, reason }: Loss): Promise<void> {
    const { unread, leave } = this.#inbox.news;
    const held = this.#world.timers.now() - this.#since;
    this.#rivals.end(code);
    if (this.#asked === peer.name) this.#asked = undefined;
    this.#pace.lost(held, leave !== undefined || !this.#assignment.peers.includes(peer));
    this.#picker.failed(peer);
    remotes.forget(); // resolved before the connection, perhaps days ago
    if (this.#current?.remote !== undefined) remotes.failed(this.#current.remote);
    this.#enter('connecting');
    this.#emit({ type: 'lost', peer, code, reason, held });
    // With the interface down the peer stays: when it comes up again soon enough, the connection goes on.
    if (unread) this.#current = undefined;
    else await this.#disconnect();
  }

  #failed(peer: Peer, remote: Remote | undefined, code: FailureCode, reason: string): void {
    this.#picker.failed(peer);
    this.#emit({ type: 'failed', peer, remote, code, reason, round: this.#pace.rounds });
  }

  /** The last chance to do it: what fails is tried again at once, since most of what makes the kernel fail is soon over. */
  async #leaveNothing(): Promise<void> {
    this.#current = undefined;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connection.leaveNothing(this.#assignment);
      } catch (error) {
        if (tries >= LAST_TRIES) throw error;
      }
    }
  }

  async #disconnect(): Promise<void> {
    this.#current = undefined;
    await this.#connection.remove(this.#assignment);
  }

  /** Something that should not happen: the kernel's state is read anew, after a pause. */
  async #trouble(error: unknown): Promise<void> {
    this.#inbox.news.unread = true;
    const held = this.#current?.candidate;
    if (error instanceof InterfaceGone) {
      if (held !== undefined) await this.#lost(held, INTERFACE_GONE);
      return; // it is waited for
    }
    this.#emit({ type: 'trouble', error });
    if (held !== undefined)
      await this.#lost(held, { code: 'trouble', reason: 'the kernel has to be read anew' });
    await this.#pause(this.#pace.pause());
  }

  #enter(state: State): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#world.timers.now();
    this.#stateListener?.();
  }

  #emit(event: SelectorEvent): void {
    this.#listener(event);
  }
}
