/**
 * The object `native`, which quickjs.c makes. Where the system refuses something, its functions give an error number of errno.h,
 * negated.
 */
interface Native {
  readonly arguments: readonly string[];
  readonly pid: number;

  watch(fd: number, callback: (events: number) => boolean): Watch;
  startTimer(callback: () => void, milliseconds: number): NativeTimer;
  setImmediate(callback: () => void): void;
  queueMicrotask(callback: () => void): void;
  monotonic(): number;

  openNetlink(
    family: number,
    groups: readonly number[],
    receiveBufferBytes: number,
  ):
    | [step: string, error: number]
    | [fd: number, port: number, extendedAck: boolean, cappedAck: boolean, strictDump: boolean];
  netlinkSend(fd: number, message: Uint8Array): number;
  netlinkReceive(fd: number): [message: Uint8Array, sender: number] | number;
  /** One of REPEATED. */
  netlinkRepeat(fd: number, message: Uint8Array, answer: Uint8Array, varying: Uint8Array): number;
  netlinkIsFatal(errno: number): boolean;

  openLookups(): NativeLookups | number;

  /** Paths are all of sun_path. */
  connectUnix(path: Uint8Array): number;
  listenUnix(path: Uint8Array): number;
  accept(fd: number): number;
  close(fd: number): void;
  read(fd: number, most: number): Uint8Array | number;
  /** How many bytes of those from `start` on were taken. */
  write(fd: number, bytes: Uint8Array, start: number): number;
  /** The same for a descriptor that may block. */
  writeOutput(fd: number, bytes: Uint8Array, start: number): number;
  notify(path: Uint8Array, text: Uint8Array): number;
  openUdp(family: 4 | 6): number;
  sendUdp(fd: number, bytes: Uint8Array, address: string, port: number): number;
  receiveUdp(fd: number): [bytes: Uint8Array, address: string, port: number] | number;
  openProbe(kind: number, device: string, source: string, target: string): number;
  sendProbe(fd: number): number;
  probeHeard(fd: number): boolean;
  listenerOwner(name: Uint8Array): NativeCredentials;
  credentials(fd: number): NativeCredentials;
  /** -1 for what is no terminal. */
  terminalRows(fd: number): number;

  openFile(path: string, mode: number): number;
  descriptorKind(fd: number): number;
  fileKind(path: string): [kind: number, uid: number, mode: number] | number;
  listDirectory(path: string): string[] | number;
  unlink(path: string): number;
  randomBytes(count: number): Uint8Array | number;

  encodeUtf8(text: string): Uint8Array;
  decodeLatin1(bytes: Uint8Array): string;
  decodeUtf8(bytes: Uint8Array, start: number, end: number): string;
  ipFamily(text: string): 0 | 4 | 6;
  errnoName(errno: number): string | undefined;
  errnoNumber(name: string): number | undefined;

  exit(code: number): never;
  setExitCode(code: number): void;
  onUncaught(listener: (error: unknown) => void): void;
  effectiveUser(): number;
  environment(name: string): string | undefined;
  /** A descriptor that is readable when SIGHUP, SIGINT or SIGTERM came. They are held back from the start of the program. */
  openSignals(): number;
  nextSignal(fd: number): string | number;
  releaseSignals(): void;
  raise(signal: string): void;
  /** -1 when there is none. */
  groupId(name: string): number;
  setGroup(id: number): number;

  /** These two give error numbers that are not negated. */
  setRealtime(seconds: number, nanoseconds: number): number;
  setMaxError(microseconds: number): number;
  isSynchronised(): number;
  bootTime(): number;
}

export type NativeCredentials = [errno: number, pid: number, uid: number, netAdmin: boolean];

/** Calls back for what a descriptor is ready for; again at once, without asking the kernel, as long as that returns true. */
export interface Watch {
  /** What to call back for: {@link READABLE}, {@link WRITABLE}, both, or 0 as from the start. */
  want(events: number): void;
  /** Whether it keeps the process alive. It does from the start. */
  setRef(on: boolean): void;
  /** The descriptor may be closed then. */
  stop(): void;
}

export interface NativeTimer {
  ref(): NativeTimer;
  unref(): NativeTimer;
  stop(): void;
}

export interface NativeLookups {
  readonly descriptor: number;
  start(id: number, name: string, family: 4 | 6, milliseconds: number): number;
  take(): [id: number, failure: string | undefined, addresses: string[]][];
  close(): void;
}

/** POLLIN and POLLOUT of poll(2). */
export const READABLE = 1;
export const WRITABLE = 4;

export const { native } = globalThis as unknown as { readonly native: Native };
