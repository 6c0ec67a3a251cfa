import { readIfAny } from '#platform/read-if-any.js';
import { type Listener, listen, type Stream, type StreamHandlers } from '#platform/stream.js';
import { decodeLatin1, encodeUtf8 } from '#platform/text.js';
import { hasCode } from '../wording.js';

/*
 * Abstract names of unix sockets live in the network namespace, as interfaces do, and vanish with their owner however that ends. Any user may
 * take one. So where somebody has ours, we take another that begins with it and a slash, and whoever looks for us looks at all of them.
 */

/** A name at which somebody listens. */
export interface HeardName {
  /** All of sun_path, its first NUL byte included. */
  readonly bytes: Uint8Array;
  /** The same without NUL bytes, each byte of it a character. */
  readonly text: string;
}

/** Names that are taken of those that are `first`, or begin with it and a slash; none where /proc does not tell. */
export function namesLike(first: string): HeardName[] {
  const like = latin1(first);
  // A /proc of processes alone (proc(5), subset=pid) has no /proc/net.
  const table = decodeLatin1(readIfAny('/proc/self/net/unix') ?? new Uint8Array());
  return listening(table, like).flatMap((bytes) => {
    // Node 20 fills the name up with NUL bytes, others do not.
    const text = decodeLatin1(bytes).replace(/^\0|\0+$/g, '');
    return `${text}/`.startsWith(`${like}/`) ? [{ bytes, text }] : [];
  });
}

/** Each byte of the text's UTF-8 as a character, as {@link HeardName} has it. */
export function latin1(text: string): string {
  return decodeLatin1(encodeUtf8(text));
}

/**
 * Listens at a name.
 * @param path all of sun_path, its first NUL byte included
 * @returns undefined when somebody has it
 */
export async function listenUnlessTaken(
  path: string,
  accept: (stream: Stream) => StreamHandlers,
): Promise<Listener | undefined> {
  try {
    return await listen(path, accept);
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return undefined;
    throw error;
  }
}

/** Another name that begins so, which nobody can have foreseen. */
export function anotherName(first: string): string {
  return `${first}/${Math.random().toString(36).slice(2)}`;
}

/**
 * The abstract names at which somebody listens, all of those that begin with `first` among them.
 * @param table of this network namespace, /proc/net/unix
 */
export function listening(table: string, first: string): Uint8Array[] {
  // Flags 00010000: it listens (__SO_ACCEPTCON), which datagrams cannot. Type 0001: a stream; on MIPS that is 0002 (asm/socket.h). NUL
  // bytes show as @.
  const listener = /^\S+: \S+ \S+ 00010000 000[12] \S+ +\d+ @(.*?)(@*)$/;
  return table.split('\n').flatMap((line) => {
    // Nearly all are of others, and not worth an expression.
    const found = line.includes(`@${first}`) ? listener.exec(line) : null;
    if (found === null) return [];
    const [, text = '', nuls = ''] = found;
    const name = `\0${text}${'\0'.repeat(nuls.length)}`;
    return [Uint8Array.from(name, (character) => character.charCodeAt(0))];
  });
}
