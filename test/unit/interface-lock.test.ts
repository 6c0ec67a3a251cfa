import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { InterfaceLock } from '../../src/daemon/interface-lock.js';
import { StartError } from '../../src/daemon/start-error.js';

test('one owner at a time, and who it is is told', async () => {
  const name = `t${process.pid}a`;
  const lock = await InterfaceLock.take(name);
  await assert.rejects(InterfaceLock.take(name), (error: unknown) => {
    assert.ok(error instanceof StartError);
    assert.equal(error.failure, 'locked');
    assert.equal(
      error.message,
      `interface ${name} is served already by process ${process.pid}; stop that one first`,
    );
    return true;
  });
  const other = await InterfaceLock.take(`${name}b`);
  other.release();
  lock.release();
  const again = await InterfaceLock.take(name);
  again.release();
});

test('somebody who connects and leaves at once does not disturb the owner', async () => {
  const name = `t${process.pid}c`;
  const lock = await InterfaceLock.take(name);
  for (let visit = 0; visit < 20; visit++) {
    await new Promise<void>((resolve) => {
      const socket = connect(`\0wgpeerselector/${name}`, () => socket.destroy());
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
  }
  await assert.rejects(InterfaceLock.take(name), StartError);
  lock.release();
});
