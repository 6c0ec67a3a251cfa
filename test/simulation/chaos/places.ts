/** Where the kernel may fail, and how: every kind of request that the daemon makes, and what may happen to it. */

/** What the kernel may answer instead, by the kind of request. */
export const ERRNOS = {
  'read device': ['ENOBUFS', 'ENOMEM', 'EINTR', 'EPERM', 'EOPNOTSUPP'],
  install: ['ENODEV', 'EBUSY', 'ENOMEM', 'EINVAL', 'EPERM', 'EAFNOSUPPORT'],
  'install beside': ['ENODEV', 'EBUSY', 'ENOMEM', 'EINVAL', 'ENOBUFS'],
  adjust: ['ENODEV', 'EBUSY', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  knock: ['ENODEV', 'EBUSY', 'ENOMEM', 'ENOBUFS', 'EINVAL'],
  kick: ['ENODEV', 'EBUSY', 'ENOMEM', 'ENOBUFS'],
  'remove peer': ['ENODEV', 'EBUSY', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  'add route': ['ENODEV', 'ENETDOWN', 'EEXIST', 'ENOMEM', 'ENOBUFS', 'EINVAL', 'EPERM'],
  'remove route': ['ESRCH', 'ENODEV', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  'read routes': ['ENOBUFS', 'ENOMEM', 'EINTR'],
  'confirm route': ['ENOBUFS', 'ENOMEM', 'ENETUNREACH', 'EHOSTUNREACH'],
  'look up way': ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL', 'ENOBUFS'],
  'read link': ['ENOBUFS', 'ENOMEM'],
  'read addresses': ['ENOBUFS', 'ENOMEM', 'EINTR'],
  block: ['EEXIST', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  'read rules': ['ENOBUFS', 'ENOMEM', 'EINTR'],
  'add rule': ['EEXIST', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  'remove rule': ['ENOENT', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  mark: ['ENODEV', 'EBUSY', 'ENOMEM', 'ENOBUFS', 'EPERM'],
  unblock: ['ESRCH', 'ENOMEM', 'ENOBUFS', 'EPERM'],
} as const;

/** The same for what a program asks without waiting. */
export const SOCKET_ERRNOS = {
  'open probe': ['ENODEV', 'EADDRNOTAVAIL', 'ENETUNREACH', 'EMFILE', 'ENOBUFS', 'EPERM'],
  'send probe': ['ENOBUFS', 'ENETDOWN', 'EPERM', 'ENETUNREACH'],
} as const;

/**
 * What else may happen to a request.
 * - `answer lost`: it was done, and ENOBUFS says that the answer is gone; `no answer`: it was not done, and times out;
 * - `done, no answer`: it was done, and times out all the same;
 * - `late answer`, `late`: the answer, or all of it, comes up to seconds late;
 * - `half`: of several steps in one request the first is done, the second refused.
 */
export const MISHAPS = [
  'answer lost',
  'no answer',
  'done, no answer',
  'late answer',
  'late',
  'half',
] as const;

/** What may come while a request is under way; the process may be killed before it is done, or before it hears of it. */
export const MEANWHILE = [
  'killed before',
  'killed after',
  'stopped',
  'next',
  'select',
  'select twice',
  'reload',
  'interface down',
  'interface gone',
  'interface replaced',
  'interface renamed',
  'sleep',
] as const;

export type Place = keyof typeof ERRNOS;
export type SocketPlace = keyof typeof SOCKET_ERRNOS;
export type Mishap = (typeof MISHAPS)[number];
export type Meanwhile = (typeof MEANWHILE)[number];
export type Errno = (typeof ERRNOS)[Place][number] | (typeof SOCKET_ERRNOS)[SocketPlace][number];
export type Fault = Errno | Mishap | Meanwhile;

/** Requests of several steps: the kernel does them one after the other and stops at the first that it refuses. */
const STEPS: readonly string[] = ['install', 'install beside', 'knock', 'kick'] satisfies Place[];

export function isSocketPlace(place: Place | SocketPlace): place is SocketPlace {
  return place in SOCKET_ERRNOS;
}

/** Everything that may go wrong at a place. */
export function faultsAt(place: Place | SocketPlace): readonly Fault[] {
  if (isSocketPlace(place)) return SOCKET_ERRNOS[place];
  const mishaps = MISHAPS.filter((mishap) => mishap !== 'half' || STEPS.includes(place));
  return [...ERRNOS[place], ...mishaps, ...MEANWHILE];
}

export const ALL_PLACES = Object.keys({ ...ERRNOS, ...SOCKET_ERRNOS }) as readonly (Place | SocketPlace)[];
