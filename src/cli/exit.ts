import { ConfigFileError, UciError } from '../config/index.js';
import { StartError, type StartFailure } from '../daemon/start-error.js';

/** Exit codes, from sysexits.h but for the second, so that a service manager can tell a mistake from an accident. */
export const EXIT = {
  OK: 0,
  /** What was asked is not so: not connected, say. systemctl(1) has it for what is not running. */
  NEGATIVE: 3,
  /** EX_USAGE: the command line is wrong. */
  USAGE: 64,
  /** EX_UNAVAILABLE: this kernel has no WireGuard, or this installation no way to ask it. */
  UNAVAILABLE: 69,
  /** EX_SOFTWARE: a fault of the program itself. */
  SOFTWARE: 70,
  /** EX_CANTCREAT: the pid file cannot be written. */
  CANNOT_CREATE: 73,
  /** EX_IOERR: what was asked for cannot be written to standard output. */
  IO_ERROR: 74,
  /** EX_TEMPFAIL: another process serves the interface. */
  LOCKED: 75,
  /** EX_NOPERM: a right is missing. */
  NOT_PERMITTED: 77,
  /** EX_CONFIG: the configuration has no usable peer, or cannot be read. */
  CONFIGURATION: 78,
} as const;

/** Ends the program: one line for the person who started it, and a code for the program that did. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const START_FAILURES: Readonly<Record<StartFailure, number>> = {
  'no-peer': EXIT.CONFIGURATION,
  'no-key': EXIT.CONFIGURATION,
  locked: EXIT.LOCKED,
  'no-wireguard': EXIT.UNAVAILABLE,
  'no-socket': EXIT.UNAVAILABLE,
  'not-permitted': EXIT.NOT_PERMITTED,
};

/** The exit code for an error whose message says all there is to say; undefined for one that should not happen. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof ExitError) return error.code;
  if (error instanceof StartError) return START_FAILURES[error.failure];
  if (error instanceof ConfigFileError || error instanceof UciError) return EXIT.CONFIGURATION;
  return undefined;
}
