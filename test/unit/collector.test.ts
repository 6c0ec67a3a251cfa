// The collector for OpenWrt's node exporter, run as JavaScript: it tells what `wgpeerselector metrics --prometheus` tells.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { metricsText } from '../../src/cli/commands/metrics-text.js';
import { decodeBlobmsg, encodeBlobmsg, type Table } from '../../src/ubus/index.js';
import { FakeService } from '../support/fake-service.js';
import { readMetrics } from '../support/open-metrics.js';

const file = fileURLToPath(
  new URL('../../../openwrt/files/usr/share/ucode/node-exporter/lib/wgpeerselector.uc', import.meta.url),
);

type Labels = Readonly<Record<string, string>>;
type Metric = (labels: Labels, value: unknown) => void;

/** Runs the collector with answers to `metrics` by paths, as the exporter does. @returns its text, or what it returned instead */
function collect(answers: ReadonlyMap<string, Table | null>): string | false {
  let text = '';
  const metric =
    (type: string) =>
    (name: string, help?: string | null, undeclared = false): Metric => {
      let declared = undeclared;
      return (labels, value) => {
        if (value === null || value === undefined) return;
        assert.ok(typeof value === 'number' || typeof value === 'boolean', `${name} is ${value}`);
        if (!declared) text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
        declared = true;
        const all = Object.entries(labels).map(([label, said]) => {
          const escaped = said.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
          return `${label}="${escaped}"`;
        });
        text += `${name}{${all.join()}} ${Number(value)}\n`;
      };
    };
  const scope = {
    ubus: {
      list: (...pattern: unknown[]) => {
        assert.deepEqual(pattern, [], 'a list of names');
        return answers.size === 0 ? null : ['network.interface', ...answers.keys(), 'system'];
      },
      call: (path: string, method: string) => {
        assert.equal(method, 'metrics');
        assert.ok(answers.has(path), path);
        return answers.get(path);
      },
    },
    gauge: metric('gauge'),
    counter: metric('counter'),
    // Functions of ucode.
    length: (value: string | object) =>
      typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value).length,
    substr: (value: string, from: number, count?: number) => value.slice(from, count && from + count),
    index: (value: string, part: string) => value.indexOf(part),
  };
  const run = new Function(...Object.keys(scope), `'use strict';\n${readFileSync(file, 'utf8')}`);
  return run(...Object.values(scope)) === false ? false : text;
}

function answerOf(service: FakeService): Table {
  return decodeBlobmsg(encodeBlobmsg(service.metrics()));
}

test('each series is one of `wgpeerselector metrics`, with its value, type and help, and none is missing', () => {
  const odd = new FakeService('a"b\\,c="');
  odd.connected = false;
  const answers = new Map([new FakeService('vpn'), odd].map((one) => [one.name, answerOf(one)]));
  const collected = collect(
    new Map([...answers].map(([name, answer]) => [`wgpeerselector.${name}`, answer])),
  );
  assert.ok(collected !== false);
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  // The exporter has no units, and no histograms.
  const told = lines(metricsText(answers, true)).filter(
    (line) => !/^# (UNIT|.*_connect_duration_seconds )/.test(line),
  );
  assert.ok(readMetrics(metricsText(answers, true), true).size > 10);
  assert.deepEqual(lines(collected).sort(), told.sort());
});

test('an interface that goes meanwhile is left out, and without any the collector has failed', () => {
  const vpn = answerOf(new FakeService('vpn'));
  const one = collect(new Map([['wgpeerselector.vpn', vpn]]));
  assert.deepEqual(
    collect(
      new Map([
        ['wgpeerselector.gone', null],
        ['wgpeerselector.vpn', vpn],
      ]),
    ),
    one,
  );
  assert.equal(collect(new Map([['wgpeerselector.gone', null]])), false);
  assert.equal(collect(new Map()), false);
});
