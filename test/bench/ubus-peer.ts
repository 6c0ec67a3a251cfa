/** The other processes of the ubus bench: `ubusd PATH`, `provider PATH` and `echo PATH`. */
import { createServer } from 'node:net';
import { Ubus } from '../../src/ubus/index.js';
import { FakeUbusd } from '../support/ubusd.js';

const [part, path = ''] = process.argv.slice(2);

if (part === 'ubusd') {
  await new FakeUbusd(path).start();
} else if (part === 'provider') {
  const bus = await Ubus.connect({ path });
  const peers = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [
      `sn${String(index).padStart(2, '0')}`,
      index === 4 ? { established: 1490 } : false,
    ]),
  );
  await bus.publish('bench', { status: { call: () => ({ peers }) } });
} else {
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
}
process.stdout.write('ready\n');
