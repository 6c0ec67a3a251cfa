import { INTERRUPTION } from './times.js';
import { Trials } from './trials.js';
import type { Settings } from './world.js';

/** What it obeys. */
export type LivenessSettings = Pick<Settings, 'probeTimeout' | 'probeInterval'>;

/** How often a connection is looked at while something is on the way, in milliseconds. */
const CLOSE_LOOK = 1_000;

/** After a connection is made so many probes find out whether somebody answers them. */
const FIRST_PROBES = 8;

/** Fewer are enough where nobody does. */
const VAIN_PROBES = 3;

/** Nothing came in for so long although data went out: time to ask. Milliseconds. */
const SILENT_UNDER_TRAFFIC = 3_000;

/** Who answers probes at all does so within this, in milliseconds; and so often they are sent then. */
const ANSWER_TIME = 1_000;

/** How often they are sent to somebody who does not answer at once, so that one of them gets there. Milliseconds. */
const RARE_PROBE = 3_000;

/** So much sooner a probe is sent with a look that is made for other reasons: it saves another look. A share of its interval. */
const EARLY_PROBE = 0.1;

/** Unanswered probes say nothing before there were so many in a row, nor so soon after something came in (milliseconds). */
const LEAST_PROBES = 4;
const LEAST_SILENCE = 7_000;

/** Something came in between so many looks in a row: it goes on doing so, or the way is interrupted. */
const RHYTHM = 5;

/** A silence of this kind on a healthy connection is put to the test for nothing. */
const RARE = 1e-3;

/** Little is known of a fresh link: it counts as one that is neither clean nor bad. */
const PROBES_PRIOR = { missed: 1, of: 2 };
const INITIATIONS_PRIOR = { missed: 0.5, of: 5 };

/** WireGuard repeats an initiation that was not answered after so long (REKEY_TIMEOUT), in milliseconds. */
const REKEY_TIMEOUT = 5_000;

/** On the worst of links it is waited for so many of them. */
const MOST_INITIATIONS = 5;

/** So long before its time is over the peer is put to the test, which takes some time itself. Milliseconds. */
const TEST_TIME = 4_000;

/** A look that comes so much later than it was due says that the machine stood still, in milliseconds. */
const STOOD_STILL = 3_000;

/** Bytes of WireGuard's messages that oblige nobody to answer: initiation, response, an empty packet. */
const INITIATION = 148;
const RESPONSE = 92;
const EMPTY = 32;

/** A probe in the tunnel, at most: an empty datagram over IPv6, padded. Bytes. */
const PROBE = 80;

/** Empty packets that may come in by chance while a probe is answered, which takes more bytes than so many. */
const MOST_EMPTY = 2;

/**
 * Where no probe can be sent it is tried again after so long, in milliseconds: soon at first, since the interface may have gone down, or its
 * routes away, a moment ago, of which we have not been told yet.
 */
const NO_PROBE = { first: 3_000, later: 60_000 };

/** What a look sees of a peer, in bytes since it was installed. */
export interface Counters {
  readonly received: number;
  readonly sent: number;
}

/** What is to be done now. */
export interface Advice {
  /** Why the peer seems to be dead, if it does. */
  readonly suspicion: string | undefined;
  /** When the probes in a row were sent that have led to it: each should have been answered. Milliseconds. */
  readonly unanswered: readonly number[];
  /** Whether it is known when an interruption would have begun, and so that it would be over. */
  readonly beyondInterruption: boolean;
  readonly probe: boolean;
}

/** Most looks say that. */
const NOTHING_TO_DO: Advice = {
  suspicion: undefined,
  unanswered: [],
  beyondInterruption: false,
  probe: false,
};

/**
 * Whether the peer still answers, judged by its counters. What comes in proves life. What goes out obliges the other side to answer, whatever
 * the connection is used for (linux, drivers/net/wireguard/timers.c): by an empty packet after
 * 10 s, and, where that does not come, to an initiation that the kernel sends 15 s after the unanswered data and every 5 s from
 * then on. Where nothing goes out, a probe does. Most gateways answer probes at once, and so are found dead sooner.
 *
 * A suspicion is no proof: packets get lost. It says that it is worth a test.
 */
export class Liveness {
  readonly #roundTrips: Trials;
  readonly #keepalive: number;
  /** Of probes, and of answers within their time. */
  readonly #probes = new Trials();
  #settings: LivenessSettings = { probeTimeout: 0, probeInterval: 0 };
  #received: number;
  #sent: number;
  #lookedAt: number;
  #dueAt: number;
  /** Until then nothing is waited for, and a look that sees nothing new leads to nothing; 0 when that is not known. */
  #quietUntil = 0;
  #heardAt: number;
  /** Since when something has to be answered. */
  #owedSince: number | undefined;
  /** Data went out between the last two looks. */
  #busy = false;
  #probed: { readonly at: number; readonly inSilence: boolean } | undefined;
  #unjudged = false;
  #firstProbes = 0;
  #noProbeBefore = 0;
  /** The probe before could not be sent either. */
  #refused = false;
  #answersProbes = false;
  /** When those probes in a row were sent that were not answered. */
  readonly #missed: number[] = [];
  /** So many close looks in a row have shown that something came in, and data went out at each since. */
  #rhythm = 0;

  /**
   * @param roundTrips what is known of the way to and fro; what this learns goes there
   * @param keepalive the peer's persistent keepalive in seconds, 0 for none
   * @param now milliseconds
   */
  constructor(roundTrips: Trials, keepalive: number, { received, sent }: Counters, now: number) {
    this.#roundTrips = roundTrips;
    this.#keepalive = keepalive;
    this.#received = received;
    this.#sent = sent;
    this.#lookedAt = now;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#heardAt = now;
  }

  /** Milliseconds since something came in, as far as looks can tell: not more. */
  silence(now: number): number {
    return now - this.#heardAt;
  }

  /** Milliseconds since something was sent that has to be answered and was not; 0 where everything was. */
  owing(now: number): number {
    return this.#owedSince === undefined ? 0 : now - this.#owedSince;
  }

  /** Whether something behind the peer answers probes, most of the time. */
  get answersProbes(): boolean {
    return this.#answersProbes;
  }

  /**
   * Takes what a look has seen, and says what to do.
   *
   * @param answered tells whether a probe was answered since that was last asked, as its own socket heard
   */
  observe(counters: Counters, answered: () => boolean, settings: LivenessSettings, now: number): Advice {
    const sent = counters.sent - this.#sent;
    const received = counters.received - this.#received;
    if (sent === 0 && received === 0 && now < this.#quietUntil && settings === this.#settings) {
      this.#lookedAt = now;
      this.#rhythm = 0;
      return NOTHING_TO_DO;
    }
    this.#quietUntil = 0;
    this.#settings = settings;
    const data = sent > (this.#unjudged ? PROBE : 0) && !obligesNobody(sent, this.#emptyPackets(now));
    if (received > 0) this.#rhythm = now - this.#heardAt < 2 * CLOSE_LOOK ? this.#rhythm + 1 : 0;
    else if (!data) this.#rhythm = 0;
    if (now > this.#dueAt + STOOD_STILL) this.#startAnew(now);
    const probeAnswered = (received > 0 || this.#unjudged) && answered();
    this.#judgeProbe(probeAnswered, received, now);
    if (received > 0 || probeAnswered) this.#hear(now);
    else if (data) this.#owedSince ??= Math.max(this.#lookedAt, now - CLOSE_LOOK);
    this.#busy = data;
    this.#received = counters.received;
    this.#sent = counters.sent;
    this.#lookedAt = now;
    this.#dueAt = Number.POSITIVE_INFINITY;
    const suspected = this.#suspicion(now);
    return this.#probeDue() - this.#early <= now ? { ...suspected, probe: true } : suspected;
  }

  /** A probe was sent. */
  probed(now: number): void {
    this.#probed = { at: now, inSilence: this.#heardAt + SILENT_UNDER_TRAFFIC <= now };
    this.#refused = false;
    this.#unjudged = true;
    this.#firstProbes++;
    this.#quietUntil = 0;
    this.#owedSince ??= now;
  }

  /** No probe could be sent. @returns whether that is so for longer than a moment */
  cannotProbe(now: number): boolean {
    const lasting = this.#refused;
    this.#refused = true;
    this.#noProbeBefore = now + (lasting ? NO_PROBE.later : NO_PROBE.first);
    this.#quietUntil = 0;
    return lasting;
  }

  /**
   * A test has shown that the peer lives: so what led to it was lost on the way. It was installed anew for that, and its counters begin at 0.
   */
  lives(now: number): void {
    this.#learn({ missed: this.#missed.length });
    this.#roundTrips.add({ missed: this.answersProbes ? this.#missed.length : 1 });
    this.#received = 0;
    this.#sent = 0;
    this.#unjudged = false;
    this.#quietUntil = 0;
    this.#startAnew(now);
  }

  /** When the next look is due, if nothing else makes it due sooner. */
  nextLook(): number {
    if (this.#quietUntil > 0) return this.#dueAt;
    const close = (this.#busy || this.#unjudged) && this.#settings.probeTimeout > 0;
    const soon = close ? this.#lookedAt + CLOSE_LOOK : Number.POSITIVE_INFINITY;
    this.#dueAt = Math.min(soon, Math.max(this.#probeDue(), this.#lookedAt), this.#answerDue());
    const quiet = !this.#busy && !this.#unjudged && this.#owedSince === undefined;
    this.#quietUntil = quiet ? this.#dueAt - this.#early : 0;
    return this.#dueAt;
  }

  #startAnew(now: number): void {
    this.#heardAt = now;
    this.#owedSince = undefined;
    this.#missed.length = 0;
  }

  #hear(now: number): void {
    const owedFor = this.owing(now);
    // Of traffic nobody knows which packet answers which. A silence that a probe has ended says something.
    const missed = this.#missed.length;
    if (missed > 0) {
      this.#learn({ missed });
      if (this.answersProbes) this.#roundTrips.add({ answered: 1, missed });
      // The first probe is answered after 10 s. Later: it was lost, or its answer; sooner: something else has come in.
      else if (owedFor > 12_000)
        this.#roundTrips.add({ answered: 1, missed: Math.ceil((owedFor - 10_000) / 5_000) });
      else if (owedFor > 9_000) this.#roundTrips.add({ answered: 1 });
    }
    this.#startAnew(now);
  }

  /** Takes what became of probes. */
  #learn(trials: { answered?: number; missed?: number }): void {
    this.#probes.add(trials);
    this.#answersProbes = this.#probes.answered >= 2 && this.#probes.missRate(PROBES_PRIOR) < 0.6;
  }

  /**
   * Whether the latest probe was answered in its time. Where life shows otherwise one that was not says nothing of the peer; of the way it
   * does, since its answer would have counted, too: else a busy way would seem to lose nothing.
   */
  #judgeProbe(answered: boolean, received: number, now: number): void {
    if (!this.#unjudged || this.#probed === undefined) return;
    const { at, inSilence } = this.#probed;
    const over = now - at >= ANSWER_TIME;
    const quoted = inSilence && now - at <= 2 * ANSWER_TIME && !obligesNobody(received, MOST_EMPTY);
    if (answered || quoted) {
      this.#learn({ answered: 1 });
      if (this.#missed.length === 0) this.#roundTrips.add({ answered: 1 });
      this.#unjudged = false;
    } else if (over) {
      this.#unjudged = false;
      if (received === 0) this.#missed.push(at);
      else if (this.answersProbes) this.#roundTrips.add({ missed: 1 });
    }
  }

  #suspicion(now: number): Advice {
    if (this.#settings.probeTimeout === 0) return NOTHING_TO_DO;
    const unanswered = this.#missed.length;
    const silence = this.silence(now);
    if (this.answersProbes && unanswered >= LEAST_PROBES && silence >= LEAST_SILENCE) {
      const byChance = this.#probes.inARow(RARE, PROBES_PRIOR);
      if (unanswered >= byChance && now >= this.#troubleSince(byChance) + INTERRUPTION) {
        const suspicion = `${unanswered} probes in a row were not answered`;
        const beyondInterruption = this.#rhythm >= RHYTHM;
        return { suspicion, unanswered: [...this.#missed], beyondInterruption, probe: false };
      }
    }
    if (now < this.#answerDue()) return NOTHING_TO_DO;
    const suspicion = `nothing came in for ${Math.round(silence / 1000)} s, although data went out`;
    return { ...NOTHING_TO_DO, suspicion };
  }

  /**
   * When an interruption has begun at the latest, if this is one. Where something came in all the time, that is when it ended. Else some
   * of the unanswered probes may have been lost by chance, right before it.
   */
  #troubleSince(byChance: number): number {
    if (this.#rhythm >= RHYTHM) return this.#heardAt + CLOSE_LOOK;
    return this.#missed[byChance - 1] ?? Number.POSITIVE_INFINITY;
  }

  /** When what is owed must have been answered, on a link that loses as much as this one. */
  #answerDue(): number {
    const { probeTimeout } = this.#settings;
    if (this.#owedSince === undefined || probeTimeout === 0) return Number.POSITIVE_INFINITY;
    const miss = this.#roundTrips.missRate(INITIATIONS_PRIOR);
    let initiations = 1;
    for (let all = (miss / 2) * miss; all > 10 * RARE && initiations < MOST_INITIATIONS; all *= miss)
      initiations++;
    const patience = probeTimeout - Math.min(TEST_TIME, probeTimeout / 2);
    return this.#owedSince + patience + (initiations - 1) * REKEY_TIMEOUT;
  }

  /** How much sooner than it is due a probe may be sent, with a look that is made anyhow: only in silence. Milliseconds. */
  get #early(): number {
    return this.#owedSince === undefined ? this.#settings.probeInterval * EARLY_PROBE : 0;
  }

  #probeDue(): number {
    const { probeInterval } = this.#settings;
    if (probeInterval === 0) return Number.POSITIVE_INFINITY;
    const first = this.answersProbes ? FIRST_PROBES : VAIN_PROBES;
    if (this.#probed === undefined) return Math.max(this.#lookedAt, this.#noProbeBefore);
    const { at } = this.#probed;
    if (this.#firstProbes < first) return Math.max(at + ANSWER_TIME, this.#noProbeBefore);
    const next = at + (this.answersProbes ? ANSWER_TIME : RARE_PROBE);
    const silent = this.#owedSince === undefined ? probeInterval : SILENT_UNDER_TRAFFIC;
    return Math.max(next, this.#heardAt + silent, this.#noProbeBefore);
  }

  /** How many empty packets WireGuard may have sent since the look before. */
  #emptyPackets(now: number): number {
    const persistent =
      this.#keepalive === 0 ? 0 : 1 + Math.floor((now - this.#lookedAt) / (this.#keepalive * 1000));
    return 1 + persistent;
  }
}

/** Whether so many bytes may be nothing but handshakes and empty packets. */
function obligesNobody(bytes: number, emptyPackets: number): boolean {
  for (let initiations = 0; initiations <= 2; initiations++) {
    for (let responses = 0; responses <= 2; responses++) {
      const rest = bytes - initiations * INITIATION - responses * RESPONSE;
      if (rest >= 0 && rest % EMPTY === 0 && rest / EMPTY <= emptyPackets) return true;
    }
  }
  return false;
}
