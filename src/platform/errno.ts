/**
 * The system refused something. `message` has the error's name, what it means, and what was tried at what:
 * `EACCES: permission denied, open '/run/x.pid'`.
 */
export interface SystemError extends Error {
  /** Its name in errno.h, say `EACCES`. */
  readonly code: string;
  /** Its number; it differs between processors, and its sign between hosts. */
  readonly errno: number;
}

/** Errors that the program reacts to. */
export const KNOWN_ERRORS = [
  'EACCES',
  'EADDRINUSE',
  'EBADF',
  'ECANCELED',
  'EEXIST',
  'EFBIG',
  'EHOSTUNREACH',
  'EINTR',
  'EINVAL',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOBUFS',
  'ENODEV',
  'ENOENT',
  'ENOSYS',
  'EOPNOTSUPP',
  'EPERM',
  'ESRCH',
] as const;

/** Numbers and names of errno.h, which differ between processors. */
export interface Errnos {
  readonly ERRNO: Readonly<Record<(typeof KNOWN_ERRORS)[number], number>>;
  /** The name of a positive error number; undefined when this host knows none. */
  errnoName(errno: number): string | undefined;
  /** What an error of that name means, in words and in small letters; undefined for a rare one. */
  errnoText(name: string): string | undefined;
}
