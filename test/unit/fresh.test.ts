// What `npm run test:fresh` holds against a command: whatever it changed outside of the clone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';

interface Changes {
  telling(top: string, leave: readonly string[]): readonly string[];
  changesBetween(before: string, after: string): readonly string[];
}

const module: string = new URL('../../../scripts/fresh/changes.mjs', import.meta.url).href;
const { telling, changesBetween }: Changes = await import(module);

test('every kind of change is seen, also one that leaves the time of modification as it was', () => {
  const top = mkdtempSync(`${tmpdir()}/wgps-changes-`);
  const tell = (): string => {
    const [program = '', ...args] = telling(top, [`${top}/left`]);
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const long = new Date('2020-01-01');
  /** As a package is unpacked. */
  const write = (name: string, text: string): void => {
    writeFileSync(`${top}/${name}`, text);
    utimesSync(`${top}/${name}`, long, long);
  };
  try {
    for (const name of ['etc', 'left']) mkdirSync(`${top}/${name}`);
    for (const name of ['kept', 'rewritten', 'removed', 'opened', 'moved', 'a name\nof two lines'])
      write(`etc/${name}`, 'text');
    symlinkSync('kept', `${top}/etc/link`);
    const before = tell();
    assert.deepEqual(changesBetween(before, tell()), []);

    // A clock tick of the kernel's may not have passed since it was made.
    const { ctimeMs } = statSync(`${top}/etc/rewritten`);
    while (statSync(`${top}/etc/rewritten`).ctimeMs === ctimeMs) write('etc/rewritten', 'TEXT');
    write('etc/new', '');
    mkdirSync(`${top}/etc/folder`);
    rmSync(`${top}/etc/removed`);
    chmodSync(`${top}/etc/opened`, 0o666);
    renameSync(`${top}/etc/moved`, `${top}/etc/there`);
    rmSync(`${top}/etc/link`);
    symlinkSync('elsewhere', `${top}/etc/link`);
    lutimesSync(`${top}/etc/link`, long, long);
    chmodSync(`${top}/etc`, 0o777);
    write('left/anything', '');
    assert.deepEqual(changesBetween(before, tell()), [
      `changed ${top}/etc`,
      `new ${top}/etc/folder`,
      `changed ${top}/etc/link`,
      `gone ${top}/etc/moved`,
      `new ${top}/etc/new`,
      `changed ${top}/etc/opened`,
      `gone ${top}/etc/removed`,
      `changed ${top}/etc/rewritten`,
      `new ${top}/etc/there`,
    ]);
  } finally {
    rmSync(top, { recursive: true });
  }
});
