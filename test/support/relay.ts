/** Connects to a unix socket whenever somebody connects to another, and says `ready`: node relay.js LISTEN CONNECT */
import { writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [listen, target] = process.argv.slice(2);

createServer((near) => {
  const far = connect(String(target));
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => {}).on('close', () => other.destroy());
    one.pipe(other);
  }
}).listen(String(listen), () => writeSync(1, 'ready\n'));
