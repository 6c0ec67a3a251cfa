/** Signals that end or reload a program. */
export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** Where text goes. */
export interface Output {
  /** Bytes that nobody has read yet. */
  readonly unsent: number;
  /** How many lines the terminal has at this moment, 0 when it does not say; undefined where it goes to no terminal. */
  readonly terminalRows: number | undefined;
  /** Writes to files and terminals at once, and to a pipe as long as it is not full. */
  write(text: string): void;
  /** Calls back with what goes wrong with it, a {@link SystemError}, as all who have asked before. Without a listener nothing is said. */
  onError(listener: (error: Error & { readonly code?: string }) => void): void;
}

/** This process. */
export interface Process {
  /** The words behind the program's name. */
  readonly programArguments: readonly string[];
  readonly pid: number;
  /** The effective user. */
  effectiveUser(): number;
  /** A variable of the environment; undefined where it is not set. */
  environment(name: string): string | undefined;
  readonly standardOutput: Output;
  readonly standardError: Output;
  /** Ends the process at once. */
  exit(code: number): never;
  /** The code with which the process ends when nothing is left to do; 0 unless said. */
  setExitCode(code: number): void;
  /** Calls back for each of these signals that comes, instead of what the system does at it. Undefined: the system again. */
  catchSignals(listener: ((signal: Signal) => void) | undefined): void;
  /** Sends a signal to this process. */
  raise(signal: Signal): void;
  /** Calls back with whatever was thrown and nobody caught, in a promise too, instead of ending the process. */
  onUncaught(listener: (error: unknown) => void): void;
  /** What an error says and where it was thrown, for a developer. */
  traceOf(error: Error): string;
  /** Tells the developer, once, of something that is not as it should be; not for a program's own messages. */
  warn(text: string, type?: string): void;
  /** The number of a unix group; undefined when there is none of that name. */
  groupId(name: string): number | undefined;
  /**
   * Goes on with this group, in all threads.
   * @throws {SystemError} EPERM without the right
   */
  setGroup(id: number): void;
}
