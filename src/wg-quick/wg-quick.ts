import { decodeUtf8 } from '#platform/text.js';

/**
 * A text that is no wg-quick file. `message` is complete for a person: file, line, what was found and what was expected. It never holds a
 * value of the file, because a value may be a key.
 */
export class WgQuickError extends Error {
  override readonly name = 'WgQuickError';
  /** The name given to `parseWgQuick`, or undefined. */
  readonly file: string | undefined;
  /** Counts from 1. */
  readonly line: number;

  constructor(reason: string, line: number, file: string | undefined) {
    super(`${file === undefined ? 'line ' : `${file}:`}${line}: ${reason}`);
    this.file = file;
    this.line = line;
  }
}

/** A line `Key = value`. */
export interface WgQuickEntry {
  /** Written as in wg(8) and wg-quick(8) if it is one of theirs, otherwise as in the file: letters and digits. */
  readonly key: string;
  /** Without comment, and without spaces at its ends; may be empty. */
  readonly value: string;
  /** Counts from 1. */
  readonly line: number;
}

/** `[Interface]` or `[Peer]`, and what follows it. */
export interface WgQuickSection {
  readonly type: 'Interface' | 'Peer';
  /** The line of its head. Counts from 1. */
  readonly line: number;
  /** In the order of the file; a key may come more than once. */
  readonly entries: readonly WgQuickEntry[];
}

const INTERFACE_KEYS = [
  ...['PrivateKey', 'ListenPort', 'FwMark', 'Address', 'DNS', 'MTU', 'Table'],
  ...['PreUp', 'PostUp', 'PreDown', 'PostDown', 'SaveConfig'],
];
const PEER_KEYS = ['PublicKey', 'PresharedKey', 'Endpoint', 'AllowedIPs', 'PersistentKeepalive'];

/** The keys of each section, as their manual pages write them. */
export const WG_QUICK_KEYS: Readonly<Record<WgQuickSection['type'], readonly string[]>> = {
  Interface: INTERFACE_KEYS,
  Peer: PEER_KEYS,
};

/**
 * Reads a file of wg-quick(8). As there, capitals and spaces in the names of sections and keys do not count, `#` begins a comment anywhere,
 * and a section may come more than once. Keys that neither wg(8) nor wg-quick(8) has are read like others. A byte order mark is passed over.
 *
 * @param options.file the name to put in front of error messages
 * @throws {WgQuickError} for a line that is neither a section's head nor `Key = value`, for one before the first section, and for a NUL byte
 */
export function parseWgQuick(text: string | Uint8Array, options: { file?: string } = {}): WgQuickSection[] {
  const { file } = options;
  const sections: (WgQuickSection & { entries: WgQuickEntry[] })[] = [];
  const source = typeof text === 'string' ? text : decodeUtf8(text);
  for (const [at, written] of source
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const line = at + 1;
    if (written.includes('\0')) throw new WgQuickError('a NUL byte: expected a text file', line, file);
    const [bare = ''] = written.split('#', 1);
    const stripped = bare.replaceAll(/\s/g, '');
    if (stripped === '') continue;
    const type = stripped.startsWith('[') ? headOf(stripped) : undefined;
    if (type !== undefined) {
      sections.push({ type, line, entries: [] });
      continue;
    }
    const [, name = ''] = /^([A-Za-z0-9]{1,32})=/.exec(stripped) ?? []; // a key of WireGuard is longer: it is not to be shown
    if (name === '') throw new WgQuickError('expected [Interface], [Peer], or Key = value', line, file);
    const section = sections.at(-1);
    if (section === undefined) {
      throw new WgQuickError('stands before the first section: expected [Interface] above it', line, file);
    }
    const known = WG_QUICK_KEYS[section.type].find((key) => same(key, name));
    const value = bare.slice(bare.indexOf('=') + 1).trim();
    section.entries.push({ key: known ?? name, value, line });
  }
  return sections;
}

function headOf(stripped: string): WgQuickSection['type'] | undefined {
  return (['Interface', 'Peer'] as const).find((type) => same(`[${type}]`, stripped));
}

/** As wg(8) compares. */
function same(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase();
}

/** What {@link formatWgQuick} writes. */
export interface WrittenSection {
  readonly type: WgQuickSection['type'];
  readonly entries: readonly Pick<WgQuickEntry, 'key' | 'value'>[];
}

/** Writes sections as a file of wg-quick(8). */
export function formatWgQuick(sections: readonly WrittenSection[]): string {
  return sections
    .map(({ type, entries }) =>
      [`[${type}]`, ...entries.map(({ key, value }) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n');
}
