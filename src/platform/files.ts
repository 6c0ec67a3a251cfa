/** What stands at a path. */
export interface FileFacts {
  readonly kind: 'file' | 'link' | 'other';
  /** Whose it is. */
  readonly uid: number;
  /** Who may do what with it: the permission bits of stat(2). */
  readonly mode: number;
}

/** Files, small and local: read and written at once. Whatever fails throws a {@link SystemError}. */
export interface Files {
  /**
   * All of it.
   *
   * @param most bytes; a file that is longer throws EFBIG, and is not held in memory
   */
  readFile(path: string, most?: number): Uint8Array;
  /** Bytes of a text of which this host can hold all that is made of it: some 40 times as much on one whose memory is bounded. */
  readonly mostText: number;
  /** Names in a directory, without `.` and `..`, in any order. */
  listDirectory(path: string): string[];
  /** What is there, links not followed; undefined for nothing. */
  lstat(path: string): FileFacts | undefined;
  /** The first bytes of a plain file, without following a link, or waiting for the other end of a pipe. @returns undefined when it is no plain file */
  readStart(path: string, count: number): Uint8Array | undefined;
  /**
   * Writes a plain file, as carefully as {@link readStart}.
   *
   * @param how `create`: nothing may be there, and everybody may read it (mode 0644); `create-private`: the same with mode 0600; `replace`: the
   *   file that is there gets other contents
   */
  writeFile(path: string, bytes: Uint8Array, how: 'create' | 'create-private' | 'replace'): void;
  unlink(path: string): void;
  /** Unpredictable bytes of the kernel's generator, at most 256. */
  randomBytes(count: number): Uint8Array;
}
