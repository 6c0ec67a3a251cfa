import type { Knocks } from './knock.js';
import type { Advice, Liveness } from './liveness.js';
import type { Loop, Loss } from './loop.js';
import { INTERRUPTION, KNOCK } from './times.js';

/** What of the selector's loop a proof needs to know. */
export interface Known {
  readonly world: Pick<Loop['world'], 'timers'>;
  readonly connection: Pick<Loop['connection'], 'roundTrip' | 'likelyRoundTrip' | 'handshakeAge'>;
  assignment(): Pick<ReturnType<Loop['assignment']>, 'settings'>;
}

/** How a suspicion is settled. */
export interface Proof {
  readonly suspicion: string;
  readonly knocks: Knocks;
  /** What is said where nobody answers. @param knocks so many handshakes were asked for */
  loss(knocks: number): Loss;
}

/**
 * For a peer that is silent: handshakes, as many as a living one would hardly ever leave unanswered; and over a time in which a way that is
 * interrupted for some seconds comes back. Where probes were not answered there has been some time already.
 *
 * @param least handshakes that have to be lost in a row
 */
export function silentPeer(
  { world: { timers }, connection }: Known,
  liveness: Pick<Liveness, 'silence' | 'owing'>,
  least: number,
  suspicion: string,
  { unanswered, beyondInterruption }: Pick<Advice, 'unanswered' | 'beyondInterruption'>,
): Proof {
  const begin = timers.now();
  // Where the connection was taken over only renewals tell, and how long it takes at most.
  const { roundTrip, likelyRoundTrip = Number.POSITIVE_INFINITY } = connection;
  const enough = Math.max(KNOCK.shortest, 3 * likelyRoundTrip);
  const usual = roundTrip === undefined ? Math.min(enough, KNOCK.unknown) : enough;
  // Round trips may have become longer: the last handshake has more time.
  const last = Math.min(Math.max(KNOCK.last, enough), KNOCK.longest);
  // One interruption may take all that are made within the spread, so that many are made after it, too.
  const spread = unanswered.length > 0 ? 0 : KNOCK.spread;
  let within = 0;
  const questions = [...unanswered];
  const beyond = spread > 0 || beyondInterruption;
  // The last handshake comes when no interruption goes on that was preceded by fewer losses.
  const over = beyond ? 0 : (unanswered[least - 1] ?? begin) + INTERRUPTION;
  return {
    suspicion,
    loss: (knocks) => {
      const seconds = ((timers.now() - begin) / 1000).toFixed(1);
      return { code: 'no-answer', reason: `${suspicion}, and ${knocks} handshakes in ${seconds} s neither` };
    },
    knocks: {
      wait: (n) => {
        const now = timers.now();
        const spreading = now - begin < spread;
        if (spreading) within = n;
        questions.push(now);
        const due = over - now;
        if (n >= within + least) return due > 0 ? Math.min(last, Math.max(usual, due)) : last;
        return Math.min(spreading && n > least ? Math.max(usual, KNOCK.apart) : usual, KNOCK.longest);
      },
      enough: (n) => {
        const now = timers.now();
        return (
          n >= within + least &&
          (beyond || outlast(questions, least)) &&
          liveness.silence(now) >= KNOCK.silence &&
          liveness.owing(now) >= KNOCK.owing
        );
      },
    },
  };
}

/**
 * For a peer whose handshake is nearly too old: `least` handshakes have their time, also where the look came late; what comes after them ends with
 * the limit.
 *
 * @param age milliseconds
 */
export function oldHandshake({ connection, assignment }: Known, least: number, age: number): Proof {
  const { deadPeerTimeout } = assignment().settings;
  const ageNow = (): number => connection.handshakeAge ?? deadPeerTimeout;
  const wait = Math.min(Math.max(KNOCK.unknown, 3 * (connection.roundTrip ?? 0)), KNOCK.longest);
  return {
    suspicion: tooOld(age).reason,
    loss: () => tooOld(ageNow()),
    knocks: {
      wait: (n) => (n <= least ? wait : Math.min(wait, Math.max(0, deadPeerTimeout - ageNow()))),
      enough: (n) => n >= least && ageNow() >= deadPeerTimeout,
    },
  };
}

/** @param age milliseconds */
export function tooOld(age: number): Loss {
  return { code: 'handshake-too-old', reason: `no handshake for ${Math.round(age / 1000)} s` };
}

/**
 * Whether no single interruption explains that questions were not answered: wherever it is put, so many are left that were lost by chance, before
 * it or after it.
 *
 * @param questions when they were asked, in milliseconds
 */
function outlast(questions: readonly number[], least: number): boolean {
  const last = questions.slice(-least);
  return last.every((at, index) => at >= (questions[index] ?? at) + INTERRUPTION);
}
