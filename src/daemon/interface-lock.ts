import { pid as ownPid } from '#platform/process.js';
import { connectStream, type Listener } from '#platform/stream.js';
import { decodeLatin1, encodeUtf8 } from '#platform/text.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { anotherName, latin1, listenUnlessTaken, namesLike } from './abstract-names.js';
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
  readonly #listener: Listener;

  private constructor(listener: Listener, ignored: readonly LockHolder[]) {
    this.#listener = listener;
    this.ignored = ignored;
  }

  /** @throws {StartError} with the owner's process id, when another process holds it */
  static async take(ifname: string): Promise<InterfaceLock> {
    const first = `wgpeerselector/${ifname}`;
    let own = first;
    let listener = await listen(own);
    if (listener === undefined && canAskHolders()) {
      const owner = holdersLike(first).find(({ able }) => able);
      if (owner !== undefined) throw served(ifname, owner.pid || (await answerOf(first)));
      own = anotherName(first);
      listener = await listen(own);
    }
    if (listener === undefined) throw served(ifname, await answerOf(first));
    const isOwn = ({ pid, text }: Holder): boolean => pid === ownPid && text === latin1(own);
    const holders = holdersLike(first);
    const self = holders.find(isOwn);
    const others = holders.filter((holder) => !isOwn(holder));
    // Without the right oneself nothing will come of it anyway: then nobody is passed over.
    const owner = others.find(({ able }) => able || !self?.able);
    if (owner === undefined && (self !== undefined || own === first))
      return new InterfaceLock(listener, others);
    listener.close();
    throw served(ifname, owner?.pid || (await answerOf(first)));
  }

  release(): void {
    this.#listener.close();
  }
}

/** @returns undefined when somebody has the name */
function listen(name: string): Promise<Listener | undefined> {
  return listenUnlessTaken(`\0${name}`, (stream) => {
    stream.unref();
    stream.write(encodeUtf8(`${ownPid}\n`));
    stream.end(); // whoever does not hang up cannot keep us busy
    return { data() {}, closed() {} }; // a peer that is gone before it has read is nobody's trouble
  });
}

/** Who listens at a name of ours. */
interface Holder extends LockHolder {
  readonly text: string;
}

/** Who listens at `first`, or at a name that begins with it and a slash. */
function holdersLike(first: string): Holder[] {
  return namesLike(first).flatMap(({ bytes, text }) => {
    const holder = lockHolder(bytes);
    return holder === undefined ? [] : [{ ...holder, text }];
  });
}

function served(ifname: string, owner: number | string | undefined): StartError {
  const who = owner === undefined ? 'another process' : `process ${owner}`;
  return new StartError('locked', `interface ${ifname} is served already by ${who}; stop that one first`);
}

/** Asks the holder itself, where nothing else can be asked. */
function answerOf(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      stream.destroy();
      resolve(/^\d{1,10}\n$/.test(answer) ? answer.trim() : undefined);
    };
    const stream = connectStream(`\0${name}`, {
      data(bytes) {
        answer += decodeLatin1(bytes);
        if (answer.length > 16) finish();
      },
      closed: finish,
    });
    const timer = setTimeout(finish, ANSWER_TIMEOUT);
  });
}
