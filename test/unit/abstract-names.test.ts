// The table of unix sockets as the kernel writes it (/proc/net/unix), and who listens by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listening } from '../../src/daemon/abstract-names.js';

const HEAD = 'Num       RefCount Protocol Flags    Type St Inode Path\n';

/** @param type of sockets: 1 a stream and 2 datagrams, on MIPS the other way round */
const line = (type: string, flags: string, name: string): string =>
  `0000000080c1f800: 00000002 00000000 ${flags} ${type} 01 20443 @${name}\n`;

const found = (...lines: string[]): string[] =>
  listening(HEAD + lines.join(''), 'we').map((bytes) => String.fromCharCode(...bytes));

test('streams that listen are found, here and on MIPS, and others are not', () => {
  const connected = line('0001', '00000000', 'we/connected') + line('0002', '00000000', 'we/connected');
  assert.deepEqual(found(connected, line('0001', '00010000', 'we/vpn')), ['\0we/vpn']);
  assert.deepEqual(found(connected, line('0002', '00010000', 'we/vpn')), ['\0we/vpn']);
  assert.deepEqual(found(line('0005', '00010000', 'we/packets'), line('0001', '00010000', 'others')), []);
});

test('NUL bytes that fill a name are those of the name', () => {
  assert.deepEqual(found(line('0001', '00010000', 'we/vpn@@@')), ['\0we/vpn\0\0\0']);
});
