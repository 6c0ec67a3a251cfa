import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.js';
import type { Failure, Family } from '../lookup.js';
import type { SocketFeatures, SocketHandlers } from '../netlink.js';
import type { Credentials } from '../stream.js';

/** The netlink socket of native/node.c. */
export interface NativeNetlinkSocket extends SocketFeatures {
  readonly port: number;
  /** @returns 0 or an error number */
  send(message: Uint8Array): number;
  /** Calls the handlers with what has come already. */
  receive(): void;
  /** @returns one of REPEATED */
  repeat(message: Uint8Array, answer: Uint8Array, varying: Uint8Array): number;
  setRef(on: boolean): void;
  close(): void;
}

/** The look-ups of native/node.c. */
export interface NativeLookups {
  /** @returns 0 or an error number */
  start(id: number, name: string, family: Family, milliseconds: number): number;
  close(): void;
}

/** What native/node.c exports. */
export interface Addon extends Omit<Clock, 'clockMissing'> {
  readonly NetlinkSocket: new (
    family: number,
    handlers: SocketHandlers,
    groups: readonly number[],
    receiveBufferBytes: number,
  ) => NativeNetlinkSocket;
  readonly Lookups: new (
    finished: (id: number, failure: Failure | undefined, addresses: readonly string[]) => void,
  ) => NativeLookups;
  listenerOwner(name: Uint8Array): Credentials;
  credentials(fd: number): Credentials;
  /** @returns a descriptor, or an error number negated */
  openProbe(kind: number, device: string, source: string, target: string): number;
  /** @returns 0 or an error number */
  sendProbe(fd: number): number;
  probeHeard(fd: number): boolean;
  closeProbe(fd: number): void;
  /** @returns -1 when there is no such group */
  groupId(name: string): number;
  /** @returns 0 or an error number */
  setGroup(id: number): number;
  /** @returns 0 or an error number */
  notify(path: Uint8Array, text: Uint8Array): number;
  /** Ends the process as it is: nothing of Node's is tidied up. */
  exit(code: number): never;
}

/** Every function of {@link Addon}: one that lacks any is of another version. */
const EXPORTS = [
  'NetlinkSocket',
  'Lookups',
  'listenerOwner',
  'credentials',
  'openProbe',
  'sendProbe',
  'probeHeard',
  'closeProbe',
  'groupId',
  'setGroup',
  'exit',
  'setRealtime',
  'bootTime',
  'isSynchronised',
  'setMaxError',
  'notify',
] as const satisfies readonly (keyof Addon)[];

/** The native part, or why there is none. */
export type Loaded =
  | { readonly addon: Addon }
  | { readonly missing: 'not built' | 'not loadable'; readonly reason: string };

/** Where it is looked for: next to the file that runs (a bundle), then where scripts/build-native.mjs puts it. */
const PLACES = ['./native.node', '../../../native/native.node'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

let loaded: Loaded | undefined;

/**
 * The native part, loaded when it is first needed. One that is there and cannot be loaded (built for another machine, say) is as good
 * as none, but not silently so: the process warns of it once.
 */
export function nativePart(): Loaded {
  if (loaded === undefined) {
    loaded = loadAddon(PLACES);
    if ('missing' in loaded && loaded.missing === 'not loadable')
      process.emitWarning(`${loaded.reason}: it is done without`);
  }
  return loaded;
}

/** The native part where it is; otherwise one does without. */
export function addon(): Addon | undefined {
  const part = nativePart();
  return 'addon' in part ? part.addon : undefined;
}

/** Loads the first that is there. Never throws. @param paths of native.node */
export function loadAddon(paths: readonly string[]): Loaded {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    return { missing: 'not built', reason: `the native part was not built (no ${paths.join(', no ')})` };
  }
  const module: { exports: Partial<Addon> } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: 'not loadable', reason: `${path} does not load: ${reason}` };
  }
  if (isWhole(module.exports)) return { addon: module.exports };
  return { missing: 'not loadable', reason: `${path} is something else, or of another version` };
}

function isWhole(exports: Partial<Addon>): exports is Addon {
  return EXPORTS.every((name) => typeof exports[name] === 'function');
}
