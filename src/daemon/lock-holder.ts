import { readIfAny } from '#platform/read-if-any.js';
import { type Credentials, listenerOwner } from '#platform/stream.js';
import { decodeLatin1 } from '#platform/text.js';

/** A process that listens at an abstract name of unix sockets. */
export interface LockHolder {
  /** 0 when it is in a PID namespace that this process does not see. */
  readonly pid: number;
  /** The user it was when it began to listen. */
  readonly uid: number;
  /** Whether it could serve an interface, or nothing says that it could not. */
  readonly able: boolean;
}

/** Whether {@link lockHolder} can be called: this host has a way to ask. */
export function canAskHolders(): boolean {
  return listenerOwner(Uint8Array.of(0)) !== undefined;
}

/**
 * Who listens at this name.
 *
 * @param name all of sun_path, its first NUL byte included
 * @returns undefined when nobody listens, or somebody does not even accept: no daemon of ours
 */
export function lockHolder(name: Uint8Array): LockHolder | undefined {
  const found = listenerOwner(name);
  if (found === undefined || found.errno !== 0) return undefined;
  const { pid, uid } = found;
  return { pid, uid, able: couldServe(found) };
}

/** Whether the process could serve an interface, or nothing says that it could not. */
export function couldServe({ errno, pid, uid, netAdmin }: Credentials): boolean {
  return errno === 0 && netAdmin && !isImpostor(pid, uid);
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
  const bytes = readIfAny(path);
  return bytes && decodeLatin1(bytes);
}
