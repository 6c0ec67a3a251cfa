// The picture in README: made of a recording of the demo as it is now, and a file that every browser can draw.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isCallExpression } from 'typescript/unstable/ast';
import { root } from '../support/documents.js';
import { holds, messagesIn } from '../support/messages.js';
import { sourceFiles, walk } from '../support/source-files.js';

const { pictureOf }: { pictureOf(recording: string): string } = await import(
  `${root}scripts/picture/svg.mjs`
);

const recording = readFileSync(`${root}docs/demo.txt`, 'utf8');
const picture = readFileSync(`${root}docs/demo.svg`, 'utf8');
/** The lines as they were before they were broken at the 80th column. */
const said = recording.replaceAll(/\n {10}(?:\| )?/g, ' ').split('\n');

/** Whether start tags and end tags are each other's, and every & begins an entity. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  const outside = xml.replaceAll(
    /<(\/?)([a-z]+)((?: [\w:-]+="[^"<>]*")*)(\/?)>/g,
    (_, end, name, _attributes, empty) => {
      if (end === '' && empty === '') open.push(name);
      return end === '/' && open.pop() !== name ? '<' : '';
    },
  );
  return open.length === 0 && !/[<>]|&(?!(amp|lt|gt);)/.test(outside);
}

test('docs/demo.svg is what npm run picture makes of docs/demo.txt', () => {
  assert.ok(pictureOf(recording) === picture);
});

test('it is small and well-formed, and has the words of the story', () => {
  assert.ok(picture.length < 60_000);
  assert.ok(isWellFormed(picture));
  assert.ok(!isWellFormed(picture.replace('</tspan>', '')));
  for (const words of ['connected to', 'dies while', 'connection ended', 'SIGKILL', 'still connected'])
    assert.match(picture, new RegExp(`<tspan class="\\w+" x="[\\d.]+">[^<]*${words}`));
});

test('what stands in a line is text, whatever it is', () => {
  const drawn = pictureOf('   0.0 s  <One> & "two"\n');
  assert.ok(isWellFormed(drawn));
  assert.ok(drawn.includes('>&lt;One&gt; &amp; "two"<'));
});

test('docs/demo.txt is of the demo as it is: each thing that it tells is there', () => {
  const file = sourceFiles('test/netns/').get('test/netns/demo.ts');
  assert.ok(file);
  const told: string[] = [];
  walk(file, (node) => {
    if (isCallExpression(node) && /^tell\.(part|say|done)$/.test(node.expression.getText()))
      told.push(...node.arguments.flatMap(messagesIn));
    return true;
  });
  assert.ok(told.length > 15);
  // Only with --keep.
  const missing = told.filter(
    (message) => !/^(Try:|A shell on the router)/.test(message) && !said.some((line) => holds(line, message)),
  );
  assert.deepEqual(missing, []);
});

test('and of the daemon as it is: each line of its log is one that it can write', () => {
  const messages = [...sourceFiles()]
    .filter(([name]) => /^src\/(cli\/main|daemon\/(bus|journal)|selector\/|ubus\/connection)/.test(name))
    .flatMap(([, file]) => messagesIn(file));
  const lines = said.flatMap((line) => /^ *[\d.]+ s {2}\| \w+[^:]*: (.*)$/.exec(line)?.[1] ?? []);
  assert.ok(lines.length > 10);
  const foreign = lines.filter((line) => !messages.some((message) => holds(line, message, true)));
  assert.deepEqual(foreign, []);
});
