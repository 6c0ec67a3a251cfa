import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What lock-holder.c finds out. */
interface Found {
  readonly errno: number;
  readonly pid: number;
  readonly uid: number;
  readonly netAdmin: boolean;
}
type Ask = (name: Uint8Array) => Found;

/** A process that listens at an abstract name of unix sockets. */
export interface LockHolder {
  /** 0 when it is in a PID namespace that this process does not see. */
  readonly pid: number;
  /** The user it was when it began to listen. */
  readonly uid: number;
  /** Whether it could serve an interface, or nothing says that it could not. */
  readonly able: boolean;
}

/** Where lock-holder.node is looked for: next to the file that runs (a bundle), then in dist/native. */
const PLACES = ['./lock-holder.node', '../../native/lock-holder.node'];

/** Null: it was looked for in vain. */
let ask: Ask | null | undefined;

function load(): Ask | null {
  if (ask !== undefined) return ask;
  ask = null;
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (!existsSync(path)) continue;
    const module: { exports: { lockHolder?: Ask } } = { exports: {} };
    try {
      process.dlopen(module, path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.emitWarning(`${path} cannot be loaded, whoever holds an interface's name counts: ${reason}`);
      continue;
    }
    ask = module.exports.lockHolder ?? null;
    break;
  }
  return ask;
}

/** Whether {@link lockHolder} can be called: its native part was built. */
export function canAskHolders(): boolean {
  return load() !== null;
}

/**
 * Who listens at this name.
 *
 * @param name all of sun_path, its first NUL byte included
 * @returns undefined when nobody listens, or somebody does not even accept: no daemon of ours
 */
export function lockHolder(name: Uint8Array): LockHolder | undefined {
  const found = load()?.(name);
  if (found === undefined || found.errno !== 0) return undefined;
  const { pid, uid, netAdmin } = found;
  return { pid, uid, able: netAdmin && !isImpostor(pid, uid) };
}

/**
 * Two ways to capabilities that are of no use here: those of a user namespace of one's own (everybody may make one), and
 * those of a program that runs as root whoever starts it, and was left the socket. What cannot be read speaks for the holder.
 */
function isImpostor(pid: number, uid: number): boolean {
  const idMap = read(`/proc/${pid}/uid_map`);
  if (idMap !== undefined && idMap !== read('/proc/self/uid_map')) return true;
  const user = /^Uid:\t\d+\t(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return user !== undefined && Number(user) !== uid;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
