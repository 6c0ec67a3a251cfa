import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Why the clock could not be set. The names are stable, for programs. */
export type ClockErrorKind = 'not built' | 'not loadable' | 'not permitted' | 'out of range' | 'failed';

/** The clock could not be set. The message says why, and what to do. */
export class ClockError extends Error {
  override readonly name = 'ClockError';
  readonly kind: ClockErrorKind;
  /** The kernel's name for it, say EPERM, where the kernel was asked. */
  readonly errno: string | undefined;

  constructor(kind: ClockErrorKind, message: string, errno?: string) {
    super(message);
    this.kind = kind;
    this.errno = errno;
  }
}

/** The functions of clock.c. */
export interface ClockAddon {
  /** Sets CLOCK_REALTIME: seconds since 1970 and nanoseconds (0 to 999999999) in, 0 or an errno out. */
  setRealtime(seconds: number, nanoseconds: number): number;
  /** Milliseconds of CLOCK_BOOTTIME; NaN where the kernel has none. */
  bootTime(): number;
  /** 1: the kernel has an error bound for its clock; 0: nobody has vouched for it; negative: -errno. */
  isSynchronised(): number;
  /** Tells the kernel an error bound of its clock in microseconds. Gives 0 or an errno. */
  setMaxError(microseconds: number): number;
}

const FUNCTIONS = ['setRealtime', 'bootTime', 'isSynchronised', 'setMaxError'];

let loaded: ClockAddon | undefined;
let failure: ClockError | undefined;

/** Where clock.node is looked for: next to the file that runs (a bundle), then where scripts/build-native.mjs puts it. */
function candidates(): string[] {
  return ['./clock.node', '../../native/clock.node'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
}

function isAddon(exports: object): exports is ClockAddon {
  return FUNCTIONS.every((name) => typeof Reflect.get(exports, name) === 'function');
}

function load(paths: readonly string[]): ClockAddon {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new ClockError(
      'not built',
      `the clock cannot be set: the native part was not built (no ${paths.join(', no ')}). Install a C compiler and run 'node scripts/build-native.mjs', or let another program set the clock`,
    );
  }
  const module = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClockError(
      'not loadable',
      `the clock cannot be set: ${path} does not load: ${reason}. Build it again`,
    );
  }
  if (!isAddon(module.exports)) {
    throw new ClockError(
      'not loadable',
      `the clock cannot be set: ${path} is something else, or of another version. Build it again`,
    );
  }
  return module.exports;
}

/**
 * Loads the native part, the first time it is needed.
 * @param path of clock.node; default: next to the running file, then dist/native
 * @throws {ClockError} `not built` or `not loadable`
 */
export function clockAddon(path?: string): ClockAddon {
  if (path !== undefined) return load([path]);
  if (failure !== undefined) throw failure;
  try {
    loaded ??= load(candidates());
    return loaded;
  } catch (error) {
    if (error instanceof ClockError) failure = error;
    throw error;
  }
}

/** The native part, or nothing where it cannot be had. Never throws. */
export function optionalClockAddon(): ClockAddon | undefined {
  try {
    return clockAddon();
  } catch {
    return undefined;
  }
}
