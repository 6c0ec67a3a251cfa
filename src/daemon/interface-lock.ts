import { connect, createServer, type Server } from 'node:net';
import { StartError } from './start-error.js';

/** How long the holder has to say who it is, in milliseconds. */
const ANSWER_DEADLINE = 1_000;

/**
 * One process per interface. The lock is a listening unix socket with an abstract name: it lives in the network namespace, as
 * the interface does, and vanishes with its owner however that ends, so no stale lock can be left. Who connects is told the
 * owner's process id.
 */
export class InterfaceLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws {StartError} with the owner's process id, when another process holds it */
  static async take(ifname: string): Promise<InterfaceLock> {
    const path = `\0wgpeerselector/${ifname}`;
    const server = createServer((socket) => {
      socket.on('error', () => {}); // a peer that is gone before it has read is nobody's trouble
      socket.unref();
      socket.end(`${process.pid}\n`, () => socket.destroy()); // whoever does not hang up cannot keep us busy
    });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      const owner = await ownerOf(path);
      throw new StartError(
        'locked',
        `interface ${ifname} is served already by ${owner === undefined ? 'another process' : `process ${owner}`}; stop that one first`,
      );
    }
    server.unref();
    return new InterfaceLock(server);
  }

  release(): void {
    this.#server.close();
  }
}

function ownerOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(path);
    const finish = (): void => {
      socket.destroy();
      resolve(/^\d{1,10}\n$/.test(answer) ? answer.trim() : undefined);
    };
    socket.setTimeout(ANSWER_DEADLINE, finish);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.length > 16) finish();
    });
    socket.on('end', finish);
    socket.on('error', finish);
  });
}
