/*
 * What happens over and over while a connection is held, by the router's program: looks at it, and questions to the kernel. For test/unit/growth.test.ts
 * it tells the bytes in use before and after some hundred of each. There are too few to make the engine look for garbage, so what was not
 * freed at once shows.
 */
import { standardOutput } from '#platform/process.js';
import { setImmediate } from '#platform/timers.js';
import { NetlinkConnection } from '../../src/netlink/index.js';
import { FakeWorld, peer } from './fake-world.js';
import { privateBytes } from './private-bytes.js';

/** Does it until everything is there that it takes, then tells what more of it needs. */
async function tell(what: string, some: () => Promise<void>): Promise<void> {
  await some();
  const before = privateBytes();
  for (let time = 0; time < 3; time++) await some();
  standardOutput.write(`${what} ${privateBytes() - before}\n`);
}

const NLMSG_ERROR = 2;
/** A kernel that agrees: to each message an acknowledgement (struct nlmsgerr), of the host's byte order. */
const connection = new NetlinkConnection(0, {
  openSocket: (_family, handlers) => ({
    port: 1,
    features: { extendedAck: true, cappedAck: true, strictDump: true },
    ref: () => {},
    unref: () => {},
    close: () => {},
    send: (message) => {
      const answer = new Uint8Array(36);
      const header = message.subarray(0, 16);
      answer.set(header);
      answer.set(header, 20);
      new Uint32Array(answer.buffer, 0, 1)[0] = answer.length;
      new Uint16Array(answer.buffer, 4, 2).set([NLMSG_ERROR, 0]);
      new Uint32Array(answer.buffer, 12, 1)[0] = 1; // the port
      setImmediate(() => handlers.message(answer, 0));
    },
  }),
});
await tell('questions', async () => {
  for (let count = 0; count < 200; count++)
    await connection.request({ what: 'ask', type: 16, body: new Uint8Array(16) });
});

const world = new FakeWorld();
world.alive('address of a');
world.start([peer('a')], { checkInterval: 1, probeTimeout: 20, probeInterval: 15 });
await tell('looks', async () => {
  for (let minute = 0; minute < 10; minute++) {
    await world.timers.pass(60_000);
    world.forget();
  }
});
