import { formatDuration } from '../wording.js';
import { Audition } from './audition.js';
import type { Answer } from './connection.js';
import type { LossCode } from './events.js';
import { Flaps } from './flaps.js';
import type { Loop, Loss } from './loop.js';
import type { Candidate, Picker } from './picker.js';
import { byPriority } from './round.js';
import type { Assignment, Peer } from './world.js';

/** Round trips are compared so often, and first so soon after a connection was made and up to so much later: milliseconds. */
const COMPARE = { every: 600_000, first: 15_000, spread: 60_000 };

/** A round trip has to be shorter by both to be worth a change: milliseconds, and a share of it. */
const GAIN = { least: 10, share: 0.2 };

/** Losses that say something of the peer: it did not answer. */
const SILENT: readonly LossCode[] = ['no-answer', 'no-data', 'handshake-too-old'];

/** Why the connection goes over to a peer, and how that was reached. */
export interface Successor extends Loss, Answer {
  readonly candidate: Candidate;
}

/**
 * - `failback`: a lesser peer is held; one of its betters may answer again.
 * - `fastest`: another of the best group may have a shorter round trip.
 * - `max-age`: the peer was held for long enough, and others are to have their share.
 */
type Purpose = 'failback' | 'fastest' | 'max-age';

/** When a purpose has its turn, as it follows from the settings of that time. */
interface Plan {
  readonly interval: number;
  readonly at: number;
}

/** What is being tried, for one purpose. */
interface Run {
  readonly purpose: Purpose;
  readonly waiting: Candidate[];
  /** What has answered, for `fastest`. */
  readonly answers: { readonly candidate: Candidate; readonly roundTrip: number }[];
  /** The fastest so far is asked once more. */
  final: boolean;
}

/**
 * Who may take the place of the peer that is held, while that works. They are tried beside it, so that nobody is left before another has
 * answered. A peer that somebody asked for by name stays.
 */
export class Rivals {
  readonly #loop: Loop;
  readonly #picker: Picker;
  readonly #flaps = new Flaps();
  readonly #plans = new Map<Purpose, Plan>();
  /** The next of them, as it follows from this assignment; nothing when that has to be found anew. */
  #soonest: { readonly assignment: Assignment; readonly at: number } | undefined;
  #held: Peer | undefined;
  #since = 0;
  /** Somebody asked for the held one by name. */
  #asked = false;
  #run: Run | undefined;
  #audition: Audition | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(loop: Loop, picker: Picker) {
    this.#loop = loop;
    this.#picker = picker;
  }

  /** A connection begins to be held. @param asked whether somebody asked for this peer */
  begin(held: Peer, asked: boolean): void {
    this.#held = held;
    this.#since = this.#loop.world.timers.now();
    this.#asked = asked;
    this.#run = this.#audition = undefined;
    this.#plans.clear();
    this.#soonest = undefined;
  }

  /** Somebody has asked for the peer that is held already. */
  stay(): void {
    this.#asked = true;
    this.#soonest = undefined;
  }

  /** It is over; whoever is beside is taken away by {@link Connection.remove}. */
  end(code: LossCode): void {
    if (this.#held !== undefined && SILENT.includes(code)) {
      this.#flaps.lost(this.#held.name, this.#loop.world.timers.now());
    }
    this.#held = this.#soonest = undefined;
  }

  /** When {@link step} is to be called, in monotonic milliseconds. */
  get due(): number {
    if (this.#run !== undefined) return this.#audition?.due ?? this.#loop.world.timers.now();
    const assignment = this.#loop.assignment();
    if (this.#soonest?.assignment !== assignment) {
      const at = Math.min(this.#due('failback'), this.#due('fastest'), this.#due('max-age'));
      this.#soonest = { assignment, at };
    }
    return this.#soonest.at;
  }

  /** Goes on with what is due. @returns who is to be held from now on, if somebody else is */
  async step(): Promise<Successor | undefined> {
    if (this.#held === undefined) return undefined;
    if (this.#asked) return await this.#giveUp();
    this.#run ??= this.#next();
    if (this.#run === undefined) return undefined;
    const audition = this.#audition ?? this.#nextAudition(this.#run, this.#held);
    this.#audition = audition;
    if (audition === undefined) return this.#over(this.#run);
    const answer = this.#isWanted(audition) ? await audition.step() : 'silent';
    if (answer === undefined) return undefined;
    this.#audition = undefined;
    const successor =
      answer === 'silent' || !this.#isWanted(audition)
        ? undefined
        : this.#answered(this.#run, this.#held, audition.candidate, answer);
    if (successor === undefined) await audition.end();
    return successor;
  }

  /** A reload may have taken the peer away or changed it, and somebody may have asked for the held one, at any time. */
  #isWanted({ candidate }: Audition): boolean {
    return !this.#asked && this.#loop.assignment().peers.includes(candidate.peer);
  }

  async #giveUp(): Promise<undefined> {
    const audition = this.#audition;
    this.#run = this.#audition = undefined;
    await audition?.end();
  }

  /** @returns the successor that the peer is, if it is one */
  #answered(run: Run, held: Peer, candidate: Candidate, answer: Answer): Successor | undefined {
    if (run.purpose === 'failback') {
      const { priority } = candidate.peer;
      const reason = `${candidate.peer.name} answers, which has priority ${priority} instead of ${held.priority}`;
      return { candidate, ...answer, code: 'better-peer', reason };
    }
    if (run.purpose === 'max-age') {
      const reason = `held for ${formatDuration(this.#loop.world.timers.now() - this.#since)}`;
      return { candidate, ...answer, code: 'max-age', reason };
    }
    const ours = this.#loop.connection.likelyRoundTrip;
    if (run.final && isFaster(answer.roundTrip, ours)) {
      this.#changedAt = this.#loop.world.timers.now();
      const [shorter, longer] = [answer.roundTrip, ours ?? 0].map(formatDuration);
      const reason = `${candidate.peer.name} is faster: a round trip of ${shorter} instead of ${longer}`;
      return { candidate, ...answer, code: 'better-peer', reason };
    }
    run.answers.push({ candidate, roundTrip: answer.roundTrip });
    return undefined;
  }

  /** The next one to be tried in this run. */
  #nextAudition(run: Run, held: Peer): Audition | undefined {
    const candidate = run.waiting.shift() ?? this.#fastest(run);
    // The one that is held has its chance among the others when its time is over.
    if (candidate === undefined || candidate.peer === held) {
      run.waiting.length = 0;
      return undefined;
    }
    return new Audition(this.#loop, candidate);
  }

  /** The one that is worth a change, to be asked once more: one round trip proves little. */
  #fastest(run: Run): Candidate | undefined {
    if (run.final) return undefined;
    run.final = true;
    const [first] = [...run.answers].sort((one, other) => one.roundTrip - other.roundTrip);
    return first !== undefined && isFaster(first.roundTrip, this.#loop.connection.likelyRoundTrip)
      ? first.candidate
      : undefined;
  }

  #over({ purpose }: Run): undefined {
    this.#run = undefined;
    this.#plan(purpose, this.#interval(purpose));
  }

  /** What is due, with those whom it concerns, the first to be tried first. */
  #next(): Run | undefined {
    const now = this.#loop.world.timers.now();
    const held = this.#held;
    const due = (purpose: Purpose): boolean => this.#due(purpose) <= now;
    const purpose = (['failback', 'fastest', 'max-age'] as const).find(due);
    if (held === undefined || purpose === undefined) return undefined;
    const peers = this.#loop.assignment().peers.filter((peer) => {
      if (peer === held) return purpose === 'max-age';
      if (peer.publicKey === held.publicKey || this.#flaps.waits(peer.name, now)) return false;
      if (purpose === 'failback') return peer.priority < held.priority;
      return peer.priority <= held.priority; // none is better where the fastest is looked for
    });
    const waiting = byPriority(peers, this.#loop.world.random).flatMap(
      (peer) => this.#picker.candidate(peer) ?? [],
    );
    return { purpose, waiting, answers: [], final: false };
  }

  /** When the purpose has its turn; the settings may have changed. */
  #due(purpose: Purpose): number {
    const interval = this.#interval(purpose);
    if (interval === 0) return Number.POSITIVE_INFINITY;
    const plan = this.#plans.get(purpose);
    return plan?.interval === interval ? plan.at : this.#plan(purpose, interval, true);
  }

  /** Milliseconds between two runs; 0 where there is nothing to look for. */
  #interval(purpose: Purpose): number {
    const held = this.#held;
    if (held === undefined || this.#asked) return 0;
    const { peers, settings } = this.#loop.assignment();
    const best = peers.reduce((least, { priority }) => Math.min(least, priority), Number.POSITIVE_INFINITY);
    if (purpose === 'failback') return held.priority > best ? settings.failbackInterval : 0;
    if (purpose === 'max-age') return settings.maxAge;
    const others = peers.some((peer) => peer.priority === best && peer.publicKey !== held.publicKey);
    return settings.strategy === 'fastest' && held.priority === best && others ? COMPARE.every : 0;
  }

  /** Never in step with others that were left at the same time. */
  #plan(purpose: Purpose, interval: number, first = false): number {
    const { timers, random } = this.#loop.world;
    const jitter = random.below(1001) / 1000;
    const now = timers.now();
    let at = now + interval * (1 + jitter / 4);
    if (purpose === 'failback') at = now + interval * (1 - jitter / 4);
    else if (purpose === 'max-age') at = now + interval * (7 / 8 + jitter / 4);
    else if (first) at = Math.max(now + COMPARE.first + jitter * COMPARE.spread, this.#changedAt + interval);
    this.#plans.set(purpose, { interval, at });
    this.#soonest = undefined;
    return at;
  }
}

function isFaster(theirs: number, ours: number | undefined): boolean {
  return ours !== undefined && ours - theirs >= Math.max(GAIN.least, ours * GAIN.share);
}
