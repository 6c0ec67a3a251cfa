import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakeAge } from '../../../src/selector/handshake.js';

/** An age that has looked at a moment when the wall clock and the kernel said the given. */
function looked(...looks: [lastHandshake: number, now: number, wallClock: number][]): HandshakeAge {
  const age = new HandshakeAge();
  for (const look of looks) age.observe(...look);
  return age;
}

test('no handshake, no age', () => {
  assert.equal(new HandshakeAge().age(5), undefined);
  assert.equal(looked([0, 100, 1_000_000]).age(100), undefined);
});

test('one from before the first look is judged by the wall clock alone', () => {
  assert.equal(looked([999_000, 100, 1_000_000]).age(150), 1_050);
  assert.equal(looked([1_000_000, 100, 1_000_000]).age(150), 50, 'just now');
  assert.equal(looked([1_000_001, 100, 1_000_000]).age(150), undefined, 'from the future');
});

test('one between two looks happened when the wall clock says, within the two', () => {
  const first = [0, 1_000, 500_000] as const;
  const at = (lastHandshake: number): number | undefined =>
    looked([...first], [lastHandshake, 61_000, 560_000]).age(61_000);
  assert.equal(at(543_210), 16_790);
  assert.equal(at(560_000), 0);
  assert.equal(at(500_000), 60_000);
  assert.equal(at(499_999), 60_000, 'not before the first');
  assert.equal(at(1), 60_000);
  assert.equal(at(560_001), 0, 'not after the second');
  assert.equal(at(9_999_999), 0);
});

test('what was seen once grows older by the clock that does not jump', () => {
  const age = looked([0, 1_000, 500_000], [540_000, 61_000, 560_000], [540_000, 121_000, 9_000_000]);
  assert.equal(age.age(121_000), 80_000);
  age.observe(540_000, 181_000, 1);
  assert.equal(age.age(181_000), 140_000);
  age.observe(5_000, 241_000, 35_000); // the next one, by a clock that was set back
  assert.equal(age.age(241_000), 30_000);
  assert.equal(age.age(242_000), 31_000);
});

test('a look that finds the same handshake still narrows when the next can have been', () => {
  const age = looked([999_000, 1_000, 1_000_000], [999_000, 61_000, 1_060_000]);
  age.observe(5, 62_000, 1_061_000);
  assert.equal(age.age(62_000), 1_000);
});

test('a handshake that is gone is none', () => {
  assert.equal(looked([999_000, 1_000, 1_000_000], [0, 2_000, 1_001_000]).age(2_000), undefined);
});

test('one that was waited for has just happened, whatever the clock of the kernel says', () => {
  const age = new HandshakeAge();
  age.happened(77, 5_000, 940_000);
  assert.equal(age.age(5_000), 0);
  age.observe(77, 65_000, 1_000_000);
  assert.equal(age.age(65_000), 60_000);
  age.observe(1_010_000, 75_000, 1_010_000);
  assert.equal(age.age(75_000), 0);
  const other = new HandshakeAge();
  other.happened(77, 5_000, 996_000);
  other.observe(1, 9_000, 1_000_000);
  assert.equal(other.age(9_000), 4_000, 'not before it was looked at');
});

test('one between two looks when the clock was set in between: the age that is possible, the younger of two, or none', () => {
  // A minute between the looks; the clock is set by `step`; the handshake has the kernel's time `at`.
  const age = (step: number, at: number): number | undefined =>
    looked([0, 1_000, 500_000], [at, 61_000, 560_000 + step]).age(61_000);
  assert.equal(age(3_600_000, 540_000), 20_000, 'from before the step forward');
  assert.equal(age(3_600_000, 4_150_000), 10_000, 'from after it');
  assert.equal(age(-3_600_000, 540_000), 20_000, 'from before the step back');
  assert.equal(age(-3_600_000, -3_050_000), 10_000, 'from after it');
  assert.equal(age(30_000, 550_000), 10_000, '40 s or 10 s');
  assert.equal(age(-30_000, 530_000), 0, 'just now, or 30 s');
  assert.equal(age(3_600_000, 1), 0, 'neither is possible');
  assert.equal(age(3_600_000, 500_000), 60_000);
  assert.equal(age(3_600_000, 4_160_000), 0);
});

test('two clocks that drift apart by a second have not been set', () => {
  const age = (step: number): number | undefined =>
    looked([0, 1_000, 500_000], [499_000, 61_000, 560_000 + step]).age(61_000);
  assert.equal(age(-1_000), 60_000, 'within the two looks');
  assert.equal(age(-1_001), 59_999, 'what the clock that was set says');
  const young = (step: number): number | undefined =>
    looked([0, 1_000, 500_000], [531_000, 61_000, 560_000 + step]).age(61_000);
  assert.equal(young(1_000), 30_000, 'what the clock says');
  assert.equal(young(1_001), 29_000, 'the younger of two, as it was set');
});

test('one that was waited for is the same at the next look, though the clock was set', () => {
  const age = new HandshakeAge();
  age.happened(500_000, 1_000, 500_000);
  age.observe(500_000, 61_000, 530_000);
  assert.equal(age.age(61_000), 60_000);
});
