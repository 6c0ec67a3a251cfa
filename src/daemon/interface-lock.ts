import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { canAskHolders, type LockHolder, lockHolder } from './lock-holder.js';
import { StartError } from './start-error.js';

/** How long the holder has to say who it is, in milliseconds. */
const ANSWER_TIMEOUT = 1_000;

/**
 * One process per interface. The lock is a listening unix socket with an abstract name: it lives in the network namespace, as
 * the interface does, and vanishes with its owner however that ends, so no stale lock can be left. Who connects is told the
 * owner's process id.
 *
 * Any user may take such a name. So a holder counts only if it could serve the interface, which takes CAP_NET_ADMIN, and
 * where somebody else has the name, the lock is another one that begins with it. All names that begin so are looked at after
 * ours is taken: of two processes at least one sees the other, and both do not start.
 */
export class InterfaceLock {
  /** Holders of the name, or of one that begins with it, that are taken no notice of. */
  readonly ignored: readonly LockHolder[];
  readonly #server: Server;

  private constructor(server: Server, ignored: readonly LockHolder[]) {
    this.#server = server;
    this.ignored = ignored;
  }

  /** @throws {StartError} with the owner's process id, when another process holds it */
  static async take(ifname: string): Promise<InterfaceLock> {
    const first = `wgpeerselector/${ifname}`;
    let own = first;
    let server = await listen(own);
    if (server === undefined && canAskHolders()) {
      own = `${first}/${Math.random().toString(36).slice(2)}`;
      server = await listen(own);
    }
    if (server === undefined) throw served(ifname, await answerOf(first));
    const others: LockHolder[] = [];
    let seen = own === first;
    // Without the right oneself nothing will come of it anyway: then nobody is passed over.
    let able = false;
    for (const name of namesLike(first)) {
      const holder = lockHolder(name);
      if (holder === undefined) continue;
      if (holder.pid === process.pid && textOf(name) === textOf(Buffer.from(own))) {
        seen = true;
        able = holder.able;
      } else others.push(holder);
    }
    const owner = others.find((holder) => !able || holder.able);
    if (owner === undefined && seen) return new InterfaceLock(server, others);
    server.close();
    throw served(ifname, owner?.pid || (await answerOf(first)));
  }

  release(): void {
    this.#server.close();
  }
}

/** @returns undefined when somebody has the name */
async function listen(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => {}); // a peer that is gone before it has read is nobody's trouble
    socket.unref();
    socket.end(`${process.pid}\n`, () => socket.destroy()); // whoever does not hang up cannot keep us busy
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`\0${name}`, resolve);
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
  server.unref();
  return server;
}

/** All listening names that are `first`, or begin with it and a slash: each with its NUL bytes. */
function namesLike(first: string): Uint8Array[] {
  const wanted = Buffer.from(first).toString('latin1');
  return listening().filter((name) => `${textOf(name)}/`.startsWith(`${wanted}/`));
}

/** The abstract names at which somebody listens in this network namespace; none where /proc does not tell. */
function listening(): Uint8Array[] {
  let table: string;
  try {
    table = readFileSync('/proc/net/unix', 'latin1');
  } catch {
    return [];
  }
  // Flags 00010000: it listens (__SO_ACCEPTCON); type 0001: a stream. NUL bytes show as @.
  const lines = table.matchAll(/^\S+: \S+ \S+ 00010000 0001 \S+ +\d+ @(.*?)(@*)$/gm);
  return [...lines].map(([, text = '', nuls = '']) =>
    Buffer.from(`\0${text}${'\0'.repeat(nuls.length)}`, 'latin1'),
  );
}

/** A name without the NUL byte before it and those behind it, which Node 20 puts there and others do not. */
function textOf(name: Uint8Array): string {
  return Buffer.from(name)
    .toString('latin1')
    .replace(/^\0|\0+$/g, '');
}

function served(ifname: string, owner: number | string | undefined): StartError {
  const who = owner === undefined ? 'another process' : `process ${owner}`;
  return new StartError('locked', `interface ${ifname} is served already by ${who}; stop that one first`);
}

/** Asks the holder itself, where nothing else can be asked. */
function answerOf(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(`\0${name}`);
    const finish = (): void => {
      socket.destroy();
      resolve(/^\d{1,10}\n$/.test(answer) ? answer.trim() : undefined);
    };
    socket.setTimeout(ANSWER_TIMEOUT, finish);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.length > 16) finish();
    });
    socket.on('end', finish);
    socket.on('error', finish);
  });
}
