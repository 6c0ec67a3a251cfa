import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUci, UciError, type UciPackage } from '../../src/uci/uci.js';

const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);

/** In the form of the fixtures. */
function plain(parsed: UciPackage): unknown {
  const sections = parsed.sections.map(({ type, name, anonymous, options }) => ({
    type,
    name,
    anonymous,
    options: Object.fromEntries([...options.values()].map((option) => [option.name, option.value])),
  }));
  return { sections };
}

function errorOf(text: string | Uint8Array, file?: string): UciError {
  try {
    parseUci(text, file === undefined ? {} : { file });
  } catch (error) {
    assert.ok(error instanceof UciError, `not a UciError: ${String(error)}`);
    return error;
  }
  throw new assert.AssertionError({ message: `no error for ${JSON.stringify(text)}` });
}

for (const corpus of ['uci', 'uci-quirks']) {
  const dir = new URL(`${corpus}/`, FIXTURES);
  const names = readdirSync(dir).filter((name) => name.endsWith('.uci'));
  test(`${corpus}: there are fixtures`, () => assert.ok(names.length > 30));
  for (const name of names) {
    test(`${corpus}/${name}: the same result as OpenWrt's uci`, () => {
      const input = readFileSync(new URL(name, dir));
      const expected: unknown = JSON.parse(readFileSync(new URL(name.replace('.uci', '.json'), dir), 'utf8'));
      assert.ok(typeof expected === 'object' && expected !== null);
      if ('error' in expected) {
        assert.ok('line' in expected);
        assert.equal(errorOf(input).line, expected.line);
        assert.equal(errorOf(input.toString('utf8')).line, expected.line);
      } else {
        assert.deepEqual(plain(parseUci(input)), expected);
        assert.deepEqual(plain(parseUci(input.toString('utf8'))), expected);
      }
    });
  }
}

test('an error names file, line, column and what is expected', () => {
  const cases: [string, string][] = [
    ['config peer a\n\tfoo bar\n', 'f:2:2: unknown keyword foo: expected config, option, list or package'],
    ['config\n', "f:1:1: incomplete config: expected config TYPE or config TYPE 'NAME'"],
    ['config', "f:1:1: incomplete config: expected config TYPE or config TYPE 'NAME'"],
    ['config peer a\n\toption ', "f:2:2: incomplete option: expected option NAME 'VALUE'"],
    ['list x 1\n', "f:1:1: list before the first section: expected config TYPE 'NAME' above it"],
    [
      "config peer 'a-b'",
      'f:1:13: character - in the name of a section: expected only letters, digits and _',
    ],
    [
      "config peer a\noption 'x y' 1",
      'f:2:8: a space in the name of an option: expected only letters, digits and _',
    ],
    ['package a.b\n', 'f:1:9: character . in the name of a package: expected only letters, digits, - and _'],
    [
      'config pé\n',
      'f:1:8: character U+00E9 in the type of a section: expected printable ASCII without spaces',
    ],
    [
      'config peer a\n option x one two\n',
      'f:2:15: more text than belongs here: expected the end of the line (a value with spaces needs quotes)',
    ],
    [
      'config peer a\n\nconfig other a\n',
      "f:3:8: section 'a' has another type here than in line 1: expected the same type, or another name",
    ],
    ["config peer 'a", "f:1:13: no closing ': expected one before the end of the file"],
    [
      'config peer a\n option x "1\n2\n',
      'f:3:2: no closing ": expected one before the end of the file (it begins in line 2, column 11)',
    ],
    ['config peer a\n\0', 'f:2:1: a NUL byte: expected a text file'],
    ['\ufeffconfig peer a', 'f:1:1: a byte order mark: expected UTF-8 without one'],
    ['config peer a ;\n', 'f:1:16: nothing behind the semicolon: expected another command, or no semicolon'],
  ];
  for (const [text, message] of cases) assert.equal(errorOf(text, 'f').message, message);
});

test('without a file name the message starts with line and column', () => {
  const error = errorOf('nonsense');
  assert.equal(
    error.message,
    'line 1, column 1: unknown keyword nonsense: expected config, option, list or package',
  );
  assert.equal(error.file, undefined);
  assert.equal(error.reason, 'unknown keyword nonsense: expected config, option, list or package');
});

test('options tell where they are', () => {
  const { sections } = parseUci(
    "config peer a\n  option x 1\nconfig peer a\n  list y '1\n2'\n  list y 3\n option x 2",
  );
  assert.equal(sections.length, 1);
  assert.equal(sections[0]?.line, 1);
  assert.deepEqual(sections[0].options.get('x'), {
    name: 'x',
    value: '2',
    line: 7,
    column: 9,
    itemLines: [7],
  });
  assert.deepEqual(sections[0].options.get('y'), {
    name: 'y',
    value: ['1\n2', '3'],
    line: 4,
    column: 8,
    itemLines: [4, 6],
  });
});

test('an option that a list follows keeps its line as the first item', () => {
  const { sections } = parseUci('config peer a\noption x 1\nlist x 2\n');
  assert.deepEqual(sections[0]?.options.get('x'), {
    name: 'x',
    value: ['1', '2'],
    line: 2,
    column: 8,
    itemLines: [2, 3],
  });
});

test('bytes that are not UTF-8 become replacement characters', () => {
  const bytes = Buffer.concat([
    Buffer.from("config peer a\noption x '"),
    Buffer.of(0xff),
    Buffer.from("'\n"),
  ]);
  assert.equal(parseUci(bytes).sections[0]?.options.get('x')?.value, '\ufffd');
});

test('names such as __proto__ are names like others', () => {
  const { sections } = parseUci('config constructor __proto__\noption __proto__ 1\nlist constructor 2\n');
  assert.equal(sections[0]?.name, '__proto__');
  assert.deepEqual([...sections[0].options.keys()], ['__proto__', 'constructor']);
});

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';
test('an error never shows a value, wherever it stands', () => {
  const places = [
    `${KEY}\n`,
    `config peer a\n${KEY} x\n`,
    `config peer a\noption '${KEY}'\n`,
    `config peer a\noption preshared_key ${KEY} ${KEY}\n`,
    `config peer '${KEY}'\n`,
    `config peer a\noption preshared_key '${KEY}\n`,
    `config 'a ${KEY}'\n`,
    `package '${KEY}'\n`,
  ];
  for (const text of places) {
    const shown = `${errorOf(text, 'f').stack}`;
    for (let i = 0; i + 8 <= KEY.length; i += 8) assert.ok(!shown.includes(KEY.slice(i, i + 8)), text);
  }
});

/** Texts that get past the first token, and some that do not. */
const PIECES = [
  'config ',
  'option ',
  'list ',
  'package ',
  'x',
  'y ',
  ' ',
  '\t',
  '\n',
  '\r\n',
  "'",
  '"',
  '\\',
  ';',
  '#',
];
const uciText = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ maxLength: 4 })), {
    maxLength: 60,
  })
  .map((pieces) => pieces.join(''));

test('property: any text or bytes give a value or a UciError with a place inside the text', () => {
  const check = (input: string | Uint8Array): void => {
    const text =
      typeof input === 'string' ? input : new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
    try {
      parseUci(input);
    } catch (error) {
      assert.ok(error instanceof UciError, String(error));
      const line = text.split('\n')[error.line - 1];
      assert.ok(line !== undefined, `line ${error.line} of ${JSON.stringify(text)}`);
      assert.ok(error.column >= 1 && error.column <= line.length + 1, `column ${error.column}`);
    }
  };
  fc.assert(fc.property(uciText, check), { numRuns: 2000 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 1000 });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), check), { numRuns: 500 });
});

test('property: what is written with quotes is read back', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_]{1,12}$/);
  const value = fc.string({ minLength: 1, unit: 'grapheme' }).filter((s) => !s.includes('\0'));
  const single = (s: string): string => `'${s.replaceAll("'", "'\\''")}'`;
  const double = (s: string): string => `"${s.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const sections = fc.uniqueArray(
    fc.record({
      name,
      options: fc.uniqueArray(
        fc.tuple(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }))),
        {
          selector: ([key]) => key,
          maxLength: 4,
        },
      ),
    }),
    { selector: (section) => section.name, maxLength: 4 },
  );
  fc.assert(
    fc.property(sections, fc.boolean(), (wanted, useDouble) => {
      const quoted = useDouble ? double : single;
      let text = '';
      for (const section of wanted) {
        text += `config peer '${section.name}'\n`;
        for (const [key, v] of section.options) {
          if (typeof v === 'string') text += `\toption ${key} ${quoted(v)}\n`;
          else for (const item of v) text += `\tlist ${key} ${quoted(item)}\n`;
        }
      }
      const read = parseUci(text).sections.map((section) => ({
        name: section.name,
        options: [...section.options.values()].map((option) => [option.name, option.value]),
      }));
      // fast-check's records have no prototype; what counts is what they say.
      assert.deepEqual(
        read,
        wanted.map((section) => ({ ...section })),
      );
    }),
    { numRuns: 300 },
  );
});

test('the work grows with the text, not with its square', () => {
  // In each of these a careless reader looks over the whole rest of the text for every line, quote or word. With indexOf
  // it does that at gigabytes a second, so the first two must be large for a square to take minutes.
  const n = 300_000;
  const many = 3_000_000;
  const shapes = [
    `config peer a\noption x '${'\n'.repeat(many)}`,
    `config peer a\noption x "${'\n'.repeat(many)}`,
    `config peer a\noption x ${"''".repeat(n)}`,
    `config peer a\noption x ${'\\\n'.repeat(n)}`,
    `config peer a\n${'option x 1\n'.repeat(n / 4)}`,
    `config peer a\n${'list x 1\n'.repeat(n / 4)}`,
    `config peer a\n${"option x '' ".repeat(n / 4)}`,
    'config peer\n'.repeat(n / 4),
    `config peer a\noption x '1' ${';'.repeat(n)}`,
    `config peer a\noption 'x${'\n'.repeat(n)}' 1`,
    '#'.repeat(n),
    `config peer a\noption x ${'v'.repeat(n)}`,
  ];
  const start = performance.now();
  for (const text of shapes) {
    try {
      parseUci(text);
    } catch (error) {
      assert.ok(error instanceof UciError);
    }
  }
  assert.ok(performance.now() - start < 60_000, 'one pass over 9 MB took more than a minute');
});
