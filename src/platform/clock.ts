/** The clocks of the kernel. */
export interface Clock {
  /** Sets CLOCK_REALTIME: seconds since 1970 and nanoseconds (0 to 999999999) in, 0 or an errno out. */
  setRealtime(seconds: number, nanoseconds: number): number;
  /** Milliseconds since boot, time asleep included (CLOCK_BOOTTIME), with fractions; NaN where the kernel has no such clock. */
  bootTime(): number;
  /** 1: the kernel has an error bound for its clock (adjtimex(2)); 0: nobody has vouched for it; negative: -errno. */
  isSynchronised(): number;
  /** Tells the kernel an error bound of its clock in microseconds. Gives 0 or an errno. */
  setMaxError(microseconds: number): number;
  /** Why all but `bootTime` fails with ENOSYS; undefined where it does not, or only because the kernel refuses. */
  clockMissing(): ClockMissing | undefined;
}

/** Why this process cannot do anything with the clock but read it. */
export interface ClockMissing {
  readonly kind: 'not built' | 'not loadable';
  /** In words, with what to do. */
  readonly reason: string;
}
