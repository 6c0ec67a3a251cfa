// What others than the log are told, against its documents: events in docs/commands.md, their codes and the states in
// docs/selection.md, and what a service manager hears in docs/linux.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  isLiteralTypeNode,
  isPropertyAssignment,
  isStringLiteral,
  isTypeAliasDeclaration,
} from 'typescript/unstable/ast';
import { eventTable } from '../../src/daemon/status.js';
import type { SelectorEvent } from '../../src/selector/events.js';
import { root } from '../support/documents.js';
import { peer } from '../support/fake-world.js';
import { sourceFiles, walk } from '../support/source-files.js';

const files = sourceFiles();

const sn01 = peer('sn01');
const remote = { address: '192.0.2.1', port: 51820, index: 1, count: 1 };
const routes = { installed: [], added: [], conflicts: [] };
const reason = 'why';

/** One of each type; a new type does not compile without one. */
const EVENTS: { readonly [T in SelectorEvent['type']]: SelectorEvent & { readonly type: T } } = {
  'interface-missing': { type: 'interface-missing', link: 'absent' },
  'interface-up': { type: 'interface-up' },
  trying: { type: 'trying', peer: sn01, remote },
  connected: { type: 'connected', peer: sn01, remote, handshake: 43, routes },
  kept: { type: 'kept', peer: sn01, handshakeAge: 43, routes },
  lost: { type: 'lost', peer: sn01, code: 'no-answer', reason, held: 43 },
  failed: { type: 'failed', peer: sn01, remote, code: 'no-handshake', reason, round: 1 },
  suspected: { type: 'suspected', peer: sn01, reason },
  proven: { type: 'proven', peer: sn01, reason, knocks: 1 },
  'not-probed': { type: 'not-probed', peer: sn01, reason },
  'tried-beside': { type: 'tried-beside', peer: sn01, remote, roundTrip: 43, reason: undefined },
  'routes-restored': { type: 'routes-restored', peer: sn01, routes },
  mended: { type: 'mended', peer: sn01, what: 'all' },
  'leftover-removed': { type: 'leftover-removed', peer: sn01, publicKey: sn01.publicKey },
  'round-over': { type: 'round-over', round: 1, disconnected: 43, silent: false },
  pausing: { type: 'pausing', duration: 43 },
  trouble: { type: 'trouble', error: new Error(reason) },
  stopped: { type: 'stopped' },
};

/** The rows of the table below a line of a document that has these words, without its head; without its cells' spaces. */
function tableBelow(document: string, words: string): string[][] {
  const text = readFileSync(`${root}docs/${document}`, 'utf8');
  const lines = text.slice(text.indexOf(words)).split('\n');
  const first = lines.findIndex((line) => line.startsWith('| ---')) + 1;
  const rows = lines.slice(first);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((row) => row.split('|').map((cell) => cell.trim()));
}

/** The words between backquotes, but for those of a link. */
function quoted(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

/** The members of a union of strings in src/selector/events.ts, in its order. */
function membersOf(type: string): string[] {
  const members: string[] = [];
  const file = files.get('src/selector/events.ts');
  file?.forEachChild((node) => {
    if (!isTypeAliasDeclaration(node) || node.name.text !== type) return;
    walk(node, (inner) => {
      if (isLiteralTypeNode(inner) && isStringLiteral(inner.literal)) members.push(inner.literal.text);
      return true;
    });
  });
  return members;
}

test('docs/commands.md has a line for each event, with what it holds', () => {
  const told = Object.values(EVENTS).flatMap((event) => {
    const table = eventTable(event);
    if (table === undefined) return [];
    const fields = Object.keys(table.data).filter((name) => name !== 'state' && name !== 'peer');
    return [[table.type, ...fields.sort()]];
  });
  const listed = tableBelow('commands.md', '## Events').map(([, event, , besides]) => [
    ...quoted(event),
    ...quoted(besides).sort(),
  ]);
  assert.deepEqual(listed.sort(), told.sort());
});

test('docs/selection.md has a line for each state, and for each code of a loss', () => {
  const states = tableBelow('selection.md', '## States').flatMap(([, state]) => quoted(state));
  assert.deepEqual(states.sort(), membersOf('State').sort());
  const codes = tableBelow('selection.md', 'Why a connection ends').flatMap(([, code]) => quoted(code));
  assert.deepEqual(codes.sort(), membersOf('LossCode').sort());
});

test('docs/linux.md has a line for each thing that a service manager is told', () => {
  const said = new Set<string>();
  const file = files.get('src/daemon/service-manager.ts');
  assert.ok(file);
  walk(file, (node) => {
    if (isPropertyAssignment(node) && /^[A-Z_]{2,}$/.test(node.name.getText())) said.add(node.name.getText());
    return true;
  });
  const rows = tableBelow('linux.md', '## What systemd is told');
  const listed = rows.flatMap(([, , what = '']) =>
    [...what.matchAll(/`([A-Z_]+)=/g)].map(([, name]) => name),
  );
  assert.ok(said.size >= 5);
  assert.deepEqual([...new Set(listed)].sort(), [...said].sort());
});
