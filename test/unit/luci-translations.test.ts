// LuCI's pages in other languages: the templates have what the pages say, and German has all of it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LUCI_PACKAGES, modulesOf } from '../support/luci/sources.js';

/** By package: what its translations are called. */
const NAMES = ['wgpeerselector', 'proto-wgpeerselector'];

/** The texts of a file of gettext's with their translations; each stands on one line. */
function texts(file: string): Map<string, string> {
  const found = readFileSync(file, 'utf8').matchAll(
    /^msgid ("(?:[^"\\]|\\.)+")\nmsgstr ("(?:[^"\\]|\\.)*")$/gm,
  );
  return new Map([...found].map(([, text = '', other = '']) => [JSON.parse(text), JSON.parse(other)]));
}

/** What a source gives to _(), which has to be a literal for LuCI's own search. */
function said(source: string): string[] {
  const calls = [...source.matchAll(/(?<![\w$.])_\((?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\)/g)];
  assert.equal(calls.length, source.match(/(?<![\w$.])_\(/g)?.length ?? 0, 'each _() has one literal');
  return calls.map(([, single, double]) => single ?? double ?? '');
}

/** What menus and rights say: LuCI's search finds these words in JSON. */
function saidInJson(folder: string): string[] {
  try {
    const files = readdirSync(`${folder}/root`, { recursive: true, encoding: 'utf8' });
    return files
      .filter((path) => path.endsWith('.json'))
      .flatMap((path) => [
        ...readFileSync(`${folder}/root/${path}`, 'utf8').matchAll(/"(?:title|description)": "([^"]*)"/g),
      ])
      .map(([, text = '']) => text);
  } catch {
    return []; // The protocol has neither.
  }
}

for (const [at, folder] of LUCI_PACKAGES.entries()) {
  const name = NAMES[at];
  const template = texts(`${folder}/po/templates/${name}.pot`);
  const german = texts(`${folder}/po/de/${name}.po`);

  test(`${name}: the template has what the pages say, and nothing else`, () => {
    const all = [...modulesOf(folder).flatMap(({ source }) => said(source)), ...saidInJson(folder)];
    assert.ok(all.length > 0);
    assert.deepEqual([...template.keys()].sort(), [...new Set(all)].sort());
  });

  test(`${name}: German has all of it, with the same places to fill in the same order`, () => {
    assert.deepEqual([...german.keys()], [...template.keys()]);
    const places = (text: string) => text.match(/%[%sd]/g) ?? [];
    for (const [text, other] of german) {
      assert.notEqual(other, '', text);
      assert.deepEqual(places(other), places(text), text);
    }
  });
}
