/** Reads metrics as text, under the rules of OpenMetrics 1.0 or of Prometheus' format 0.0.4, as far as our text needs them. */
import assert from 'node:assert/strict';

/** A line with a value. */
export interface Sample {
  /** Of the family, without `_total`, `_bucket` and the like. */
  readonly family: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A family with its samples. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What may follow the name of a family. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  gauge: [''],
  counter: ['_total'],
  histogram: ['_bucket', '_count', '_sum'],
};

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const NUMBER = '[+-]?[0-9]+(?:\\.[0-9]*)?(?:e[+-]?[0-9]+)?|\\+Inf';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (${NUMBER})$`);
const DESCRIPTOR = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.+)$`);

interface Growing extends Family {
  help: string;
  readonly samples: Sample[];
}

/**
 * The families of a text, by their names.
 * @param older the format 0.0.4, where a counter is named with its `_total`
 * @throws AssertionError for what breaks a rule
 */
export function readMetrics(text: string, older: boolean): Map<string, Family> {
  const families = new Map<string, Growing>();
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'a text ends with a newline');
  if (!older) assert.equal(lines.pop(), '# EOF');
  let current: [name: string, family: Growing] | undefined;
  for (const line of lines) {
    const [, kind, described = '', words = ''] = DESCRIPTOR.exec(line) ?? [];
    if (kind === 'TYPE') {
      assert.ok(!families.has(described), `${described} is in one piece`);
      assert.ok(Object.hasOwn(SUFFIXES, words), `a type that both formats know: ${line}`);
      current = [described, { type: words, help: '', samples: [] }];
      families.set(...current);
      continue;
    }
    assert.ok(current !== undefined, line);
    const [name, family] = current;
    if (kind !== undefined) {
      assert.equal(described, name, line);
      assert.equal(family.samples.length, 0, `in front of the samples: ${line}`);
      if (kind === 'UNIT') assert.ok(name.endsWith(`_${words}`), line);
      else family.help = words;
      continue;
    }
    family.samples.push(readSample(line, name, family.type, older));
  }
  for (const [name, family] of families) check(name, family);
  return families;
}

function readSample(line: string, family: string, type: string, older: boolean): Sample {
  const [, name = '', list = '', value = ''] = SAMPLE.exec(line) ?? [];
  assert.notEqual(name, '', `no sample: ${line}`);
  const suffixes = older && type === 'counter' ? [''] : (SUFFIXES[type] ?? []);
  assert.ok(
    suffixes.some((suffix) => name === family + suffix),
    `${name} is of ${family}`,
  );
  if (type === 'counter') assert.match(name, /_total$/);
  const labels = [...list.matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [
    label,
    text.replaceAll(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one)),
  ]);
  return {
    family,
    name,
    labels: Object.fromEntries(labels),
    value: Number(value.replace('+Inf', 'Infinity')),
  };
}

function check(name: string, { type, help, samples }: Family): void {
  assert.ok(help.length > 0, `${name} has help`);
  assert.ok(samples.length > 0, `${name} has samples`);
  const series = samples.map((sample) => JSON.stringify([sample.name, sample.labels]));
  assert.equal(new Set(series).size, series.length, `${name}: each series once`);
  if (type !== 'gauge') for (const { value } of samples) assert.ok(value >= 0, `${name} is not negative`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  // The samples of one labelset stand together.
  assert.deepEqual([...groups.values()].flat(), samples);
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le?.replace('+Inf', 'Infinity')));
    for (const { labels } of buckets) assert.match(labels.le ?? '', /^\d+\.\d+$|^\+Inf$/);
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
      'buckets are cumulative',
    );
    const count = group.filter((sample) => sample.name === `${name}_count`);
    assert.deepEqual(
      count.map(({ value }) => value),
      [counts.at(-1)],
    );
    assert.equal(group.filter((sample) => sample.name === `${name}_sum`).length, 1);
  }
}
