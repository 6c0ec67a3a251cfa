/** A callback that is to come. */
export interface Timer {
  /** Keeps the process alive, as from the start. */
  ref(): unknown;
  /** Does not keep the process alive. */
  unref(): unknown;
}

/** The event loop, as far as it can be asked for something. What a callback throws ends the process as an uncaught error. */
export interface Timers {
  /** Calls back once, after so many milliseconds of a clock that stands still in suspend. At most 2147483647. */
  setTimeout(callback: () => void, milliseconds: number): Timer;
  /** Does nothing for one that has called back, or for undefined. */
  clearTimeout(timer: Timer | undefined): void;
  /** Calls back after all that has come in by then was dealt with. */
  setImmediate(callback: () => void): void;
  /** Calls back before anything else comes in. */
  queueMicrotask(callback: () => void): void;
  /** Milliseconds from any start, with fractions. Never jumps; stands still in suspend, or does not. */
  monotonic(): number;
}
