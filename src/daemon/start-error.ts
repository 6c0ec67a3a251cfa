/** What a daemon can fail at before it serves anything. */
export type StartFailure =
  /** No interface has a usable peer. */
  | 'no-peer'
  /** No interface that is to be made has a private key. */
  | 'no-key'
  /** Another process serves an interface. */
  | 'locked'
  /** This kernel has no WireGuard. */
  | 'no-wireguard'
  /** This installation has no way to ask the kernel: a native part is missing. */
  | 'no-socket'
  /** A right is missing. */
  | 'not-permitted';

/** Why a daemon cannot start. The message is for the person who started it, and says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly failure: StartFailure;

  constructor(failure: StartFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}
