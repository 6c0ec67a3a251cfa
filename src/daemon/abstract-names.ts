import { readIfAny } from '#platform/read-if-any.js';
import { type Listener, listen, type Stream, type StreamHandlers } from '#platform/stream.js';
import { decodeLatin1, encodeUtf8 } from '#platform/text.js';

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
  return listening().flatMap((bytes) => {
    // Node 20 fills the name up with NUL bytes, others do not.
    const text = decodeLatin1(bytes).replace(/^\0|\0+$/g, '');
    return `${text}/`.startsWith(`${latin1(first)}/`) ? [{ bytes, text }] : [];
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
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

/** Another name that begins so, which nobody can have foreseen. */
export function anotherName(first: string): string {
  return `${first}/${Math.random().toString(36).slice(2)}`;
}

/** The abstract names at which somebody listens in this network namespace. */
function listening(): Uint8Array[] {
  const table = decodeLatin1(readIfAny('/proc/net/unix') ?? new Uint8Array());
  // Flags 00010000: it listens (__SO_ACCEPTCON); type 0001: a stream. NUL bytes show as @.
  const lines = table.matchAll(/^\S+: \S+ \S+ 00010000 0001 \S+ +\d+ @(.*?)(@*)$/gm);
  return [...lines].map(([, text = '', nuls = '']) =>
    Uint8Array.from(`\0${text}${'\0'.repeat(nuls.length)}`, (character) => character.charCodeAt(0)),
  );
}
