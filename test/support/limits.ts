/**
 * What the router's program may cost at most, on x86_64, in bytes. Each number falls with each improvement, and never rises without a
 * word in CHANGELOG.md.
 */
export const limits = {
  /** The executable, stripped: gcc 12 makes 718,880 of it, gcc 14 a fortieth more. */
  executable: 738_000,
  /** The same compressed by gzip, as it lies in a package. */
  compressed: 372_500, // gcc 14's is larger than gcc 12's by 1 %
  /** Private_Dirty, connected and idle. */
  private: 1_730_000,
  /** Rss, the pages of the executable and of the C library among them: 4.4 MB and a page or two, as they are read. */
  resident: 4_500_000,
  /** System calls for each look at a connection on which nothing happens, clocks included, where these are system calls. */
  callsOfLook: { router: 14, node: 30 },
} as const;
