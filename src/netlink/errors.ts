import { errnoText, errnoName as platformName } from '#platform/errno.js';

export { NetlinkUnavailableError } from '#platform/netlink.js';

/** Numbers of linux/errno.h that never should reach user space, and sometimes do. */
const KERNEL_ONLY: Readonly<Record<number, string>> = { 512: 'ERESTARTSYS', 524: 'ENOTSUPP' };

/**
 * The name of an error number, e.g. `ENODEV` for 19 (errno.h).
 *
 * @param errno positive error number
 */
export function errnoName(errno: number): string {
  return platformName(errno) ?? KERNEL_ONLY[errno] ?? `error ${errno}`;
}

/**
 * The kernel refused a request, or the socket failed under it.
 *
 * The message reads: what was tried, what errno means, its name, and the kernel's own words where it sent any.
 */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  /** Positive error number, e.g. 19. */
  readonly errno: number;
  /** Its name, e.g. `ENODEV`. */
  readonly code: string;
  /** What was tried, e.g. `get WireGuard device vpn`. */
  readonly request: string;
  /** The kernel's extended-ack text (NLMSGERR_ATTR_MSG), or what the number means here where it sent none. */
  readonly detail: string | undefined;

  /**
   * @param errno positive error number
   * @param request what was tried, in words
   * @param detail further words of the kernel, if any
   */
  constructor(errno: number, request: string, detail?: string) {
    const code = errnoName(errno);
    const meaning = errnoText(code);
    super(
      `${request}: ${meaning === undefined ? code : `${meaning} (${code})`}${detail === undefined ? '' : `: ${detail}`}`,
    );
    this.errno = errno;
    this.code = code;
    this.request = request;
    this.detail = detail;
  }
}

/** A request was not answered within its timeout. Whether it took effect is unknown: read the state afresh. */
export class NetlinkTimeoutError extends Error {
  override readonly name = 'NetlinkTimeoutError';
  /** What was tried, in words. */
  readonly request: string;
  /** The timeout that passed, in milliseconds. */
  readonly timeout: number;

  /**
   * @param request what was tried, in words
   * @param timeout the timeout that passed, in milliseconds
   */
  constructor(request: string, timeout: number) {
    super(`${request}: no answer from the kernel within ${timeout} ms`);
    this.request = request;
    this.timeout = timeout;
  }
}

/** Bytes that are not what they should be: the only error a reader of this folder throws. */
export class NetlinkDecodeError extends Error {
  override readonly name = 'NetlinkDecodeError';
}

/** A value that does not fit into a message: the only error a writer of this folder throws. */
export class NetlinkEncodeError extends Error {
  override readonly name = 'NetlinkEncodeError';
}
