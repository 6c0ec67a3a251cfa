import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ExitError } from '../../src/cli/exit.js';
import { removePidFile, writePidFile } from '../../src/cli/pid-file.js';

const ours = `${process.pid}\n`;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'wgps-pid-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function refused(reason: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ExitError, String(error));
    assert.equal(error.code, 73);
    assert.match(error.message, reason);
    return true;
  };
}

test('a pid file is made, is taken over from a former process, and goes', (t) => {
  const file = join(folder(t), 'pid');
  writePidFile(file);
  assert.equal(readFileSync(file, 'latin1'), ours);
  removePidFile(file);
  for (const former of ['', '1234567', '1234567890\n']) {
    writeFileSync(file, former);
    writePidFile(file);
    assert.equal(readFileSync(file, 'latin1'), ours, 'nothing of the longer number is left');
  }
  writeFileSync(file, '1\n');
  removePidFile(file);
  assert.equal(readFileSync(file, 'latin1'), '1\n', "another's by now: left alone");
});

test('what is no pid file is left as it is', (t) => {
  const path = folder(t);
  const victim = join(path, 'victim');
  writeFileSync(victim, '1\n');
  symlinkSync(victim, join(path, 'link'));
  assert.throws(
    () => writePidFile(join(path, 'link')),
    refused(/link: it is a symbolic link, which is not follow/),
  );
  symlinkSync(join(path, 'nowhere'), join(path, 'dangling'));
  assert.throws(() => writePidFile(join(path, 'dangling')), refused(/it is a symbolic link/));
  assert.equal(readFileSync(victim, 'latin1'), '1\n');
  writeFileSync(victim, "config peer 'a'\n");
  assert.throws(
    () => writePidFile(victim),
    refused(/holds something else than a process id, and is left alone/),
  );
  assert.equal(readFileSync(victim, 'latin1'), "config peer 'a'\n");
  assert.throws(() => writePidFile(path), refused(/it is no file$/));
  assert.throws(() => writePidFile(join(path, 'no/pid')), refused(/ENOENT/));
  const pipe = join(path, 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  assert.throws(() => writePidFile(pipe), refused(/it is no file$/), 'and nobody waits for its other end');
});
