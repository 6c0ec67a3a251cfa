// The daemon in scenes where everything fails that can: what npm run simulate -- --scenario chaos plays with more seeds.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Coverage, ENOUGH } from '../simulation/chaos/coverage.js';
import { play } from '../simulation/chaos/play.js';
import { Rate } from '../simulation/chaos/rate.js';
import { drawScene, type Scene } from '../simulation/chaos/scene.js';
import { fewest } from '../simulation/chaos/shrink.js';

test('no seed breaks a rule, and whatever is rare comes in some of them', async () => {
  const coverage = new Coverage();
  const broken: string[] = [];
  for (let seed = 1; seed <= ENOUGH.events; seed++) {
    const { violation, reached } = await play(drawScene(seed));
    coverage.add(reached);
    if (violation !== undefined)
      broken.push(`npm run simulate -- --scenario chaos --seed ${seed}: ${violation}`);
  }
  assert.deepEqual(broken, []);
  assert.deepEqual(coverage.missing, []);
});

const kept = JSON.parse(readFileSync('test/fixtures/chaos.json', 'utf8')) as readonly (Scene & {
  readonly why: string;
})[];

for (const { why, ...scene } of kept) {
  test(`was broken once: ${why}`, async () => {
    assert.equal((await play(scene)).violation, undefined);
  });
}

test('a scene replays exactly', async () => {
  for (const seed of [3, 4]) {
    const [once, again] = [await play(drawScene(seed), true), await play(drawScene(seed), true)];
    assert.ok(once.events.length > 10);
    assert.deepEqual(once, again);
  }
});

test('a run that does not reach something says so, and a short one cannot tell', () => {
  const coverage = new Coverage();
  coverage.add(['connected']);
  assert.equal(coverage.missing.length, 0);
  for (let seed = 1; seed < ENOUGH.events; seed++) coverage.add(['connected']);
  assert.ok(!coverage.missing.includes('connected'));
  assert.ok(coverage.missing.includes('lost: no-answer') && coverage.missing.includes('any fault at knock'));
});

test('of what fails together the fewest that do are found', async () => {
  const all = Array.from({ length: 40 }, (_, at) => at);
  let tries = 0;
  const found = await fewest(all, async (some) => {
    tries++;
    return [3, 17, 38].every((one) => some.includes(one));
  });
  assert.deepEqual(found, [3, 17, 38]);
  assert.ok(tries < 120, `${tries} tries`);
});

test('a rate counts the last minute', () => {
  const rate = new Rate(6);
  for (let now = 0; now < 300_000; now += 10_000) assert.ok(rate.add(now), `${now}`);
  assert.ok(!rate.add(290_001));
  assert.ok(rate.add(1_000_000));
  assert.equal(rate.most, 7);
});
