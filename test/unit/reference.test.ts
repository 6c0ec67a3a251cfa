// The reference of the libraries, docs/api: made of the docstrings as they are now, which everything that is exported has.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { root } from '../support/documents.js';

interface Member {
  readonly name: string;
  readonly signature: string;
  readonly doc: string;
  readonly callable: boolean;
}

interface Library {
  readonly name: string;
  readonly doc: string;
  readonly entries: readonly {
    readonly name: string;
    readonly kind: 'class' | 'interface' | 'function' | 'type' | 'constant';
    readonly declaration: string;
    readonly doc: string;
    readonly members: readonly Member[];
  }[];
}

const scripts = `${root}scripts/docs/`;
const { reference }: { reference(): { pages: Map<string, string>; faults: string[] } } = await import(
  `${scripts}reference.mjs`
);
const { pageOf }: { pageOf(library: Library, tour: string): { text: string; faults: string[] } } =
  await import(`${scripts}page.mjs`);

test('docs/api is what the docstrings say, and each has one: npm run docs', () => {
  const { pages, faults } = reference();
  assert.deepEqual(faults, []);
  assert.deepEqual(
    readdirSync(`${root}docs/api`)
      .sort()
      .map((name) => `docs/api/${name}`),
    [...pages.keys()].sort(),
  );
  for (const [path, text] of pages)
    assert.ok(readFileSync(root + path, 'utf8') === text, `${path} is not what npm run docs makes`);
});

test('what has no docstring is named, and so is a link that leads nowhere', () => {
  const method = { name: 'close', signature: 'close(): void', doc: '', callable: true };
  const property = { name: 'port', signature: 'readonly port: number', doc: '', callable: false };
  const library: Library = {
    name: 'wgpeerselector/test',
    doc: '',
    entries: [
      {
        name: 'Socket',
        kind: 'class',
        declaration: 'class Socket',
        doc: 'See {@link Socket}, {@link close}, {@link Socket.port},\n{@link Plug} and {@link Socket.open}.',
        members: [method, property],
      },
      { name: 'FD', kind: 'constant', declaration: 'const FD = 1;', doc: '', members: [] },
    ],
  };
  assert.deepEqual(pageOf(library, '../test.md').faults, [
    'Socket: {@link Plug} leads nowhere',
    'Socket: {@link Socket.open} leads nowhere',
    'Socket.close has no docstring',
    'FD has no docstring',
  ]);
});

test('a docstring as Markdown: its tags are a list, of a member within the list of members', () => {
  const doc =
    'Opens it.\n\n@param port where,\n  from 1 to 65535\n@returns the socket\n@throws {Error} it is taken';
  const open = { name: 'open', signature: 'open(port: number): Socket', doc, callable: true };
  const entry = { name: 'Socket', kind: 'class', declaration: 'class Socket', doc, members: [open] } as const;
  const { text } = pageOf({ name: 'x', doc: '', entries: [entry] }, '../x.md');
  const list = '- `port`: where, from 1 to 65535\n- returns the socket\n- throws `Error`: it is taken'.split(
    '\n',
  );
  assert.ok(text.includes(`Opens it.\n\n${list.join('\n')}\n`));
  assert.ok(
    text.includes(
      `- \`open(port: number): Socket\`: Opens it.\n\n${list.map((line) => `  ${line}`).join('\n')}\n`,
    ),
  );
});
