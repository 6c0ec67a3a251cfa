/* What the daemon does with the system, but for WireGuard: the part of platform-scene.ts that has to be possible in the sandbox of the unit. */
import { listDirectory, unlink, writeFile } from '#platform/files.js';
import { catchSignals, effectiveUser } from '#platform/process.js';
import { sockets } from './platform-scene-sockets.js';
import { folder, pause, tell } from './scene-telling.js';

async function main(): Promise<void> {
  catchSignals((signal) => tell(signal));
  await sockets();
  writeFile(`${folder}/kept`, new Uint8Array(10), 'create-private');
  unlink(`${folder}/kept`);
  tell('list', listDirectory(folder).length > 0, effectiveUser() >= 0);
  // As much as a large configuration takes, and as little again.
  let text = '';
  for (let length = 1; length < 4_000_000; length *= 2) text += 'x'.repeat(length);
  tell('memory', text.length);
  await pause(10);
  catchSignals(undefined);
  tell('the end');
}

void main();
