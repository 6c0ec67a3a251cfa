import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { buildTime, clockIsPlausible } from '../../src/sntp/build-time.js';
import { ClockError, type ClockErrorKind } from '../../src/sntp/clock-error.js';
import { formatOffset, type Instant } from '../../src/sntp/outcome.js';
import { decide, type StepOptions, stepClock } from '../../src/sntp/set-clock.js';

const folder = mkdtempSync(join(tmpdir(), 'wgpeerselector-clock-'));
after(() => rmSync(folder, { recursive: true }));

/* Nothing here may set the machine's clock: where the real function is reached, its date is invalid or the right is missing. */

function instant(unixNs: bigint, monotonicNs = 0n): Instant {
  return { unixNs, monotonicNs };
}

/** stepClock with a wall clock (ms), a monotonic clock (ns), and a record of what was set. */
function step(when: Instant, wallMs: number, monotonicNs = 0n, options: StepOptions = {}) {
  const set: [number, number][] = [];
  const result = stepClock(when, {
    world: { wallClock: () => wallMs, monotonic: () => monotonicNs },
    setRealtime: (seconds, nanoseconds) => {
      set.push([seconds, nanoseconds]);
      return 0;
    },
    ...options,
  });
  return { result, set };
}

function fails(kind: ClockErrorKind, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ClockError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    return true;
  };
}

describe('decide', () => {
  test('below half a second the clock is left alone, on either side', () => {
    for (const offset of [0, 0.499, -0.499]) assert.equal(decide(offset), 'leave');
    for (const offset of [0.5, 1.8e9]) assert.equal(decide(offset), 'step forward');
    for (const offset of [-0.5, -1.8e9]) assert.equal(decide(offset), 'step back');
  });

  test('a clock that may be right is left alone, one that cannot be is not', () => {
    for (const offset of [1, -1, 1.2, -1.2]) assert.equal(decide(offset, 1.2), 'leave');
    assert.equal(decide(1.3, 1.2), 'step forward');
    assert.equal(decide(-1.3, 1.2), 'step back');
    assert.equal(decide(-0.6, 0.1), 'step back');
  });
});

describe('stepClock', () => {
  test('leaves a good clock alone', () => {
    const result = stepClock(instant(1_000_400_000_000n), {
      world: { wallClock: () => 1_000_000, monotonic: () => 0n },
    });
    assert.equal(result.decision, 'leave');
    assert.match(result.message, /left alone/);
  });

  test('a machine that puts us aside between two readings of clocks does not make a right clock wrong', () => {
    // At each reading, 0.4 s go by; and at one in three of them none.
    for (const aside of [() => 0.4, (reading: number) => (reading % 3 === 0 ? 0 : 0.4)]) {
      let seconds = 1_000;
      let readings = 0;
      const pass = (): number => {
        const now = seconds;
        seconds += aside(++readings);
        return now;
      };
      const result = stepClock(
        { unixNs: 999_850_000_000n, monotonicNs: 1_000_000_000_000n, errorNs: 200_000_000n },
        {
          world: { wallClock: () => pass() * 1e3, monotonic: () => BigInt(Math.round(pass() * 1e9)) },
          setRealtime: () => 0,
        },
      );
      assert.equal(result.decision, 'leave', result.message);
    }
  });

  test('is told how far the time may be wrong: a clock within that is not stepped back for nothing', () => {
    const slow: Instant = { ...instant(1_000_000_000_000n), errorNs: 1_500_000_000n };
    const near = step(slow, 1_001_000);
    assert.deepEqual(near.set, []);
    assert.equal(near.result.message, 'clock is right to -1.0 s as far as ± 1.5 s tell, left alone');
    assert.equal(step(slow, 1_002_000).set.length, 1);
  });

  test('steps forward, to the nanosecond', () => {
    const { result, set } = step(instant(1_795_357_602_777_225_206n), 0);
    assert.deepEqual(set, [[1_795_357_602, 777_225_206]]);
    assert.equal(result.decision, 'step forward');
    assert.equal(
      result.message,
      'clock stepped forward by +1795357603 s (56.9 years) to 2026-11-22T14:26:42.000Z',
    );
  });

  test('steps back, and says what that means', () => {
    const { result } = step(instant(1_000_000_000_000n), 4_600_000);
    assert.equal(result.decision, 'step back');
    assert.match(
      result.message,
      /stepped back by -3600\.0 s .*handshakes may be refused until time has caught up/,
    );
  });

  test('time that has passed since the answer is added, and jumps of the wall clock meanwhile do not matter', () => {
    const { set } = step(instant(1_000_000_000_000n, 5_000_000_000n), 77, 12_500_000_001n);
    assert.deepEqual(set, [[1007, 500_000_001]]);
    const right = step(instant(1_000_000_000_000n, 5_000_000_000n), 1_007_500, 12_500_000_000n);
    assert.equal(right.result.decision, 'leave');
  });

  test('any instant becomes seconds and nanoseconds that add up to it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), (unixNs) => {
        const { set } = step(instant(unixNs), Number(unixNs / 1_000_000n) + 5000);
        const [[seconds, nanoseconds] = [0, -1]] = set;
        assert.equal(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds), unixNs);
        assert.ok(nanoseconds >= 0 && nanoseconds < 1e9);
      }),
    );
  });

  test('what the kernel says becomes an error that helps', () => {
    const { errno } = { errno: { EPERM: 1, EINVAL: 22, EOVERFLOW: 75, EIO: 5 } };
    const failing = (code: number) => () => step(instant(10n ** 18n), 0, 0n, { setRealtime: () => code });
    assert.throws(
      failing(errno.EPERM),
      fails('not permitted', /2001-09-09T01:46:40.000Z.*EPERM.*CAP_SYS_TIME/),
    );
    assert.throws(failing(errno.EINVAL), fails('out of range', /EINVAL/));
    assert.throws(failing(errno.EOVERFLOW), fails('out of range', /32 bits.*2038/));
    assert.throws(failing(errno.EIO), fails('failed', /EIO/));
  });
});

describe('the native part', () => {
  const wrongClock = { wallClock: () => 0, monotonic: () => 0n };

  test('built: the kernel refuses dates that it does not take (before 1970, after 2232)', () => {
    for (const seconds of [-5n, 10_000_000_000n]) {
      assert.throws(
        () => stepClock(instant(seconds * 1_000_000_000n), { world: wrongClock }),
        fails('out of range', /EINVAL/),
      );
    }
  });

  test('without the right: not permitted', () => {
    // Root may set clocks, so this runs in a process without that right: not by seteuid, which not every Node allows (Debian 13's).
    // The date is the true one, should the kernel take it anyway.
    const module = JSON.stringify(new URL('../../src/sntp/set-clock.js', import.meta.url).href);
    const script = `
      const { stepClock } = await import(${module});
      const instant = { unixNs: BigInt(Date.now()) * 1_000_000n, monotonicNs: 0n };
      try {
        stepClock(instant, { world: { wallClock: () => 0, monotonic: () => 0n } });
      } catch ({ kind, message }) {
        console.log(kind + ': ' + message);
      }`;
    const without = ['setpriv', '--inh-caps=-sys_time', '--bounding-set=-sys_time'];
    const [program = '', ...args] =
      process.geteuid?.() === 0 ? [...without, process.execPath] : [process.execPath];
    const { stdout, stderr } = spawnSync(program, [...args, '--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    assert.match(stdout, /^not permitted: .*EPERM.*CAP_SYS_TIME/, stderr);
  });
});

describe('the time of the build', () => {
  test('a clock before it is wrong, one after it may be right', () => {
    assert.equal(clockIsPlausible(1000, 999), false);
    assert.equal(clockIsPlausible(1000, 1000), true);
    assert.equal(clockIsPlausible(buildTime(), 0), false);
    assert.equal(clockIsPlausible(), Date.now() >= buildTime());
  });
  test('it is never before the source was written', () => {
    assert.ok(buildTime() >= Date.UTC(2026, 10, 22));
  });
});

test('offsets for people', () => {
  assert.equal(formatOffset(0.01234), '+0.0123 s');
  assert.equal(formatOffset(-3600), '-3600.0 s');
  assert.equal(formatOffset(172_800), '+172800 s (2.0 days)');
  assert.equal(formatOffset(-1_577_880_000), '-1577880000 s (50.0 years)');
});
