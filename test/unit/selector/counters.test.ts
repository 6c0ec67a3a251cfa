/** What {@link Liveness} makes of counters, look by look. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Advice, Liveness, type LivenessSettings } from '../../../src/selector/liveness.js';
import { Trials } from '../../../src/selector/trials.js';

const SETTINGS: LivenessSettings = { probeTimeout: 20_000, probeInterval: 15_000 };
const NO_PROBES: LivenessSettings = { probeTimeout: 20_000, probeInterval: 0 };

/** Bytes that oblige the other side to answer. */
const DATA = 1_000;
const EMPTY = 32;
const PROBE = 80;

/** A connection that is looked at; it begins at 0. */
function watched(options: { settings?: LivenessSettings; keepalive?: number; way?: Trials } = {}) {
  const { settings = SETTINGS, keepalive = 0, way = new Trials() } = options;
  const counters = { received: 0, sent: 0 };
  const liveness = new Liveness(way, keepalive, counters, 0);
  /** A look, at which so many bytes more were sent and received than at the one before. */
  const look = (now: number, sent = 0, received = 0, answered = false): Advice => {
    counters.sent += sent;
    counters.received += received;
    return liveness.observe({ ...counters }, () => answered, settings, now);
  };
  /** The same, and a probe where one is wanted. @returns whether it is */
  const probing = (now: number, sent = 0, received = 0, answered = false): boolean => {
    const { probe } = look(now, sent, received, answered);
    if (probe) liveness.probed(now);
    liveness.nextLook();
    return probe;
  };
  /** Somebody behind the peer has answered so many probes, a second apart. @returns when the last look was */
  const answers = (count: number): number => {
    probing(0);
    for (let second = 1; second <= count; second++) probing(second * 1_000, PROBE, PROBE, true);
    return count * 1_000;
  };
  /** Data goes out, and nothing comes in any more. @returns when the peer is suspected, and what is said then */
  const untilSuspected = (from: number, step = 1_000): { at: number; advice: Advice } => {
    for (let now = from + step; now <= from + 120_000; now += step) {
      const advice = look(now, DATA);
      if (advice.suspicion !== undefined) return { at: now, advice };
      if (advice.probe) liveness.probed(now);
      liveness.nextLook();
    }
    return assert.fail('it is not suspected');
  };
  return { liveness, look, probing, answers, untilSuspected };
}

test('what comes in ends a silence, what goes out does not', () => {
  const { liveness, look } = watched();
  assert.equal(liveness.silence(700), 700);
  look(1_000, DATA);
  assert.equal(liveness.silence(1_500), 1_500);
  look(2_000, 0, EMPTY);
  assert.equal(liveness.silence(2_600), 600);
});

test('data has to be answered since it was sent, which was a second before the look at most', () => {
  for (const [before, owing] of [
    [9_600, 400],
    [5_000, 1_000],
  ] as const) {
    const { liveness, look } = watched();
    look(before);
    assert.equal(liveness.owing(before), 0);
    look(10_000, DATA);
    assert.equal(liveness.owing(10_000), owing);
    look(11_000, DATA);
    assert.equal(liveness.owing(11_000), owing + 1_000, 'since the first of it');
    look(12_000, DATA, DATA);
    assert.equal(liveness.owing(12_000), 0);
  }
});

test("WireGuard's own messages oblige nobody: up to two handshakes of each side, and empty packets", () => {
  const [initiation, response] = [148, 92];
  for (const bytes of [
    EMPTY,
    initiation,
    response,
    initiation + response,
    2 * initiation + 2 * response + EMPTY,
  ]) {
    const { liveness, look } = watched();
    look(5_000, bytes);
    assert.equal(liveness.owing(6_000), 0, `${bytes} bytes`);
  }
  for (const bytes of [16, 33, 2 * EMPTY, 3 * initiation, 3 * response, initiation + EMPTY + 16]) {
    const { liveness, look } = watched();
    look(5_000, bytes);
    assert.ok(liveness.owing(6_000) > 0, `${bytes} bytes`);
  }
});

test('with a persistent keepalive there may be an empty packet more, and one for each of its intervals', () => {
  for (const [since, most] of [
    [5_000, 2],
    [24_999, 2],
    [25_000, 3],
    [50_000, 4],
  ] as const) {
    for (const packets of [most, most + 1]) {
      const { liveness, look } = watched({ keepalive: 25 });
      look(1_000);
      look(1_000 + since, packets * EMPTY);
      assert.equal(liveness.owing(1_000 + since) > 0, packets > most, `${packets} in ${since} ms`);
    }
  }
});

test('a probe is wanted at once, and two more a second after each other where nobody answers; then they are rare', () => {
  const { probing } = watched();
  const sent: number[] = [];
  for (let now = 0; now <= 15_000; now += 500) if (probing(now)) sent.push(now);
  assert.deepEqual(sent, [0, 1_000, 2_000, 5_000, 8_000, 11_000, 14_000]);
});

test('who answers probes is asked eight times at first, then in the interval', () => {
  const { liveness, probing, answers } = watched();
  assert.equal(liveness.answersProbes, false);
  const last = answers(7);
  assert.ok(liveness.answersProbes);
  assert.equal(probing(last + 1_000, PROBE, PROBE, true), false, 'the ninth');
  const sent: number[] = [];
  for (let now = last + 2_000; now <= 60_000 && sent.length === 0; now += 100)
    if (probing(now)) sent.push(now);
  // A tenth of the interval earlier with a look that is made anyhow.
  assert.deepEqual(sent, [last + 1_000 + 13_500]);
});

test('two answers are needed to count on more', () => {
  for (const [answered, counts] of [
    [1, false],
    [2, true],
  ] as const) {
    const { liveness, answers } = watched();
    answers(answered);
    assert.equal(liveness.answersProbes, counts);
  }
});

test('somebody who answers probes and stops: four in a row, seven seconds of silence, and no interruption of five', () => {
  const { look, liveness, answers } = watched();
  let now = answers(20);
  let advice: Advice | undefined;
  const sent: number[] = [];
  while (advice?.suspicion === undefined && now < 120_000) {
    now += 500;
    advice = look(now);
    if (advice.probe) {
      sent.push(now);
      liveness.probed(now);
    }
    liveness.nextLook();
  }
  assert.equal(advice?.suspicion, `${advice?.unanswered.length} probes in a row were not answered`);
  assert.ok((advice?.unanswered.length ?? 0) >= 4);
  assert.deepEqual(advice?.unanswered, sent.slice(0, advice?.unanswered.length));
  assert.equal(advice?.beyondInterruption, false);
  assert.ok(now - (sent[0] ?? 0) >= 5_000);
});

test('who is heard all the time under traffic, and then no more: known when an interruption would have begun', () => {
  const { look, liveness, answers } = watched();
  let now = answers(8);
  for (let second = 0; second < 6; second++) {
    now += 1_000;
    look(now, DATA, DATA);
    liveness.nextLook();
  }
  const heard = now;
  let advice: Advice | undefined;
  while (advice?.suspicion === undefined && now < heard + 60_000) {
    now += 1_000;
    advice = look(now, DATA);
    if (advice.probe) liveness.probed(now);
    liveness.nextLook();
  }
  assert.match(advice?.suspicion ?? '', /^\d+ probes in a row were not answered$/);
  assert.equal(advice?.beyondInterruption, true);
  assert.equal(now - heard, 7_000);
});

test('where nothing answers probes: as long as the timeout without an answer to data, less the time of the test', () => {
  for (const [probeTimeout, after] of [
    [20_000, 16_000],
    [8_000, 4_000],
    [6_000, 3_000],
  ] as const) {
    const { look } = watched({ settings: { ...NO_PROBES, probeTimeout } });
    look(10_000);
    look(11_000, DATA); // owed since 10,000
    for (let now = 11_500; now < 10_000 + after; now += 500)
      assert.equal(look(now, DATA).suspicion, undefined, `${now}`);
    assert.equal(look(10_000 + after - 1).suspicion, undefined);
    const { suspicion, unanswered, beyondInterruption, probe } = look(10_000 + after);
    const seconds = (10_000 + after) / 1_000;
    assert.equal(suspicion, `nothing came in for ${seconds} s, although data went out`);
    assert.deepEqual([unanswered, beyondInterruption, probe], [[], false, false]);
  }
});

test('on a way that loses much more initiations are waited for, five at most', () => {
  for (const [answered, missed, initiations] of [
    [0, 0, 1],
    [95, 5, 1],
    [80, 20, 2],
    [50, 50, 5],
    [10, 90, 5],
  ] as const) {
    const way = new Trials();
    way.add({ answered, missed });
    const { look } = watched({ settings: NO_PROBES, way });
    look(10_000);
    look(11_000, DATA);
    const due = 10_000 + 16_000 + (initiations - 1) * 5_000;
    assert.equal(look(due - 1).suspicion, undefined, `${missed} lost`);
    assert.notEqual(look(due).suspicion, undefined, `${missed} lost`);
  }
});

test('without a timeout nothing is suspected, and without an interval nothing is asked', () => {
  const none = watched({ settings: { probeTimeout: 0, probeInterval: 15_000 } });
  for (let now = 1_000; now < 300_000; now += 1_000) assert.equal(none.look(now, DATA).suspicion, undefined);
  const silent = watched({ settings: NO_PROBES });
  for (let now = 1_000; now < 300_000; now += 1_000) assert.equal(silent.look(now).probe, false);
  assert.equal(silent.liveness.nextLook(), Number.POSITIVE_INFINITY);
});

test('where no probe can be sent it is tried again soon, then after a minute; and whoever could send one begins anew', () => {
  const { liveness, look } = watched();
  assert.ok(look(1_000).probe);
  assert.equal(liveness.cannotProbe(1_000), false, 'perhaps for a moment');
  assert.equal(liveness.nextLook(), 4_000);
  assert.ok(look(4_000).probe);
  assert.equal(liveness.cannotProbe(4_000), true);
  liveness.nextLook();
  assert.equal(look(62_499).probe, false);
  liveness.nextLook();
  assert.equal(look(64_000).probe, true);
  assert.equal(liveness.cannotProbe(64_000), true);
  assert.equal(liveness.nextLook(), 124_000);
  assert.equal(look(124_000).probe, true);
  liveness.probed(124_000);
  assert.equal(liveness.cannotProbe(140_000), false);
});

test('while data goes out or a probe is under way a look is due every second, else with the next probe', () => {
  const { liveness, look, answers } = watched();
  const last = answers(8);
  const quiet = last + 15_000;
  assert.equal(liveness.nextLook(), quiet);
  look(last + 1_000, DATA);
  assert.equal(liveness.nextLook(), last + 2_000);
  look(last + 2_000, 0, DATA);
  assert.equal(liveness.nextLook(), last + 2_000 + 15_000);
  look(quiet);
  liveness.probed(quiet);
  assert.equal(liveness.nextLook(), quiet + 1_000);
});

test('a look that sees nothing new before it is due leads to nothing; other settings do', () => {
  const { liveness, look, answers } = watched();
  const last = answers(8);
  const due = liveness.nextLook();
  assert.equal(look(due - 1_501).probe, false);
  const counters = { sent: 8 * PROBE, received: 8 * PROBE };
  const often = { probeTimeout: 20_000, probeInterval: 5_000 };
  assert.equal(liveness.observe(counters, () => false, SETTINGS, last + 6_000).probe, false);
  liveness.nextLook();
  assert.equal(liveness.observe(counters, () => false, often, last + 6_000).probe, true);
});

test('a look that comes three seconds late says that the machine stood still: what is owed is forgotten', () => {
  for (const [late, forgotten] of [
    [3_000, false],
    [3_001, true],
  ] as const) {
    const { liveness, look } = watched({ settings: NO_PROBES });
    look(1_000, DATA);
    const due = liveness.nextLook();
    assert.equal(due, 2_000);
    look(due + late);
    assert.equal(liveness.owing(due + late) === 0, forgotten);
  }
});

test('a test that was passed ends silence and debt, and counters begin anew', () => {
  const way = new Trials();
  const { liveness, look } = watched({ way });
  look(1_000, DATA);
  liveness.probed(1_000);
  look(5_000, DATA);
  liveness.lives(9_000);
  assert.deepEqual([liveness.silence(9_000), liveness.owing(9_000)], [0, 0]);
  const { suspicion } = liveness.observe({ received: 0, sent: 148 }, () => false, SETTINGS, 10_000);
  assert.equal(suspicion, undefined);
  assert.equal(liveness.owing(10_000), 0, 'a handshake of the test');
  assert.ok(way.missRate({ missed: 0, of: 0 }) > 0.99, 'what led to it was lost on the way');
});

test('of the way is learned: a probe that was answered, and how long an answer took that WireGuard alone gave', () => {
  const prior = { missed: 0, of: 0 };
  const answered = new Trials();
  watched({ way: answered }).answers(3);
  assert.deepEqual([answered.answered, answered.missRate(prior)], [3, 0]);

  for (const [seconds, answers, missed] of [
    [8, 0, 0],
    [9, 0, 0],
    [10, 1, 0],
    [12, 1, 0],
    [14, 1, 1],
    [18, 1, 2],
  ] as const) {
    const way = new Trials();
    const { liveness, look } = watched({ way });
    look(0);
    liveness.probed(0);
    liveness.nextLook();
    for (let now = 1_000; now < seconds * 1_000; now += 1_000) {
      look(now);
      liveness.nextLook();
    }
    look(seconds * 1_000, 0, EMPTY);
    assert.equal(way.answered, answers, `${seconds} s`);
    if (answers > 0) assert.equal(way.missRate(prior), missed / (answers + missed), `${seconds} s`);
  }
});

test('what comes in within two seconds of a probe in silence answers it, unless it is a handshake or empty packets', () => {
  for (const [bytes, after, answers] of [
    [PROBE, 1_000, true],
    [PROBE, 2_000, true],
    [PROBE, 2_001, false],
    [2 * EMPTY, 1_000, false],
    [3 * EMPTY, 1_000, true],
    [148, 1_000, false],
  ] as const) {
    const { liveness, look } = watched();
    let now = 3_000;
    for (let time = 0; time < 2; time++) {
      look(now);
      liveness.probed(now);
      look(now + after, 0, bytes);
      now += after + 3_000;
    }
    assert.equal(liveness.answersProbes, answers, `${bytes} bytes after ${after} ms`);
  }
});

test('what comes in is heard though the look is sooner than one was due', () => {
  const { liveness, look, answers } = watched();
  const last = answers(8);
  assert.ok(liveness.nextLook() > last + 5_000);
  look(last + 3_000, 0, EMPTY);
  assert.equal(liveness.silence(last + 3_000), 0);
});

test('five looks in a row at which something came in are a rhythm; less often than in two seconds, or with a pause, it is none', () => {
  for (const [looks, every, pause, rhythm] of [
    [5, 1_000, false, true],
    [4, 1_000, false, false],
    [6, 1_999, false, true],
    [6, 2_000, false, false],
    [6, 1_000, true, false],
  ] as const) {
    const { look, liveness, answers, untilSuspected } = watched();
    let now = answers(8) + 3_000;
    look(now, DATA, DATA);
    for (let time = 0; time < looks; time++) {
      now += every;
      look(now, DATA, DATA);
      liveness.nextLook();
    }
    if (pause) {
      now += 1_000;
      look(now);
    }
    assert.equal(
      untilSuspected(now).advice.beyondInterruption,
      rhythm,
      `${looks} looks, ${every} ms, ${pause}`,
    );
  }
});

test('seven seconds of silence are needed, though four probes were not answered in less', () => {
  const { answers, probing, untilSuspected } = watched();
  const last = answers(4) + 1_000;
  probing(last, DATA, DATA);
  assert.equal(untilSuspected(last, 500).at, last + 7_000);
});

test('so many probes in a row have to be lost as a living peer hardly ever misses: five where two were answered', () => {
  const { probing, answers, untilSuspected } = watched();
  let now = answers(2);
  for (let second = 0; second < 7; second++) {
    now += 1_000;
    probing(now, DATA, DATA);
  }
  const { at, advice } = untilSuspected(now);
  assert.deepEqual([at - now, advice.unanswered.length], [8_000, 5]);
  assert.equal(advice.suspicion, '5 probes in a row were not answered');
});

test('a suspicion asks for no probe that is not due', () => {
  const { look, answers, untilSuspected } = watched();
  const last = answers(20);
  look(last + 300); // no rhythm: five seconds after the third of them it is no interruption
  const { advice } = untilSuspected(last + 300, 300); // probes go out with every fourth look
  assert.match(advice.suspicion ?? '', /^\d+ probes in a row/);
  assert.equal(advice.probe, false);
});

test('three probes that are not answered say nothing, where no fourth can be sent', () => {
  const { look, liveness, answers } = watched();
  const last = answers(8);
  let now = last;
  for (let probes = 0; probes < 3; now += 1_000) {
    const { probe } = look(now + 1_000, DATA);
    if (!probe) continue;
    probes++;
    liveness.probed(now + 1_000);
  }
  const owed = now - liveness.owing(now);
  for (let time = 0; time < 2; time++) liveness.cannotProbe(now + 1_000);
  for (now += 1_000; now < owed + 16_000; now += 1_000)
    assert.equal(look(now, DATA).suspicion, undefined, `${now - last}`);
  assert.match(look(now, DATA).suspicion ?? '', /^nothing came in for /);
});

test('where nobody answers probes, that they are not answered says nothing', () => {
  const { untilSuspected } = watched({ settings: { probeTimeout: 100_000, probeInterval: 15_000 } });
  const { at, advice } = untilSuspected(0);
  assert.equal(at, 96_000);
  assert.match(advice.suspicion ?? '', /^nothing came in for /);
});

test('a probe has a second for its answer, whatever looks there are in it', () => {
  for (const [before, answered] of [
    [5_999, 1],
    [6_000, 0],
  ] as const) {
    const way = new Trials();
    const { liveness, look } = watched({ way });
    look(5_000);
    liveness.probed(5_000);
    look(before, PROBE);
    look(6_100, 0, PROBE, true);
    assert.equal(way.answered, answered, `${before}`);
  }
});

test('probes that are lost between others that are answered count for the way, and for how many answers are to be expected', () => {
  const way = new Trials();
  const { liveness, probing, answers } = watched({ way });
  const last = answers(8);
  assert.equal(way.answered, 8);
  probing(last + 15_000);
  probing(last + 16_000, PROBE);
  probing(last + 16_500, PROBE, PROBE, true);
  assert.equal(liveness.answersProbes, true);
  assert.deepEqual([way.answered, way.missRate({ missed: 0, of: 0 })], [9, 1 / 10]);

  const other = watched();
  let now = other.answers(2);
  for (let probe = 0; probe < 5; probe++) {
    now += 3_000;
    other.probing(now, PROBE);
  }
  other.look(now + 500, 0, DATA);
  assert.equal(other.liveness.answersProbes, false);
});

test('looks are close while data goes out or a probe is under way, and no longer, whether something came in or not', () => {
  for (const [received, due] of [
    [0, 26_000],
    [DATA, Number.POSITIVE_INFINITY],
  ] as const) {
    const { liveness, look } = watched({ settings: NO_PROBES });
    look(10_000);
    look(11_000, DATA, received);
    assert.equal(liveness.nextLook(), 12_000);
    look(11_500);
    assert.equal(liveness.nextLook(), due);
  }
  const { liveness, look } = watched({ settings: NO_PROBES });
  look(1_000);
  liveness.probed(1_000);
  look(1_500, PROBE, EMPTY);
  assert.equal(liveness.nextLook(), 2_500);
  look(1_800);
  assert.equal(liveness.nextLook(), 2_800);
});

test('whether a probe was answered is asked where something came in, or one is under way: a late answer is not for the next', () => {
  const { liveness, look, answers } = watched();
  const last = answers(8);
  liveness.nextLook();
  look(last + 1_000);
  let asked = 0;
  const observe = (now: number, received: number): void => {
    const counters = { sent: 8 * PROBE, received: 8 * PROBE + received };
    liveness.observe(counters, () => ++asked > 0, SETTINGS, now);
  };
  for (const now of [last + 2_000, last + 60_000]) observe(now, 0);
  assert.equal(asked, 0);
  observe(last + 61_000, PROBE);
  assert.equal(asked, 1);
  liveness.probed(last + 61_000);
  observe(last + 61_500, PROBE);
  assert.equal(asked, 2);
});

test('who has answered probes and lives, but does not answer them any more, is not counted on to do so', () => {
  const { liveness, probing, answers } = watched();
  let now = answers(2);
  assert.equal(liveness.answersProbes, true);
  for (let probe = 0; probe < 5; probe++) {
    now += 3_000;
    probing(now, PROBE);
  }
  liveness.lives(now);
  assert.equal(liveness.answersProbes, false);
});

test('a probe that was under way when a test was passed is not waited for', () => {
  const { liveness, look } = watched({ settings: NO_PROBES });
  look(1_000);
  liveness.probed(1_000);
  assert.equal(liveness.nextLook(), 2_000);
  liveness.lives(1_500);
  assert.equal(liveness.nextLook(), Number.POSITIVE_INFINITY);
});

test('without a timeout nothing is looked at closely', () => {
  const { liveness, look } = watched({ settings: { probeTimeout: 0, probeInterval: 0 } });
  look(1_000, DATA);
  assert.equal(liveness.nextLook(), Number.POSITIVE_INFINITY);
});
