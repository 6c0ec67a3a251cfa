/** What it takes to tell a service manager of this process, see sd_notify(3). */
export interface Notifying {
  /**
   * Sends a text as one datagram to a unix socket. Does not wait.
   *
   * @param path of the socket; an abstract name begins with a NUL byte
   * @throws {SystemError} EAGAIN when its reader is behind, and it may be sent again; ENOSYS without the native part
   */
  notify(path: string, text: string): void;
  /** Microseconds of CLOCK_MONOTONIC, whole, which a service manager compares with its own. */
  monotonicMicroseconds(): number;
}
