import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { StandardErrorLog } from '../../src/daemon/log.js';

test('what a stranger has said takes one line, and not a long one', () => {
  let text = '';
  const log = new StandardErrorLog(true, {
    unsent: 0,
    write(line) {
      text += line;
    },
  });
  log.write('warning', '', `method ${'x'.repeat(1_000_000)}`);
  log.write('warning', '', 'a\nerror: forged\x1b[2J');
  const lines = text.split('\n');
  assert.equal(lines.length, 3);
  assert.ok((lines[0]?.length ?? 0) < 1100);
  assert.equal(lines[1], 'warning: a error: forged [2J');
});

test('a reader that has gone to sleep costs no memory, and is told what it has missed', () => {
  let text = '';
  let awake: (() => void) | undefined;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      awake = done;
    },
  });
  const log = new StandardErrorLog(true, {
    get unsent() {
      return stream.writableLength;
    },
    write: (line) => void stream.write(line),
  });
  for (let i = 0; i < 10_000; i++) log.write('info', 'vpn', `line ${i}`);
  assert.ok(stream.writableLength < 100_000, String(stream.writableLength));
  while (stream.writableLength > 0) awake?.();
  const kept = text.split('\n').length - 1;
  log.write('info', 'vpn', 'the last line');
  awake?.();
  assert.ok(text.startsWith('info vpn: line 0\ninfo vpn: line 1\n'));
  assert.ok(
    text.endsWith(`warning: nobody read the log, ${10_000 - kept} lines are lost\ninfo vpn: the last line\n`),
    text.slice(-200),
  );
});
