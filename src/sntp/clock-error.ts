/** Why the clock could not be set. The names are stable, for programs. */
export type ClockErrorKind = 'not built' | 'not loadable' | 'not permitted' | 'out of range' | 'failed';

/** The clock could not be set. The message says why, and what to do. */
export class ClockError extends Error {
  override readonly name = 'ClockError';
  readonly kind: ClockErrorKind;
  /** The kernel's name for it, say EPERM, where the kernel was asked. */
  readonly errno: string | undefined;

  /** @param errno the kernel's name for it, if it was asked */
  constructor(kind: ClockErrorKind, message: string, errno?: string) {
    super(message);
    this.kind = kind;
    this.errno = errno;
  }
}
